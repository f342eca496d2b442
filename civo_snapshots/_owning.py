"""Creates owned by the client instead of by their callers, so that none is forgotten.

A caller that is cancelled is let go at once; a create that may have acted goes on until its outcome
is known, and the client reports it. Creates that were sent twice are looked after for a while: the
first send may still act.
"""

import asyncio
from collections.abc import Callable

from ._bounded import wait_at_most
from ._clock import Clock
from ._creating import Creation, Ledger
from .errors import CivoError
from .events import ExtraSnapshot
from .models import Snapshot
from .outcomes import Unresolved

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
        self._forsaken: dict[asyncio.Task[Snapshot], Unresolved] = {}
        self._resolved: list[Unresolved] = []
        self._late: dict[asyncio.Task[None], tuple[Creation, str]] = {}
        self.extras: list[ExtraSnapshot] = []

    @property
    def unresolved(self) -> tuple[Unresolved, ...]:
        """Every create whose caller was cancelled after it may have acted."""
        return (*self._resolved, *self._forsaken.values())

    async def run(self, creation: Creation) -> Snapshot:
        """Run a create in a task of the client; a cancelled caller does not wait for it."""
        task = asyncio.get_running_loop().create_task(self._run(creation))
        # Also a task that is cancelled before its first step.
        task.add_done_callback(lambda _: creation.steps.give_back())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            unsent = creation.call_off()
            if task.done() or not unsent:
                self._forsaken[task] = Unresolved(creation.instance_id, creation.name)
                task.add_done_callback(self._resolve)
            else:
                task.cancel()
            raise

    async def _run(self, creation: Creation) -> Snapshot:
        snapshot = await creation.run()
        for extra in creation.extras:
            self._report(creation, snapshot.id, extra)
        if creation.resent:
            task = asyncio.get_running_loop().create_task(self._look_late(creation, snapshot.id))
            self._late[task] = (creation, snapshot.id)
            task.add_done_callback(lambda done: self._late.pop(done, None))
        return snapshot

    def _resolve(self, task: asyncio.Task[Snapshot]) -> None:
        known = self._forsaken.pop(task)
        if task.cancelled():
            error: BaseException | None = CivoError("the client was closed before it was known")
        else:
            error = task.exception()
        snapshot = None if error else task.result()
        told = error if isinstance(error, CivoError) or error is None else CivoError(repr(error))
        self._resolved.append(Unresolved(known.instance_id, known.name, snapshot, told))

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
        await wait_at_most(set(self._forsaken), self._clock, GRACE)
        for task in list(self._forsaken):
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
        if left := {*self._forsaken, *self._late, *looks}:
            await asyncio.wait(left)
