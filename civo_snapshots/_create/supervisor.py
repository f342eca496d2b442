"""Creates owned by the client instead of by their callers, so that none is forgotten.

A caller that is cancelled is let go at once; a create that may have acted goes on until its outcome
is known, and the client reports it. Creates that were sent twice are looked after for a while: the
first send may still act.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from .._clock import Clock
from .._concurrency import wait_at_most
from ..errors import CivoError
from ..events import ExtraSnapshot
from ..models import Snapshot
from ..outcomes import Unresolved
from .claims import Ledger
from .creation import Creation

GRACE = 10.0
"""Seconds that closing waits for creates whose callers are gone, and then for its last looks."""

_LATE_LOOKS = (15.0, 30.0, 60.0)
"""Seconds between the looks for what a repeated create's first send made late."""


class Creations:
    """All creates of a client that are on their way, and what became of the forsaken ones."""

    def __init__(self, clock: Clock, tell: Callable[[ExtraSnapshot], None]) -> None:
        self.ledger = Ledger()
        self._clock = clock
        self._tell = tell
        self._forsaken: dict[Creation, asyncio.Task[Any]] = {}
        self._resolved: list[Unresolved] = []
        self._late: dict[asyncio.Task[None], tuple[Creation, str]] = {}
        self.extras: list[ExtraSnapshot] = []

    @property
    def unresolved(self) -> tuple[Unresolved, ...]:
        """Every create whose caller was cancelled after it may have acted."""
        open_ones = (Unresolved(one.instance_id, one.name) for one in self._forsaken)
        return (*self._resolved, *open_ones)

    async def run(self, creation: Creation) -> Snapshot:
        """Run a create in a task of the client; a cancelled caller does not wait for it."""
        task = asyncio.get_running_loop().create_task(self.run_here(creation))

        def ended(task: asyncio.Task[Snapshot]) -> None:
            creation.steps.give_back()  # also by a task that is cancelled before its first step
            if not task.cancelled():
                task.exception()  # the caller or `unresolved` has it: asyncio need not complain

        task.add_done_callback(ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            unsent = creation.call_off()
            if task.done():  # in this very moment
                self._resolve(creation, _end_of(task))
            elif unsent:
                task.cancel()
            else:
                self.forsake(creation, task)
            raise

    async def run_here(self, creation: Creation) -> Snapshot:
        """Run a create in the caller's own task; who gives it up forsakes it, and does not cancel.

        It saves a task for each create of many.
        """
        try:
            snapshot = await creation.run()
        except BaseException as error:
            if creation in self._forsaken:
                self._resolve(creation, error)
            raise
        if creation in self._forsaken:
            self._resolve(creation, snapshot)
        for extra in creation.extras:
            self._report(creation, snapshot.id, extra)
        if creation.resent:
            task = asyncio.get_running_loop().create_task(self._look_late(creation, snapshot.id))
            self._late[task] = (creation, snapshot.id)
            task.add_done_callback(lambda done: self._late.pop(done, None))
        return snapshot

    def forsake(self, creation: Creation, task: asyncio.Task[Any]) -> None:
        """Nobody waits any more for a create that may have acted: it goes on and is reported."""
        self._forsaken[creation] = task

    def _resolve(self, creation: Creation, end: Snapshot | BaseException) -> None:
        """Report how a create ended whose caller was gone."""
        self._forsaken.pop(creation, None)
        snapshot: Snapshot | None = None
        error: CivoError | None = None
        if isinstance(end, Snapshot):
            snapshot = end
        elif isinstance(end, asyncio.CancelledError):
            error = CivoError("the client was closed before it was known")
        else:
            error = end if isinstance(end, CivoError) else CivoError(repr(end))
        self._resolved.append(Unresolved(creation.instance_id, creation.name, snapshot, error))

    async def _look_late(self, creation: Creation, kept: str) -> None:
        for pause in _LATE_LOOKS:
            await self._clock.sleep(pause)
            await self._look_once(creation, kept)

    async def _look_once(self, creation: Creation, kept: str) -> None:
        for extra in await creation.late():
            self._report(creation, kept, extra)

    def _report(self, creation: Creation, kept: str, extra: str) -> None:
        event = ExtraSnapshot(creation.instance_id, creation.name, kept, extra)
        self.extras.append(event)
        self._tell(event)

    async def close(self) -> None:
        """Wait a little for the forsaken creates, and look once more after the repeated ones."""
        await wait_at_most(set(self._forsaken.values()), self._clock, GRACE)
        forsaken = set(self._forsaken.values())
        for task in forsaken:
            task.cancel()
        loop = asyncio.get_running_loop()
        looks = {loop.create_task(self._look_once(*repeated)) for repeated in self._late.values()}
        for looker in self._late:
            looker.cancel()
        try:
            await wait_at_most(looks, self._clock, GRACE)
        finally:
            for look in looks:
                look.cancel()
        if left := {*forsaken, *self._late, *looks}:
            await asyncio.wait(left)


def _end_of(task: asyncio.Task[Snapshot]) -> Snapshot | BaseException:
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()
