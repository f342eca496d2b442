"""What is held still while a request is on its way, such as a file system that is frozen."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Literal, TypeAlias

from attrs import define, field
from msgspec import Struct

from .._clock import Clock
from .._concurrency import done_within
from ..errors import CivoError, QuiesceError, short

Quiesce: TypeAlias = Callable[[str], AbstractAsyncContextManager[object]]
"""Makes, from an instance's id, what quiesces it when it is entered."""

OnQuiesceError = Literal["fail", "continue"]

logger = logging.getLogger("civo_snapshots")


class Quiescing(Struct, frozen=True, eq=False):
    """How instances are quiesced for their creates.

    Attributes:
        timeout: seconds that one is held at most.
        on_error: whether a create is sent all the same where this fails ("continue").
    """

    quiesce: Quiesce
    timeout: float
    on_error: OnQuiesceError

    def of(self, instance_id: str, clock: Clock) -> "Hold":
        """What the requests of one instance's create are held by."""
        made = partial(self.quiesce, instance_id)
        return Hold(made, instance_id, self.timeout, clock, self.on_error == "fail")


@define(eq=False, repr=False)
class Hold:
    """Enters a context manager for each request of a call, anew for each, and leaves it in time.

    It is entered and left in one task, as timeouts and task groups in it need, which no
    cancellation of the call reaches: what was entered is left.

    Attributes:
        timeout: seconds that entering and holding may take together; and once more, leaving.
        is_required: whether a request is not sent if it cannot be held.
        lasted: whether it was held until the last request had its answer.
    """

    make: Callable[[], AbstractAsyncContextManager[object]]
    instance_id: str
    timeout: float
    clock: Clock
    is_required: bool
    lasted: bool = False
    _task: asyncio.Task[None] | None = None
    _limit: asyncio.Task[None] | None = None
    _entered: "asyncio.Future[Exception | None]" = field(init=False)
    _leaves: asyncio.Event = field(init=False)

    async def enter(self, seconds: float) -> CivoError | None:
        """Enter, within so many seconds at most; the error if nothing is to be sent."""
        loop = asyncio.get_running_loop()
        self.lasted = False
        self._entered, self._leaves = loop.create_future(), asyncio.Event()
        self._task = loop.create_task(self._hold(self._entered, self._leaves))
        self._limit = loop.create_task(self._end_in_time(seconds, self._task))
        # A cancellation leaves both as they are; a task that never began has set nothing.
        ends: set[asyncio.Future[Any]] = {self._entered, self._task}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        error = self._entered.result() if self._entered.done() else RuntimeError("it was ended")
        if error is None and self._leaves.is_set():
            error = TimeoutError("it took too long")
        if error is None or not self.is_required:
            return None
        told = QuiesceError(
            f"quiescing instance {short(self.instance_id)} failed, so its create was not sent: "
            f"{type(error).__name__}: {error}"
        )
        told.__cause__ = error
        return told

    def answered(self) -> None:
        """The request had its answer."""
        is_held = self._entered.done() and self._entered.result() is None
        self.lasted = is_held and not self._leaves.is_set()

    async def leave(self) -> None:
        """Leave what was entered; a cancellation meanwhile takes effect when that is done."""
        if self._task is None or self._limit is None:
            return
        leaving = asyncio.ensure_future(self._leave(self._task, self._limit))
        is_cancelled = False
        while not leaving.done():
            try:
                await asyncio.wait({leaving})
            except asyncio.CancelledError:
                is_cancelled = True
        if is_cancelled:
            raise asyncio.CancelledError

    async def _leave(self, task: asyncio.Task[None], limit: asyncio.Task[None]) -> None:
        self._leaves.set()
        if not self._entered.done():
            task.cancel()
        limit.cancel()
        if not await done_within(task, self.clock, self.timeout):
            task.cancel()
        await asyncio.wait({task, limit})
        self._task = self._limit = None

    async def _hold(
        self, entered: "asyncio.Future[Exception | None]", leaves: asyncio.Event
    ) -> None:
        failure: Exception | None = None
        try:
            async with self.make():
                entered.set_result(None)
                await leaves.wait()
        except asyncio.CancelledError:
            failure = TimeoutError("it took too long")
        except Exception as error:
            failure = error
        finally:
            if is_first := not entered.done():
                entered.set_result(failure or RuntimeError("it did not enter"))
        if failure is not None and not is_first:
            logger.error(
                "instance %s was quiesced, and ending that failed: it may be held still",
                short(self.instance_id),
                exc_info=failure,
            )

    async def _end_in_time(self, seconds: float, task: asyncio.Task[None]) -> None:
        await self.clock.sleep(min(seconds, self.timeout))
        if self._entered.done():
            self._leaves.set()
        else:
            task.cancel()
        await self.clock.sleep(self.timeout)  # for leaving it
        task.cancel()
