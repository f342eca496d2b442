"""Whether an answer belongs to the call it came to, and what a 404 is about; pure.

A stray answer must never be returned. The server takes a name, or a hostname, wherever an id stands
in a path, and answers with the real id: so an answer that bears the name asked for is ours.
"""

from collections.abc import Callable
from enum import Enum
from operator import attrgetter
from typing import Protocol, TypeVar

from ..errors import NotFoundError
from ..models import Instance, Restore, Snapshot


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


class _Named(_Identified, Protocol):
    @property
    def name(self) -> str: ...


_Owned = TypeVar("_Owned", Snapshot, Restore)


id_of: Callable[[_Identified], str] = attrgetter("id")
"""The key by which listings tell items apart."""


def bears(wanted: str) -> Callable[[_Named], bool]:
    """Whether a record has this id or name."""
    return lambda found: wanted in (found.id, found.name)


def is_instance_of(wanted: str, region: str) -> Callable[[Instance], bool]:
    """Whether a record has this id or hostname; a region that it names must be this one."""
    regions = ("", region.casefold())  # codes differ in case only
    return lambda found: wanted in (found.id, found.hostname) and found.region.casefold() in regions


def bears_hostname(instance: Instance, hostname: str) -> bool:
    """Whether an instance has this hostname; either may come with a domain behind it."""
    found, wanted = instance.hostname.casefold(), hostname.casefold()
    return found == wanted or found.startswith(f"{wanted}.") or wanted.startswith(f"{found}.")


def sources_of(instance: Instance) -> set[str]:
    """The snapshots that an instance says it was made of."""
    is_snapshot = "snapshot" in instance.source_type.casefold()  # else the source is an image
    return {instance.snapshot_id, instance.source_id if is_snapshot else ""} - {""}


def owned(record: _Owned, instance_id: str) -> _Owned:
    """A record just decoded, with the instance that its answer does not name."""
    # Nobody else has the record yet, and a copy of each costs more than decoding it.
    object.__setattr__(record, "instance_id", instance_id)
    return record


class Missing(Enum):
    """What a 404 says is not there."""

    OBJECT = "object"
    """What was asked for: a snapshot, or whatever stands last in the path."""
    INSTANCE = "instance"
    NOTHING = "nothing"
    """It tells of a wrong address, gateway or region, and proves nothing."""


_NO_PROOF = ("region", "account", "authentication")


def missing_of(error: NotFoundError) -> Missing:
    """What a 404 proves by its code: without one it may be any gateway's."""
    code = error.code
    if not code or any(word in code for word in _NO_PROOF):
        return Missing.NOTHING
    is_instance = code == "database_instance_find" or "instance_not_found" in code
    return Missing.INSTANCE if is_instance else Missing.OBJECT


LAG = 5.0
"""Seconds: longer than a replica lags behind."""


def outlasts_lag(since: float, now: float) -> bool:
    """Whether what is seen since then is more than a replica's delay; both are in seconds.

    The one rule for what a single read cannot prove: that a listing lacks something, or that a
    state is the new one.
    """
    return now - since >= LAG - 0.001  # a sleep may end a rounding error early
