"""One logical call: what its caller may choose, and the time that its requests have together."""

from typing import TypedDict

from attrs import define

from .._clock import Clock
from .limiter import Gate
from .retry import RetryPolicy

LEAST_ATTEMPT = 0.01
"""Seconds: with less left, no attempt is started, because it could not finish."""


class CallOptions(TypedDict, total=False):
    """What every call accepts.

    timeout: seconds for the whole call with its retries.
    retries: True for the default policy, False for none, or a `RetryPolicy`.
    """

    timeout: float
    retries: bool | RetryPolicy


@define
class Flight:
    """One logical call of several requests: its time, and whether it may have acted so far.

    Attributes:
        called_off: nothing more is to be sent.
        place: one among the requests in flight that its first request has already.
    """

    clock: Clock
    limit: float
    began: float | None = None
    maybe_acted: bool = False
    called_off: bool = False
    place: Gate | None = None

    def take_place(self) -> Gate | None:
        """The place, for a request; whoever takes it gives it back."""
        place, self.place = self.place, None
        return place

    def give_back(self) -> None:
        """Let go of a place that no request took."""
        if place := self.take_place():
            place.release()

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
