"""The fake clock: time passes only when everybody waits for it."""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civo_snapshots._clock import Clock
from civo_snapshots.testing import FakeClock


async def test_ten_minutes_in_sixty_sleeps_take_moments() -> None:
    clock: Clock = FakeClock()
    started = time.perf_counter()
    for _ in range(60):
        await clock.sleep(10)
    assert clock.monotonic() == 600
    assert time.perf_counter() - started < 0.5


async def test_sleepers_wake_in_time_order_and_ties_in_order_of_arrival() -> None:
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    await asyncio.gather(sleep("c", 3), sleep("a", 1), sleep("b1", 2), sleep("b2", 2))
    assert woken == [("a", 1), ("b1", 2), ("b2", 2), ("c", 3)]


async def test_the_calendar_follows_from_the_start() -> None:
    assert FakeClock().now() == datetime(2026, 1, 1, tzinfo=UTC)
    start = datetime(2030, 2, 3, tzinfo=UTC)
    clock = FakeClock(start)
    await clock.sleep(90.5)
    assert clock.now() == start + timedelta(seconds=90.5)


async def test_time_stands_while_others_still_work() -> None:
    clock = FakeClock(idle_turns=5)
    sleeper = asyncio.create_task(clock.sleep(1))
    for _ in range(4):
        await asyncio.sleep(0)
    assert clock.monotonic() == 0
    newcomer = asyncio.create_task(clock.sleep(1))  # the loop must be idle anew
    for _ in range(4):
        await asyncio.sleep(0)
    assert clock.monotonic() == 0
    await asyncio.gather(sleeper, newcomer)
    assert clock.monotonic() == 1


@pytest.mark.usefixtures("nothing_left")
async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = FakeClock()
    long = asyncio.create_task(clock.sleep(1_000))
    short = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    assert clock.sleepers == 2
    long.cancel()
    await short
    with pytest.raises(asyncio.CancelledError):
        await long
    assert clock.sleepers == 0
    for _ in range(50):
        await asyncio.sleep(0)
    assert clock.monotonic() == 1


async def test_a_sleeper_cancelled_in_the_turn_of_its_waking_stays_cancelled() -> None:
    clock = FakeClock(auto=False)
    sleeper = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    sleeper.cancel()
    clock.advance(1)
    with pytest.raises(asyncio.CancelledError):
        await sleeper


async def test_nothing_turns_when_nobody_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(idle_turns=1)
    await clock.sleep(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    call_soon = loop.call_soon
    owners: list[object] = []

    def spy(callback: Callable[..., object], *args: Any, **kwargs: Any) -> asyncio.Handle:
        owners.append(getattr(callback, "__self__", None))
        return call_soon(callback, *args, **kwargs)

    monkeypatch.setattr(loop, "call_soon", spy)
    for _ in range(10):
        await asyncio.sleep(0)
    assert clock not in owners


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
async def test_zero_or_less_yields_once(seconds: float) -> None:
    clock = FakeClock()
    turns: list[int] = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await clock.sleep(seconds)
    assert turns == [1]
    assert clock.monotonic() == 0


async def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        await FakeClock().sleep(math.nan)


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan])
def test_time_moves_forward_by_finite_steps_only(seconds: float) -> None:
    with pytest.raises(ValueError, match="advance"):
        FakeClock().advance(seconds)


async def test_a_sleep_without_end_never_moves_time() -> None:
    clock = FakeClock(idle_turns=1)
    endless = asyncio.create_task(clock.sleep(math.inf))
    await clock.sleep(5)
    for _ in range(10):
        await asyncio.sleep(0)
    assert clock.monotonic() == 5
    endless.cancel()


async def test_by_hand_time_moves_only_when_told() -> None:
    clock = FakeClock(auto=False)
    sleepers = [asyncio.create_task(clock.sleep(seconds)) for seconds in (1, 2, 3)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert clock.monotonic() == 0
    clock.advance(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [task.done() for task in sleepers] == [True, True, False]
    clock.advance(1)
    await asyncio.gather(*sleepers)
    assert clock.monotonic() == 3


async def test_time_does_not_jump_while_it_is_held() -> None:
    clock = FakeClock(idle_turns=1)
    sleeper = asyncio.create_task(clock.sleep(1))
    with clock.hold():
        for _ in range(100):
            await asyncio.sleep(0)
        assert clock.monotonic() == 0
    await sleeper
    assert clock.monotonic() == 1
