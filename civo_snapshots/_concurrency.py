"""Running coroutines within bounds: so many at once, or for so long."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, TypeVar

from ._clock import Clock

T = TypeVar("T")


class Gate:
    """A fair semaphore whose limit can move; waiters pass in the order they came.

    `admits` may keep everybody waiting for another reason; whoever changes its mind calls
    `refill()`. It is asked once for each that passes.
    """

    def __init__(self, limit: int, admits: Callable[[], bool] | None = None) -> None:
        self.limit = limit
        self.used = 0
        self._admits = admits
        self._waiting: deque[asyncio.Future[bool]] = deque()

    @property
    def is_awaited(self) -> bool:
        """Whether anybody waits for a permit."""
        return bool(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether no permit is free, or somebody waits for it."""
        return self.used >= self.limit or bool(self._waiting)

    def try_acquire(self) -> bool:
        """Take a permit if one is free and nobody waits for it."""
        if self.used >= self.limit or self._waiting or (self._admits and not self._admits()):
            return False
        self.used += 1
        return True

    async def acquire(self, *, again: bool = False) -> None:
        """Take a permit, waiting for one if need be; who comes again goes to the head."""
        while not self.try_acquire():
            permit = self.enqueue(again=again)
            try:
                passed = await permit
            except asyncio.CancelledError:
                self.withdraw(permit)
                raise
            if passed:
                return

    def enqueue(self, *, again: bool = False) -> "asyncio.Future[bool]":
        """Join the queue: True is a permit, False means that something changed: ask again."""
        permit: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(permit)
        else:
            self._waiting.append(permit)
        return permit

    def withdraw(self, permit: "asyncio.Future[bool]") -> None:
        """Leave the queue, also if the permit is handed over in this very moment."""
        if not permit.done():
            permit.cancel()
        elif not permit.cancelled() and permit.result():
            self.release()
        if permit in self._waiting:  # a refill may have dropped it
            self._waiting.remove(permit)

    def release(self) -> None:
        """Give a permit back."""
        self.used -= 1
        if self._waiting:
            self.refill()

    def refill(self) -> None:
        """Hand out what is free."""
        while self._waiting:
            permit = self._waiting[0]
            if not permit.done() and not self._has_room():
                return
            self._waiting.popleft()
            if not permit.done():
                self.used += 1
                permit.set_result(True)

    def wake(self) -> None:
        """Let everybody in the queue ask again, because something changed."""
        waiting, self._waiting = self._waiting, deque()
        for permit in waiting:
            if not permit.done():
                permit.set_result(False)

    def _has_room(self) -> bool:
        return self.used < self.limit and (self._admits is None or self._admits())


def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that begins in the next turn of the loop, whose creator can note it before.

    `asyncio.eager_task_factory` would begin it, and perhaps end it, within this call.
    """
    return asyncio.Task(work, loop=asyncio.get_running_loop())


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


async def done_within(future: asyncio.Future[T], clock: Clock, seconds: float) -> bool:
    """Wait for a future, at most so long. Return whether it is done; it is left as it is."""
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        ends: set[asyncio.Future[Any]] = {future, limit}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        limit.cancel()
        await asyncio.wait({limit})
    return future.done()


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
