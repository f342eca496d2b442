"""Time as a dependency: what the SDK asks of a clock, and the system's own."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time that tests can replace."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; every deadline and wait is measured on them."""
        ...

    def now(self) -> datetime:
        """The wall clock in UTC, for generated names and HTTP dates only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds, at once for zero or less.

        Args:
            seconds: for how long.
        """
        ...


class SystemClock:
    """The machine's clock."""

    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
