"""Time: what the fake asks of a clock, the machine's own, and what the server takes it for."""

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from civo_snapshots.testing._switches import DateForm, Switches

_ZERO = "0001-01-01T00:00:00Z"  # Go's zero time
_EAST = timezone(timedelta(hours=2))


class RegionClock(Protocol):
    """A source of time; `FakeClock` is one, and so is any clock that the SDK takes."""

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        ...

    def now(self) -> datetime:
        """The calendar, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds; the fake waits for nothing, its clients may."""
        ...


class MachineClock:
    """Real time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class Calendar:
    """Dates of times on the region's clock."""

    def __init__(self, clock: RegionClock, switches: Switches) -> None:
        skew = timedelta(seconds=switches.clock_skew - clock.monotonic())
        self._epoch = clock.now() + skew
        self._date_skew = switches.date_skew
        self._created_skew = switches.created_skew
        self._form: DateForm = switches.created_at_form

    def gateway(self, at: float) -> datetime:
        """What the gateway dates an answer with."""
        return self._epoch + timedelta(seconds=at + self._date_skew)

    def backend(self, at: float, *, more: float = 0.0) -> str:
        """What a record is dated with, written as the switches say."""
        moment = self._epoch + timedelta(seconds=at + self._created_skew + more)
        match self._form:
            case "empty":
                return ""
            case "zero":
                return _ZERO
            case "offset":
                return f"{moment.astimezone(_EAST):%Y-%m-%dT%H:%M:%S}+02:00"
            case "fraction":
                return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
            case "nanoseconds":
                return f"{moment:%Y-%m-%dT%H:%M:%S.%f}789Z"
            case "Z":
                return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
