"""2,000 cancels at random await points over real HTTP: prompt, never swallowed, nothing left.

The server runs in a process of its own and counts. Whatever it accepted must be listed: returned,
in the partial run on the exception, or in `unresolved`. Runs also stand in task groups and under
`gather()`, which keep their exceptions to themselves, and where Python has them, in eager tasks.
"""

import asyncio
import gc
import os
import random
import time
from collections.abc import Awaitable, Callable

from attrs import Factory, define

from benchmarks.hostile import _processes
from benchmarks.hostile._figures import Figure, percentile, show
from civo_snapshots import CivoClient, CivoError, FleetRun, Snapshot, Timeouts
from civo_snapshots._concurrency import Gate

CLIENTS = 40
CANCELS = 50
PROMPT = 0.1
_FLEET = 12


@define
class Tally:
    """What all trials came to."""

    cancelled: int = 0
    finished: int = 0
    latencies: list[float] = Factory(list[float])
    swallowed: list[str] = Factory(list[str])
    left: list[str] = Factory(list[str])
    told: set[str] = Factory(set[str])


@define
class Trial:
    """One client, and the operations that are cancelled on it."""

    civo: CivoClient
    instances: list[str]
    known: list[Snapshot]
    rng: random.Random
    tally: Tally
    number: int = 0

    async def fleet(self) -> FleetRun:
        """A run whose caller looks at nothing but its return value."""
        self.number += 1
        chosen = self.rng.sample(self.instances, _FLEET)
        name = f"run-{self.number}-{self.rng.randrange(10**9)}"
        run = await self.civo.snapshots.create_many(chosen, name=name, concurrency=6)
        self.note(run)
        return run

    async def grouped(self) -> None:
        """Two runs in a task group, one of whose tasks may fail first: both are cancelled then."""

        async def fails() -> None:
            await self.pause()
            raise ZeroDivisionError

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.fleet())
                group.create_task(self.fleet())
                if self.rng.random() < 0.5:
                    group.create_task(fails())
        except* ZeroDivisionError:
            me = asyncio.current_task()
            if me is not None and me.cancelling():
                raise asyncio.CancelledError from None  # the group prefers its own error

    async def gathered(self) -> None:
        """Two runs under `gather()`, which raises when the first of them has ended."""
        await asyncio.gather(self.fleet(), self.fleet())

    async def create_many(self) -> None:
        try:
            await self.fleet()
        except BaseException as error:
            partial = FleetRun.of(error)
            self.note(partial)
            if partial is None and self.number:
                self.tally.left.append(f"no partial run on {error!r}")
            raise

    def note(self, run: FleetRun | None) -> None:
        for outcome in run or ():
            if outcome.snapshot is not None:
                self.tally.told |= {one.id for one in (outcome.snapshot, *outcome.duplicates)}

    async def create(self) -> None:
        made = await self.civo.snapshots.create(self.rng.choice(self.instances))
        self.tally.told.add(made.id)

    async def wait(self) -> None:
        several = self.rng.sample(self.known, self.rng.randint(1, 4))
        waits = (self.civo.snapshots.wait_until_complete(one, timeout=60) for one in several)
        await asyncio.gather(*waits)

    async def list(self) -> None:
        if self.rng.random() < 0.5:
            await self.civo.instances.list(per_page=10).collect()
        else:
            await self.civo.snapshots.list(self.rng.choice(self.instances)).collect()

    async def pause(self) -> None:
        """A random number of turns of the event loop, or a random moment of real time."""
        if self.rng.random() < 0.5:
            for _ in range(int(10 ** self.rng.uniform(0, 2.7))):
                await asyncio.sleep(0)
        else:
            await asyncio.sleep(self.rng.uniform(0, 0.03))

    async def once(self, operation: Callable[[], Awaitable[None]]) -> None:
        """Start, cancel somewhere, and see how it ends."""
        tally = self.tally
        task = asyncio.ensure_future(operation())
        await self.pause()
        if not task.cancel():
            tally.finished += 1
            await asyncio.gather(task, return_exceptions=True)
            return
        began = time.perf_counter()
        await asyncio.wait({task}, timeout=30)
        tally.latencies.append(time.perf_counter() - began)
        tally.cancelled += 1
        if not task.cancelled():
            how = "still runs" if not task.done() else repr(task.exception() or "a result")
            tally.swallowed.append(f"{operation.__name__}: {how}")


def _sockets() -> int:
    found = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except OSError:  # the one that listed them
            continue
    return found


def _permits(civo: CivoClient) -> int:
    """Permits taken, or queued for, at the gates of a client."""
    limiter = civo._state.session._limiter
    gates: tuple[Gate, ...] = (limiter._calls, limiter._polls)
    return sum(gate.used + len(gate._waiting) for gate in gates)


async def _client(url: str, token: str, instances: list[str], seed: int, tally: Tally) -> None:
    rng = random.Random(seed)
    tasks, sockets = asyncio.all_tasks(), _sockets()
    civo = CivoClient(
        token, region="LON1", api_url=url, concurrency=8, timeouts=Timeouts(reconcile_window=0.3)
    )
    known: list[Snapshot] = []
    while len(known) < 6:
        try:
            known.append(await civo.snapshots.create(rng.choice(instances)))
        except CivoError:
            continue
    tally.told |= {snapshot.id for snapshot in known}
    trial = Trial(civo, instances, known, rng, tally)
    while tally.cancelled < (seed + 1) * CANCELS:
        operations = (
            trial.create_many,
            trial.grouped,
            trial.gathered,
            trial.create,
            trial.wait,
            trial.list,
        )
        await trial.once(rng.choice(operations))
    await civo.close()
    if permits := _permits(civo):
        tally.left.append(f"{permits} permits")
    for one in civo.unresolved.creates:
        if one.snapshot is not None:
            tally.told.add(one.snapshot.id)
    for run in civo.unresolved.runs:
        trial.note(run)
    tally.told |= {extra.extra_id for extra in civo.unresolved.extra_snapshots}
    await asyncio.sleep(0.01)  # transports let go of their sockets
    gc.collect()
    if more := asyncio.all_tasks() - tasks:
        tally.left.append(f"tasks {more}")
    if _sockets() > sockets:
        tally.left.append(f"{_sockets() - sockets} sockets")


async def _series(faults: float, clients: int, seed: int) -> tuple[Tally, list[str]]:
    """Some clients after another against one server; what it made that nobody was told of."""
    tally = Tally()
    options = {"instances": 60, "duration": (20, 60), "latency": 0.002, "faults": faults}
    async with _processes.running("_region_server", **options) as server:
        random.seed(seed)
        for number in range(clients):
            await _client(server["url"], server["token"], server["instances"], number, tally)
        await asyncio.sleep(0.5)
        table = await _processes.snapshots_at(server["url"])
    lost = [f"{one['name']} {one['id']}" for one in table if one["id"] not in tally.told]
    print(
        f"       faults {faults:.0%}: {tally.cancelled} cancelled, {tally.finished} too late, "
        f"{len(table)} snapshots made"
    )
    return tally, lost


async def _eager_series(seed: int) -> tuple[Tally, list[str]]:
    """The same in tasks that begin at once; nothing before Python 3.12, which has none."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        return Tally(), []
    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        return await _series(0.0, CLIENTS // 5, seed)
    finally:
        loop.set_task_factory(None)


async def run() -> list[Figure]:
    """The figures of bar 2; a fifth of the cancels meet a bad network as well."""
    fine, lost = await _series(0.0, CLIENTS * 4 // 5, seed=1)
    bad, lost_too = await _series(0.06, CLIENTS // 5, seed=2)
    eager, lost_eagerly = await _eager_series(seed=3)
    swallowed = fine.swallowed + bad.swallowed + eager.swallowed
    left = fine.left + bad.left + eager.left
    show([*swallowed, *left, *lost, *lost_too, *lost_eagerly])
    latencies = fine.latencies + bad.latencies
    return [
        Figure("cancels", fine.cancelled + bad.cancelled, at_least=2_000),
        Figure("99th percentile of cancel latency", percentile(latencies, 0.99), PROMPT, unit="s"),
        Figure("the same on a bad network alone", percentile(bad.latencies, 0.99), unit="s"),
        Figure("longest", max(latencies), unit="s"),
        Figure("cancels swallowed", len(swallowed), 0),
        Figure("tasks, sockets or permits left, or partial runs missing", len(left), 0),
        Figure("accepted creates that nobody was told of", len(lost), 0),
        Figure("the same on a bad network", len(lost_too), 0),
        Figure("the same in eager tasks", len(lost_eagerly), 0),
    ]
