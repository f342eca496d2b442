"""Telling a client, once each, of the state texts that deserve a remark; decided nowhere else."""

from collections.abc import Callable

from .._codec import ListedStatus
from ..events import UnknownState, UnusualState
from ..models import Snapshot, SnapshotStatus, state_of
from ..states import StateTable, is_known, is_unusual

_MOST_FAMILIAR = 1_000
"""State texts after which no further one is reported: a server may make them up."""

_TOLD = 128
"""Characters of such a text that an event has, and that are remembered: it may have millions."""


class StateReporter:
    """Remembers what was met; one for all regions of a client, so that each is told once."""

    def __init__(self, tell: Callable[[UnknownState | UnusualState], None]) -> None:
        self._tell = tell
        self._familiar: set[str] = set()

    def has_met(self, status: SnapshotStatus | ListedStatus) -> bool:
        """Whether `note()` has nothing to report of such a status."""
        return _texts_of(status) <= self._familiar

    def note(self, snapshot: Snapshot, table: StateTable) -> None:
        """Report those texts of a snapshot that are met for the first time."""
        for text in sorted(_texts_of(snapshot.status) - self._familiar):
            if len(self._familiar) >= _MOST_FAMILIAR:
                break
            if text[:_TOLD] in self._familiar:
                continue
            self._familiar.add(text[:_TOLD])
            if not is_known(text, table):
                event: UnknownState | UnusualState = UnknownState(snapshot, text[:_TOLD])
            elif is_unusual(text, table):
                event = UnusualState(snapshot, text[:_TOLD])
            else:
                continue
            self._tell(event)


def _texts_of(status: SnapshotStatus | ListedStatus) -> set[str]:
    return {status.state, *map(state_of, status.volumes)}
