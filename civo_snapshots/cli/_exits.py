"""The exit codes, which are part of the interface."""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """How a command ended; `civo-snapshots --help` says the same."""

    OK = 0
    FAILED = 1
    """Something failed, was refused, or is not there."""
    USAGE = 2
    """Wrong use or configuration, or not confirmed: nothing was changed."""
    TIMED_OUT = 3
    """The time was over; what was begun goes on."""
    UNKNOWN = 4
    """Something may have been made, and could not be found out."""
    INTERRUPTED = 130
    """Ctrl-C."""
    TERMINATED = 143
    """SIGTERM."""


_WORST = (Exit.OK, Exit.USAGE, Exit.TIMED_OUT, Exit.UNKNOWN, Exit.FAILED)


def worst(codes: Iterable[Exit]) -> Exit:
    """What several ends amount to: a failure before what is unknown, and that before the time."""
    return max(codes, key=_WORST.index, default=Exit.OK)
