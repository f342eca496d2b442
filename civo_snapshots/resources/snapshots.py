"""The snapshots of instances: all calls, waits, and the fan-out over many instances."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Literal

from .. import _naming, _validation
from .._api.context import Scope, instance_id_of
from .._concurrency import for_each
from .._fleet.calls import FanOut, Instances, all_of, ids_of, is_whole
from .._fleet.run import Fleet, OnExisting
from .._watch.progress import PollPolicy
from .._watch.wait import SnapshotWaits
from .._watch.watcher import Watcher
from ..errors import CivoError, InvalidArgumentError, QuotaExceededError
from ..events import Transition
from ..models import Instance, Snapshot
from ..outcomes import FleetRun, Outcome
from ..states import StateTable
from .quota import Quotas

QuotaCheck = Literal["check", "ignore"]

DEFAULT_RUN_TIMEOUT = 7_200.0
DEFAULT_IN_FLIGHT = 1_000


class FleetStream:
    """A fan-out to iterate: yields each `Outcome` as soon as it is known.

    A slow reader slows the run. Leaving the loop early stops it: no further create is sent, and
    `await stream.aclose()` returns when those already sent are known, or left to the client.
    """

    def __init__(self, fleet: Fleet, outcomes: AsyncGenerator[Outcome]) -> None:
        self._fleet = fleet
        self._outcomes = outcomes

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        try:
            return await anext(self._outcomes)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self.run.attach_to(error)
            raise

    async def aclose(self) -> None:
        """End the run early."""
        await self._outcomes.aclose()

    @property
    def run(self) -> FleetRun:
        """The account so far, in input order."""
        return self._fleet.result()


class Snapshots(SnapshotWaits):
    """The snapshots of a region's instances."""

    def __init__(
        self,
        scope: Scope,
        watcher: Callable[[], Watcher],
        policy: PollPolicy,
        table: StateTable,
        concurrency: int,
    ) -> None:
        super().__init__(scope, watcher, policy, table)
        self._concurrency = concurrency

    async def create_many(
        self,
        instances: Instances,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = DEFAULT_RUN_TIMEOUT,
        concurrency: int | None = None,
        max_in_flight: int = DEFAULT_IN_FLIGHT,
        on_existing: OnExisting = "adopt",
        quota: QuotaCheck = "ignore",
        poll: PollPolicy | None = None,
        on_change: Callable[[Transition], None] | None = None,
    ) -> FleetRun:
        """Snapshot many instances, wait for all, and return one outcome per input.

        Each snapshot is named ``<name>-<12 hex digits of a digest of the instance id>``, so `name`
        has at most 50 characters; one is generated if none is given. The same `name` again
        continues: what exists is adopted (`on_existing="adopt"`), reported as refused ("error"),
        or made once more ("create").
        `timeout` is for all creates and waits of the run, in seconds. `concurrency` bounds the
        creates at once, `max_in_flight` the snapshots not yet terminal. `quota="check"` raises
        `QuotaExceededError` before anything is sent if the quota is too small.
        One instance's failure touches no other; see `FleetRun.raise_for_failures()`. A
        cancellation, or an error of the input, leaves the partial run on the exception: see
        `FleetRun.of()`.
        """
        stream = self.create_each(
            instances,
            name=name,
            description=description,
            timeout=timeout,
            concurrency=concurrency,
            max_in_flight=max_in_flight,
            on_existing=on_existing,
            quota=quota,
            poll=poll,
            on_change=on_change,
        )
        async for _ in stream:
            pass
        return stream.run

    async def roll_back(self, run: FleetRun) -> None:
        """Delete the snapshots that this very run created.

        Nothing is found by name: what existed before, and what is not known, stays. Raises an
        `ExceptionGroup` of what could not be deleted; then call it again, what is gone is no error.
        """
        made = {out.snapshot.id: out.snapshot for out in run if out.snapshot and not out.adopted}
        errors: list[CivoError] = []

        async def remove(snapshot: Snapshot) -> None:
            try:
                await self.delete(snapshot, missing_ok=True)
            except CivoError as error:
                errors.append(error)

        await for_each(made.values(), remove, workers=self._concurrency)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(made)} snapshots not deleted", errors)

    def create_each(
        self,
        instances: Instances,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = DEFAULT_RUN_TIMEOUT,
        concurrency: int | None = None,
        max_in_flight: int = DEFAULT_IN_FLIGHT,
        on_existing: OnExisting = "adopt",
        quota: QuotaCheck = "ignore",
        poll: PollPolicy | None = None,
        on_change: Callable[[Transition], None] | None = None,
    ) -> FleetStream:
        """The same as `create_many()`, yielding each outcome as soon as it is known."""
        clock = self._scope.session.clock
        self._scope.named_region()
        if isinstance(instances, (str, Instance)):
            raise InvalidArgumentError("pass a list of instances; for one, use create()")
        _validation.one_of(on_existing, "on_existing", ("adopt", "error", "create"))
        _validation.one_of(quota, "quota", ("check", "ignore"))
        _validation.optional(_validation.description, description)
        run_name = _validation.run_name(
            _naming.generate_name(clock.now()) if name is None else name
        )
        fresh = name is None or on_existing == "create"
        steps = FanOut(
            self._scope,
            self._watcher(),
            poll or self._policy,
            self._table,
            adopts=None if fresh else f"{run_name}-",
            unique=on_existing != "create",
            description=description,
            on_change=on_change,
        )
        expected = [instance_id_of(one) for one in instances] if is_whole(instances) else []
        fleet = Fleet(
            steps,
            clock,
            name=run_name,
            timeout=_validation.seconds(timeout, "timeout"),
            concurrency=_validation.count(
                self._concurrency if concurrency is None else concurrency, "concurrency"
            ),
            in_flight=_validation.count(max_in_flight, "max_in_flight"),
            on_existing=on_existing,
            expected=expected,
        )

        async def outcomes() -> AsyncGenerator[Outcome]:
            source = iter(expected) if is_whole(instances) else ids_of(instances)
            await steps.prepare()
            if quota == "check":
                wanted = await all_of(source)
                await self._check_quota(set(wanted), run_name, steps)
                source = iter(wanted)
            async with aclosing(fleet.outcomes(source)) as running:
                async for outcome in running:
                    yield outcome

        return FleetStream(fleet, outcomes())

    async def _check_quota(self, wanted: set[str], run_name: str, steps: FanOut) -> None:
        missing = len(wanted)
        if steps.adopts:
            for instance_id in wanted:
                name = _naming.name_for(run_name, instance_id)
                missing -= bool(await steps.find(instance_id, name))
        free = (await Quotas(self._scope).get()).free_snapshots
        if free is not None and free < missing:
            raise QuotaExceededError(
                f"the run needs {missing} snapshots and the quota has {free} left; nothing was "
                "created; delete snapshots or ask for a higher quota"
            )
