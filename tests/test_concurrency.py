"""One function over many items with a fixed number of workers."""

import asyncio
from collections.abc import Iterator

import pytest

from civo_snapshots._concurrency import for_each


async def test_every_item_is_worked_on_once_and_no_more_at_a_time_than_workers() -> None:
    """F110."""
    done: list[int] = []
    running = most = 0

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(item % 3):
            await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await for_each(range(100), work, workers=7)
    assert sorted(done) == list(range(100))
    assert most == 7


async def test_items_are_taken_only_when_a_worker_is_free() -> None:
    """F110, F112: an endless input needs no endless memory."""
    taken: list[int] = []
    gate = asyncio.Semaphore(0)

    def items() -> Iterator[int]:
        for number in range(1_000_000):
            taken.append(number)
            yield number

    async def work(_: int) -> None:
        await gate.acquire()

    task = asyncio.ensure_future(for_each(items(), work, workers=3))
    for released in range(5):
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(taken) == 3 + released
        gate.release()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_of_false_starts_no_more_items_but_ends_none() -> None:
    """F108: in an outage further requests would fail alike."""
    started: list[int] = []
    finished: list[int] = []

    async def work(item: int) -> bool:
        started.append(item)
        await asyncio.sleep(0)
        if item > 2:
            await asyncio.sleep(0)
        finished.append(item)
        return item != 1

    await for_each(range(100), work, workers=4)
    assert sorted(finished) == sorted(started)
    assert len(started) < 10


async def test_only_false_stops_and_no_other_falsy_value() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        done.append(item)

    await for_each([1, 2, 3], work, workers=1)
    assert done == [1, 2, 3]


@pytest.mark.parametrize("workers", [0, 1, 5])
async def test_nothing_to_do_is_done_at_once(workers: int) -> None:
    worked: list[int] = []

    async def work(item: int) -> None:
        worked.append(item)

    await for_each([], work, workers=workers)
    assert worked == []


async def test_an_error_of_the_work_ends_it_with_that_error() -> None:
    """The callers' work raises nothing of its own; a defect must not pass unseen."""
    ended: list[str] = []

    async def work(item: int) -> None:
        if item == 1:
            raise ZeroDivisionError
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("sibling")

    with pytest.raises(ExceptionGroup) as caught:
        await for_each(range(2), work, workers=2)
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
    assert ended == ["sibling"]
