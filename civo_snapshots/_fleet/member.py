"""One instance on its way through a fan-out, and what its errors amount to; pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum

from attrs import evolve
from msgspec import Struct

from .._create import Creation
from .._session import LogicalCall
from .._watch import RegisteredWait
from ..errors import (
    CivoError,
    ClientClosedError,
    DeadlineExceededError,
    OutcomeUnknownError,
    PollFailedError,
    QuiesceError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    TransportError,
    WaitTimeoutError,
    short,
)
from ..models import Snapshot, id_and_state
from ..outcomes import Outcome, OutcomeKind
from ..states import State, StateTable, Verdict, those_in
from .choice import Choice


class Stage(Enum):
    """How far an instance is."""

    UNSENT = "unsent"
    """No create is on its way, and no snapshot is known."""
    SENT = "sent"
    """A create is on its way and may have made a snapshot."""
    MADE = "made"
    """Its snapshot is known, how that ends is not."""
    ENDED = "ended"


class Member(Struct, eq=False):
    """One instance of a run; called with how its snapshot ended.

    There may be thousands, so it is one object and not a few closures.

    Attributes:
        creation: the create that is on its way.
        wait: the wait for its snapshot, while there is one; it has the record then, and no other
            is kept.
        refusal: what its create was refused with, while that is being confirmed.
    """

    on_end: Callable[["Member", Snapshot | CivoError], None]
    instance_id: str
    name: str
    region: str = ""
    hostname: str = ""
    stage: Stage = Stage.UNSENT
    _snapshot: Snapshot | None = None
    outcome: Outcome | None = None
    adopted: bool = False
    duplicates: tuple[Snapshot, ...] = ()
    creation: Creation | None = None
    wait: RegisteredWait | None = None
    refusal: CivoError | None = None
    started_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    quiesced: bool | None = None

    def __call__(self, end: Snapshot | CivoError) -> None:
        self.on_end(self, end)

    @property
    def snapshot(self) -> Snapshot | None:
        """The record seen last, if its id is known."""
        return self._snapshot if self.wait is None else self.wait.progress.last

    @snapshot.setter
    def snapshot(self, seen: Snapshot | None) -> None:
        self._snapshot = seen

    def begin_wait(self, wait: RegisteredWait) -> None:
        """Its snapshot is waited for."""
        self.wait, self._snapshot = wait, None

    def end_wait(self) -> RegisteredWait | None:
        """It is not waited for any more; returns the wait."""
        self._snapshot, wait, self.wait = self.snapshot, self.wait, None
        return wait

    def take(self, choice: Choice) -> None:
        """What exists under its names is known; raises what stands against adopting it."""
        self.name, self.duplicates = choice.name, choice.further
        if choice.snapshot is not None:
            self.snapshot, self.adopted, self.stage = choice.snapshot, True, Stage.MADE
        if choice.refusal is not None:
            raise choice.refusal

    def note(self, call: LogicalCall) -> None:
        """Take what the requests of a create came to, after which another one may follow."""
        self.started_at = self.started_at or call.started_at
        self.attempts += call.sends
        if self.stage is Stage.MADE and not self.adopted:
            self.accepted_at = call.deadline.clock.now()
            self.quiesced = call.hold.lasted if call.hold else None

    def made(
        self, snapshot: Snapshot, extras: Iterable[Snapshot], *, is_anothers: bool = False
    ) -> None:
        """Its create has ended well; extras are what else the create's repeats made."""
        self.snapshot, self.adopted, self.stage = snapshot, is_anothers, Stage.MADE
        self.duplicates += tuple(extras)

    def cancel(self) -> None:
        """Keep its create from being sent, unless that may have acted already."""
        if self.stage is Stage.SENT and (self.creation is None or self.creation.cancel()):
            self.stage = Stage.UNSENT

    def refused_with(self, error: CivoError) -> None:
        """Note what its create ended with, which may be tried again."""
        self.refusal = error
        self.stage = Stage.SENT if error.may_have_acted else Stage.UNSENT

    def finish(
        self, kind: OutcomeKind, error: CivoError | None, now: datetime | None = None
    ) -> Outcome:
        """Nothing more is to come; its outcome."""
        self.stage = Stage.ENDED
        self.ended_at = now
        self.outcome = self._outcome(kind, error)
        return self.outcome

    def tell_further(self, found: Iterable[Snapshot]) -> None:
        """Further snapshots were found after its end."""
        self.duplicates += tuple(found)
        if self.outcome is not None:
            self.outcome = evolve(self.outcome, duplicates=self.duplicates)

    def outcome_now(self, *, is_running: bool) -> Outcome:
        """The outcome as it is known at this moment, of a run that goes on or has stopped."""
        if self.outcome is not None:
            return self.outcome
        if self.stage is Stage.MADE:
            return self._outcome(OutcomeKind.PENDING, None)
        if self.refusal is not None:
            return self._outcome(kind_of(self.refusal), self.refusal)
        if self.stage is Stage.SENT and not is_running:
            unknown = OutcomeUnknownError(
                f"the run ended before the create of {self.name} on instance "
                f"{self.instance_id} was answered; look for that name",
                instance_id=self.instance_id,
                name=self.name,
            )
            return self._outcome(OutcomeKind.UNKNOWN, unknown)
        if is_running:
            return self._outcome(OutcomeKind.QUEUED, None)
        error = CivoError("the run ended before this create was sent")
        return self._outcome(OutcomeKind.NOT_ATTEMPTED, error)

    def _outcome(self, kind: OutcomeKind, error: CivoError | None) -> Outcome:
        call = self.creation.call if self.creation else None  # of a create that is on its way
        return Outcome(
            self.instance_id,
            self.name,
            kind,
            self.snapshot,
            error,
            self.adopted,
            self.duplicates,
            self.region,
            self.hostname,
            self.started_at or (call.started_at if call else None),
            self.accepted_at,
            self.ended_at,
            self.attempts + (call.sends if call else 0),
            self.quiesced,
        )


def _unfinished(snapshot: Snapshot, what: str) -> WaitTimeoutError:
    return WaitTimeoutError(
        f"snapshot {short(snapshot.id)} of instance {short(snapshot.instance_id)} {what} when the "
        f"run ended (state '{short(snapshot.state)}'); it goes on",
        snapshot=snapshot,
    )


def as_shown(
    snapshot: Snapshot, table: StateTable, *, is_proven: bool
) -> tuple[OutcomeKind, CivoError | None]:
    """What a snapshot amounts to that a run has seen in the region's listing alone."""
    verdict = snapshot.judge(table)
    if verdict is Verdict.FAILED:
        failed = SnapshotFailedError(
            f"snapshot {short(snapshot.id)} of instance {short(snapshot.instance_id)} failed",
            snapshot=snapshot,
        )
        failed.failed_volumes = those_in(State.FAILED, map(id_and_state, snapshot.volumes), table)
        return OutcomeKind.FAILED, failed
    if verdict is Verdict.COMPLETE and is_proven:
        return OutcomeKind.COMPLETE, None
    what = "was not looked at again" if verdict is Verdict.COMPLETE else "was not finished"
    return OutcomeKind.TIMED_OUT, _unfinished(snapshot, what)


def kind_of(error: CivoError) -> OutcomeKind:
    """What an error before a snapshot's id was known amounts to."""
    if isinstance(error, OutcomeUnknownError):
        return OutcomeKind.UNKNOWN
    unsent = isinstance(
        error, (TransportError, ClientClosedError, DeadlineExceededError, QuiesceError)
    )
    if unsent and not error.may_have_acted:
        return OutcomeKind.NOT_ATTEMPTED
    return OutcomeKind.REFUSED


def kind_of_end(error: CivoError) -> OutcomeKind:
    """What the end of a wait amounts to."""
    if isinstance(error, WaitTimeoutError):
        return OutcomeKind.TIMED_OUT
    if isinstance(error, (PollFailedError, SnapshotUnsettledError, ClientClosedError)):
        return OutcomeKind.UNKNOWN
    return OutcomeKind.FAILED
