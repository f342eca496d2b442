"""The fan-out: snapshots of many instances, bounded, each with an outcome of its own.

It is given steps to take, not a client. A few workers pull instances from one iterator; a snapshot
that is being watched costs no task. A place among the snapshots in flight is free again when the
caller has taken the outcome, so that a slow reader slows the run instead of filling the memory.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from copy import copy
from typing import Literal, Protocol

from .. import _naming
from .._clock import Clock
from .._concurrency import wait_at_most
from .._session.deadline import LEAST_ATTEMPT
from .._session.limiter import Gate
from ..errors import (
    AuthenticationError,
    CivoError,
    DeadlineExceededError,
    QuotaExceededError,
    ServiceDisabledError,
    SnapshotExistsError,
)
from ..models import Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from .member import Member, Unwatch, kind_of, kind_of_end

OnExisting = Literal["adopt", "error", "create"]

GRACE = 2.0
"""Seconds that creates already sent may take to learn their outcome when a run is cancelled.

One whose answer is lost is looked for once; if that shows nothing, the client looks on alone."""

_STOPPING = (AuthenticationError, QuotaExceededError, ServiceDisabledError)
"""Errors that every further create would meet as well."""

Source = Iterator[str] | AsyncIterator[str]
OnEnd = Callable[[Snapshot | CivoError], None]


class Steps(Protocol):
    """What a fan-out can do."""

    @property
    def adopts(self) -> bool:
        """Whether anything may exist under the names already."""
        ...

    async def find(self, instance_id: str, name: str, /) -> Sequence[Snapshot]:
        """What exists under a name, the one to adopt first."""
        ...

    async def create(self, instance_id: str, name: str, within: float, /) -> Snapshot:
        """Make a snapshot of an instance under a name, within so many seconds."""
        ...

    def watch(self, snapshot: Snapshot, deadline: float, on_end: OnEnd, /) -> Unwatch:
        """Tell how a snapshot ends, until a deadline."""
        ...

    def call_off(self, instance_id: str, /) -> bool:
        """Keep an instance's create from being sent; False if it may have been already."""
        ...

    async def news(self, instance_id: str, /) -> None:
        """Wait until a create that could not be called off has ended, or seems to be lost."""
        ...

    def forsake(self, instance_id: str, worker: asyncio.Task[None], /) -> None:
        """Wait no longer for an instance's create, which goes on in this task."""
        ...


class Fleet:
    """One run; `outcomes()` drives it, `result()` may be asked at any time."""

    def __init__(
        self,
        steps: Steps,
        clock: Clock,
        *,
        name: str,
        timeout: float,
        concurrency: int,
        in_flight: int,
        on_existing: OnExisting = "adopt",
        expected: Sequence[str] = (),
    ) -> None:
        """`expected` is the whole input in order, if it is known beforehand."""
        self._steps = steps
        self._clock = clock
        self._name = name
        self._deadline = clock.monotonic() + timeout
        self._concurrency = concurrency
        self._on_existing = on_existing
        self._expected = expected
        self._places = Gate(in_flight)
        self._order: list[str] = []
        self._members: dict[str, Member] = {}
        self._ready: deque[Outcome] = deque()
        self._news = asyncio.Event()
        self._workers: dict[asyncio.Task[None], Member | None] = {}
        self._stopped_by: CivoError | None = None
        self._broken_by: Exception | None = None
        self._over = False
        self._closing = False
        self._unknown = 0

    def result(self) -> FleetRun:
        """The run so far, with an outcome for each input that is known."""
        order = self._order + list(self._expected[len(self._order) :])
        members = {key: self._members.get(key) or self._member(key) for key in order}
        outcomes = {key: member.outcome_now() for key, member in members.items()}
        return FleetRun(self._name, tuple(outcomes[key] for key in order), not self._over)

    def left(self) -> float:
        """Seconds left of the run's time."""
        return self._deadline - self._clock.monotonic()

    def _member(self, instance_id: str) -> Member:
        return Member(self.ended, instance_id, _naming.name_for(self._name, instance_id))

    async def outcomes(self, instances: Source) -> AsyncGenerator[Outcome]:
        """Run, and yield each outcome when it is known.

        An error of the input iterator is raised at the end, after everything launched is known.
        """
        lock = asyncio.Lock()
        for _ in range(min(self._concurrency, len(self._expected) or self._concurrency)):
            worker = asyncio.get_running_loop().create_task(self._work(instances, lock))
            self._workers[worker] = None
            worker.add_done_callback(self._worker_done)
        try:
            while True:
                while self._ready:
                    yield self._ready.popleft()
                    self._places.release()
                if not (self._workers or self._unknown or self._ready):
                    break
                self._news.clear()
                await self._news.wait()
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
            if not self._places.try_acquire():
                await self._places.acquire()
            member = None
            try:
                member = await self._next(instances, lock)
            finally:
                if member is None:
                    self._places.release()
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
        if self._stopped_by is not None:
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, copy(self._stopped_by))
            return
        if self.left() <= 0:
            late = DeadlineExceededError("the run's time was over before this create was sent")
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, late)
            return
        try:
            member.snapshot = await self._adopt(member) or await self._create(member)
        except CivoError as error:
            if isinstance(error, _STOPPING):
                self._stopped_by = error
            self._finish(member, kind_of(error), error)
            return
        except Exception as error:  # a defect: the others go on, and the run raises it at its end
            self._broken_by = error
            kind = OutcomeKind.UNKNOWN if member.sending else OutcomeKind.NOT_ATTEMPTED
            self._finish(member, kind, CivoError(f"{type(error).__name__}: {error}"))
            return
        if not self._closing:
            self._watch(member, member.snapshot)

    async def _adopt(self, member: Member) -> Snapshot | None:
        if not self._steps.adopts or self._on_existing == "create":
            return None
        found = await self._steps.find(member.instance_id, member.name)
        if not found:
            return None
        member.duplicates = tuple(snapshot.id for snapshot in found[1:])
        member.adopted = True
        if self._on_existing == "error":
            member.snapshot = found[0]
            raise SnapshotExistsError(
                f"instance {member.instance_id} has a snapshot {member.name} already; "
                "use another name, or on_existing='adopt' to continue that run",
                snapshot=found[0],
            )
        return found[0]

    async def _create(self, member: Member) -> Snapshot:
        member.sending = True
        within = max(self.left(), LEAST_ATTEMPT)
        snapshot = await self._steps.create(member.instance_id, member.name, within)
        member.sending = False
        return snapshot

    def _watch(self, member: Member, snapshot: Snapshot) -> None:
        unwatch = self._steps.watch(snapshot, self._deadline, member)
        if member.outcome is None:
            member.unwatch = unwatch

    def ended(self, member: Member, end: Snapshot | CivoError) -> None:
        """A member's snapshot is finished, or could not be waited for."""
        member.unwatch = None
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
        self._news.set()

    def _worker_done(self, worker: asyncio.Task[None]) -> None:
        self._workers.pop(worker, None)
        self._news.set()

    # The end: also an early one leaves nothing running, and no accepted create unreported.

    async def _wind_down(self) -> None:
        self._closing = True
        for worker, member in list(self._workers.items()):
            if member is not None and member.sending:
                member.sending = not self._steps.call_off(member.instance_id)
            if member is None or not member.sending:
                worker.cancel()
        try:
            await self._last_answers()
        finally:
            cancelled: list[asyncio.Task[None]] = []
            for worker, member in self._workers.items():
                if member is not None and member.sending:
                    self._steps.forsake(member.instance_id, worker)
                else:
                    worker.cancel()
                    cancelled.append(worker)
            for member in self._members.values():
                if member.unwatch is not None:
                    member.unwatch()
                    member.unwatch = None
        if cancelled:
            await asyncio.wait(cancelled)

    async def _last_answers(self) -> None:
        sending = [member for member in self._workers.values() if member and member.sending]
        loop = asyncio.get_running_loop()
        news = [loop.create_task(self._steps.news(member.instance_id)) for member in sending]
        try:
            await wait_at_most(news, self._clock, GRACE)
        finally:
            for task in news:
                task.cancel()
            if news:
                await asyncio.wait(news)
