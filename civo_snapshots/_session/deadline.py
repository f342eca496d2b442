"""The time of one logical call, and the record of what its requests came to."""

from attrs import define

from .._clock import Clock
from .._concurrency import Gate
from .._http import Request
from ..errors import ApiError, CivoError
from ..models import Call
from .options import CallOptions

LEAST_ATTEMPT = 0.01
"""Seconds: with less left, no attempt is started, because it could not finish."""


@define
class Deadline:
    """The time that the requests of one logical call share, and whether one may have acted.

    Attributes:
        cancelled: nothing more is to be sent.
        slot: the slot that its first request holds already, if the caller waited for one.
    """

    clock: Clock
    limit: float
    began: float | None = None
    may_have_acted: bool = False
    cancelled: bool = False
    slot: Gate | None = None

    def take_slot(self) -> Gate | None:
        """Hand over the slot to a request, which then releases it."""
        slot, self.slot = self.slot, None
        return slot

    def release_slot(self) -> None:
        """Release a slot that no request took."""
        if slot := self.take_slot():
            slot.release()

    def left(self) -> float:
        """Seconds left; they count from the moment when the first request may be sent."""
        if self.began is None:
            return self.limit
        return self.limit - (self.clock.monotonic() - self.began)

    def options(self, options: CallOptions) -> CallOptions:
        """The caller's options, for one more request within the time left."""
        return {**options, "timeout": self.time()}

    def time(self) -> float:
        """The time for one more request."""
        return max(self.left(), LEAST_ATTEMPT)


class CallRecord:
    """What one call has done so far, for its deadline and for its error."""

    def __init__(self, request: Request, clock: Clock, limit: float) -> None:
        self._request = request
        self._clock = clock
        self._limit = limit
        self._started: float | None = None
        self.attempts = 0
        self._history: list[str] = []
        self._may_have_acted = 0

    def begin(self) -> float:
        """Seconds left for an attempt; they count from the first one, not from the wait for it."""
        if self._started is None:
            self._started = self._clock.monotonic()
            return self._limit
        return self.left()

    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return 0.0 if self._started is None else self._clock.monotonic() - self._started

    def left(self) -> float:
        """Seconds left for the call."""
        return self._limit - self.elapsed()

    def note(self, error: CivoError) -> None:
        """Remember what an attempt ended with that is not the last."""
        self._history.append(brief(error))
        self._may_have_acted += error.may_have_acted

    def report(self) -> Call:
        """The record so far, as an error shows it."""
        request = self._request
        return Call(
            request.method,
            request.path,
            request.region,
            self.attempts,
            self.elapsed(),
            tuple(self._history),
            self._may_have_acted,
        )


def brief(error: CivoError) -> str:
    """An error in a few words, for a history."""
    if isinstance(error, ApiError):
        return f"{error.status} {error.code}".strip()
    return error.message[:120]
