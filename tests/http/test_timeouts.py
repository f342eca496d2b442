"""One timer for all requests that have to end in time."""

import asyncio
from collections.abc import Callable
from math import inf

import pytest

from civo_snapshots._http.timeouts import Watchdog


class Guarded:
    """A guarded request; its deadline may be put off."""

    def __init__(self, due: float) -> None:
        self.moment = due
        self.ended_at: float | None = None

    def due(self, now: float) -> float:
        return self.moment

    def end(self, now: float) -> None:
        self.ended_at = now


class Loop:
    """An event loop whose time a test moves; it has one timer, as the watchdog has."""

    def __init__(self) -> None:
        self.now = 100.0
        self.rings_at = inf

    def time(self) -> float:
        return self.now

    def call_at(self, moment: float, ring: Callable[[], None]) -> "Loop":
        self.rings_at, self.ring = moment, ring
        return self

    def cancel(self) -> None:
        self.rings_at = inf

    def move_to(self, moment: float) -> None:
        while self.rings_at <= moment:
            self.now, self.rings_at = self.rings_at, inf
            self.ring()
        self.now = moment


@pytest.fixture
async def loop() -> Loop:
    return Loop()


@pytest.fixture
async def watchdog(loop: Loop) -> Watchdog:
    watchdog = Watchdog()
    watchdog.loop = loop  # type: ignore[assignment]
    return watchdog


async def test_each_guarded_request_ends_when_it_is_due(loop: Loop, watchdog: Watchdog) -> None:
    later, sooner = Guarded(104.0), Guarded(101.0)
    for one in (later, sooner):
        watchdog.guard(one, one.moment)
    loop.move_to(102.0)
    assert (sooner.ended_at, later.ended_at) == (101.0, None)
    loop.move_to(110.0)
    assert later.ended_at == 104.0


async def test_a_request_that_was_put_off_is_checked_again(loop: Loop, watchdog: Watchdog) -> None:
    one = Guarded(101.0)
    watchdog.guard(one, one.moment)
    one.moment = 104.0
    loop.move_to(103.0)
    assert one.ended_at is None
    loop.move_to(110.0)
    assert one.ended_at == 104.0


async def test_a_released_request_is_left_alone(loop: Loop, watchdog: Watchdog) -> None:
    one = Guarded(101.0)
    watchdog.guard(one, one.moment)
    watchdog.release(one)
    watchdog.release(one)
    loop.move_to(110.0)
    assert one.ended_at is None


async def test_a_watchdog_that_closes_ends_what_it_guards_at_once(watchdog: Watchdog) -> None:
    """R181."""
    one = Guarded(3_600.0)
    watchdog.guard(one, one.moment)
    watchdog.close()
    assert one.ended_at == 100.0


async def test_many_requests_take_one_timer() -> None:
    watchdog = Watchdog()
    loop = asyncio.get_running_loop()
    ringing = set(loop._scheduled)  # type: ignore[attr-defined]
    for _ in range(100):
        one = Guarded(inf)
        watchdog.guard(one, watchdog.now() + 30)
        watchdog.release(one)
    assert len(set(loop._scheduled) - ringing) == 1  # type: ignore[attr-defined]
    watchdog.close()
