"""What callers do, each in a task of its own, and what the judge is told of its end."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from attrs import define, field

from benchmarks.hostile._telling import Judge, Operation
from civo_snapshots import CivoClient, CivoError, FleetRun, Restore, Snapshot
from civo_snapshots.testing import FakeRegion

INSTANCES = 3
RUNS = ("nightly", "weekly")


@define(eq=False)
class Callers:
    """The callers of one client at a time; `known` and `runs` are what they were told."""

    trace: list[str] = field(factory=list[str], init=False)
    number: int = field(default=0, init=False)
    region: FakeRegion = field(init=False)
    judge: Judge = field(init=False)
    civo: CivoClient = field(init=False)
    running: list[Operation] = field(factory=list[Operation], init=False)
    known: list[Snapshot] = field(factory=list[Snapshot], init=False)
    runs: list[FleetRun] = field(factory=list[FleetRun], init=False)

    def say(self, text: str) -> None:
        self.trace.append(f"{self.region.clock.monotonic():8.1f} s  {text}")

    def begin(
        self,
        number: int,
        what: str,
        work: Callable[[Operation], Coroutine[Any, Any, None]],
    ) -> None:
        judge = self.judge
        op = Operation(
            tag=f"op-{number}",
            what=what,
            client=self.number,
            began=judge.now,
            faults=judge.fired,
            is_alone=not self.running,
        )
        for other in self.running:
            other.is_alone = False
        judge.operations[op.tag] = op
        self.say(f"{op.tag}: {what}")
        op.task = asyncio.ensure_future(self.watch(op, work))
        self.running.append(op)
        # Also of one that is cancelled before its first step.
        op.task.add_done_callback(lambda _: self.running.remove(op))

    async def watch(
        self, op: Operation, work: Callable[[Operation], Coroutine[Any, Any, None]]
    ) -> None:
        try:
            await work(op)
        except asyncio.CancelledError:
            self.say(f"{op.tag} was cancelled")
        except Exception as error:
            if not op.is_dead:
                self.judge.lie(op, f"raised {error!r}")
        else:
            self.say(f"{op.tag} ended")

    def a_snapshot(self, rng: random.Random) -> Snapshot | None:
        return rng.choice(self.known) if self.known else None

    def create(self, rng: random.Random, number: int) -> None:
        instance_id = rng.choice(self.region.instance_ids)
        name = rng.choice((None, None, f"mine-{number}", "mine"))

        async def work(op: Operation) -> None:
            try:
                made = await self.civo.snapshots.create(instance_id, name=name, description=op.tag)
            except CivoError as error:
                if not op.is_dead:
                    self.say(f"{op.tag} ended with {error!r}")
                    self.judge.refused(op, error, [instance_id])
                return
            if not op.is_dead:
                self.judge.made(op, instance_id, made)
                self.known.append(made)

        self.begin(number, f"create {name} of {instance_id[:8]}", work)

    def options_of_run(self, rng: random.Random) -> dict[str, Any]:
        options: dict[str, Any] = {
            "name": rng.choice((*RUNS, *RUNS, None)),
            "on_existing": rng.choice(("adopt", "adopt", "adopt", "create", "error")),
            "on_failed": rng.choice(("report", "retry")),
            "timeout": rng.choice((40.0, 300.0, 900.0)),
        }
        if options["name"]:
            options["resume"] = rng.random() < 0.3
        if rng.random() < 0.3:
            options["max_age"] = None
        return options

    def run(self, rng: random.Random, number: int) -> None:
        self.begin_run(rng, number, self.all_at_once)

    def run_each(self, rng: random.Random, number: int) -> None:
        self.begin_run(rng, number, self.one_by_one)

    def begin_run(
        self,
        rng: random.Random,
        number: int,
        how: Callable[[Operation, list[str], dict[str, Any]], Awaitable[FleetRun]],
    ) -> None:
        chosen = rng.sample(self.region.instance_ids[:INSTANCES], rng.randint(1, INSTANCES))
        options = self.options_of_run(rng)

        async def work(op: Operation) -> None:
            try:
                run = await how(op, chosen, options)
            except BaseException as error:
                if op.is_dead:
                    raise
                partial = FleetRun.of(error)
                if partial is not None:
                    self.judge.run(op, partial)
                elif isinstance(error, CivoError):
                    self.judge.refused(op, error, chosen)
                if isinstance(error, CivoError):
                    self.say(f"{op.tag} ended with {error!r}")
                    return
                raise
            if not op.is_dead:
                self.runs.append(run)
                self.known += [one.snapshot for one in run if one.snapshot is not None]
                self.say(f"{op.tag}: {dict(run.counts)}")

        self.begin(number, f"{how.__name__} {[one[:8] for one in chosen]} {options}", work)

    async def all_at_once(
        self, op: Operation, chosen: list[str], options: dict[str, Any]
    ) -> FleetRun:
        run = await self.civo.snapshots.create_many(chosen, description=op.tag, **options)
        if not op.is_dead:
            self.judge.run(op, run, adopts=self.has_baseline(options))
        return run

    async def one_by_one(
        self, op: Operation, chosen: list[str], options: dict[str, Any]
    ) -> FleetRun:
        stream = self.civo.snapshots.create_each(chosen, description=op.tag, **options)
        async for outcome in stream:
            if not op.is_dead:
                self.judge.outcome(op, outcome, adopts=self.has_baseline(options))
        for outcome in stream.run:  # what it found at its very end
            for further in outcome.duplicates:
                self.judge.record(op, further)
        return stream.run

    @staticmethod
    def has_baseline(options: Mapping[str, Any]) -> bool:
        adopts: bool = options["on_existing"] == "adopt" and options["timeout"] >= 300
        return adopts

    def wait(self, rng: random.Random, number: int) -> None:
        snapshot = self.a_snapshot(rng)
        if snapshot is None:
            return
        timeout = rng.choice((0.0, 10.0, 300.0))
        by_id = rng.random() < 0.5

        async def work(op: Operation) -> None:
            key = (snapshot.instance_id, snapshot.id) if by_id else (snapshot,)
            try:
                done = await self.civo.snapshots.wait_until_complete(*key, timeout=timeout)
            except CivoError as error:
                if not op.is_dead:
                    self.say(f"{op.tag} ended with {error!r}")
                    self.judge.not_complete(op, error, getattr(error, "snapshot", None))
                    self.judge.not_there(op, error, snapshot.id)
                return
            if not op.is_dead:
                if done.id != snapshot.id:
                    self.judge.lie(op, f"waited for {snapshot.id}, told {done.id}")
                self.judge.complete(op, done)

        self.begin(number, f"wait for {snapshot.name} {snapshot.id[:8]}, {timeout} s", work)

    def delete(self, rng: random.Random, number: int) -> None:
        self.begin_delete(rng, number, waits=False)

    def delete_and_wait(self, rng: random.Random, number: int) -> None:
        self.begin_delete(rng, number, waits=True)

    def begin_delete(self, rng: random.Random, number: int, *, waits: bool) -> None:
        snapshot = self.a_snapshot(rng)
        if snapshot is None:
            return
        missing_ok = rng.random() < 0.5
        deletes = not waits or rng.random() < 0.7

        async def work(op: Operation) -> None:
            snapshots = self.civo.snapshots
            try:
                if deletes:
                    await snapshots.delete(snapshot, missing_ok=missing_ok)
                    if not op.is_dead:
                        self.judge.deleting(op, snapshot.id)
                if waits:
                    await snapshots.wait_until_deleted(snapshot, timeout=60)
                    if not op.is_dead:
                        self.judge.gone(op, snapshot.id)
            except CivoError as error:
                if not op.is_dead:
                    self.say(f"{op.tag} ended with {error!r}")
                    self.judge.not_there(op, error, snapshot.id)

        what = "delete" * deletes + " and wait for it" * waits
        self.begin(number, f"{what} {snapshot.name} {snapshot.id[:8]}", work)

    def restore(self, rng: random.Random, number: int) -> None:
        snapshot = self.a_snapshot(rng)
        if snapshot is None:
            return
        overwrite = rng.random() < 0.4
        hostname = None if overwrite else rng.choice((f"new-{number}", "copy"))

        async def work(op: Operation) -> None:
            snapshots = self.civo.snapshots
            begun: Restore | None = None
            try:
                begun = await snapshots.restore(
                    snapshot,
                    hostname=hostname,
                    description=op.tag,
                    overwrite_existing=overwrite,
                )
                instance = await snapshots.wait_until_restored(begun, timeout=300)
            except CivoError as error:
                if not op.is_dead:
                    self.say(f"{op.tag} ended with {error!r}")
                    if begun is None:
                        self.judge.not_restored(op, error)
                return
            if not op.is_dead:
                self.judge.restored(op, begun, instance)

        self.begin(number, f"restore {snapshot.id[:8]} to {hostname or 'its instance'}", work)

    def update(self, rng: random.Random, number: int) -> None:
        snapshot = self.a_snapshot(rng)
        if snapshot is None:
            return
        name = f"renamed-{number}"

        async def work(op: Operation) -> None:
            self.judge.renamed[snapshot.id] = self.judge.now
            try:
                told = await self.civo.snapshots.update(snapshot, name=name)
            except CivoError as error:
                if not op.is_dead:
                    self.say(f"{op.tag} ended with {error!r}")
                    self.judge.not_changed(op, error, snapshot, name)
                return
            if not op.is_dead:
                self.judge.changed(op, told, name)

        self.begin(number, f"rename {snapshot.id[:8]} to {name}", work)

    def roll_back(self, rng: random.Random, number: int) -> None:
        if not self.runs:
            return
        run = rng.choice(self.runs)
        made = {one.snapshot.id for one in run if one.snapshot and not one.adopted}

        async def work(op: Operation) -> None:
            try:
                await self.civo.snapshots.roll_back(run)
            except ExceptionGroup:
                return
            if not op.is_dead:
                for snapshot_id in made:
                    self.judge.deleting(op, snapshot_id)

        self.begin(number, f"roll back {run.name}", work)
