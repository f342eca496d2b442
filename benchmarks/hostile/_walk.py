"""Walks at random through what callers, other people and the network do with one region.

A step is a kind and a seed: whatever it chooses it draws from that, so that a walk from which
steps are left out still does the rest, and a lie can be brought down to the few that it takes.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from benchmarks.hostile import _truth
from benchmarks.hostile._callers import INSTANCES, RUNS, Callers
from benchmarks.hostile._mischief import Mischief
from benchmarks.hostile._telling import Judge, Operation
from civo_snapshots import CivoClient, Timeouts
from civo_snapshots.testing import FakeClock, FakeRegion

SETTLES = 200.0
"""Seconds after which everything late has been committed, shown and searched for."""

CALLERS: Mapping[str, int] = {
    "create": 4,
    "run": 4,
    "run_each": 4,
    "wait": 3,
    "delete": 2,
    "delete_and_wait": 2,
    "restore": 2,
    "update": 2,
    "roll_back": 1,
    "cancel": 2,
    "kill": 1,
    "close": 1,
}
TIME: Mapping[str, int] = {"pass_time": 10, "settle": 5}


@frozen
class Step:
    kind: str
    seed: int
    number: int


@define(eq=False)
class Walk(Callers):
    """One region, one client at a time, and several calls at once."""

    seed: int
    mischief: Mischief = field(init=False)

    async def play(self, steps: Sequence[Step]) -> list[str]:
        """Do these; what was told that was not so."""
        random.seed(self.seed)  # the jitter of pauses
        clock = FakeClock()
        self.region = FakeRegion.any(self.seed, instances=INSTANCES, clock=clock)
        self.judge = Judge(self.region)
        async with self.region:
            self.mischief = Mischief(self.region, self.judge, self.say)
            self.civo = self.client()
            for step in steps:
                rng = random.Random(step.seed)
                act = getattr(self, step.kind, None) or getattr(self.mischief, step.kind)
                done = act(rng, step.number)
                if done is not None:
                    await done
                if self.judge.lies:
                    break
            await self.end()
        return self.judge.lies

    def client(self) -> CivoClient:
        self.number += 1
        region, switches = self.region, self.region.switches
        # As long as this region's reads may lag.
        window = max(8.0, 1.0 + switches.visible_after + switches.read_lag)
        return CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            clock=region.clock,
            timeouts=Timeouts(reconcile_window=window),
        )

    # Time, cancels and dead clients

    async def pass_time(self, rng: random.Random, number: int) -> None:
        if rng.random() < 0.3:
            for _ in range(rng.randint(1, 80)):
                await asyncio.sleep(0)
            return
        await self.region.clock.sleep(rng.choice((0.1, 1.0, 4.0, 12.0, 40.0)))

    async def settle(self, rng: random.Random, number: int) -> None:
        """Everything that runs comes to its end."""
        while tasks := [op.task for op in self.running if op.task is not None]:
            await asyncio.wait(tasks)
        if rng.random() < 0.3:
            await self.region.clock.sleep(SETTLES)

    async def cancel(self, rng: random.Random, number: int) -> None:
        if self.running:
            op = rng.choice(self.running)
            self.say(f"cancel {op.tag}")
            if op.task is not None:
                op.task.cancel()
                await asyncio.wait([op.task])

    async def kill(self, rng: random.Random, number: int) -> None:
        """The process dies: it sends nothing more, and is told nothing more."""
        self.say("kill the client")

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        mine = [op for op in self.judge.operations.values() if op.client == self.number]
        for op in mine:
            op.is_dead = True
        transport = self.civo._state.session._transport
        transport.send = never  # type: ignore[method-assign, assignment]
        if transport._session is not None:
            await transport._session.close()
        await self.cancel_all()
        await self.civo.close()
        self.civo = self.client()

    async def cancel_all(self) -> None:
        tasks = [op.task for op in self.running if op.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, rng: random.Random, number: int) -> None:
        """Close the client, whatever it is doing; another one goes on."""
        self.say("close the client")
        await self.close_and_judge()
        self.civo = self.client()

    async def close_and_judge(self) -> None:
        for op in self.running:
            op.is_closed = True
        await self.civo.close()
        tasks = [op.task for op in self.running if op.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        self.judge.closed(self.civo, self.number)

    # The end of a walk

    async def end(self) -> None:
        if self.judge.lies:
            await self.cancel_all()
            await self.civo.close()
            return
        await self.settle(random.Random(0), 0)
        await self.region.clock.sleep(SETTLES)
        await self.close_and_judge()
        self.region.clear_faults()
        await self.region.clock.sleep(SETTLES)
        self.mischief.mend_all()
        for name in RUNS:
            await self.the_last_run(name)

    async def the_last_run(self, name: str) -> None:
        """F115: whatever died before, a run of the same name knows every snapshot of it."""
        self.civo = self.client()
        instances = self.region.instance_ids[:INSTANCES]
        op = Operation(
            "the last run",
            name,
            self.number,
            self.judge.now,
            self.judge.fired,
        )
        run = await self.civo.snapshots.create_many(
            instances, name=name, max_age=None, resume=True, timeout=300, description=op.tag
        )
        self.judge.run(op, run, adopts=True)
        told = {one.snapshot.id for one in run if one.snapshot is not None}
        told |= {one.id for one in run.duplicates}
        for record in self.region.state.snapshots.values():
            if record.instance_id not in instances:
                continue
            wire = _truth.wire_name(name, record.instance_id)
            is_of_it = record.name == wire or record.name.startswith(f"{wire}-r")
            # What the region-wide listing never shows is looked for nowhere else.
            is_of_it = is_of_it and not record.is_unlisted
            if is_of_it and not record.deleted and record.id not in told:
                self.judge.lie(op, f"knows nothing of {record.name} by {record.description!r}")
        await self.civo.close()
