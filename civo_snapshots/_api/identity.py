"""Whether an answer belongs to the call it came to: a stray one must never be returned."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from ..models import Instance, Restore, Snapshot


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_Owned = TypeVar("_Owned", Snapshot, Restore)


def id_of(record: _HasId) -> str:
    """The key by which listings tell items apart."""
    return record.id


def bears(wanted: str) -> Callable[[_HasId], bool]:
    """Whether a record has this id."""
    return lambda found: found.id == wanted


def is_instance_of(wanted: str, region: str) -> Callable[[Instance], bool]:
    """Whether a record is this instance; a region that it names must be this one."""
    regions = ("", region.casefold())  # codes differ in case only
    return lambda found: found.id == wanted and found.region.casefold() in regions


def owned(record: _Owned, instance_id: str) -> _Owned:
    """A record just decoded, with the instance that its answer does not name."""
    # Nobody else has the record yet, and a copy of each costs more than decoding it.
    object.__setattr__(record, "instance_id", instance_id)
    return record
