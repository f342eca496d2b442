"""Runs that workers of a Dask cluster start and their driver waits for: `DaskLauncher`.

The workers create, a batch of instances each; the driver alone waits, by one listing of a region
for all of them. What lives in the scheduler is who is in charge of a run and which batches were
begun, never a token and nothing that could not be lost: the region itself keeps the record.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import zip_longest
from typing import Literal, Protocol, TypedDict, Unpack, cast
from uuid import uuid4

from attrs import evolve, field, frozen
from distributed import Client, KilledWorker, get_client

from .. import CivoClient, PollPolicy, run_name
from ..errors import CivoError, InvalidArgumentError
from ..models import Instance
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ..resources import DEFAULT_RUN_TIMEOUT, RunOptions, Snapshots

_ATTEMPTS = 5  # at a batch; the scheduler itself repeats one three times, as its workers die
_LOOK_EVERY = 1.0  # seconds; so often a batch asks whether it is to stop
_LAST_WORDS = 30.0  # seconds that batches have to tell what they made when the run is stopped

_ROOT = "civo-snapshots"
"""What the scheduler's metadata has of runs, by name: who is in charge, which batches began."""

_logger = logging.getLogger(__name__)


class ClientFactory(Protocol):
    """What makes the client of a worker and of the driver, such as `CivoClient` itself."""

    def __call__(self, *, max_rate: float | None) -> CivoClient: ...


class BatchOptions(TypedDict, total=False):
    """What a launched run accepts for its creates, as in `RunOptions`; of each batch for itself."""

    description: str | None
    concurrency: int | None
    max_age: float | None
    on_failed: Literal["report", "retry"]


class DaskLauncher:
    """Starts the snapshots of many instances on a Dask cluster, waits for them, tells one run.

    The run goes on whatever dies: a batch whose worker is gone is begun again elsewhere, and the
    same `name` again continues a run whose driver is gone. Nothing is created twice by that.

    Args:
        client: of the cluster; one that blocks is as good as an asynchronous one.
        make_client: called as ``make_client(max_rate=...)`` on each worker and here. The default
            is `CivoClient`, which finds token and address in each worker's environment. A function
            of your own may read the token from a file or a vault; one that holds it in itself
            would send it through the scheduler, and `functools.partial` with a token is refused.
        max_rate: requests a second of the whole run, whatever the number of workers; None for as
            many as the server takes.
        parallel: batches at once; as many as there are workers when a run begins, if None. Say it
            where workers come and go.
        batch: instances of a batch, at most.
    """

    def __init__(
        self,
        client: Client,
        *,
        make_client: ClientFactory = CivoClient,
        max_rate: float | None = None,
        parallel: int | None = None,
        batch: int = 250,
    ) -> None:
        if _holds_token(make_client):
            raise InvalidArgumentError(
                "a token would travel through the scheduler: set CIVO_TOKEN where the workers run, "
                "or pass a function that returns it"
            )
        for number, what in ((max_rate, "max_rate"), (parallel, "parallel"), (batch, "batch")):
            if number is not None and number <= 0:
                raise InvalidArgumentError(f"{what} must be positive, not {number!r}")
        self._client = client
        self._make_client = make_client
        self._max_rate = max_rate
        self._parallel = parallel
        self._batch = batch

    async def run(
        self,
        instances: Mapping[str, Iterable[str | Instance]],
        *,
        name: str,
        timeout: float = DEFAULT_RUN_TIMEOUT,
        resume: bool = True,
        reconcile_window: float = 8.0,
        **options: Unpack[BatchOptions],
    ) -> FleetRun:
        """Create or adopt a snapshot of each instance, by region, and wait until all have ended.

        Whoever runs the same name on this cluster is stopped first. With `resume` the first create
        waits `reconcile_window` seconds, as in `Timeouts`, till reads show what a driver made that
        died a moment ago; without it, only where the region shows something as young. `timeout` is
        in seconds, for all of it. The outcomes stand in the order given, region by region, each
        instance once; the run is partial if it was stopped. Raises what no batch could go on with,
        such as a `ConfigurationError`, or what Dask raises; that, and a cancellation, has the run
        so far: see `FleetRun.of()`.
        """
        if run_name(name) != name:
            raise InvalidArgumentError(f"{name!r} is no name of a run; run_name() makes one of it")
        fleet = {region: _hostnames(given) for region, given in instances.items()}
        if not any(fleet.values()):
            raise InvalidArgumentError("there are no instances to snapshot")
        async with _connected(self._client) as dask:
            parallel = self._parallel or max(1, len(await dask.nthreads()))
            return await _Launch(
                dask,
                self._make_client,
                name,
                fleet,
                time.monotonic() + timeout,
                self._max_rate,
                parallel,
                self._batch,
                options,
            ).run(reconcile_window if resume else 0.0)

    async def stop(self, name: str) -> None:
        """Let the run of this name stop creating, wherever its driver is; that then tells the rest.

        Creates on their way come to an end. What exists goes on, and the same name again takes it
        over.
        """
        async with _connected(self._client) as dask:
            await _take_over(dask, name, "")


@frozen
class _Batch:
    """What a worker is sent."""

    make_client: ClientFactory
    launch: str
    number: int
    name: str
    region: str
    instances: Sequence[str]
    max_rate: float | None
    timeout: float
    options: BatchOptions


@frozen
class _Launch:
    """One run of a launcher, from its taking over to its last look."""

    dask: Client
    make_client: ClientFactory
    name: str
    instances: Mapping[str, Mapping[str, str]]
    ends_at: float
    max_rate: float | None
    parallel: int
    batch: int
    options: BatchOptions
    id: str = field(factory=lambda: uuid4().hex)
    known: dict[tuple[str, str], Outcome] = field(factory=dict[tuple[str, str], Outcome])
    sent: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    stopped: asyncio.Event = field(factory=asyncio.Event)

    async def run(self, pause: float) -> FleetRun:
        await _take_over(self.dask, self.name, self.id)
        try:
            await asyncio.sleep(min(pause, self._left()))
            await self._start_all()
            async with self.make_client(max_rate=self.max_rate) as civo:
                await asyncio.gather(*(self._end(civo, region) for region in self.instances))
            return self._so_far(partial=self.stopped.is_set())
        except BaseException as error:
            self._so_far(partial=True).attach_to(error)
            raise
        finally:
            await self._leave()

    # Starting: batches on workers

    async def _start_all(self) -> None:
        rows = zip_longest(*map(self._batches, self.instances))  # all regions side by side
        taken: list[tuple[str, Sequence[str]]] = [one for row in rows for one in row if one]
        slots = asyncio.Semaphore(self.parallel)

        async def start(number: int, region: str, ids: Sequence[str]) -> None:
            async with slots:
                if not self.stopped.is_set():
                    await self._start(number, region, ids)

        tasks = [
            asyncio.create_task(start(number, region, ids))
            for number, (region, ids) in enumerate(taken)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        except BaseException:
            self.stopped.set()
            await self._leave()
            await asyncio.wait(tasks, timeout=_LAST_WORDS)
            raise
        finally:
            for task in tasks:
                task.cancel()

    def _batches(self, region: str) -> Iterator[tuple[str, Sequence[str]]]:
        """The region's instances in batches, small enough for each worker to have one."""
        ids = list(self.instances[region])
        size = min(self.batch, -(-self._total() // self.parallel))
        return ((region, ids[at : at + size]) for at in range(0, len(ids), size))

    async def _start(self, number: int, region: str, ids: Sequence[str]) -> None:
        batch = _Batch(
            self.make_client,
            self.id,
            number,
            self.name,
            region,
            ids,
            self.max_rate / self.parallel if self.max_rate else None,
            self._left(),
            self.options,
        )
        self.sent.update((region, one) for one in ids)
        for attempt in range(1, _ATTEMPTS + 1):
            key = f"{_ROOT}-{self.name}-{self.id}-{number}-{attempt}"
            try:
                told = FleetRun.from_json(
                    await self.dask.submit(start_batch, batch, key=key, pure=False)
                )
            except KilledWorker as error:
                _logger.warning("run %s, batch %d: %s", self.name, number, error)
                continue
            self.known.update({(region, one.instance_id): one for one in told})
            if told.partial:
                if await _holder(self.dask, self.name) == self.id:
                    continue  # its worker was taken away
                self.stopped.set()
            _logger.info("run %s: %d of %d started", self.name, len(self.known), self._total())
            return

    # Ending: one watcher, and a last look

    async def _end(self, civo: CivoClient, region: str) -> None:
        """Wait for what was started in a region, and look what else bears its names."""
        snapshots, ids = civo.in_region(region).snapshots, list(self.instances[region])
        if untold := [one for one in ids if (region, one) not in self.known]:
            await self._find_more(snapshots, region, untold)
        begun = [self.known[region, one] for one in ids if (region, one) in self.known]
        if begun and not self.stopped.is_set():
            poll = PollPolicy(floor=min(max(1.0, len(begun) / 200), 5.0))
            run = FleetRun(self.name, tuple(begun))
            ended = await snapshots.wait_many(run, timeout=self._left(), poll=poll)
            self.known.update({(region, one.instance_id): one for one in ended})
        if begun:
            await self._find_more(snapshots, region, ids)

    async def _find_more(self, snapshots: Snapshots, region: str, ids: Sequence[str]) -> None:
        try:
            found = await snapshots.find_run(self.name, instances=ids, max_age=None)
        except CivoError as error:
            _logger.warning("run %s: could not look at %s again: %s", self.name, region, error)
            return
        told = {(region, one.instance_id): one for one in found}
        self.known.update({key: _with_further(self.known.get(key), told[key]) for key in told})

    def _total(self) -> int:
        return sum(map(len, self.instances.values()))

    def _left(self) -> float:
        return max(self.ends_at - time.monotonic(), 0.01)

    def _so_far(self, *, partial: bool) -> FleetRun:
        outcomes = (
            evolve(self._outcome(region, one), hostname=hostname)
            for region, hostnames in self.instances.items()
            for one, hostname in hostnames.items()
        )
        return FleetRun(self.name, tuple(outcomes), partial)

    def _outcome(self, region: str, instance_id: str) -> Outcome:
        key = region, instance_id
        kind = OutcomeKind.UNKNOWN if key in self.sent else OutcomeKind.NOT_ATTEMPTED
        return self.known.get(key) or Outcome(instance_id, "", kind, region=region)

    async def _leave(self) -> None:
        """Be in charge no more, which stops all batches, unless another driver is by now."""
        with suppress(Exception):  # what ended the run matters, and the scheduler may be gone
            async with asyncio.timeout(_LAST_WORDS):
                if await _holder(self.dask, self.name) == self.id:
                    await self.dask.set_metadata([_ROOT, self.name], {})


def _holds_token(make_client: object) -> bool:
    """Whether `functools.partial` bound the token itself to it."""
    keywords = getattr(make_client, "keywords", {})
    return bool(getattr(make_client, "args", ())) or isinstance(keywords.get("token"), str)


def _with_further(own: Outcome | None, found: Outcome) -> Outcome:
    """An outcome with what else was found of its instance."""
    if own is None or own.snapshot is None:
        return found if own is None or found.snapshot is not None else own
    told = {one.id for one in (own.snapshot, *own.duplicates)}
    shown = (found.snapshot, *found.duplicates)
    further = [one for one in shown if one is not None and one.id not in told]
    return evolve(own, duplicates=(*own.duplicates, *further))


# On the workers


async def start_batch(batch: _Batch) -> str:
    """Start one batch, and tell its run as JSON; it ends early if its launch is to stop."""
    dask = get_client()
    if await _holder(dask, batch.name) != batch.launch:
        return FleetRun(batch.name, partial=True).to_json()
    mark = [_ROOT, batch.name, batch.launch, str(batch.number)]
    repeated = bool(await dask.get_metadata(mark, default=False))
    await dask.set_metadata(mark, True)
    creating = asyncio.create_task(_create(batch, resume=repeated))
    stopping = asyncio.create_task(_stop_with(creating, dask, batch))
    try:
        return (await creating).to_json()
    finally:
        creating.cancel()
        stopping.cancel()


async def _stop_with(creating: asyncio.Task[FleetRun], dask: Client, batch: _Batch) -> None:
    """Cancel the creates when the launch is not in charge any more, or nobody can tell."""
    with suppress(OSError):
        while await _holder(dask, batch.name) == batch.launch:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(_LOOK_EVERY)
    creating.cancel()


async def _create(batch: _Batch, *, resume: bool) -> FleetRun:
    told = {**batch.options, "timeout": batch.timeout, "resume": resume}
    options, run = cast("RunOptions", told), FleetRun(batch.name, partial=True)
    try:
        if batch.max_rate:
            await asyncio.sleep(1 / batch.max_rate)  # the batch before may just have sent one
        async with batch.make_client(max_rate=batch.max_rate) as civo:
            snapshots = civo.in_region(batch.region).snapshots
            run = await snapshots.start_many(batch.instances, name=batch.name, **options)
    except asyncio.CancelledError as error:
        return FleetRun.of(error) or run  # which is whole if the client was being closed
    return run


# What the scheduler knows


async def _holder(dask: Client, name: str) -> object:
    """The launch that is in charge of a run."""
    return await dask.get_metadata([_ROOT, name, "launch"], default="")


async def _take_over(dask: Client, name: str, launch: str) -> None:
    """Put a launch in charge, or none; the batches of the one before will notice."""
    await dask.set_metadata([_ROOT, name], {"launch": launch})


@asynccontextmanager
async def _connected(client: Client) -> AsyncGenerator[Client]:
    """An asynchronous client of the same cluster: the given one, or one for the while."""
    if client.asynchronous:
        yield client
        return
    address, security = client.scheduler.address, client.security
    async with Client(address, security=security, asynchronous=True, set_as_default=False) as own:
        yield own


def _hostnames(instances: Iterable[str | Instance]) -> dict[str, str]:
    """The hostnames by instance id, each once; empty where only the id is known."""
    return {
        one.id if isinstance(one, Instance) else one: getattr(one, "hostname", "")
        for one in instances
    }
