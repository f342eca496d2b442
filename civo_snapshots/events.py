"""Records of what happened, for callbacks and logs.

A listener of a client (`on_event=`) is called with each of them at once, in the task in which it
happened; it must not block. Each is a line of the logger "civo_snapshots" too, whose level is the
record's: DEBUG for what happens all the time, INFO for what costs time or ends something, WARNING
for what somebody should look at. Texts that a server chose are cut, and none holds a token.

They are structs of msgspec, which are made in a tenth of the time of an attrs record.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import ClassVar

from msgspec import Struct

from ._naming import short
from .models import Snapshot

_OWN_SEGMENTS = {
    *("v2", "instances", "snapshots", "resourcesnapshots", "resourcesnapshotschedules"),
    *("regions", "quota", "restore"),
}
"""What stands in a path of the API and is nobody's id."""


class Transition(Struct, frozen=True):
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


class RequestDone(Struct, frozen=True):
    """A request was attempted; told for each of them, whatever came of it.

    Attributes:
        method: of HTTP.
        api_url: the server's address, without a path.
        path: with the ids in it; `route` is without them.
        region: the region that was asked; empty if none was.
        status: of the answer; 0 if none came.
        error: the class of the error that it ended with; empty if it did not.
        seconds: from sending to the answer's end, time in a queue not counted.
        attempt: which one of this request it was, from 1.
        request_id: what the server calls it; empty if it does not say.
        poll: whether it was a poll of a wait, which belongs to all that wait.
        sent: whether it left, so that the server may have counted it.
    """

    level: ClassVar[int] = logging.DEBUG

    method: str
    api_url: str
    path: str
    region: str
    status: int
    error: str
    seconds: float
    attempt: int
    request_id: str
    poll: bool
    sent: bool

    @property
    def route(self) -> str:
        """The path with `{id}` for each id, as metrics need it."""
        parts = self.path.split("/")
        return "/".join([part if part in _OWN_SEGMENTS or not part else "{id}" for part in parts])

    def __str__(self) -> str:
        end = " ".join(filter(None, (str(self.status or ""), self.error))) or "done"
        sent = "" if self.sent else ", not sent"
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"{self.method} {self.path}: {end} in {self.seconds:.3f} s{again}{sent}"


class RetryScheduled(Struct, frozen=True):
    """An attempt failed and will be repeated; a create only if a search does not find what it made.

    Attributes:
        method: of HTTP.
        path: with its ids.
        attempt: the number of the attempt that failed, from 1.
        delay: seconds until the next one.
        cause: what the attempt ended with, in a few words.
    """

    level: ClassVar[int] = logging.INFO

    method: str
    path: str
    attempt: int
    delay: float
    cause: str

    def __str__(self) -> str:
        what = f"{self.method} {self.path}"
        return f"{what}: attempt {self.attempt} failed ({self.cause}), again in {self.delay:.1f} s"


class Throttled(Struct, frozen=True):
    """Nothing of this client is sent for a while.

    Attributes:
        cause: "rate_limited" after a 429, "rate_limit_used_up" where an answer's headers said so,
            or "outage" where too much in a row was not answered: then one request at a time asks
            whether it is over, the first after these seconds.
        seconds: for how long.
        concurrency: how many requests at once are allowed from now on.
    """

    level: ClassVar[int] = logging.INFO

    cause: str
    seconds: float
    concurrency: int

    def __str__(self) -> str:
        return (
            f"nothing is sent for {self.seconds:.1f} s ({self.cause}); then {self.concurrency} "
            "requests at once"
        )


class WaitStarted(Struct, frozen=True):
    """A wait has begun.

    Attributes:
        wait: a number that its `WaitEnded` has too, and no other wait of this process.
        until: what is waited for: "complete", "deleted" or "restored".
        region: the region's code.
        instance_id: of the snapshot's instance.
        snapshot_id: what is waited for, or restored.
    """

    level: ClassVar[int] = logging.DEBUG

    wait: int
    until: str
    region: str
    instance_id: str
    snapshot_id: str

    def __str__(self) -> str:
        return f"waiting until snapshot {short(self.snapshot_id)} is {self.until}"


class WaitEnded(Struct, frozen=True):
    """A wait is over, or its caller gave up.

    Attributes:
        wait: as in its `WaitStarted`.
        until: as in its `WaitStarted`.
        region: the region's code.
        instance_id: of the snapshot's instance.
        snapshot_id: what is waited for.
        error: the class of its error; empty if there is what was waited for.
        state: the snapshot's state as it was seen last, cut if it is long; empty if it never was.
        seconds: how long it took.
        polls: how often it was asked for.
    """

    level: ClassVar[int] = logging.INFO

    wait: int
    until: str
    region: str
    instance_id: str
    snapshot_id: str
    error: str
    state: str
    seconds: float
    polls: int

    def __str__(self) -> str:
        end = self.error or "done"
        return (
            f"waiting until snapshot {short(self.snapshot_id)} is {self.until}: {end} after "
            f"{self.seconds:.1f} s and {self.polls} polls (state '{short(self.state)}')"
        )


class Polled(Struct, frozen=True):
    """A region was polled for all waits that were due.

    Attributes:
        region: the region's code.
        how: "listing" if the region's listing served all of them, "single" if each was asked for.
        watched: how many waits there are.
        listed: how many snapshots the region's listing had; 0 if it was not read.
        changed: how many waits were told something new.
        requests: how many requests it took.
        seconds: from the first request to the last answer.
    """

    level: ClassVar[int] = logging.DEBUG

    region: str
    how: str
    watched: int
    listed: int
    changed: int
    requests: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"polled {self.region} ({self.how}): {self.watched} waits, {self.changed} changed, "
            f"{self.requests} requests in {self.seconds:.3f} s"
        )


class CreateRecovered(Struct, frozen=True):
    """A create whose answer was lost, or that was told to try later, goes on after all.

    Attributes:
        how: "adopted" if a snapshot that appeared under its name is its result, "resent" if it did
            nothing and is sent again.
        region: the region's code.
        instance_id: the instance's.
        name: the snapshot's.
        snapshot_id: what was adopted; empty if it is sent again.
        after: seconds since it was first sent.
    """

    level: ClassVar[int] = logging.INFO

    how: str
    region: str
    instance_id: str
    name: str
    snapshot_id: str
    after: float

    def __str__(self) -> str:
        which = f" {short(self.snapshot_id)}" if self.snapshot_id else ""
        return (
            f"create of {short(self.name)} on instance {short(self.instance_id)}: "
            f"{self.how}{which} after {self.after:.1f} s"
        )


class OutcomeKnown(Struct, frozen=True):
    """How a run ended for one instance.

    Attributes:
        run: the run's name.
        region: the region's code.
        instance_id: the instance's.
        name: the snapshot's.
        kind: that of its `Outcome`, such as "complete".
        snapshot_id: empty if none is known.
        error: the class of its error; empty if there is none.
        adopted: whether the snapshot existed before.
        duplicates: how many further snapshots of the name were found.
    """

    level: ClassVar[int] = logging.INFO

    run: str
    region: str
    instance_id: str
    name: str
    kind: str
    snapshot_id: str
    error: str
    adopted: bool
    duplicates: int

    def __str__(self) -> str:
        how = ", ".join(filter(None, ("adopted" if self.adopted else "", self.error)))
        return f"run {self.run}, instance {short(self.instance_id)}: {self.kind}" + (
            f" ({how})" if how else ""
        )


class UnknownState(Struct, frozen=True):
    """A state text that the table does not know: it counts as pending; told once per client.

    Attributes:
        snapshot: the record that has it.
        state: the text, cut if it is long; the record has all of it.
    """

    level: ClassVar[int] = logging.WARNING

    snapshot: Snapshot
    state: str

    def __str__(self) -> str:
        snapshot = short(self.snapshot.id)
        return f"unknown state '{short(self.state)}' of snapshot {snapshot} counts as pending"


class UnusualState(Struct, frozen=True):
    """A state text that counts as complete though it is not documented ("Ready", "available").

    Told the first time that a client meets it; ``CivoClient(states=...)`` gives it another meaning.

    Attributes:
        snapshot: the record that has it.
        state: the text, cut if it is long; the record has all of it.
    """

    level: ClassVar[int] = logging.INFO

    snapshot: Snapshot
    state: str

    def __str__(self) -> str:
        snapshot = short(self.snapshot.id)
        return f"unusual state '{short(self.state)}' of snapshot {snapshot} counts as complete"


class ExtraSnapshot(Struct, frozen=True):
    """A further snapshot of a name was found, beside the one that a create returned.

    An earlier send of that create may have made it late, or another process of the same job: whose
    it is stays open, so look at both before one is deleted.

    Attributes:
        snapshot: the one that was returned to the caller; None if that create ended with an error.
        extra: the further one, as it was found.
    """

    level: ClassVar[int] = logging.WARNING

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


class ListingAvoided(Struct, frozen=True):
    """Waits do without the region-wide listing for a while: each snapshot takes a GET of its own.

    Told once until the listing works again.

    Attributes:
        region: the region's code.
        reason: why, in a few words.
        seconds: how long at most, until it is tried again.
    """

    level: ClassVar[int] = logging.INFO

    region: str
    reason: str
    seconds: float

    def __str__(self) -> str:
        return f"the listing of {self.region} is avoided for {self.seconds:.0f} s: {self.reason}"


Event = (
    RequestDone
    | RetryScheduled
    | Throttled
    | WaitStarted
    | WaitEnded
    | Polled
    | CreateRecovered
    | OutcomeKnown
    | UnknownState
    | UnusualState
    | ExtraSnapshot
    | ListingAvoided
)
Listener = Callable[[Event], None]
OnChange = Callable[[Transition], Awaitable[None] | None]
