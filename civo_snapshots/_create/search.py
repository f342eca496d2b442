"""What a look at an instance's snapshots says about a create whose answer is missing; pure."""

from collections.abc import Callable, Iterable
from enum import Enum

from msgspec import Struct

from ..models import Snapshot, oldest_first


class Found(Enum):
    """What became of a create."""

    OURS = "ours"
    """It made a snapshot."""
    ABSENT = "absent"
    """It made none that shows."""
    UNKNOWN = "unknown"
    """There is one of its name that may be its own or not, or nothing could be seen."""


class Finding(Struct, frozen=True):
    """What a look found.

    Attributes:
        ours: what the create made, oldest first.
        doubtful: what it may have made.
        older: what certainly existed before.
    """

    found: Found
    ours: tuple[Snapshot, ...] = ()
    doubtful: tuple[Snapshot, ...] = ()
    older: tuple[Snapshot, ...] = ()


NOTHING_SEEN = Finding(Found.UNKNOWN)


def judge(namesakes: Iterable[Snapshot], is_new: Callable[[Snapshot], bool | None]) -> Finding:
    """Sort the snapshots of one name by whether they are new, as far as that can be told."""
    told = [(one, is_new(one)) for one in sorted(namesakes, key=oldest_first)]
    ours, doubtful, older = (
        tuple(one for one, new in told if new is answer) for answer in (True, None, False)
    )
    found = Found.OURS if ours else Found.UNKNOWN if doubtful else Found.ABSENT
    return Finding(found, ours, doubtful, older)
