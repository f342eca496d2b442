"""Running coroutines within bounds: so many at once, or for so long."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeVar

from ._clock import Clock

T = TypeVar("T")


class Gate:
    """A fair semaphore whose limit can move; waiters pass in the order they came."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_full(self) -> bool:
        """Whether no permit is free, or somebody waits for it."""
        return self.used >= self.limit or bool(self._waiting)

    def try_acquire(self) -> bool:
        """Take a permit if one is free and nobody waits for it."""
        if self.is_full:
            return False
        self.used += 1
        return True

    async def acquire(self, *, again: bool = False) -> None:
        """Take a permit, waiting for one if need be; who comes again goes to the head."""
        if self.try_acquire():
            return
        permit = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(permit)
        else:
            self._waiting.append(permit)
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled():
                self.release()  # it was handed over in the moment of the cancellation
            elif permit in self._waiting:  # a refill may have dropped it as cancelled
                self._waiting.remove(permit)
            raise

    def release(self) -> None:
        """Give a permit back."""
        self.used -= 1
        self.refill()

    def refill(self) -> None:
        """Hand out what is free."""
        while self._waiting and self.used < self.limit:
            permit = self._waiting.popleft()
            if not permit.done():
                self.used += 1
                permit.set_result(None)


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
