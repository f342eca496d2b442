"""The fan-out: snapshots of many instances, bounded, each with an outcome of its own.

A few workers pull instances from one iterator; a snapshot that is being watched costs no task. A
slot among the snapshots in flight is free again when the caller has taken the outcome, so that a
slow reader slows the run instead of filling the memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from .._api import RegionApi
from .._codec import compact
from .._concurrency import Gate, start, wait_at_most
from .._create import CreateSupervisor
from .._watch import CompletionWait, RegisteredWait, Watcher, grace_of
from ..errors import CivoError
from ..events import OutcomeKnown
from ..models import Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from .ending import tell_further
from .intake import Intake, Source
from .making import Making
from .member import Member, Stage, kind_of_end
from .settings import RunSettings
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
        self._region = api.named_region()
        self._began = self._clock.monotonic()
        self._deadline = self._began + settings.timeout
        self._expected = expected
        self._making = Making(api, creates, settings, self.left, self._finish)
        self._slots = Gate(settings.max_in_flight)
        self._intake = Intake(iter(()), ())
        self._members: dict[str, Member] = {}
        self._on_end = self.ended  # one bound method for all members
        self._ready: deque[Outcome] = deque()
        self._changed = asyncio.Event()
        self._workers: dict[asyncio.Task[None], Member | None] = {}
        self._over = False
        self._closing = False
        self.is_interrupted = False
        self._unknown = 0

    async def prepare(self) -> None:
        """Read what the region has, once for all instances."""
        await self._making.prepare()

    async def is_missing(self, instance_id: str) -> bool:
        """Whether the run would make a snapshot of the instance, as far as one look tells."""
        return await self._making.is_missing(instance_id)

    @property
    def stop(self) -> StopCondition:
        """What ends the whole run."""
        return self._making.stop

    def result(self) -> FleetRun:
        """The run so far, with an outcome for each input that is known."""
        order = self._intake.order + list(self._expected[len(self._intake.order) :])
        members = {key: self._members.get(key) or self._member(key) for key in order}
        goes_on = not self._closing
        outcomes = {key: one.outcome_now(is_running=goes_on) for key, one in members.items()}
        return FleetRun(self._settings.name, tuple(outcomes[key] for key in order), not self._over)

    def stopped(self) -> None:
        """Note that the run sends nothing more, also if it has not begun."""
        self._closing = True

    def left(self) -> float:
        """Seconds left of the run's time."""
        return self._deadline - self._clock.monotonic()

    def _member(self, instance_id: str) -> Member:
        settings = self._settings
        hostname = settings.hostnames.get(instance_id, "")
        name = settings.name_for(instance_id)
        return Member(self._on_end, instance_id, name, self._region, hostname)

    async def outcomes(self, instances: Source) -> AsyncGenerator[Outcome]:
        """Run, and yield each outcome when it is known.

        An error of the input iterator is raised at the end, after everything launched is known.
        """
        self._intake = Intake(instances, self._members)
        concurrency = self._settings.concurrency
        for _ in range(min(concurrency, len(self._expected) or concurrency)):
            worker = start(self._work())
            self._workers[worker] = None
            worker.add_done_callback(self._worker_done)
        try:
            while True:
                while self._ready:
                    self._intake.pause()
                    yield self._ready.popleft()
                    self._intake.resume()
                    self._slots.release()
                if not (self._workers or self._unknown or self._ready):
                    break
                self._changed.clear()
                await self._changed.wait()
        except BaseException:  # it was cancelled, or its reader has left
            self.is_interrupted = True
            raise
        finally:
            await self._wind_down()
        if self._intake.error is not None:
            raise self._intake.error
        await self._tell_further()
        self._over = True

    # The workers: take an instance, adopt or create, hand over to the watcher.

    async def _work(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        while not self._closing:
            await self._slots.acquire()
            instance_id = None
            try:
                instance_id = await self._intake.next()
            finally:
                if instance_id is None:
                    self._slots.release()
            if instance_id is None:
                return
            member = self._members[instance_id] = self._member(instance_id)
            self._unknown += 1
            self._workers[me] = member
            await self._begin(member)
            self._workers[me] = None

    async def _begin(self, member: Member) -> None:
        try:
            await self._making.make(member)
        except Exception as error:  # a defect: the others go on, and the run raises it at its end
            self._intake.error = error
            unsent = member.stage is Stage.UNSENT
            kind = OutcomeKind.NOT_ATTEMPTED if unsent else OutcomeKind.UNKNOWN
            self._finish(member, kind, CivoError(f"{type(error).__name__}: {error}"))
        if member.stage is Stage.MADE and member.snapshot is not None and not self._closing:
            self._watch(member, member.snapshot)

    def _watch(self, member: Member, snapshot: Snapshot) -> None:
        """Register with the region's watcher; an end that is known already needs no wait."""
        settings, now = self._settings, self._clock.monotonic()
        snapshot = member.snapshot = compact(snapshot)  # thousands may wait
        progress = CompletionWait(
            snapshot.instance_id, snapshot.id, settings.policy, settings.states, now
        )
        self._watcher.seed(progress, snapshot, is_fresh=True)
        if progress.outcome is not None:
            self.ended(member, progress.outcome)
            return
        if not settings.waits:
            self._finish(member, OutcomeKind.PENDING, None)
            return
        wait = RegisteredWait(
            progress, now + settings.policy.floor, self._deadline, member, settings.on_change
        )
        member.begin_wait(wait)
        self._watcher.add(wait)

    def ended(self, member: Member, end: Snapshot | CivoError) -> None:
        """A member's snapshot is finished, or could not be waited for."""
        member.end_wait()
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
        now = self._clock.now() if kind.is_end else None
        self._ready.append(member.finish(kind, error, now))
        self._changed.set()
        self._tell(member, kind, error)

    def _tell(self, member: Member, kind: OutcomeKind, error: CivoError | None) -> None:
        session = self._api.session
        if session.is_heard(OutcomeKnown):
            event = OutcomeKnown(
                self._settings.name,
                self._api.named_region(),
                member.instance_id,
                member.name,
                kind.value,
                member.snapshot.id if member.snapshot else "",
                type(error).__name__ if error else "",
                member.adopted,
                len(member.duplicates),
            )
            session.tell(event)

    def _worker_done(self, worker: asyncio.Task[None]) -> None:
        self._workers.pop(worker, None)
        self._changed.set()

    # The end: also an early one leaves nothing running, and no accepted create unreported.

    async def _wind_down(self) -> None:
        """End everything; a create that may have acted is left to the client if it must be."""
        self._closing = True
        for worker, member in list(self._workers.items()):
            if member is not None:
                member.cancel()
            if member is None or member.stage is not Stage.SENT:
                worker.cancel()
        try:
            await self._last_answers()
        finally:
            await self._end_workers()

    async def _last_answers(self) -> None:
        """Wait until the creates on their way have ended, or were searched for in vain."""
        sent = [one for one in self._workers.values() if one and one.stage is Stage.SENT]
        settled = [asyncio.ensure_future(one.creation.settled()) for one in sent if one.creation]
        try:
            await wait_at_most(settled, self._clock, CANCEL_GRACE)
        finally:
            for task in settled:
                task.cancel()
            if settled:
                await asyncio.wait(settled)

    async def _end_workers(self) -> None:
        for member in self._members.values():
            if (wait := member.end_wait()) is not None:
                self._watcher.remove(wait)
        cancelled: list[asyncio.Task[None]] = []
        for worker, begun in self._workers.items():
            if begun and begun.creation and begun.stage is Stage.SENT:
                self._creates.detach(begun.creation, worker)
            else:
                worker.cancel()
                cancelled.append(worker)
        if cancelled:
            await asyncio.wait(cancelled)

    async def _tell_further(self) -> None:
        """What others made under the run's names meanwhile; only if it made something itself."""
        grace = grace_of(self._settings.timeout)
        made = (one.snapshot and not one.adopted for one in self._members.values())
        if self._making.adopts and self._settings.waits and any(made):
            await tell_further(
                self._api,
                self._settings.name,
                self._members.values(),
                lambda: self.left() + grace,
                shows_at=self._began + self._api.session.timeouts.reconcile_window,
                workers=self._settings.concurrency,
            )
