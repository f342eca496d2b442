"""Records of what happened, for callbacks and logs."""

from collections.abc import Awaitable, Callable

from attrs import frozen

from ._naming import short
from .models import Snapshot


@frozen
class Transition:
    """A snapshot, or one of its volumes, was seen in another state than before.

    Attributes:
        snapshot: the whole record as now seen.
        volume_id: the volume that changed; None if it was the snapshot itself.
        before: the state text seen before; None at the first sight.
        after: the state text seen now.
    """

    snapshot: Snapshot
    volume_id: str | None
    before: str | None
    after: str

    def __str__(self) -> str:
        whose = f" volume {short(self.volume_id)}" if self.volume_id is not None else ""
        before = "first seen" if self.before is None else f"'{short(self.before)}'"
        snapshot = short(self.snapshot.id)
        return f"snapshot {snapshot}{whose}: {before} -> '{short(self.after)}'"


@frozen
class UnknownState:
    """A state text that the table does not know: it counts as pending; told once per client.

    Attributes:
        state: the text, cut if it is long; the record has all of it.
    """

    snapshot: Snapshot
    state: str

    def __str__(self) -> str:
        return f"unknown state '{short(self.state)}' of snapshot {short(self.snapshot.id)}"


@frozen
class UnusualState:
    """A state text that counts as complete though it is not documented ("Ready", "available").

    Told the first time that a client meets it; `CivoClient(states=...)` gives it another meaning.

    Attributes:
        state: the text, cut if it is long; the record has all of it.
    """

    snapshot: Snapshot
    state: str

    def __str__(self) -> str:
        return f"unusual state '{short(self.state)}' of snapshot {short(self.snapshot.id)}"


@frozen
class RetryScheduled:
    """An attempt failed and will be repeated.

    Attributes:
        attempt: the number of the attempt that failed, from 1.
        delay: seconds until the next one.
        cause: what the attempt ended with, in a few words.
    """

    method: str
    path: str
    attempt: int
    delay: float
    cause: str


@frozen
class ExtraSnapshot:
    """A further snapshot of a name was found, beside the one that a create returned.

    An earlier send of that create may have made it late, or another process of the same job: whose
    it is stays open, so look at both before one is deleted.

    Attributes:
        snapshot: the one that was returned to the caller; None if that create ended with an error.
        extra: the further one, as it was found.
    """

    snapshot: Snapshot | None
    extra: Snapshot

    def __str__(self) -> str:
        beside = f"beside {_told(self.snapshot)}" if self.snapshot else "where a create was lost"
        return (
            f"a further snapshot of the name {short(self.name)} on instance "
            f"{short(self.instance_id)}: {_told(self.extra)}, {beside}; whose it is is not known"
        )

    @property
    def instance_id(self) -> str:
        """The instance of both."""
        return self.extra.instance_id

    @property
    def name(self) -> str:
        """The name that both bear."""
        return self.extra.name

    @property
    def snapshot_id(self) -> str:
        """The id of the one that was returned; empty if there is none."""
        return self.snapshot.id if self.snapshot else ""

    @property
    def extra_id(self) -> str:
        """The id of the further one."""
        return self.extra.id


def _told(snapshot: Snapshot) -> str:
    made = f"{snapshot.created_at:%Y-%m-%d %H:%M:%S}" if snapshot.created_at else "at no known time"
    return f"{short(snapshot.id)} (made {made}, state {short(snapshot.state)!a})"


@frozen
class ListingAvoided:
    """Waits do without the region-wide listing for a while: each snapshot takes a GET of its own.

    Told once until the listing works again.

    Attributes:
        reason: why, in a few words.
        seconds: how long at most, until it is tried again.
    """

    region: str
    reason: str
    seconds: float


Event = RetryScheduled | UnknownState | UnusualState | ExtraSnapshot | ListingAvoided
Listener = Callable[[Event], None]
OnChange = Callable[[Transition], Awaitable[None] | None]
