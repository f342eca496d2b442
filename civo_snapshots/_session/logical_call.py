"""One logical call: the time, the retry policy and the record that all its requests share."""

from datetime import datetime
from math import inf

from attrs import evolve
from msgspec import Struct, field

from .._concurrency import Gate
from .._http import Kind, Request, Secret
from ..errors import (
    ApiError,
    AuthenticationError,
    CivoError,
    DeadlineExceededError,
    TryLaterError,
    printable,
)
from ..models import Call
from .deadline import LEAST_ATTEMPT, Deadline
from .hold import Hold
from .retry import NO_RETRIES, RetryPolicy, Waits, is_about_one_object, is_transient

_BRIEF = 120
"""Characters of an error in a history."""

_HISTORY = 50
"""Failures that a record keeps: a run's step may have hundreds."""


class CallRecord(Struct, eq=False):
    """What the requests of one logical call came to.

    Attributes:
        attempts: how many were sent or tried.
        failures: what each that failed ended with, oldest first; the last few.
        acted: how many of these may have been acted upon.
    """

    attempts: int = 0
    failures: tuple[str, ...] = ()
    acted: int = 0

    def note(self, error: CivoError) -> None:
        """Take what an attempt ended with."""
        self.failures = (*self.failures[-_HISTORY:], brief(error))
        self.acted += error.may_have_acted


class LogicalCall(Struct, eq=False):
    """What a user calls once, whatever number of requests it takes.

    Attributes:
        is_patient: a step of a run: it is bounded by the run's time, neither by a count of requests
            nor by how long a server asks it to wait.
        looks_first: whether a request that was told to try later is repeated by the caller alone,
            who looks for what it may have made.
        sends: how often its own request was sent, the looks in between not counted.
        may_have_acted: whether that request may have been acted upon without a usable answer.
        cancelled: nothing more is to be sent.
        slot: the slot that its request holds, or the next one, if the caller waited for it.
        spent: what its retries have cost the client's budget.
        reserve: seconds that its next request must leave for what its caller does afterwards.
        token: what its last request bore.
        refused: the token that it met a 401 with and is repeated without.
        hold: what is held still while a request of it is on its way.
        started_at: when its request was first sent, if that creates something.
    """

    deadline: Deadline
    policy: RetryPolicy
    is_patient: bool = False
    looks_first: bool = False
    record: CallRecord = field(default_factory=CallRecord)
    sends: int = 0
    may_have_acted: bool = False
    cancelled: bool = False
    slot: Gate | None = None
    spent: int = 0
    reserve: float = 0.0
    token: Secret | None = None
    refused: Secret | None = None
    hold: Hold | None = None
    started_at: datetime | None = None
    _waits: Waits | None = None
    _busy_since: float | None = None

    def subcall(self, *, retried: bool = False) -> "LogicalCall":
        """A look on the way, in the same time and record; not repeated unless that is said."""
        policy = self.policy if retried else NO_RETRIES
        return LogicalCall(self.deadline, policy, self.is_patient, record=self.record)

    def release_slot(self) -> None:
        """Release the slot, if it has one."""
        slot, self.slot = self.slot, None
        if slot is not None:
            slot.release()

    def renews_token(self, error: CivoError) -> bool:
        """Whether its request is repeated at once with another token, once for each that fails.

        The policy has no say in it: a 401 means that nothing was done with the first one.
        """
        renews = self.refused is None and isinstance(error, AuthenticationError)
        self.refused = self.token if renews else None
        self.sends -= renews
        return renews

    @property
    def longest_pause(self) -> float:
        """Seconds: if a server asks for more, the call ends instead of waiting."""
        return inf if self.is_patient else self.policy.retry_after_cap

    def retry_pause(self, error: CivoError, kind: Kind) -> float | None:
        """Seconds until its request is repeated after this error; None if it is not."""
        searched = self.looks_first and isinstance(error, TryLaterError)
        if searched or not self.policy.allows(error, kind):
            return None
        return self.resend_pause(error, kind)

    def resend_pause(self, error: CivoError, kind: Kind) -> float | None:
        """The same where the caller knows that the request did nothing, whatever the error says."""
        by_time = self.is_patient and self.policy.attempts is None
        most = inf if by_time else self.policy.most_sends(error, kind)
        asked = error.retry_after if isinstance(error, ApiError) else None
        if self.sends >= most or (asked or 0) > self.longest_pause:
            return None
        if self._waits is None:
            self._waits = Waits(self.policy)
        pause = self._waits.after(error)
        fits = pause + LEAST_ATTEMPT <= self.deadline.left() and self._may_stay_busy(error, pause)
        return pause if fits else None

    def _may_stay_busy(self, error: CivoError, pause: float) -> bool:
        """Whether an object that is busy has not been so for too long."""
        if not is_about_one_object(error):
            self._busy_since = None
            return True
        now = self.deadline.clock.monotonic()
        since = self._busy_since = now if self._busy_since is None else self._busy_since
        return now + pause - since <= self.policy.busy_for

    def or_deadline(self, error: CivoError) -> CivoError:
        """The error, or `DeadlineExceededError` if it was transient and used up the call's time."""
        if self.deadline.left() > LEAST_ATTEMPT or not is_transient(error):
            return error
        late = DeadlineExceededError("the call's time ran out", may_have_acted=error.may_have_acted)
        self.record.note(late)
        return late

    def summed_up(self, error: CivoError, request: Request | None = None) -> CivoError:
        """The error, telling what the whole call has done; `request` is the one that met it."""
        record = self.record
        told = error.call or (
            Call(request.method, request.path, request.region) if request else None
        )
        if told is not None:
            error.call = evolve(
                told,
                attempts=record.attempts,
                elapsed=self.deadline.elapsed(),
                history=record.failures[:-1],
                may_have_acted=record.acted - error.may_have_acted,
            )
        return error


def brief(error: CivoError) -> str:
    """An error in a few words, for a history."""
    if isinstance(error, ApiError):
        return f"{error.status} {printable(error.code, _BRIEF)}".strip()
    return printable(error.message, _BRIEF)
