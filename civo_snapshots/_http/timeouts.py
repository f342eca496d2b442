"""One timer for all exchanges in flight, instead of two or three for each of them.

Most exchanges end within milliseconds, so a timer of their own would be set and cancelled for
nothing. Here an exchange that ends in time costs an entry in a table.
"""

import asyncio
from math import inf
from typing import Protocol


class Guarded(Protocol):
    """What has to end in time."""

    def due(self, now: float) -> float:
        """The moment on the loop's clock at which it has lasted, or been silent, for too long."""
        ...

    def end(self, now: float) -> None:
        """End it."""
        ...


class Watchdog:
    """Ends whatever is overdue; belongs to the running event loop.

    Attributes:
        loop: the event loop.
        now: tells the time on the loop's clock.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self._guarded: dict[Guarded, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf

    def guard(self, one: Guarded, due: float) -> None:
        """From now on watch it; it is due no earlier than given here."""
        self._guarded[one] = None
        if due < self._rings_at:
            self._ring_at(due)

    def release(self, one: Guarded) -> None:
        """It ended by itself."""
        self._guarded.pop(one, None)

    def close(self) -> None:
        """End all exchanges now, and set no timer any more."""
        if self._timer is not None:
            self._timer.cancel()
        guarded, self._guarded = self._guarded, {}
        for one in guarded:
            one.end(self.loop.time())

    def _ring_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = moment
        self._timer = self.loop.call_at(moment, self._ring)

    def _ring(self) -> None:
        # The loop may call a moment early, by the resolution of its clock.
        now = max(self.loop.time(), self._rings_at)
        self._timer, self._rings_at = None, inf
        earliest = inf
        for one in list(self._guarded):
            due = one.due(now)
            if due <= now:
                del self._guarded[one]
                one.end(now)
            else:
                earliest = min(earliest, due)
        if earliest < inf:
            self._ring_at(earliest)
