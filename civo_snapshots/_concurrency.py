"""Running coroutines within bounds: so many at once, or for so long."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeVar

from ._clock import Clock

T = TypeVar("T")


async def for_each(
    items: Iterable[T], work: Callable[[T], Awaitable[bool | None]], *, workers: int
) -> None:
    """Await ``work(item)`` for each, so many at once; an answer of False stops the rest."""
    pending = iter(items)
    stopped = False

    async def run() -> None:
        nonlocal stopped
        for item in pending:
            if stopped or await work(item) is False:
                stopped = True
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(run())


async def wait_at_most(tasks: Collection[asyncio.Task[T]], clock: Clock, seconds: float) -> None:
    """Wait until all tasks are done or the time is over; neither result nor error is taken."""
    if not tasks:
        return
    limit = asyncio.ensure_future(clock.sleep(seconds))
    done = asyncio.ensure_future(asyncio.wait(tasks))
    try:
        await asyncio.wait({limit, done}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        limit.cancel()
        done.cancel()
        await asyncio.wait({limit, done})
