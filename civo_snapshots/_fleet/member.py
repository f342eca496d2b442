"""One instance on its way through a fan-out, and what its errors amount to; pure."""

from collections.abc import Callable

from attrs import define

from .._create import Creation
from .._watch import RegisteredWait
from ..errors import (
    CivoError,
    ClientClosedError,
    DeadlineExceededError,
    OutcomeUnknownError,
    PollFailedError,
    TransportError,
    WaitTimeoutError,
)
from ..models import Snapshot
from ..outcomes import Outcome, OutcomeKind


@define(eq=False)
class Member:
    """One instance of a run; called with how its snapshot ended.

    There may be thousands, so it is one object and not a few closures.

    Attributes:
        may_have_acted: whether a create is on its way that may have made a snapshot.
        creation: the create that is on its way.
        wait: the wait for its snapshot, while there is one.
        refusal: what its create was refused with, while that is being confirmed.
    """

    on_end: Callable[["Member", Snapshot | CivoError], None]
    instance_id: str
    name: str
    snapshot: Snapshot | None = None
    outcome: Outcome | None = None
    adopted: bool = False
    duplicates: tuple[str, ...] = ()
    may_have_acted: bool = False
    creation: Creation | None = None
    wait: RegisteredWait | None = None
    refusal: CivoError | None = None

    def __call__(self, end: Snapshot | CivoError) -> None:
        self.on_end(self, end)

    def cancel(self) -> bool:
        """Keep its create from being sent; False if that may have acted already."""
        return self.creation is None or self.creation.cancel()

    def refused_with(self, error: CivoError) -> None:
        """Note what its create ended with, which may be tried again."""
        self.refusal = error
        self.may_have_acted = error.may_have_acted

    def finish(self, kind: OutcomeKind, error: CivoError | None) -> Outcome:
        """Nothing more is to come; its outcome."""
        self.may_have_acted = False
        self.outcome = self._outcome(kind, error)
        return self.outcome

    def outcome_now(self) -> Outcome:
        """The outcome as far as it is known at this moment."""
        if self.outcome is not None:
            return self.outcome
        if self.snapshot is not None:
            error: CivoError = WaitTimeoutError(
                f"snapshot {self.snapshot.id} of instance {self.instance_id} was not finished "
                "when the run ended; it goes on",
                snapshot=self.snapshot,
            )
            return self._outcome(OutcomeKind.TIMED_OUT, error)
        if self.refusal is not None:
            return self._outcome(kind_of(self.refusal), self.refusal)
        if self.may_have_acted:
            error = OutcomeUnknownError(
                f"the run ended before the create of {self.name} on instance "
                f"{self.instance_id} was answered; look for that name",
                instance_id=self.instance_id,
                name=self.name,
            )
            return self._outcome(OutcomeKind.UNKNOWN, error)
        error = CivoError("the run ended before this create was sent")
        return self._outcome(OutcomeKind.NOT_ATTEMPTED, error)

    def _outcome(self, kind: OutcomeKind, error: CivoError | None) -> Outcome:
        return Outcome(
            self.instance_id,
            self.name,
            kind,
            self.snapshot,
            error,
            self.adopted,
            self.duplicates,
        )


def kind_of(error: CivoError) -> OutcomeKind:
    """What an error before a snapshot's id was known amounts to."""
    if isinstance(error, OutcomeUnknownError):
        return OutcomeKind.UNKNOWN
    unsent = isinstance(error, (TransportError, ClientClosedError, DeadlineExceededError))
    if unsent and not error.may_have_acted:
        return OutcomeKind.NOT_ATTEMPTED
    return OutcomeKind.REFUSED


def kind_of_end(error: CivoError) -> OutcomeKind:
    """What the end of a wait amounts to."""
    if isinstance(error, WaitTimeoutError):
        return OutcomeKind.TIMED_OUT
    if isinstance(error, (PollFailedError, ClientClosedError)):
        return OutcomeKind.UNKNOWN
    return OutcomeKind.FAILED
