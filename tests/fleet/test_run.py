"""The fan-out over a stub of the API, and its options over the fake region."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest
import support.env
from attrs import evolve
from support.regions import MakeRegion
from support.scene import snapshot, turn
from support.stubs import StubApi, listing_of

from civo_snapshots import (
    CivoError,
    ClientClosedError,
    ConflictError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    FleetRun,
    InvalidArgumentError,
    InvalidRequestError,
    Listing,
    NotFoundError,
    Outcome,
    OutcomeKind,
    OutcomeUnknownError,
    PollFailedError,
    PollPolicy,
    QuotaExceededError,
    ServiceDisabledError,
    Snapshot,
    SnapshotExistsError,
    SnapshotFailedError,
    SnapshotVanishedError,
    Transition,
    WaitTimeoutError,
)
from civo_snapshots._codec import ListingConsumer
from civo_snapshots._create import CreateSupervisor, Creation
from civo_snapshots._fleet import RunSettings
from civo_snapshots._fleet.run import Fleet
from civo_snapshots._naming import name_for
from civo_snapshots._session import LogicalCall, Within
from civo_snapshots._watch import RegisteredWait, Watcher
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"

End = Snapshot | CivoError | None


class StubRegion(StubApi):
    """What each instance's create and wait end with, and a count of both.

    Attributes:
        refusals: what a create ends with.
        ends: what a wait ends with; None for never. All others complete.
        existing: what is found under an instance's name.
        takes: seconds that a create takes, and the wait after it.
        unsent: whether creates count as not sent yet while they take their time.
        loses: whether creates hang until `lost` is set, and then lose their answers.
        detached: the tasks of creates that outlived their run, by instance.
    """

    def __init__(
        self,
        *,
        refusals: dict[str, BaseException] | None = None,
        ends: dict[str, End] | None = None,
        existing: dict[str, list[Snapshot]] | None = None,
        takes: tuple[float, float] = (1.0, 10.0),
        unsent: bool = False,
        loses: bool = False,
    ) -> None:
        self.clock = FakeClock()
        super().__init__(self.clock)
        self.refusals = refusals or {}
        self.ends = ends or {}
        self.existing = existing or {}
        self.takes = takes
        self.unsent = unsent
        self.loses = loses
        self.lost = asyncio.Event()
        self.asked: list[str] = []
        self.names: list[str] = []
        self.creating = self.most_creating = 0
        self.in_flight = self.most_in_flight = 0
        self.removed: list[str] = []
        self.detached: dict[str, asyncio.Task[Any]] = {}

    async def create_snapshot(
        self,
        instance_id: str,
        name: str,
        description: str | None,
        call: LogicalCall,
    ) -> Snapshot:
        self.asked.append(instance_id)
        self.names.append(name)
        self.creating += 1
        self.most_creating = max(self.most_creating, self.creating)
        call.may_have_acted = not self.unsent
        try:
            if self.loses:
                await self.lost.wait()
                raise ConnectionLostError("lost")
            await self.clock.sleep(self.takes[0])
        finally:
            self.creating -= 1
        if instance_id in self.refusals:
            raise self.refusals[instance_id]
        return snapshot(f"s-{instance_id}", "Pending", instance_id, name)

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        raise NotFoundError("each instance is asked", status=404)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        async def existing() -> list[Snapshot]:
            name = name_for("nightly", instance_id)
            made = self.clock.now()
            found = self.existing.get(instance_id, [])
            return [evolve(one, name=name, created_at=made) for one in found]

        return listing_of(existing)

    def fleet(self, *, expected: Sequence[str] = (), **more: Any) -> Fleet:
        options: dict[str, Any] = {
            "name": "nightly",
            "timeout": 1000.0,
            "concurrency": 4,
            "max_in_flight": 100,
            **more,
        }
        settings = RunSettings(policy=PollPolicy(), states=DEFAULT_STATES, **options)
        return Fleet(self, StubSupervisor(self), StubWatcher(self), settings, expected)


class StubSupervisor(CreateSupervisor):
    """Notes which creates were detached."""

    def __init__(self, region: StubRegion) -> None:
        super().__init__(region.clock, lambda _: None)
        self._region = region
        self._closing = True  # no searches for what comes late

    def detach(self, creation: Creation, task: asyncio.Task[Any]) -> None:
        self._region.detached[creation.instance_id] = task
        super().detach(creation, task)


class StubWatcher(Watcher):
    """Ends each wait as the region says, after its time."""

    def __init__(self, region: StubRegion) -> None:
        super().__init__(region, region.clock)
        self._region = region
        self._waits: dict[RegisteredWait, asyncio.Task[None]] = {}

    def add(self, wait: RegisteredWait) -> None:
        region, seen = self._region, wait.progress.last
        assert seen is not None
        key = seen.instance_id
        region.in_flight += 1
        region.most_in_flight = max(region.most_in_flight, region.in_flight)
        end: End = region.ends.get(key, snapshot(seen.id, "Complete", key, seen.name))

        async def ending() -> None:
            await region.clock.sleep(region.takes[1])
            region.in_flight -= 1
            if end is not None:
                wait.on_end(end)

        self._waits[wait] = asyncio.get_running_loop().create_task(ending())

    def remove(self, wait: RegisteredWait) -> None:
        self._region.removed.append(wait.progress.instance_id)
        self._waits[wait].cancel()


async def given(*instances: str) -> AsyncIterator[str]:
    for instance in instances:
        yield instance


def many(count: int) -> list[str]:
    return [f"i-{number}" for number in range(count)]


async def run(region: StubRegion, *instances: str, **more: Any) -> tuple[FleetRun, list[Outcome]]:
    fleet = region.fleet(**more)
    streamed = [outcome async for outcome in fleet.outcomes(given(*instances))]
    return fleet.result(), streamed


# One outcome per input


async def test_each_instance_has_a_snapshot_of_its_own_name() -> None:
    region = StubRegion()
    result, streamed = await run(region, *many(10))
    assert result.counts["complete"] == len(result) == len(streamed) == 10
    assert [out.instance_id for out in result] == many(10)
    assert region.names == [name_for("nightly", instance) for instance in many(10)]
    assert not result.partial
    result.raise_for_failures()


async def test_one_failure_never_touches_the_others() -> None:  # F105
    region = StubRegion(
        refusals={
            "i-1": InvalidRequestError("too big", status=400),
            "i-2": OutcomeUnknownError("lost"),
            "i-3": ConnectFailedError("never sent"),
            "i-4": ClientClosedError("closed", may_have_acted=False),
            "i-5": DeadlineExceededError("late", may_have_acted=False),
            "i-6": ConflictError("busy", status=409),
        },
        ends={
            "i-7": SnapshotFailedError("failed", snapshot=snapshot("s-i-7", "Failed", "i-7")),
            "i-8": WaitTimeoutError("late", snapshot=snapshot("s-i-8", "Pending", "i-8")),
            "i-9": PollFailedError("blind"),
            "i-10": SnapshotVanishedError("gone"),
            "i-11": ClientClosedError("closed"),
        },
    )
    result, streamed = await run(region, *many(13))
    assert [out.kind.value for out in result] == [
        "complete",
        "refused",
        "unknown",
        "not_attempted",
        "not_attempted",
        "not_attempted",
        "refused",
        "failed",
        "timed_out",
        "unknown",
        "failed",
        "unknown",
        "complete",
    ]
    assert sum(result.counts.values()) == 13
    assert {out.instance_id for out in streamed} == set(many(13))
    known = {out.instance_id for out in result if out.snapshot}
    assert known == {f"i-{number}" for number in (0, 7, 8, 9, 10, 11, 12)}
    with pytest.raises(ExceptionGroup) as caught:
        result.raise_for_failures()
    assert len(caught.value.exceptions) == 11
    assert json.loads(result.to_json())["counts"]["complete"] == 2


async def test_a_duplicated_instance_is_created_once_and_reported_each_time() -> None:  # F109
    region = StubRegion()
    result, streamed = await run(region, "i-1", "i-2", "i-1", "i-1", "i-2")
    assert [out.instance_id for out in result] == ["i-1", "i-2", "i-1", "i-1", "i-2"]
    assert sorted(region.asked) == ["i-1", "i-2"]
    assert len(streamed) == 2


async def test_no_instances_are_no_work() -> None:
    result, streamed = await run(StubRegion())
    assert (len(result), streamed, result.partial) == (0, [], False)


async def test_outcomes_come_as_they_are_known_and_the_run_is_in_input_order() -> None:
    region = StubRegion(refusals={"i-9": ConflictError("busy", status=409)})
    result, streamed = await run(region, *many(10), concurrency=10)
    assert streamed[0].instance_id == "i-9"
    assert [out.instance_id for out in result] == many(10)


# Bounds


@pytest.mark.parametrize(("concurrency", "in_flight"), [(1, 1), (3, 100), (8, 5), (10, 10)])
async def test_requests_and_snapshots_in_flight_are_bounded(  # F110
    concurrency: int, in_flight: int
) -> None:
    region = StubRegion()
    result, _ = await run(region, *many(40), concurrency=concurrency, max_in_flight=in_flight)
    assert result.counts["complete"] == 40
    assert region.most_creating == min(concurrency, in_flight)
    assert region.most_in_flight <= in_flight


async def test_waiting_for_a_snapshot_takes_no_worker() -> None:  # F110
    region = StubRegion(takes=(1.0, 500.0))
    await run(region, *many(50), concurrency=5)
    assert region.most_in_flight == 50
    assert region.clock.monotonic() == pytest.approx(510)


async def test_a_slow_reader_slows_the_run() -> None:  # F112
    region = StubRegion(takes=(1.0, 1.0))
    fleet = region.fleet(max_in_flight=5, concurrency=5)
    taken = 0
    async for _ in fleet.outcomes(given(*many(30))):
        taken += 1
        await region.clock.sleep(50)
        assert len(region.asked) <= taken + 5
    assert taken == 30


async def test_the_input_is_read_no_faster_than_it_is_used() -> None:  # F110
    region = StubRegion()
    read = 0

    async def endless() -> AsyncIterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"i-{read}"

    async with aclosing(region.fleet(max_in_flight=7).outcomes(endless())) as outcomes:
        async for _ in outcomes:
            if read > 50:
                break
    assert read <= 50 + 7 + 1


# Stopping


@pytest.mark.parametrize(
    "error",
    [
        QuotaExceededError("full", status=403),
        ServiceDisabledError("no", status=403),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_that_all_would_meet_stops_further_creates(error: CivoError) -> None:
    region = StubRegion(refusals={"i-5": error})  # H26, S78
    result, _ = await run(region, *many(40), concurrency=2)
    assert result.counts["refused"] == 1
    assert result.counts["not_attempted"] >= 30
    assert len(region.asked) <= 8
    assert result.counts["complete"] == len(region.asked) - 1
    unsent = [out.error for out in result if out.kind is OutcomeKind.NOT_ATTEMPTED]
    assert {type(one) for one in unsent} == {type(error)}
    assert len({id(one) for one in unsent}) == len(unsent)


async def test_after_its_deadline_a_run_sends_no_more() -> None:
    region = StubRegion(takes=(10.0, 1.0))
    result, _ = await run(region, *many(10), concurrency=1, timeout=35)
    assert region.clock.monotonic() == pytest.approx(41)
    assert result.counts["complete"] == 4
    assert result.counts["not_attempted"] == 6
    assert isinstance(result.outcomes[-1].error, DeadlineExceededError)


async def test_no_create_follows_an_adoption_that_took_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R167: not even a last one."""
    region = StubRegion()

    def slow(instance_id: str, options: Within, *, poll: bool = False) -> Listing[Snapshot]:
        async def found() -> list[Snapshot]:
            await region.clock.sleep(35)
            return []

        return listing_of(found)

    monkeypatch.setattr(region, "list_snapshots", slow)
    result, _ = await run(region, "i-1", "i-2", timeout=35, concurrency=1)
    assert region.asked == []
    assert result.counts["not_attempted"] == 2


async def test_an_input_that_raises_half_way_is_raised_after_what_was_launched() -> None:  # F111
    region = StubRegion()

    async def broken() -> AsyncIterator[str]:
        for instance in many(6):
            yield instance
        raise ZeroDivisionError

    fleet = region.fleet()
    streamed: list[str] = []

    async def read() -> None:
        async for outcome in fleet.outcomes(broken()):
            streamed.append(outcome.instance_id)  # noqa: PERF401 - what came before the error

    with pytest.raises(ZeroDivisionError):
        await read()
    result = fleet.result()
    assert sorted(streamed) == many(6)
    assert (result.counts["complete"], result.partial) == (6, True)


@pytest.mark.parametrize("sending", [True, False])
async def test_a_defect_is_raised_at_the_end_and_loses_nothing(sending: bool) -> None:
    region = StubRegion(refusals={"i-1": ZeroDivisionError("defect")} if sending else {})
    fleet = region.fleet(expected=many(8))
    if not sending:
        broken: Any = {"i-1": 5}
        region.existing = broken
    with pytest.raises((ZeroDivisionError, TypeError)):
        async for _ in fleet.outcomes(given(*many(8))):
            pass
    kinds = [out.kind for out in fleet.result()]
    assert kinds[1] is (OutcomeKind.UNKNOWN if sending else OutcomeKind.NOT_ATTEMPTED)
    assert kinds[0] is OutcomeKind.COMPLETE
    assert len(kinds) == 8


async def test_the_run_so_far_tells_what_is_running_and_what_is_queued() -> None:
    """R185: a healthy run has neither timed out nor lost anything."""
    region = StubRegion(takes=(1.0, 100.0))
    fleet = region.fleet(expected=many(10), concurrency=3)
    kinds = []

    async def asking() -> None:
        for _ in range(4):
            await region.clock.sleep(1.2)
            counts = fleet.result().counts
            kinds.append({kind: number for kind, number in counts.items() if number})

    asked = asyncio.create_task(asking())
    async for _ in fleet.outcomes(given(*many(10))):
        pass
    await asked
    assert kinds == [
        {"pending": 3, "queued": 7},
        {"pending": 6, "queued": 4},
        {"pending": 9, "queued": 1},
        {"pending": 10},
    ]
    assert fleet.result().counts["complete"] == 10


async def test_a_reader_that_leaves_early_stops_the_run() -> None:
    region = StubRegion(takes=(1.0, 5.0))
    fleet = region.fleet(expected=many(30), concurrency=3)
    async with aclosing(fleet.outcomes(given(*many(30)))) as outcomes:
        async for _ in outcomes:
            await region.clock.sleep(0.5)  # by now the next creates are on their way
            break
    assert region.creating == 0
    asked = len(region.asked)
    await region.clock.sleep(100)
    assert len(region.asked) == asked < 30
    result = fleet.result()
    assert (len(result), result.partial) == (30, True)
    made = sum(out.snapshot is not None for out in result)
    assert made == asked  # each create that was on its way has told its id
    assert result.counts["not_attempted"] == 30 - asked
    # The last three became known only after all waits had been removed.
    assert len(region.removed) == result.counts["pending"] - 3


async def test_creates_without_an_answer_are_unknown_after_the_cancel_grace() -> None:  # F106
    region = StubRegion(takes=(1000.0, 1.0))
    fleet = region.fleet(expected=many(10), concurrency=3)
    task = asyncio.create_task(anext(fleet.outcomes(given(*many(10)))))
    while not region.asked:
        await turn(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert region.clock.monotonic() <= 2
    result = fleet.result()
    assert result.counts["unknown"] == 3
    assert result.counts["not_attempted"] == 7
    error = result.outcomes[0].error
    assert isinstance(error, OutcomeUnknownError)
    assert (error.instance_id, error.name) == ("i-0", name_for("nightly", "i-0"))
    # They are detached, go on, and come to an end.
    assert list(region.detached) == many(3)
    assert region.creating == 3
    await asyncio.gather(*region.detached.values())
    assert len(region.asked) == 3
    assert fleet.result().counts["unknown"] == 0


async def test_a_run_has_no_more_workers_than_instances() -> None:
    region = StubRegion()
    fleet = region.fleet(expected=many(2), concurrency=64)
    before = asyncio.all_tasks()
    stream = fleet.outcomes(given(*many(2)))
    first = asyncio.create_task(anext(stream))
    await turn(2)
    assert len(asyncio.all_tasks() - before - {first}) == 2
    await first
    await stream.aclose()


async def test_creates_that_seem_lost_are_not_waited_for() -> None:
    """F106: they are detached, and the client goes on searching for them."""
    region = StubRegion(loses=True)
    fleet = region.fleet(expected=many(10), concurrency=3)
    task = asyncio.create_task(anext(fleet.outcomes(given(*many(10)))))
    while len(region.asked) < 3:
        await turn(1)
    task.cancel()
    region.lost.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert region.clock.monotonic() == 0
    assert fleet.result().counts["unknown"] == 3
    assert list(region.detached) == many(3)
    await asyncio.gather(*region.detached.values())


async def test_creates_cancelled_before_they_were_sent_were_not_attempted() -> None:
    region = StubRegion(takes=(1000.0, 1.0), unsent=True)
    fleet = region.fleet(expected=many(10))
    task = asyncio.create_task(anext(fleet.outcomes(given(*many(10)))))
    while not region.asked:
        await turn(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert region.clock.monotonic() == 0
    assert fleet.result().counts["not_attempted"] == 10


async def test_a_cancelled_input_leaves_no_worker_behind() -> None:
    region = StubRegion()

    async def stuck() -> AsyncIterator[str]:
        yield "i-0"
        await asyncio.Event().wait()

    fleet = region.fleet()
    outcomes = fleet.outcomes(stuck())
    assert (await anext(outcomes)).instance_id == "i-0"
    await outcomes.aclose()
    assert len(fleet.result()) == 1


# What exists


async def test_what_exists_is_adopted_and_waited_for() -> None:
    older, newer = (snapshot(f"s-{n}", "Pending", "i-1") for n in (1, 2))
    region = StubRegion(existing={"i-1": [older, newer]})
    result, _ = await run(region, "i-1", "i-2")
    one, two = result
    assert region.asked == ["i-2"]
    assert (one.adopted, one.duplicates, one.kind) == (True, one.duplicates, OutcomeKind.COMPLETE)
    assert [further.id for further in one.duplicates] == ["s-2"]
    assert (two.adopted, two.duplicates) == (False, ())


async def test_what_exists_is_refused_if_so_told() -> None:
    region = StubRegion(existing={"i-1": [snapshot("s-1", "Complete", "i-1")]})
    result, _ = await run(region, "i-1", "i-2", on_existing="error")
    assert result.outcomes[0].kind is OutcomeKind.REFUSED
    assert isinstance(result.outcomes[0].error, SnapshotExistsError)
    assert result.outcomes[0].snapshot is not None
    assert region.asked == ["i-2"]


@pytest.mark.parametrize("more", [{"on_existing": "create"}, {"is_new": True}], ids=str)
async def test_what_exists_is_not_looked_up_if_so_told(more: dict[str, Any]) -> None:
    region = StubRegion(existing={"i-1": [snapshot("s-1", "Complete", "i-1")]})
    result, _ = await run(region, "i-1", **more)
    assert region.asked == ["i-1"]
    assert not result.outcomes[0].adopted


# Over the fake region


class Env(support.env.Env):
    """A fake region and a client of it, on one fake clock."""

    @property
    def many(self) -> Callable[..., Coroutine[None, None, FleetRun]]:
        return self.civo.snapshots.create_many


@pytest.fixture
async def env(request: pytest.FixtureRequest, make_region: MakeRegion) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"instances": 8, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(make_region(clock=clock, **options), clock) as env:
        yield env


@pytest.mark.drawn(  # what has no date counts as too old
    quota_lock=0.0, created_at_form="Z", listing_gaps=0.0
)
async def test_any_kind_of_input_will_do(env: Env) -> None:
    ids = env.region.instance_ids
    records = await env.civo.instances.list().collect()

    def generated() -> Iterator[str]:
        yield from ids

    for source in (ids, tuple(ids), generated(), records, given(*ids), env.civo.instances.list()):
        result = await env.many(source, name="nightly")
        assert [out.instance_id for out in result] == ids
        assert result.counts["complete"] == 8
    assert env.region.counts[CREATE] == 8


async def test_a_bad_id_in_a_list_is_refused_before_anything_is_sent(env: Env) -> None:
    with pytest.raises(InvalidArgumentError):
        await env.many([*env.region.instance_ids, "../x"])
    assert env.region.total == 0


async def test_a_bad_id_in_a_generator_leaves_the_run_so_far_on_the_error(env: Env) -> None:  # F111
    with pytest.raises(InvalidArgumentError) as caught:
        await env.many(given(*env.region.instance_ids[:3], "../x"))
    partial = FleetRun.of(caught.value)
    assert partial is not None
    assert partial.counts["complete"] == 3


@pytest.mark.drawn(  # what has no date counts as too old
    quota_lock=0.0, created_at_form="Z", listing_gaps=0.0
)
async def test_a_nightly_run_goes_on_where_it_was_broken_off(env: Env) -> None:  # L115
    stream = env.civo.snapshots.create_each(env.region.instance_ids, name="nightly")
    async for _ in stream:
        break
    await stream.aclose()
    first = stream.run
    again = await env.many(env.region.instance_ids, name="nightly")
    assert again.counts["complete"] == 8
    assert env.region.counts[CREATE] == 8
    known = {out.snapshot.id for out in first if out.snapshot}
    assert known <= {out.snapshot.id for out in again if out.adopted and out.snapshot}


@pytest.mark.drawn(quota_lock=0.0, one_at_a_time=False, listing_gaps=0.0, unique_names="free")
async def test_existing_ones_can_be_refused_or_made_again(env: Env) -> None:
    ids = env.region.instance_ids
    await env.many(ids[:4], name="nightly")
    refused = await env.many(ids, name="nightly", on_existing="error")
    assert (refused.counts["refused"], refused.counts["complete"]) == (4, 4)
    again = await env.many(ids, name="nightly", on_existing="create")
    assert again.counts["complete"] == 8
    assert env.region.counts[CREATE] == 16
    adopting = await env.many(ids, name="nightly")
    assert all(len(out.duplicates) == 1 for out in adopting)


@pytest.mark.drawn(  # what has no date counts as too old
    quota_lock=0.0, created_at_form="Z", listing_gaps=0.0
)
async def test_a_failed_one_that_exists_is_told_not_repeated(env: Env) -> None:
    ids = env.region.instance_ids
    env.region.fail_volume(ids[0])
    first = await env.many(ids, name="nightly")
    again = await env.many(ids, name="nightly")
    for result in (first, again):
        assert result.outcomes[0].kind is OutcomeKind.FAILED
    assert env.region.counts[CREATE] == 8


@pytest.mark.drawn
async def test_a_refused_instance_is_one_outcome(env: Env) -> None:
    env.region.refuse_create(env.region.instance_ids[2])
    result = await env.many(env.region.instance_ids)
    assert Counter(out.kind.value for out in result) == {"complete": 7, "refused": 1}


@pytest.mark.parametrize("env", [{"snapshot_limit": 5}], indirect=True)
async def test_the_quota_is_checked_before_anything_is_created(env: Env) -> None:  # S78
    ids = env.region.instance_ids
    for source in (ids, given(*ids)):
        with pytest.raises(QuotaExceededError, match="needs 8 snapshots and the quota has 5"):
            await env.many(source, quota="check")
    assert env.region.counts[CREATE] == 0
    some = await env.many(ids[:3], name="nightly", quota="check")
    assert some.counts["complete"] == 3
    more = await env.many([*ids[:5], *ids[:5]], name="nightly", quota="check")
    assert more.counts["complete"] == 10
    assert env.region.counts[CREATE] == 5


@pytest.mark.parametrize("env", [{"snapshot_limit": 5}], indirect=True)
async def test_a_quota_that_is_used_up_stops_the_run(env: Env) -> None:  # S78
    result = await env.many(env.region.instance_ids, concurrency=1)
    assert result.counts["complete"] == 5
    assert result.counts["refused"] == 1
    assert result.counts["not_attempted"] == 2
    assert env.region.counts[CREATE] == 6


async def test_a_quota_that_says_nothing_stops_nothing(env: Env) -> None:
    env.region.fault("GET /v2/quota", Fault.json({}), times=None)
    result = await env.many(env.region.instance_ids, quota="check")
    assert result.counts["complete"] == 8


@pytest.mark.parametrize("seconds", [100, 900])
@pytest.mark.parametrize("env", [{"duration": (300.0, 600.0)}], indirect=True)
async def test_an_outage_in_the_middle_of_a_run_is_survived(env: Env, seconds: float) -> None:
    """R162: of minutes, where the run has two hours."""
    env.region.outage(seconds, after=60)
    result = await env.many(env.region.instance_ids, timeout=7200)
    assert result.counts["complete"] == 8
    assert env.clock.monotonic() <= max(660, 60 + seconds) + 15


@pytest.mark.parametrize("seconds", [2, 3, 5, 20])
@pytest.mark.parametrize("env", [{"instances": 100, "duration": (60, 120)}], indirect=True)
async def test_a_short_outage_costs_no_more_requests_than_none(env: Env, seconds: float) -> None:
    """R163: it was 24 requests per snapshot."""
    env.region.outage(seconds, after=8)
    result = await env.many(env.region.instance_ids)
    assert result.counts["complete"] == 100
    assert env.region.total <= 100 + 42  # polls of two minutes without any outage: 36


@pytest.mark.parametrize("status", [429, 503])
async def test_polls_keep_to_a_retry_after(env: Env, status: int) -> None:
    """R169: of five minutes, in a run of two hours."""
    busy = Fault.status(status, headers={"Retry-After": "300"})
    env.region.fault("GET /v2/resourcesnapshots", busy, after=3)
    result = await env.many(env.region.instance_ids)
    assert result.counts["complete"] == 8
    times = [one.at for one in env.region.requests if one.method == "GET"]
    assert max(later - earlier for earlier, later in pairwise(times)) >= 300
    assert len(times) == 5


@pytest.mark.drawn(quota_lock=0.0)
async def test_a_token_that_serves_for_reads_alone_stops_the_run(env: Env) -> None:
    """H26, R153: one create is tried three times, because the reads do not confirm its refusal."""
    env.region.fault(CREATE, Fault.unauthorized(), after=3, times=None)
    result = await env.many(env.region.instance_ids, concurrency=1)
    assert result.counts["refused"] == 1
    assert result.counts["not_attempted"] == 4
    assert env.region.counts[CREATE] == 3 + 3


async def test_a_region_that_cannot_be_read_is_told_before_anything_is_created(
    env: Env,
) -> None:
    env.region.fault("GET /v2/resourcesnapshots", Fault.gateway_html(), times=None)
    with pytest.raises(CivoError):
        await env.many(env.region.instance_ids, name="nightly", timeout=60)
    assert env.region.counts[CREATE] == 0


async def test_changes_are_told_and_a_broken_listener_ends_nothing(
    env: Env, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Transition] = []
    await env.many(env.region.instance_ids, on_change=told.append)
    assert len({change.snapshot.id for change in told}) == 8

    def broken(change: Transition) -> None:
        raise ZeroDivisionError

    result = await env.many(env.region.instance_ids, on_change=broken)
    assert result.counts["complete"] == 8
    assert "on_change callback raised" in caplog.text


async def test_a_snapshot_complete_at_once_needs_no_wait(env: Env) -> None:
    env.region.fault(CREATE, Fault.json({"id": "s-1", "status": {"state": "Complete"}}, status=201))
    result = await env.many(env.region.instance_ids[:1])
    assert result.counts["complete"] == 1
    assert env.region.total == 1


@pytest.mark.parametrize("env", [{"duration": (5.0, 5.0)}], indirect=True)
async def test_a_callback_may_cancel_another_wait(env: Env) -> None:
    ids = env.region.instance_ids
    other_made = await env.civo.snapshots.create(ids[1])
    others: list[asyncio.Task[Snapshot]] = []

    def cancel_other(change: Transition) -> None:
        others[0].cancel()

    run = asyncio.create_task(env.many(ids[:1], on_change=cancel_other))
    while env.region.counts[CREATE] < 2:
        await turn(1)
    await env.clock.sleep(0.5)
    others.append(asyncio.create_task(env.civo.snapshots.wait_until_complete(other_made)))
    assert (await run).counts["complete"] == 1
    with pytest.raises(asyncio.CancelledError):
        await others[0]


# Rolling back


@pytest.mark.drawn(
    delete_takes=0.0,
    visible_after=0.0,
    read_lag=0.0,
    region_listing=True,
    listing_gaps=0.0,
    region_ids="outer",
)
async def test_a_rollback_deletes_the_snapshots_the_run_made_and_nothing_else(env: Env) -> None:
    ids = env.region.instance_ids  # F114
    before = await env.many(ids[:3], name="nightly")
    own = await env.civo.snapshots.create(ids[0], name="by-hand")
    result = await env.many(ids, name="nightly")
    await env.civo.snapshots.roll_back(result)
    left = {found.id async for found in env.civo.region_snapshots.list()}
    assert left == {own.id, *(out.snapshot.id for out in before if out.snapshot)}
    await env.civo.snapshots.roll_back(result)  # what is gone is no error


async def test_a_rollback_leaves_what_the_run_was_told_not_to_adopt(env: Env) -> None:
    ids = env.region.instance_ids  # F114
    await env.many(ids[:3], name="nightly")
    result = await env.many(ids, name="nightly", on_existing="error")
    await env.civo.snapshots.roll_back(result)
    assert len(await env.civo.region_snapshots.list().collect()) == 3


@pytest.mark.drawn
async def test_a_snapshot_that_cannot_be_deleted_is_reported(env: Env) -> None:
    result = await env.many(env.region.instance_ids)
    assert result.outcomes[0].snapshot is not None
    await env.civo.snapshots.restore(result.outcomes[0].snapshot, hostname="copy")
    with pytest.raises(ExceptionGroup, match="1 of 8 snapshots not deleted") as caught:
        await env.civo.snapshots.roll_back(result)
    assert isinstance(caught.value.exceptions[0], ConflictError)
    assert env.region.counts[DELETE] == 8
