"""The fan-out: snapshots of many instances, bounded, each with an outcome of its own.

A few workers pull instances from one iterator; a snapshot that is being watched costs no task. A
slot among the snapshots in flight is free again when the caller has taken the outcome, so that a
slow reader slows the run instead of filling the memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from copy import copy
from functools import partial

from .._api import RegionApi
from .._concurrency import Gate, wait_at_most
from .._create import CreateSupervisor
from .._watch import CompletionWait, RegisteredWait, Watcher
from ..errors import CivoError, DeadlineExceededError, SnapshotExistsError
from ..models import Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from .adoption import Adoption, best_of
from .member import Member, kind_of, kind_of_end
from .settings import RunSettings, Source
from .stopping import StopCondition

CANCEL_GRACE = 2.0
"""Seconds that creates already sent may take to learn their outcome when a run is cancelled.

One whose answer is lost is searched for once; if that shows nothing, the client goes on alone."""


class Fleet:
    """One run; `outcomes()` drives it, `result()` may be asked at any time."""

    def __init__(
        self,
        api: RegionApi,
        creates: CreateSupervisor,
        watcher: Watcher,
        settings: RunSettings,
        expected: Sequence[str] = (),
    ) -> None:
        """`expected` is the whole input in order, if it is known beforehand."""
        self._api = api
        self._creates = creates
        self._watcher = watcher
        self._settings = settings
        self._clock = api.session.clock
        self._deadline = self._clock.monotonic() + settings.timeout
        self._expected = expected
        adopts = not settings.is_new and settings.on_existing != "create"
        self._adoption = Adoption(api, f"{settings.name}-") if adopts else None
        self._slots = Gate(settings.max_in_flight)
        self._order: list[str] = []
        self._members: dict[str, Member] = {}
        self._ready: deque[Outcome] = deque()
        self._changed = asyncio.Event()
        self._workers: dict[asyncio.Task[None], Member | None] = {}
        self.stop = StopCondition(api, self.left)
        self._broken_by: Exception | None = None
        self._over = False
        self._closing = False
        self._unknown = 0

    async def prepare(self) -> None:
        """Read what the region has, once for all instances."""
        if self._adoption is not None:
            await self.stop.confirmed(self._adoption.prepare)

    async def find(self, instance_id: str) -> Sequence[Snapshot]:
        """What exists under an instance's name already, the one to adopt first."""
        if self._adoption is None:
            return ()
        found = await self._adoption.find(instance_id, self._settings.name_for(instance_id))
        return sorted(found, key=best_of(self._settings.states))

    def result(self) -> FleetRun:
        """The run so far, with an outcome for each input that is known."""
        order = self._order + list(self._expected[len(self._order) :])
        members = {key: self._members.get(key) or self._member(key) for key in order}
        outcomes = {key: member.outcome_now() for key, member in members.items()}
        return FleetRun(self._settings.name, tuple(outcomes[key] for key in order), not self._over)

    def left(self) -> float:
        """Seconds left of the run's time."""
        return self._deadline - self._clock.monotonic()

    def _member(self, instance_id: str) -> Member:
        return Member(self.ended, instance_id, self._settings.name_for(instance_id))

    async def outcomes(self, instances: Source) -> AsyncGenerator[Outcome]:
        """Run, and yield each outcome when it is known.

        An error of the input iterator is raised at the end, after everything launched is known.
        """
        lock = asyncio.Lock()
        concurrency = self._settings.concurrency
        for _ in range(min(concurrency, len(self._expected) or concurrency)):
            worker = asyncio.get_running_loop().create_task(self._work(instances, lock))
            self._workers[worker] = None
            worker.add_done_callback(self._worker_done)
        try:
            while True:
                while self._ready:
                    yield self._ready.popleft()
                    self._slots.release()
                if not (self._workers or self._unknown or self._ready):
                    break
                self._changed.clear()
                await self._changed.wait()
        finally:
            await self._wind_down()
        if self._broken_by is not None:
            raise self._broken_by
        self._over = True

    # The workers: take an instance, adopt or create, hand over to the watcher.

    async def _work(self, instances: Source, lock: asyncio.Lock) -> None:
        me = asyncio.current_task()
        assert me is not None
        while not self._closing:
            await self._slots.acquire()
            member = None
            try:
                member = await self._next(instances, lock)
            finally:
                if member is None:
                    self._slots.release()
            if member is None:
                return
            self._workers[me] = member
            await self._begin(member)
            self._workers[me] = None

    async def _next(self, instances: Source, lock: asyncio.Lock) -> Member | None:
        """The next instance that is not known yet; None at the end of the input."""
        while True:
            async with lock:
                instance_id = await self._pull(instances)
            if instance_id is None:
                return None
            self._order.append(instance_id)
            if instance_id not in self._members:
                member = self._members[instance_id] = self._member(instance_id)
                self._unknown += 1
                return member

    async def _pull(self, instances: Source) -> str | None:
        """One of the input; None if there is none, or something is broken."""
        if self._broken_by is not None:
            return None
        try:
            return next(instances) if isinstance(instances, Iterator) else await anext(instances)
        except (StopIteration, StopAsyncIteration):
            return None
        except Exception as error:
            self._broken_by = error
            return None

    async def _begin(self, member: Member) -> None:
        if self.stop.error is not None:
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, copy(self.stop.error))
            return
        if self.left() <= 0:
            late = DeadlineExceededError("the run's time was over before this create was sent")
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, late)
            return
        try:
            launch = partial(self._launch, member)
            member.snapshot = await self.stop.confirmed(launch, member.instance_id)
        except CivoError as error:
            self._finish(member, kind_of(error), error)
            return
        except Exception as error:  # a defect: the others go on, and the run raises it at its end
            self._broken_by = error
            kind = OutcomeKind.UNKNOWN if member.may_have_acted else OutcomeKind.NOT_ATTEMPTED
            self._finish(member, kind, CivoError(f"{type(error).__name__}: {error}"))
            return
        if not self._closing:
            self._watch(member, member.snapshot)

    async def _launch(self, member: Member) -> Snapshot:
        try:
            return await self._adopt(member) or await self._create(member)
        except CivoError as error:
            member.refused_with(error)
            raise

    async def _adopt(self, member: Member) -> Snapshot | None:
        found = await self.find(member.instance_id)
        if not found:
            return None
        member.duplicates = tuple(snapshot.id for snapshot in found[1:])
        member.adopted = True
        if self._settings.on_existing == "error":
            member.snapshot = found[0]
            raise SnapshotExistsError(
                f"instance {member.instance_id} has a snapshot {member.name} already; "
                "use another name, or on_existing='adopt' to continue that run",
                snapshot=found[0],
            )
        return found[0]

    async def _create(self, member: Member) -> Snapshot:
        member.may_have_acted, member.refusal = True, None
        member.creation = self._creates.prepare(
            self._api,
            member.instance_id,
            member.name,
            self._settings.description,
            self._api.session.begin_step(self._deadline),
            unique=self._settings.on_existing != "create",
        )
        try:
            snapshot = await self._creates.run_here(member.creation)
        finally:
            member.creation = None
        member.may_have_acted = False
        return snapshot

    def _watch(self, member: Member, snapshot: Snapshot) -> None:
        """Register with the region's watcher; an end that is known already needs no wait."""
        settings, now = self._settings, self._clock.monotonic()
        progress = CompletionWait(
            snapshot.instance_id, snapshot.id, settings.policy, settings.states, now
        )
        self._watcher.seed(progress, snapshot, is_fresh=True)
        if progress.outcome is not None:
            self.ended(member, progress.outcome)
            return
        member.wait = RegisteredWait(
            progress, now + settings.policy.floor, self._deadline, member, settings.on_change
        )
        self._watcher.add(member.wait)

    def ended(self, member: Member, end: Snapshot | CivoError) -> None:
        """A member's snapshot is finished, or could not be waited for."""
        member.wait = None
        if isinstance(end, Snapshot):
            member.snapshot = end
            self._finish(member, OutcomeKind.COMPLETE, None)
            return
        seen = getattr(end, "snapshot", None)
        if isinstance(seen, Snapshot):
            member.snapshot = seen
        self._finish(member, kind_of_end(end), end)

    def _finish(self, member: Member, kind: OutcomeKind, error: CivoError | None) -> None:
        self._unknown -= 1
        self._ready.append(member.finish(kind, error))
        self._changed.set()

    def _worker_done(self, worker: asyncio.Task[None]) -> None:
        self._workers.pop(worker, None)
        self._changed.set()

    # The end: also an early one leaves nothing running, and no accepted create unreported.

    async def _wind_down(self) -> None:
        self._closing = True
        for worker, member in list(self._workers.items()):
            if member is not None and member.may_have_acted:
                member.may_have_acted = not member.cancel()
            if member is None or not member.may_have_acted:
                worker.cancel()
        try:
            await self._last_answers()
        finally:
            cancelled: list[asyncio.Task[None]] = []
            for worker, member in self._workers.items():
                if member is not None and member.may_have_acted and member.creation is not None:
                    self._creates.detach(member.creation, worker)
                else:
                    worker.cancel()
                    cancelled.append(worker)
            for member in self._members.values():
                if member.wait is not None:
                    self._watcher.remove(member.wait)
                    member.wait = None
        if cancelled:
            await asyncio.wait(cancelled)

    async def _last_answers(self) -> None:
        """Wait until the creates on their way have ended, or were searched for in vain."""
        members = [member for member in self._workers.values() if member]
        sent = [one.creation for one in members if one.may_have_acted and one.creation]
        settled = [asyncio.ensure_future(creation.settled()) for creation in sent]
        try:
            await wait_at_most(settled, self._clock, CANCEL_GRACE)
        finally:
            for task in settled:
                task.cancel()
            if settled:
                await asyncio.wait(settled)
