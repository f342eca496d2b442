"""Waiting for snapshots, deletions and restores."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from .. import _validation
from .._api.context import Scope, snapshot_key
from .._api.region_api import SnapshotCalls, one_snapshot, snapshots_of
from .._codec.region_listing import Scan
from .._session.deadline import CallOptions
from ..errors import CivoError, InvalidArgumentError, NotFoundError, PollFailedError
from ..events import OnChange, Transition
from ..models import Instance, Restore, Snapshot
from ..resources.instances import Instances
from ..resources.region_snapshots import scan_region
from ..states import StateTable
from .poller import Looks
from .progress import Deletion, PollPolicy, Progress
from .restore import RestoreProgress
from .schedule import Watch
from .watcher import GRACE, Watcher

DEFAULT_TIMEOUT = 1_800.0
"""Seconds; a wait is never endless by default."""

_ONCE: CallOptions = {"retries": False}
"""A watcher looks again anyway."""


def looks_of(scope: Scope, options: CallOptions = _ONCE) -> Looks:
    """The requests that watching a region takes."""

    async def get(instance_id: str, snapshot_id: str, many: bool) -> Snapshot:
        return await one_snapshot(
            scope, "GET", (instance_id, snapshot_id), None, options, poll=not many
        )

    async def list_instance(instance_id: str, many: bool) -> list[Snapshot]:
        return await snapshots_of(scope, instance_id, options, poll=not many).collect()

    async def list_region(scan: Scan) -> float | None:
        return await scan_region(scope, scan, options)

    return Looks(get, list_instance, list_region)


class SnapshotWaits(SnapshotCalls):
    """Waits that share one watcher per region: many waits cost one listing per tick."""

    def __init__(
        self,
        scope: Scope,
        watcher: Callable[[], Watcher],
        policy: PollPolicy,
        table: StateTable,
    ) -> None:
        super().__init__(scope)
        self._watcher = watcher
        self._policy = policy
        self._table = table

    async def wait_until_complete(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
        on_change: OnChange | None = None,
    ) -> Snapshot:
        """Wait until the snapshot and each of its volumes is complete, and return it.

        `timeout` is in seconds, 30 minutes if None; 0 takes one look. `on_change`, sync or async,
        is told of each transition; an exception of it ends this wait.
        Raises `SnapshotFailedError` (with the failed volumes), `WaitTimeoutError`,
        `SnapshotVanishedError` or `PollFailedError`; each has the last `.snapshot` seen, and the
        wait can be started again. `NotFoundError` if the instance itself is gone.
        """
        wait = self._begin(Progress, snapshot, snapshot_id, timeout, poll)
        if on_change is None:
            return await wait.end()
        async with aclosing(wait.transitions()) as transitions:
            async for transition in transitions:
                told = on_change(transition)
                if inspect.isawaitable(told):
                    await told
        return await wait.end()

    async def watch(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
    ) -> AsyncGenerator[Transition]:
        """Each transition of the snapshot and of its volumes, until it is complete.

        Ends like `wait_until_complete()`: normally, or with the same errors.
        """
        wait = self._begin(Progress, snapshot, snapshot_id, timeout, poll)
        async with aclosing(wait.transitions()) as transitions:
            async for transition in transitions:
                yield transition
        await wait.end()

    async def wait_until_deleted(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
    ) -> None:
        """Wait until the snapshot is gone: its own GET says so, never a listing alone.

        `timeout` as in `wait_until_complete()`; raises `WaitTimeoutError` or `PollFailedError`.
        """
        await self._begin(Deletion, snapshot, snapshot_id, timeout, poll).end()

    async def wait_until_restored(
        self,
        restore: Restore,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
    ) -> Instance:
        """Wait until the restored instance is ACTIVE, and return it.

        A new instance is found by the restore's hostname. `timeout` as in
        `wait_until_complete()`; raises `RestoreFailedError`, `WaitTimeoutError` or
        `PollFailedError`.
        """
        if restore.overwrite_existing:
            _validation.identifier(restore.instance_id, "restore.instance_id")
        elif not restore.hostname:
            raise InvalidArgumentError("this restore names no hostname to wait for")
        self._scope.named_region()
        clock, policy = self._scope.session.clock, poll or self._policy
        progress = RestoreProgress(restore, clock.monotonic())
        deadline = progress.started + _limit(timeout)
        trouble = Progress(
            restore.instance_id, restore.from_snapshot, policy, self._table, progress.started
        )
        while progress.outcome is None:
            now = clock.monotonic()
            try:
                found = await self._restored(progress, max(0.0, deadline - now) + GRACE)
                progress.see(found, clock.monotonic())
                trouble.recover()
            except CivoError as error:
                trouble.fault(error, now)
                if isinstance(trouble.outcome, PollFailedError):
                    trouble.outcome.restore = restore
                    trouble.outcome.instance = progress.last
                    progress.outcome = trouble.outcome
            if progress.outcome is None:
                left = deadline - clock.monotonic()
                if left <= 0:
                    progress.expire(clock.monotonic())
                else:
                    await clock.sleep(min(left, policy.pause(now - progress.started)))
        if isinstance(progress.outcome, Instance):
            return progress.outcome
        raise progress.outcome

    async def _restored(self, progress: RestoreProgress, within: float) -> Instance | None:
        options: CallOptions = {**_ONCE, "timeout": within}
        instances = Instances(self._scope)
        restore = progress.restore
        if progress.last is not None or restore.overwrite_existing:
            known = progress.last.id if progress.last else restore.instance_id
            try:
                return await instances.get(known, **options)
            except NotFoundError:
                return None
        return progress.pick(await instances.list(**options).collect())

    def _begin(
        self,
        kind: type[Progress],
        snapshot: str | Snapshot,
        snapshot_id: str | None,
        timeout: float | None,
        poll: PollPolicy | None,
    ) -> "_Wait":
        instance_id, found = snapshot_key(snapshot, snapshot_id)
        self._scope.named_region()
        now = self._scope.session.clock.monotonic()
        policy = poll or self._policy
        progress = kind(instance_id, found, policy, self._table, now)
        due = now
        if isinstance(snapshot, Snapshot):
            progress.begin_with(snapshot)
            due = now + policy.floor
        return _Wait(self._watcher(), progress, due, now + _limit(timeout))


class _Wait:
    """One caller's wait: hears the watcher, and tells the caller in the caller's own task."""

    __slots__ = ("_ended", "_news", "_progress", "_watch", "_watcher")

    def __init__(self, watcher: Watcher, progress: Progress, due: float, deadline: float) -> None:
        self._watcher = watcher
        self._progress = progress
        self._ended = asyncio.get_running_loop().create_future()
        self._news: asyncio.Queue[Transition | None] | None = None
        self._watch = Watch(progress, due, deadline, self)

    def __call__(self, outcome: Snapshot | CivoError) -> None:
        """The watcher tells the end."""
        if self._news is not None:
            self._news.put_nowait(None)
        if not self._ended.done():
            self._ended.set_result(None)

    async def end(self) -> Snapshot:
        """Wait for the end; return the snapshot or raise."""
        if self._progress.outcome is None:
            self._watcher.add(self._watch)
            try:
                await self._ended
            finally:
                self._watcher.remove(self._watch)
        outcome = self._progress.outcome
        if isinstance(outcome, Snapshot):
            return outcome
        assert outcome is not None
        raise outcome

    async def transitions(self) -> AsyncGenerator[Transition]:
        """Each transition until the end."""
        if self._progress.outcome is not None:
            return
        news = self._news = asyncio.Queue()
        self._watch.on_change = news.put_nowait
        self._watcher.add(self._watch)
        try:
            while (transition := await news.get()) is not None:
                yield transition
        finally:
            self._watcher.remove(self._watch)


def _limit(timeout: float | None) -> float:
    return (
        DEFAULT_TIMEOUT if timeout is None else _validation.seconds(timeout, "timeout", zero=True)
    )
