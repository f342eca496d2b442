"""Runs as tasks of Airflow: an operator that creates, a trigger and a sensor that read, a hook.

Creates belong to the operator's `execute`, of which one runs at a time. A trigger may run twice at
once, and does so whenever a triggerer is thought dead: it sends nothing but reads.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar, cast

from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator, Context, PokeReturnValue
from airflow.triggers.base import BaseTrigger, TriggerEvent

from .. import CivoClient, PollPolicy, RegionView, run_name
from ..errors import CivoError, InvalidArgumentError
from ..events import Event, Listener, OutcomeKnown, WaitEnded
from ..models import Instance
from ..outcomes import FleetRun, OutcomeKind
from ..resources import DEFAULT_RUN_TIMEOUT, RunOptions
from ..retention import PruneReport, RetentionPolicy

T = TypeVar("T")

_CLIENT_LOG = logging.getLogger("civo_snapshots")
_NAME = "{{ dag.dag_id }} {{ task.task_id }} {{ run_id }}"
_TELL_EVERY = 10.0  # seconds between lines of progress in a task's log
_SHOWN_AFTER = 60.0  # seconds after which reads surely show what a task has made


class CivoHook(BaseHook):
    """The client of a connection of type `civo`: its password is the token.

    Its extras `region` and `api_url` are the client's; what they leave out is found as `CivoClient`
    finds it.
    """

    conn_name_attr = "civo_conn_id"
    default_conn_name = "civo_default"
    conn_type = "civo"
    hook_name = "Civo snapshots"

    def __init__(self, civo_conn_id: str = default_conn_name, region: str | None = None) -> None:
        super().__init__()
        self.civo_conn_id = civo_conn_id
        self.region = region

    def get_conn(self, on_event: Listener | None = None) -> CivoClient:
        """A client, for `async with`."""
        return self._client_of(self.get_connection(self.civo_conn_id), on_event)

    async def aget_conn(self, on_event: Listener | None = None) -> CivoClient:
        """The same where an event loop runs already, such as a triggerer's."""
        return self._client_of(await self.aget_connection(self.civo_conn_id), on_event)

    def _client_of(self, connection: Any, on_event: Listener | None) -> CivoClient:
        extra = cast("dict[str, str]", connection.extra_dejson)
        return CivoClient(
            connection.password or None,
            region=self.region or extra.get("region") or None,
            api_url=extra.get("api_url") or None,
            app="airflow",
            on_event=on_event,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Whether the token may list instances, for the button of the connection's form."""

        async def ask() -> str:
            async with self.get_conn() as civo:
                count = len(await civo.instances.list().collect())
                return f"{count} instances in {civo.region}"

        try:
            return True, asyncio.run(ask())
        except CivoError as error:
            return False, str(error)


class CivoSnapshotFleetOperator(BaseOperator):
    """Snapshots many instances of a region, waits for all, and returns the run as JSON to XCom.

    The task fails if any snapshot is not complete. Tried again, it goes on with its run: what
    exists is taken over, and nothing is created twice. Deferred, it holds no worker while it waits.

    Args:
        instances: ids, also of a task upstream; templated.
        tags: all instances that have one of these; templated.
        where: a function from an `Instance` to whether it is meant. Exactly one of the three.
        name: any text; `run_name()` makes it the run's name. Another run of the DAG has another.
        region: the connection's if None; templated, and what `.expand()` is for.
        wait_for_completion: if False, the run as it was started is returned, for a sensor.
        deferrable: whether a trigger waits.
        timeout: seconds for creates and wait, counted anew by a task that is tried again.
        quota: "check" refuses the run before anything is sent if the quota is too small.
        on_failed: "retry" makes one more of what an earlier attempt has left failed.
        description, concurrency, allow_empty: as in `RunOptions`.
        retention: applied afterwards, if all is complete, to the runs of `retention_prefix`.
    """

    template_fields: Sequence[str] = ("name", "region", "instances", "tags", "civo_conn_id")

    def __init__(
        self,
        *,
        instances: Sequence[str] | None = None,
        tags: Sequence[str] | None = None,
        where: Callable[[Instance], bool] | None = None,
        name: str = _NAME,
        region: str | None = None,
        civo_conn_id: str = CivoHook.default_conn_name,
        wait_for_completion: bool = True,
        deferrable: bool = True,
        timeout: float = DEFAULT_RUN_TIMEOUT,
        quota: Literal["check", "ignore"] = "ignore",
        on_failed: Literal["report", "retry"] = "report",
        description: str | None = None,
        concurrency: int | None = None,
        allow_empty: bool = False,
        retention: RetentionPolicy | None = None,
        retention_prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sum(one is not None for one in (instances, tags, where)) != 1:
            raise InvalidArgumentError("pass exactly one of instances, tags and where")
        if (retention is None) != (retention_prefix is None):
            raise InvalidArgumentError("retention and retention_prefix belong together")
        self.instances = instances
        self.tags = tags
        self.where = where
        self.name = name
        self.region = region
        self.civo_conn_id = civo_conn_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.timeout = timeout
        self.options: RunOptions = {
            "timeout": timeout,
            "quota": quota,
            "on_failed": on_failed,
            "description": description,
            "concurrency": concurrency,
            "allow_empty": allow_empty,
            "max_age": None,  # the name is this DAG run's, however long ago it first ran
        }
        self.retention = retention
        self.retention_prefix = retention_prefix
        self._kill: Callable[[], object] | None = None

    def execute(self, context: Context) -> dict[str, object]:
        """Create or adopt, and wait here or by a trigger."""
        ends_at = time.time() + self.timeout
        again = (context["ti"].try_number or 1) > 1
        run = self._run(self._start(resume=again))
        if not self.wait_for_completion:
            self.log.info("%s", run)
            FleetRun(run.name, run.failures).raise_for_failures()
            return run.as_dict()
        absent = (one for one in run.failures if one.snapshot is None)
        surely = (one for one in absent if one.kind is not OutcomeKind.UNKNOWN)
        failed = FleetRun(run.name, tuple(surely))
        begun = len({one.instance_id for one in run}) - len(failed)
        if self.deferrable and begun and run.unfinished:
            self.defer(
                trigger=CivoSnapshotFleetTrigger(
                    run.name,
                    expected=begun,
                    ends_at=ends_at,
                    region=self.region,
                    civo_conn_id=self.civo_conn_id,
                ),
                method_name="execute_complete",
                kwargs={"failed": failed.to_json()},
                timeout=timedelta(seconds=self.timeout + _SHOWN_AFTER),
            )
        return self._ended(self._run(self._wait(run, ends_at)))

    def execute_complete(
        self, context: Context, event: Mapping[str, Any], failed: str | None = None
    ) -> dict[str, object]:
        """Judge the run when the trigger has fired, by an own look.

        `failed` is the run of those that could not be started, as JSON.
        """
        self.log.info("The trigger has ended: %s", event)
        name, expected, ends_at = event["name"], event["expected"], event["ends_at"]

        async def find_again() -> FleetRun:
            async with self._hook().get_conn() as civo:
                found = await _find(civo, name, expected)
            return await self._wait(found, ends_at)

        earlier = FleetRun.from_json(failed) if failed else FleetRun(name)
        return self._ended(FleetRun(name, (*self._run(find_again()), *earlier)))

    def on_kill(self) -> None:
        """Stop creating; creates on their way come to an end first."""
        if self._kill is not None:
            self._kill()

    async def _start(self, *, resume: bool) -> FleetRun:
        options: RunOptions = {**self.options, "resume": resume}
        name, progress = run_name(self.name), _ProgressLog(self.log.info, "started", OutcomeKnown)
        async with self._hook().get_conn(progress) as civo:
            chosen = await self._chosen(civo)
            progress.begin(name, civo, len(chosen))
            return await civo.snapshots.start_many(chosen, name=name, **options)

    async def _chosen(self, civo: RegionView) -> Sequence[str | Instance]:
        if self.instances is not None:
            return self.instances
        tags, listed = set(self.tags or ()), await civo.instances.list().collect()
        if self.where is not None:
            return list(filter(self.where, listed))
        return [one for one in listed if tags.intersection(one.tags)]

    async def _wait(self, run: FleetRun, ends_at: float) -> FleetRun:
        progress = _ProgressLog(self.log.info, "ended", WaitEnded)
        async with self._hook().get_conn(progress) as civo:
            return await _wait(civo, run, ends_at, progress)

    async def _prune(self, prefix: str, policy: RetentionPolicy) -> PruneReport:
        async with self._hook().get_conn() as civo:
            return await civo.snapshots.prune(await civo.snapshots.plan_prune(prefix, policy))

    def _hook(self) -> CivoHook:
        return CivoHook(self.civo_conn_id, self.region)

    def _run(self, work: Coroutine[object, object, T]) -> T:
        async def main() -> T:
            loop, job = asyncio.get_running_loop(), asyncio.ensure_future(work)
            self._kill = lambda: loop.call_soon_threadsafe(job.cancel)
            return await job

        # A line for each snapshot would hide the progress, and a task has its process for itself.
        level = _CLIENT_LOG.level
        _CLIENT_LOG.setLevel(level or logging.WARNING)
        try:
            return asyncio.run(main())
        except BaseException as error:
            if (run := FleetRun.of(error)) is not None:
                self.log.warning("Stopped; so far: %s", run)
            raise
        finally:
            _CLIENT_LOG.setLevel(level)
            self._kill = None

    def _ended(self, run: FleetRun) -> dict[str, object]:
        """Tell the run; apply retention to what is older, if all is well."""
        self.log.info("%s", run)
        run.raise_for_failures()
        if self.retention is not None and self.retention_prefix is not None:
            report = self._run(self._prune(self.retention_prefix, self.retention))
            self.log.info("%s", report)
            report.raise_for_failures()
        return run.as_dict()


class CivoSnapshotFleetTrigger(BaseTrigger):
    """Waits in a triggerer until the snapshots of a run have ended; it sends nothing but reads.

    Its row in the database holds the run's name and how many are `expected`, never their ids.
    `ends_at` is in seconds since 1970.
    """

    def __init__(
        self,
        name: str,
        *,
        expected: int,
        ends_at: float,
        region: str | None = None,
        civo_conn_id: str = CivoHook.default_conn_name,
    ) -> None:
        super().__init__()
        self.name = name
        self.expected = expected
        self.ends_at = ends_at
        self.region = region
        self.civo_conn_id = civo_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Its class and arguments, as Airflow keeps them."""
        told = ("name", "expected", "ends_at", "region", "civo_conn_id")
        name = type(self).__name__
        return f"{__name__}.{name}", {one: getattr(self, one) for one in told}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event, with what the trigger was given; the task itself looks again and judges."""
        ended = await self._ended()
        yield TriggerEvent(
            {"name": self.name, "expected": self.expected, "ends_at": self.ends_at, **ended}
        )

    async def _ended(self) -> dict[str, object]:
        progress = _ProgressLog(self.log.info, "ended", WaitEnded)
        try:
            hook = CivoHook(self.civo_conn_id, self.region)
            async with await hook.aget_conn(progress) as civo:
                found = await _find(civo, self.name, self.expected)
                run = await _wait(civo, found, self.ends_at, progress)
            return {"counts": dict(run.counts)}
        except CivoError as error:
            return {"error": str(error)}


class CivoSnapshotSensor(BaseSensorOperator):
    """Waits until every snapshot of a run has ended, by one look each time it is asked.

    It fails if one is not complete, and returns the run as JSON to XCom.

    Args:
        name: the run's, or any text that `run_name()` made it of; templated.
        expected: how many instances it has; templated.
        region: the connection's if None; templated.
    """

    template_fields: Sequence[str] = ("name", "expected", "region", "civo_conn_id")

    def __init__(
        self,
        *,
        name: str,
        expected: int | str,
        region: str | None = None,
        civo_conn_id: str = CivoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.expected = expected
        self.region = region
        self.civo_conn_id = civo_conn_id

    def poke(self, context: Context) -> PokeReturnValue:
        """One look at the run."""
        run = asyncio.run(self._found())
        self.log.info("%r", run)
        if run.unfinished or run.counts[OutcomeKind.NOT_ATTEMPTED]:
            return PokeReturnValue(is_done=False)
        run.raise_for_failures()
        return PokeReturnValue(is_done=True, xcom_value=run.as_dict())

    async def _found(self) -> FleetRun:
        async with CivoHook(self.civo_conn_id, self.region).get_conn() as civo:
            expected = int(self.expected)
            return await civo.snapshots.find_run(run_name(self.name), expected=expected)


class _ProgressLog:
    """A listener that tells now and then how many of a run something was heard of."""

    def __init__(self, say: Callable[..., object], what: str, kind: type[Event]) -> None:
        # In the context of the task or trigger, by which Airflow knows whose log a line is for.
        self._say = partial(copy_context().run, say)
        self._what, self._kind = what, kind
        self._name, self._told_at = "", 0.0
        self._count = self._failed = self._total = 0

    def begin(self, name: str, civo: RegionView, total: int) -> None:
        self._name, self._total, self._told_at = f"{name} in {civo.region}", total, time.monotonic()
        self._say("%s: %d instances.", self._name, total)

    def __call__(self, event: Event) -> None:
        if not isinstance(event, self._kind):
            return
        self._count += 1
        self._failed += bool(getattr(event, "error", ""))
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY or self._count == self._total:
            self._told_at = now
            told = self._name, self._count, self._total, self._what, self._failed
            self._say("%s: %d of %d %s, %d with an error.", *told)


async def _find(civo: RegionView, name: str, expected: int) -> FleetRun:
    """The run of that many, as soon as reads show what was made a moment ago."""
    shows_at = time.monotonic() + _SHOWN_AFTER
    while True:
        run = await civo.snapshots.find_run(name, expected=expected, max_age=None)
        if not run.counts[OutcomeKind.NOT_ATTEMPTED] or time.monotonic() >= shows_at:
            return run
        await asyncio.sleep(2.0)


async def _wait(
    civo: RegionView, run: FleetRun, ends_at: float, progress: "_ProgressLog"
) -> FleetRun:
    """Wait until the run has ended; one look at least."""
    begun = sum(one.snapshot is not None for one in run)
    progress.begin(run.name, civo, begun)
    poll = PollPolicy(floor=min(max(1.0, begun / 200), 5.0))
    left = max(ends_at - time.time(), 1.0)
    return await civo.snapshots.wait_many(run, timeout=left, poll=poll) if len(run) else run
