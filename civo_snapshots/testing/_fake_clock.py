"""A clock for tests: time moves when everybody waits for it, so waits cost nothing."""

import asyncio
import math
from bisect import bisect_left, insort
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """What a client may take for its clock, without ever waiting for real time.

    It jumps to the earliest sleeper once the event loop has turned `idle_turns` times without
    anybody starting to sleep, waking up or holding the clock.

    Args:
        start: what `now()` says at first.
        auto: whether it jumps by itself; only `advance()` moves it if not.
        idle_turns: turns of the event loop before a jump.
    """

    def __init__(
        self, start: datetime = _EPOCH, *, auto: bool = True, idle_turns: int = 20
    ) -> None:
        self._start = start
        self._auto = auto
        self._idle_turns = idle_turns
        self._elapsed = 0.0
        # Sorted by due time, then by arrival: the second item is unique, so that futures are
        # never compared.
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = 0
        self._quiet_turns = 0
        self._holders = 0
        self._turning: asyncio.Handle | None = None

    @property
    def sleepers(self) -> int:
        """How many coroutines sleep on this clock."""
        return len(self._sleepers)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    def now(self) -> datetime:
        """The start moment plus the seconds since."""
        return self._start + timedelta(seconds=self._elapsed)

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has moved by this many seconds; zero or less yields once.

        Args:
            seconds: for how long.

        Raises:
            ValueError: not a number.
        """
        if math.isnan(seconds):
            raise ValueError("cannot sleep for NaN seconds")
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        self._arrivals += 1
        sleeper = (self._elapsed + seconds, self._arrivals, loop.create_future())
        insort(self._sleepers, sleeper)
        self._watch(loop)
        try:
            await sleeper[2]
        finally:
            self._forget(sleeper)

    def advance(self, seconds: float) -> None:
        """Move time forward and wake, in order, everybody whose time has come.

        Args:
            seconds: by how much.

        Raises:
            ValueError: negative or infinite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"cannot advance by {seconds} seconds")
        self._move_to(self._elapsed + seconds)

    @contextmanager
    def hold(self) -> Generator[None]:
        """Keep time from jumping by itself, while work goes on that the clock cannot see."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            self._watch(asyncio.get_running_loop())

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._quiet_turns = 0
        if self._auto and self._turning is None and self._may_jump():
            self._turning = loop.call_soon(self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        # A chain of callbacks rather than a task: it ends by itself when nobody sleeps, and
        # nothing is left to cancel.
        self._turning = None
        if not self._may_jump():
            return
        self._quiet_turns += 1
        if self._quiet_turns > self._idle_turns:
            self._quiet_turns = 0
            self._move_to(self._sleepers[0][0])
        self._turning = loop.call_soon(self._turn, loop)

    def _may_jump(self) -> bool:
        return not self._holders and bool(self._sleepers) and self._sleepers[0][0] < math.inf

    def _move_to(self, moment: float) -> None:
        self._elapsed = moment
        while self._sleepers and self._sleepers[0][0] <= moment:
            future = self._sleepers.pop(0)[2]
            if not future.done():
                future.set_result(None)

    def _forget(self, sleeper: tuple[float, int, asyncio.Future[None]]) -> None:
        # Only a cancelled sleeper is still listed.
        place = bisect_left(self._sleepers, sleeper[:2], key=lambda entry: entry[:2])
        if place < len(self._sleepers) and self._sleepers[place] is sleeper:
            del self._sleepers[place]
