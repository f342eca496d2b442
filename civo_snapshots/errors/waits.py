"""How waits end without success."""

from __future__ import annotations

from ..models import Call, Instance, Restore, Snapshot
from .base import CivoError


class WaitError(CivoError):
    """A wait ended without the success it waited for; it can be started again.

    Attributes:
        snapshot: the last record seen, or the one the wait began with; its id is empty where a
            restore was waited for.
        restore: what was waited for, if it was a restore.
        instance: the restored instance as last seen, if it was a restore.
        elapsed: seconds waited.
        polls: how often the server's state was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        snapshot: Snapshot | None = None,
        restore: Restore | None = None,
        instance: Instance | None = None,
        elapsed: float = 0.0,
        polls: int = 0,
        call: Call | None = None,
    ) -> None:
        super().__init__(message, call=call)
        self.snapshot = snapshot or Snapshot("")
        self.restore = restore
        self.instance = instance
        self.elapsed = elapsed
        self.polls = polls


class SnapshotFailedError(WaitError):
    """The snapshot or one of its volumes ended as failed.

    Attributes:
        failed_volumes: the ids of the volumes that failed; empty if only the snapshot did.
    """

    failed_volumes: tuple[str, ...] = ()


class SnapshotUnsettledError(WaitError):
    """The snapshot says complete, but for too long not all of its volumes did; none has failed.

    Attributes:
        unfinished_volumes: the ids of the volumes that are not complete, or were never listed.
    """

    unfinished_volumes: tuple[str, ...] = ()


class SnapshotVanishedError(WaitError):
    """The snapshot is gone, or never showed up."""


class WaitTimeoutError(WaitError, TimeoutError):
    """The wait's time ran out before a terminal state was seen."""


class PollFailedError(WaitError):
    """Polls failed for too long, or access was refused; the snapshot itself may be fine."""

    error: CivoError | None = None
    """What the last poll failed with."""


class RestoreFailedError(WaitError):
    """The restore ended as failed."""
