"""Which snapshots belong to creates of this client, so that none is returned to two of them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from weakref import WeakValueDictionary

from .._clock import Clock
from .._concurrency import done_within
from .age import BackendClock

_CLAIMS_KEPT = 4_096


class NameLock:
    """What the creates of one name on one instance share, for as long as one of them is alive.

    One of them runs at a time, so that a snapshot whose answer is still on its way to one is not
    claimed by another, and each knows what the others have claimed.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.claimed: dict[str, None] = {}

    @asynccontextmanager
    async def held(self, clock: Clock, seconds: float) -> AsyncGenerator[bool]:
        """Hold the lock; False if others have held it for so many seconds."""
        turn = asyncio.ensure_future(self.lock.acquire())
        try:
            yield await done_within(turn, clock, seconds)
        finally:
            turn.cancel()
            await asyncio.wait({turn})
            if not turn.cancelled():
                self.lock.release()


class Claims:
    """The snapshots that creates of this client have claimed, the latest few thousand of them."""

    def __init__(self) -> None:
        self._claimed: dict[str, float] = {}
        self._locks: WeakValueDictionary[tuple[str, str], NameLock] = WeakValueDictionary()
        self._clocks: dict[str, BackendClock] = {}

    def name_lock(self, instance_id: str, name: str) -> NameLock:
        """The lock for this name on this instance."""
        return self._locks.setdefault((instance_id, name), NameLock())

    def clock_of(self, region: str) -> BackendClock:
        """What is known of the clock that dates a region's snapshots."""
        clock = self._clocks.get(region)
        if clock is None:
            clock = self._clocks[region] = BackendClock()
        return clock

    def claim(self, snapshot_id: str, now: float = -inf) -> None:
        """Note that a snapshot belongs to a create, and when that was known."""
        self._claimed[snapshot_id] = now
        if len(self._claimed) > _CLAIMS_KEPT:
            del self._claimed[next(iter(self._claimed))]

    def claimed_at(self, snapshot_id: str) -> float:
        """When a create claimed it; long ago if none did."""
        return self._claimed.get(snapshot_id, -inf)

    def is_free(self, snapshot_id: str) -> bool:
        """Whether no create has claimed it."""
        return snapshot_id not in self._claimed
