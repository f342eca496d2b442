"""Records of what happened, for callbacks and logs."""

from collections.abc import Awaitable, Callable

from attrs import frozen

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


@frozen
class UnknownState:
    """A state text that the table does not know: it counts as pending; told once per client."""

    snapshot: Snapshot
    state: str


@frozen
class UnusualState:
    """A state text that counts as complete though it is not documented ("Ready", "available").

    Told the first time that a client meets it; `CivoClient(states=...)` gives it another meaning.
    """

    snapshot: Snapshot
    state: str


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
    """A create that was sent again made one snapshot more, because the first send acted late.

    Attributes:
        snapshot_id: the one that was returned to the caller.
        extra_id: the one too many; nobody has it, delete it if it is not wanted.
    """

    instance_id: str
    name: str
    snapshot_id: str
    extra_id: str


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
