"""One caller's wait: registered with the region's watcher, told in the caller's own task."""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from .. import _validation
from ..errors import CivoError
from ..events import OnChange, Transition
from ..models import Snapshot
from .progress import CompletionWait
from .schedule import RegisteredWait
from .watcher import Watcher

DEFAULT_TIMEOUT = 1_800.0
"""Seconds; a wait is never endless by default."""


def wait_timeout(timeout: float | None) -> float:
    """The seconds that a `timeout` argument names; 0 is one poll."""
    if timeout is None:
        return DEFAULT_TIMEOUT
    return _validation.seconds(timeout, "timeout", zero=True)


class Wait:
    """A wait until its outcome is known; `deadline` is a moment on the client's clock."""

    __slots__ = ("_ended", "_progress", "_registered", "_watcher")

    def __init__(
        self,
        watcher: Watcher,
        progress: CompletionWait,
        deadline: float,
        known: Snapshot | None = None,
    ) -> None:
        """`known` is what the caller has already; if it is not finished, it is polled later."""
        due = progress.started
        if known is not None:
            watcher.seed(progress, known, is_fresh=False)
            if not known.judge(progress.states).is_terminal:
                due += progress.policy.floor
        self._watcher = watcher
        self._progress = progress
        self._ended = asyncio.get_running_loop().create_future()
        # Not a method of this wait: each would keep the other until the collector of cycles comes.
        self._registered = RegisteredWait(progress, due, deadline, partial(_end, self._ended))

    async def end(self, on_change: OnChange | None = None) -> Snapshot:
        """Wait for the end; return the snapshot or raise."""
        if on_change is not None:
            _validation.callback(on_change, "on_change", awaited=True)
            async with aclosing(self.transitions()) as transitions:
                async for transition in transitions:
                    told = on_change(transition)
                    if inspect.isawaitable(told):
                        await told
        if self._progress.outcome is None:
            self._watcher.add(self._registered)
            try:
                await self._ended
            finally:
                self._watcher.remove(self._registered)
        outcome = self._progress.outcome
        if isinstance(outcome, Snapshot):
            return outcome
        assert outcome is not None
        raise outcome

    async def transitions(self) -> AsyncGenerator[Transition]:
        """Each transition until the end."""
        changes: asyncio.Queue[Transition | None] = asyncio.Queue()
        self._registered.on_change = changes.put_nowait
        self._ended.add_done_callback(lambda _: changes.put_nowait(None))
        self._watcher.add(self._registered)
        try:
            while (transition := await changes.get()) is not None:
                yield transition
        finally:
            self._watcher.remove(self._registered)


def _end(ended: asyncio.Future[None], _: Snapshot | CivoError) -> None:
    """Wake the caller, who has the outcome."""
    if not ended.done():
        ended.set_result(None)
