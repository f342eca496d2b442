"""The time of one request, kept without a timer of its own."""

import asyncio

import pytest

from civo_snapshots._http import Secret
from civo_snapshots._http.exchange import Exchange
from civo_snapshots._http.timeouts import Watchdog


def exchange(lasts: float) -> Exchange:
    return Exchange(Watchdog(), Secret("a-token"), lasts, silence=60.0)


def cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def test_one_that_lasts_too_long_is_a_timeout_and_leaves_no_cancellation_behind() -> None:
    with pytest.raises(TimeoutError), exchange(0.01):
        await asyncio.sleep(60)
    assert cancelling() == 0


async def test_nor_does_one_that_ended_in_another_way_when_its_time_was_over() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError from None

    with pytest.raises(OSError), exchange(0.01):
        await failing()
    assert cancelling() == 0


async def test_its_callers_cancellation_is_none_of_its_own() -> None:
    async def call() -> None:
        with exchange(60.0):
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_in_the_moment_when_its_time_is_over_is_obeyed() -> None:
    begun: list[Exchange] = []

    async def call() -> None:
        begun.append(exchange(60.0))
        with begun[0]:
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    begun[0].end(0.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_one_within_a_cancelled_task_still_has_its_time() -> None:
    async def call() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            with pytest.raises(TimeoutError), exchange(0.01):
                await asyncio.sleep(60)
        return "ended by itself"

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "ended by itself"
