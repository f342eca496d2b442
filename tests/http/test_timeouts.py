"""One timer for all requests that have to end in time."""

import asyncio
from math import inf

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


async def test_each_guarded_request_ends_when_it_is_due() -> None:
    watchdog = Watchdog()
    now = watchdog.now()
    later, sooner = Guarded(now + 0.04), Guarded(now + 0.01)
    for one in (later, sooner):
        watchdog.guard(one, one.moment)
    await asyncio.sleep(0.02)
    assert sooner.ended_at is not None
    assert later.ended_at is None
    await asyncio.sleep(0.04)
    assert sooner.ended_at < (later.ended_at or 0.0)
    assert sooner.ended_at >= sooner.moment


async def test_a_request_that_was_put_off_is_checked_again() -> None:
    watchdog = Watchdog()
    one = Guarded(watchdog.now() + 0.01)
    watchdog.guard(one, one.moment)
    one.moment += 0.03
    await asyncio.sleep(0.02)
    assert one.ended_at is None
    await asyncio.sleep(0.03)
    assert one.ended_at is not None


async def test_a_released_request_is_left_alone() -> None:
    watchdog = Watchdog()
    one = Guarded(watchdog.now() + 0.01)
    watchdog.guard(one, one.moment)
    watchdog.release(one)
    watchdog.release(one)
    await asyncio.sleep(0.02)
    assert one.ended_at is None


async def test_a_watchdog_that_closes_ends_what_it_guards_at_once() -> None:
    """R181."""
    watchdog = Watchdog()
    one = Guarded(watchdog.now() + 3_600)
    watchdog.guard(one, one.moment)
    watchdog.close()
    assert one.ended_at is not None


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
