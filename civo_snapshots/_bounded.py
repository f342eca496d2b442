"""Running one coroutine function over many items with a fixed number of workers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

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
