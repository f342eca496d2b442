"""The creates of a client: they outlive a cancelled caller, so that none is forgotten.

A caller that is cancelled is released at once; a create that may have acted goes on until its
outcome is known, and the client reports it. After a create of which an answer was lost the client
searches for a while longer, because that request may still act.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import Context
from typing import Any, Protocol

from .. import _naming
from .._api import RegionApi
from .._clock import Clock
from .._concurrency import wait_at_most
from .._http import Kind
from .._session import CallOptions, LogicalCall, Quiescing
from ..errors import CivoError
from ..events import ExtraSnapshot
from ..models import Snapshot
from ..outcomes import FleetRun, UnresolvedCreate
from ..states import DEFAULT_STATES, StateTable
from .claims import Claims
from .creation import Creation, OnExisting
from .unresolved import CREATES_KEPT, EXTRAS_KEPT, RUNS_KEPT, Latest, Unresolved

CLOSE_GRACE = 10.0
"""Seconds that closing waits for creates whose callers are gone, and then for its last searches."""

_LATE_SEARCHES = (15.0, 30.0, 60.0)
"""Seconds between the searches for what a repeated create's first send made late."""


class OpenRun(Protocol):
    """A run over many instances that has begun and not ended."""

    def interrupted(self) -> FleetRun | None:
        """The run so far, if it was interrupted; None while it goes on."""
        ...

    async def leave(self) -> None:
        """End it, unless somebody waits for its next outcome."""
        ...


class CreateSupervisor:
    """Runs creates, and keeps those whose callers are gone until their outcome is known.

    Attributes:
        unresolved: what could be told to no caller.
        interrupted: the runs that did not come to their end.
        open_runs: the runs that have begun and not ended.
    """

    def __init__(self, clock: Clock, tell: Callable[[ExtraSnapshot], None]) -> None:
        self.claims = Claims()
        self._clock = clock
        self._tell = tell
        self._detached: dict[Creation, asyncio.Task[Any]] = {}
        self._resolved = Latest[UnresolvedCreate]("creates", CREATES_KEPT)
        self._late: dict[asyncio.Task[None], tuple[Creation, Snapshot | None]] = {}
        self._extras = Latest[ExtraSnapshot]("extra snapshots", EXTRAS_KEPT)
        self.interrupted = Latest[FleetRun]("runs", RUNS_KEPT)
        self.unresolved = Unresolved(
            self._resolved, self.interrupted, self._extras, self._open_creates, self._ending_runs
        )
        self.open_runs: set[OpenRun] = set()
        self._closing = False

    def _ending_runs(self) -> Iterator[FleetRun]:
        return (run for one in self.open_runs if (run := one.interrupted()) is not None)

    def _open_creates(self) -> Iterator[UnresolvedCreate]:
        return (UnresolvedCreate(one.instance_id, one.name) for one in self._detached)

    async def create(
        self,
        api: RegionApi,
        instance_id: str,
        name: str | None,
        description: str | None,
        options: CallOptions,
        *,
        on_existing: OnExisting = "create",
        states: StateTable = DEFAULT_STATES,
        quiescing: Quiescing | None = None,
    ) -> Snapshot:
        """Create a snapshot, under a generated name if none is given."""
        call = api.session.begin(Kind.CREATING, options)
        call.hold = quiescing.of(instance_id, self._clock) if quiescing else None
        # Thousands may wait here: what a create needs is made when it has a slot.
        await api.session.enter(call)
        unique = name is None
        if name is None:
            name = _naming.generate_name(self._clock.now())
        try:
            creation = self.prepare(api, instance_id, name, description, call, unique=unique)
            if not unique:
                creation.on_existing, creation.states = on_existing, states
                creation.is_shared = True
        except BaseException:
            call.release_slot()
            raise
        return await self.run(creation)

    def prepare(
        self,
        api: RegionApi,
        instance_id: str,
        name: str,
        description: str | None,
        call: LogicalCall,
        *,
        unique: bool,
    ) -> Creation:
        """A create ready to run; `unique` tells that nothing else in the region can bear the name.

        It has a slot among the requests in flight if its call waited for one.
        """
        return Creation(
            api,
            self.claims,
            call,
            instance_id,
            name,
            description,
            unique,
            api.session.timeouts.reconcile_window,
        )

    async def run(self, creation: Creation) -> Snapshot:
        """Run a create in a task of the client, so that it outlives a cancelled caller."""
        task = asyncio.get_running_loop().create_task(self.run_here(creation))

        def ended(task: asyncio.Task[Snapshot]) -> None:
            # Also of a task that is cancelled before its first step.
            creation.call.release_slot()
            if not task.cancelled():
                task.exception()  # the caller or `unresolved` has it: asyncio need not complain

        task.add_done_callback(ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            unsent = creation.cancel()
            if task.done():  # in this very moment
                self._resolve(creation, _end_of(task))
            elif unsent:
                task.cancel()
                if creation.call.hold is not None:
                    await asyncio.wait({task})  # it releases what it holds
            else:
                self.detach(creation, task)
            raise

    async def run_here(self, creation: Creation) -> Snapshot:
        """Run a create in the caller's own task, which must detach it rather than cancel it.

        That saves a task for each of many creates.
        """
        try:
            snapshot = await creation.run()
        except BaseException as error:
            if creation in self._detached:
                self._resolve(creation, error)
            if creation.lost and isinstance(error, CivoError):
                self._begin_late_searches(creation, None)
            raise
        if creation in self._detached:
            self._resolve(creation, snapshot)
        for extra in creation.extras:
            self._report(snapshot, extra)
        if creation.may_act_late:
            self._begin_late_searches(creation, snapshot)
        return snapshot

    def _begin_late_searches(self, creation: Creation, kept: Snapshot | None) -> None:
        if self._closing:
            return
        # Its caller is gone by then, and what that traces has ended.
        searching = self._search_late(creation, kept)
        task = asyncio.get_running_loop().create_task(searching, context=Context())
        self._late[task] = (creation, kept)
        task.add_done_callback(lambda done: self._late.pop(done, None))

    def detach(self, creation: Creation, task: asyncio.Task[Any]) -> None:
        """Keep a create that may have acted and whose caller is gone; report how it ends."""
        self._detached[creation] = task

    def _resolve(self, creation: Creation, end: Snapshot | BaseException) -> None:
        """Note how a create ended whose caller was gone."""
        self._detached.pop(creation, None)
        snapshot: Snapshot | None = None
        error: CivoError | None = None
        if isinstance(end, Snapshot):
            snapshot = end
        elif isinstance(end, asyncio.CancelledError):
            error = CivoError("the client was closed before it was known")
        else:
            error = end if isinstance(end, CivoError) else CivoError(repr(end))
        self._resolved.add(UnresolvedCreate(creation.instance_id, creation.name, snapshot, error))

    async def _search_late(self, creation: Creation, kept: Snapshot | None) -> None:
        for pause in _LATE_SEARCHES:
            await self._clock.sleep(pause)
            await self._search_once(creation, kept)

    async def _search_once(self, creation: Creation, kept: Snapshot | None) -> None:
        for extra in await creation.late():
            self._report(kept, extra)

    def _report(self, kept: Snapshot | None, extra: Snapshot) -> None:
        event = ExtraSnapshot(kept, extra)
        self._extras.add(event)
        self._tell(event)

    async def leave_runs(self) -> None:
        """End the runs that nobody reads any more, as their cancellation would."""
        await asyncio.gather(*(run.leave() for run in self.open_runs))

    async def drain(self) -> None:
        """Wait a little for the detached creates, and search once more after repeated ones."""
        await wait_at_most(set(self._detached.values()), self._clock, CLOSE_GRACE)
        loop = asyncio.get_running_loop()
        searches = {
            loop.create_task(self._search_once(*repeated)) for repeated in self._late.values()
        }
        self._cancel_all()
        try:
            await wait_at_most(searches, self._clock, CLOSE_GRACE)
        finally:
            for search in searches:
                search.cancel()
            if searches:
                await asyncio.wait(searches)

    async def close(self) -> None:
        """End whatever still goes on."""
        self._cancel_all()
        if left := {*self._detached.values(), *self._late}:
            await asyncio.wait(left)

    def _cancel_all(self) -> None:
        if not self._closing:
            self._closing = True
            for task in (*self._detached.values(), *self._late):
                task.cancel()


def _end_of(task: asyncio.Task[Snapshot]) -> Snapshot | BaseException:
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()
