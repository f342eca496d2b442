"""When a logical call ends."""

from math import inf

from msgspec import Struct

from .._clock import Clock

LEAST_ATTEMPT = 0.01
"""Seconds: with less left, no attempt is started, because it could not finish."""


class Deadline(Struct, eq=False):
    """When a logical call ends: the earlier of two ends counts.

    Attributes:
        work: seconds that it may take from the moment when its first request may be sent.
        ends_at: a moment on the clock after which nothing is sent, whatever the call waited for;
            from the beginning of the work on, that of its end if it is earlier.
    """

    clock: Clock
    work: float
    ends_at: float = inf
    _began: float | None = None

    def begin(self) -> float:
        """Let the time for the work run, if it does not yet; returns the present moment."""
        now = self.clock.monotonic()
        if self._began is None:
            self._began = now
            ends_at = now + self.work
            self.ends_at = ends_at if ends_at < self.ends_at else self.ends_at  # sooner than min()
        return now

    def elapsed(self) -> float:
        """Seconds since the work began."""
        return 0.0 if self._began is None else self.clock.monotonic() - self._began

    def left(self) -> float:
        """Seconds left for the call."""
        return min(self.work, self.queue_left()) if self._began is None else self.queue_left()

    def queue_left(self) -> float:
        """Seconds that it may still wait for a slot; at the first one, its work has not begun."""
        return self.ends_at - self.clock.monotonic() if self.ends_at < inf else inf
