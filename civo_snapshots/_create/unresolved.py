"""What was interrupted, or came too late to be told to a caller: kept for whoever looks."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from .._version import made_by_a_client
from ..events import ExtraSnapshot
from ..outcomes import FleetRun, UnresolvedCreate

T = TypeVar("T")

CREATES_KEPT = 1_000
EXTRAS_KEPT = 1_000
RUNS_KEPT = 100
"""Fewer, because each has an outcome per instance."""

logger = logging.getLogger("civo_snapshots")


class Latest(Generic[T]):
    """The last so many of what is added; a client may be kept for weeks.

    Attributes:
        dropped: how many older ones had to make room.
    """

    def __init__(self, what: str, most: int) -> None:
        self.dropped = 0
        self._what = what
        self._kept: deque[T] = deque(maxlen=most)

    def add(self, one: T) -> None:
        """Keep it; the oldest goes if there is no room."""
        most = self._kept.maxlen or 1
        if len(self._kept) == most:
            if self.dropped % most == 0:  # once per full turn, or it would fill the log
                logger.warning(
                    "more than %d %s are unresolved, so the oldest are dropped; read and clear() "
                    "`CivoClient.unresolved` now and then",
                    most,
                    self._what,
                )
            self.dropped += 1
        self._kept.append(one)

    def all(self) -> tuple[T, ...]:
        """What is kept, oldest first."""
        return tuple(self._kept)

    def clear(self) -> None:
        """Forget it all."""
        self._kept.clear()
        self.dropped = 0


class Unresolved:
    """What a client knows and could tell no caller: true if there is anything.

    It keeps the last 1,000 creates, 1,000 extra snapshots and 100 runs. What is older is dropped,
    counted, and said in the log.
    """

    @made_by_a_client
    def __init__(
        self,
        creates: Latest[UnresolvedCreate],
        runs: Latest[FleetRun],
        extras: Latest[ExtraSnapshot],
        open_creates: Callable[[], Iterable[UnresolvedCreate]],
        ending_runs: Callable[[], Iterable[FleetRun]],
    ) -> None:
        self._creates, self._runs, self._extras = creates, runs, extras
        self._open_creates, self._ending_runs = open_creates, ending_runs

    @property
    def creates(self) -> tuple[UnresolvedCreate, ...]:
        """Every create whose caller was cancelled after it may have acted, and what it made."""
        return (*self._creates.all(), *self._open_creates())

    @property
    def runs(self) -> tuple[FleetRun, ...]:
        """Every run that did not come to its end (cancelled, left, broken off), as it was then.

        The same that `FleetRun.of()` finds on the exception, also where a task group or `gather()`
        took the exception away. A create that was still open has its outcome in `creates`.
        """
        return (*self._runs.all(), *self._ending_runs())

    @property
    def extra_snapshots(self) -> tuple[ExtraSnapshot, ...]:
        """Every snapshot too many that a create made by acting after it was sent again."""
        return self._extras.all()

    @property
    def dropped(self) -> int:
        """How many were dropped since the last `clear()` because there were too many."""
        return self._creates.dropped + self._runs.dropped + self._extras.dropped

    def clear(self) -> None:
        """Forget all of it, but for creates and runs whose outcome is still being found out."""
        for kept in (self._creates, self._runs, self._extras):
            kept.clear()

    def __bool__(self) -> bool:
        return bool(self.creates or self.runs or self.extra_snapshots)

    def __repr__(self) -> str:
        return (
            f"<Unresolved creates={len(self.creates)} runs={len(self.runs)} "
            f"extra_snapshots={len(self.extra_snapshots)} dropped={self.dropped}>"
        )
