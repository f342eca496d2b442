"""Runs that are started in one place and waited for in others, and runs found by their name."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import support.env
from attrs import evolve

from civo_snapshots import (
    CivoClient,
    CivoError,
    FleetRun,
    Instance,
    InvalidArgumentError,
    OutcomeKind,
    SnapshotExistsError,
    SnapshotFailedError,
    Transition,
    WaitTimeoutError,
)
from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
GET = "GET /v2/instances/{id}/snapshots/{sid}"
REGION = "GET /v2/resourcesnapshots"

WAITER = """
import asyncio, json, os, sys
from civo_snapshots import CivoClient, FleetRun

async def main():
    run = FleetRun.from_json(sys.stdin.read())
    async with CivoClient(region="LON1") as civo:
        run = await civo.snapshots.wait_many(run, timeout=60)
    print(run.to_json())

asyncio.run(main())
"""


class Env(support.env.Env):
    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        super().__init__(region, civo, clock)
        self.ids = region.instance_ids
        self.snapshots = civo.snapshots

    @property
    def writes(self) -> int:
        return sum(number for route, number in self.region.counts.items() if route[:3] != "GET")


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"instances": 5, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


def region_with(**options: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("env", [options], indirect=True)


# Start


async def test_a_start_creates_and_waits_for_nothing(env: Env) -> None:
    run = await env.snapshots.start_many(env.ids, name="nightly")
    assert run.counts["pending"] == len(run) == 5
    assert env.clock.monotonic() == 0
    assert (env.region.counts[CREATE], env.region.total) == (5, 6)  # and what there is, once
    assert not run.failures
    assert not run.partial
    for outcome in run:
        assert outcome.region == "LON1"
        assert outcome.started_at == outcome.accepted_at == env.clock.now()
        assert (outcome.attempts, outcome.ended_at, outcome.error) == (1, None, None)


async def test_a_start_adopts_what_exists_as_it_is(env: Env) -> None:
    await env.snapshots.create_many(env.ids[:2], name="nightly")
    env.region.refuse_create(env.ids[4])
    run = await env.snapshots.start_many(env.ids, name="nightly")
    kinds = [out.kind.value for out in run]
    assert kinds == ["complete", "complete", "pending", "pending", "refused"]
    assert [out.adopted for out in run] == [True, True, False, False, False]
    assert [out.kind.value for out in run.failures] == ["refused"]


async def test_an_outcome_tells_where_when_and_how_often(env: Env) -> None:
    env.region.fault(CREATE, Fault.code("database_snapshot_create_already_in_process"))
    [instance] = [one async for one in env.civo.instances.list() if one.id == env.ids[0]]
    run = await env.snapshots.create_many([instance, env.ids[1]], name="nightly", concurrency=1)
    busy, plain = run
    assert (busy.hostname, plain.hostname) == (instance.hostname, "")
    assert (busy.attempts, plain.attempts) == (2, 1)
    for outcome in run:
        assert outcome.started_at is not None
        assert outcome.accepted_at is not None
        assert outcome.ended_at is not None
        assert outcome.started_at <= outcome.accepted_at < outcome.ended_at <= env.clock.now()
        assert (outcome.accepted_at > outcome.started_at) is (outcome is busy)


@pytest.mark.parametrize("is_async", [True, False])
async def test_hostnames_are_known_of_instances_that_come_one_by_one(
    env: Env, is_async: bool
) -> None:
    listed = await env.civo.instances.list().collect()
    source = env.civo.instances.list() if is_async else iter(listed)
    run = await env.snapshots.start_many(source, name="nightly")
    assert [out.hostname for out in run] == [one.hostname for one in listed]


# Wait


async def test_the_two_halves_are_the_whole(env: Env) -> None:
    env.region.fail_volume(env.ids[1])
    started = await env.snapshots.start_many(env.ids, name="nightly")
    changes: list[Transition] = []
    run = await env.snapshots.wait_many(started, on_change=changes.append)
    assert [out.kind.value for out in run] == ["complete", "failed", *["complete"] * 3]
    assert isinstance(run.outcomes[1].error, SnapshotFailedError)
    assert env.writes == 5
    assert changes
    for before, after in zip(started, run, strict=True):
        same = ("instance_id", "name", "adopted", "region", "started_at", "accepted_at", "attempts")
        assert [getattr(before, one) for one in same] == [getattr(after, one) for one in same]


async def test_many_processes_wait_for_one_run_and_are_told_the_same() -> None:
    """Three that were handed its JSON: no POST of theirs, and equal runs; one has failed."""
    async with (
        FakeRegion(instances=20, duration=(1.0, 3.0)) as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        region.fail_volume(region.instance_ids[3])
        started = await civo.snapshots.start_many(region.instance_ids, name="nightly")
        assert region.counts[CREATE] == 20
        settings = {"CIVO_TOKEN": region.token, "CIVO_API_URL": region.url}
        told = await asyncio.gather(*[wait_elsewhere(started, settings) for _ in range(3)])
        assert region.counts[CREATE] == 20
        assert not [one for one in region.requests[21:] if one.method != "GET"]
    runs = [FleetRun.from_json(one) for one in told]
    assert runs[0].counts["complete"] == 19
    assert runs[0].counts["failed"] == 1
    assert runs[0].as_dict() == runs[1].as_dict() == runs[2].as_dict()
    assert runs[0] == runs[1] == runs[2]


async def wait_elsewhere(run: FleetRun, settings: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WAITER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | settings,
    )
    out, _ = await process.communicate(run.to_json().encode())
    assert process.returncode == 0
    return out.decode()


async def test_a_record_that_says_complete_is_looked_at_all_the_same(env: Env) -> None:
    run = await env.snapshots.create_many(env.ids, name="nightly")
    gone = run.outcomes[2].snapshot
    assert gone is not None
    await env.snapshots.delete(gone)
    await env.snapshots.wait_until_deleted(gone)
    again = await env.snapshots.wait_many(run)
    assert [out.kind.value for out in again] == ["complete", "complete", "failed"] + [
        "complete"
    ] * 2


async def test_what_has_no_snapshot_stays_as_it_is(env: Env) -> None:
    env.region.refuse_create(env.ids[0])
    started = await env.snapshots.start_many(env.ids[:2], name="nightly")
    run = await env.snapshots.wait_many(started)
    assert [out.kind.value for out in run] == ["refused", "complete"]
    assert run.outcomes[0] == started.outcomes[0]


async def test_what_stood_in_the_way_is_not_waited_for(env: Env) -> None:
    await env.snapshots.create_many(env.ids[:1], name="nightly")
    started = await env.snapshots.start_many(env.ids[:2], name="nightly", on_existing="error")
    run = await env.snapshots.wait_many(started)
    assert [out.kind.value for out in run] == ["refused", "complete"]


@region_with(duration=(100.0, 100.0))
async def test_what_is_not_finished_in_time_has_timed_out(env: Env) -> None:
    started = await env.snapshots.start_many(env.ids, name="nightly")
    run = await env.snapshots.wait_many(started, timeout=30)
    assert run.counts["timed_out"] == 5
    assert isinstance(run.outcomes[0].error, WaitTimeoutError)
    assert (await env.snapshots.wait_many(run)).counts["complete"] == 5
    assert env.writes == 5


@region_with(duration=(100.0, 100.0))
async def test_a_cancelled_wait_leaves_the_run_so_far(env: Env) -> None:
    """R182, R185."""
    started = await env.snapshots.start_many(env.ids, name="nightly")
    waiting = asyncio.create_task(env.snapshots.wait_many(started))
    await env.clock.sleep(30)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    run = FleetRun.of(caught.value)
    assert run is not None
    assert run.partial
    assert run.counts["pending"] == 5


async def test_snapshots_can_be_waited_for_without_a_run(env: Env) -> None:
    made = [await env.snapshots.create(one) for one in env.ids[:3]]
    run = await env.snapshots.wait_many(made)
    assert [out.instance_id for out in run] == env.ids[:3]
    assert run.counts["complete"] == 3


async def test_an_instance_given_twice_is_waited_for_once_and_told_twice(env: Env) -> None:
    """F109."""
    started = await env.snapshots.start_many([env.ids[0]] * 2, name="nightly")
    run = await env.snapshots.wait_many(started)
    assert run.counts["complete"] == len(run) == 2


async def test_what_others_made_under_the_name_is_told_at_the_end_of_a_wait(env: Env) -> None:
    """R161."""
    started = await env.snapshots.start_many(env.ids[:2], name="nightly")
    instance = env.region.state.instances[env.ids[0]]
    name = name_for("nightly", env.ids[0])
    other = env.region.state.create_snapshot(instance, name, "", env.clock.monotonic())
    run = await env.snapshots.wait_many(started)
    assert [one.id for one in run.duplicates] == [other.id]


async def test_a_wait_for_nothing_is_refused(env: Env) -> None:
    """R188: but for a run that was allowed to have no instances."""
    wrong: list[Any] = [[], FleetRun("nightly", partial=True), "abc", ["s-1"], 5]
    for one in wrong:
        with pytest.raises(InvalidArgumentError):
            await env.snapshots.wait_many(one)
    empty = await env.snapshots.start_many([], name="nightly", allow_empty=True)
    assert await env.snapshots.wait_many(empty) == empty
    assert env.region.total == 0


async def test_a_run_of_another_region_is_not_looked_for_here(env: Env) -> None:
    """It would seem to have vanished."""
    started = await env.snapshots.start_many(env.ids, name="nightly")
    elsewhere = FleetRun("nightly", tuple(evolve(out, region="NYC1") for out in started))
    with pytest.raises(InvalidArgumentError, match="in_region"):
        await env.snapshots.wait_many(elsewhere)


# Find


@pytest.mark.parametrize("region_ids", ["outer", "inner", "name"])
@pytest.mark.parametrize("by", ["instances", "number"])
async def test_a_run_is_found_by_its_name(region_ids: str, by: str) -> None:
    clock = FakeClock()
    region = FakeRegion(instances=5, clock=clock, region_ids=region_ids)  # type: ignore[arg-type]
    async with Env.on(region, clock) as env:
        env.region.fail_volume(env.ids[1])
        started = await env.snapshots.start_many(env.ids, name="nightly")
        given: dict[str, Any] = {"instances": env.ids} if by == "instances" else {"expected": 5}
        now = await env.snapshots.find_run("nightly", **given)
        assert now.counts["pending"] == 5
        await env.snapshots.wait_many(now)
        then = await env.snapshots.find_run("nightly", **given)
        assert (then.counts["complete"], then.counts["failed"]) == (4, 1)
        assert {out.instance_id: out.snapshot and out.snapshot.id for out in then} == {
            out.instance_id: out.snapshot and out.snapshot.id for out in started
        }
        assert {out.name for out in then} == {out.name for out in started}
        assert all(out.adopted and out.region == "LON1" for out in then)
        assert env.writes == 5


async def test_a_look_costs_one_listing_and_one_proof(env: Env) -> None:
    await env.snapshots.start_many(env.ids, name="nightly")
    spent, began = env.region.counts.copy(), env.clock.monotonic()
    await env.snapshots.find_run("nightly", expected=5)
    cost = env.region.counts - spent
    assert cost[REGION] == 1
    assert cost[GET] == 1
    assert cost.total() == cost[REGION] + cost[GET]
    assert env.clock.monotonic() == began


async def test_fewer_than_expected_is_never_success(env: Env) -> None:
    await env.snapshots.create_many(env.ids[:3], name="nightly")
    some = await env.snapshots.find_run("nightly", expected=5)
    assert (some.counts["complete"], some.counts["not_attempted"]) == (3, 2)
    with pytest.raises(ExceptionGroup):
        some.raise_for_failures()
    named = await env.snapshots.find_run("nightly", instances=env.ids)
    assert [out.kind.value for out in named] == ["complete"] * 3 + ["not_attempted"] * 2
    assert [out.instance_id for out in named.failures] == env.ids[3:]
    waited = await env.snapshots.wait_many(named)
    assert waited.counts["not_attempted"] == 2


async def test_a_run_that_nobody_made_is_all_missing(env: Env) -> None:
    run = await env.snapshots.find_run("never", expected=2)
    assert run.counts["not_attempted"] == len(run) == 2
    assert str(run.outcomes[0].error) == "2 snapshots of the run were expected, 0 were found"


@region_with(region_listing=False)
async def test_a_run_is_found_where_the_region_is_not_listed(env: Env) -> None:
    await env.snapshots.create_many(env.ids[:3], name="nightly")
    listed = await env.civo.instances.list().collect()
    for given in ({"instances": env.ids}, {"instances": listed}, {"expected": 5}):
        run = await env.snapshots.find_run("nightly", **given)
        assert (run.counts["complete"], run.counts["not_attempted"]) == (3, 2)
    assert {out.hostname for out in run if out.snapshot} == {one.hostname for one in listed[:3]}


async def test_how_many_there_should_be_must_be_said(env: Env) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"instances": env.ids, "expected": 5},
        {"instances": []},
        {"expected": 0},
        {"instances": "abc"},
    ]
    for given in wrong:
        with pytest.raises(InvalidArgumentError):
            await env.snapshots.find_run("nightly", **given)
    with pytest.raises(InvalidArgumentError):
        await env.snapshots.find_run("Not a name", expected=1)
    assert env.region.total == 0


async def test_last_nights_run_is_not_tonights(env: Env) -> None:
    """R159: what is too old is told as it would be to a run of the name."""
    await env.snapshots.create_many(env.ids, name="nightly")
    await env.clock.sleep(86_400)
    run = await env.snapshots.find_run("nightly", expected=5)
    assert run.counts["refused"] == 5
    assert isinstance(run.outcomes[0].error, SnapshotExistsError)
    of_any_age = await env.snapshots.find_run("nightly", expected=5, max_age=None)
    assert of_any_age.counts["complete"] == 5


async def test_what_cannot_be_read_is_unknown(env: Env) -> None:
    await env.snapshots.create_many(env.ids, name="nightly")
    env.region.fault(REGION, Fault.code("not_found", status=404), times=None)
    env.region.fault("GET /v2/instances/{id}/snapshots", Fault.forbidden())
    run = await env.snapshots.find_run("nightly", instances=env.ids)
    assert run.counts["unknown"] == 1
    assert run.counts["complete"] == 4


async def test_a_name_on_another_instance_is_not_found_as_this_ones(env: Env) -> None:
    """R158."""
    env.region.state.add_stranger(name_for("nightly", env.ids[0]), env.ids[1], age=60)
    for given in ({"instances": env.ids[:1]}, {"expected": 1}):
        run = await env.snapshots.find_run("nightly", **given)
        assert [out.kind for out in run] == [OutcomeKind.NOT_ATTEMPTED]


async def test_a_run_that_travels_by_name_and_by_json_is_waited_for_alike(env: Env) -> None:
    started = await env.snapshots.start_many(env.ids, name="nightly")
    sent = json.dumps(started.as_dict())
    found = await env.snapshots.find_run("nightly", instances=env.ids)
    runs = await asyncio.gather(
        env.snapshots.wait_many(FleetRun.from_json(sent)), env.snapshots.wait_many(found)
    )
    assert [run.counts["complete"] for run in runs] == [5, 5]
    assert [out.snapshot for out in runs[0]] == [out.snapshot for out in runs[1]]


async def test_what_is_found_is_not_taken_back(env: Env) -> None:
    """Whose run it was is not known."""
    await env.snapshots.create_many(env.ids, name="nightly")
    await env.snapshots.roll_back(await env.snapshots.find_run("nightly", expected=5))
    assert len(env.region.state.snapshots) == 5


async def test_instances_are_accepted_as_records(env: Env) -> None:
    await env.snapshots.create_many(env.ids[:1], name="nightly")
    run = await env.snapshots.find_run(
        "nightly", instances=[Instance(env.ids[0], hostname="db1"), env.ids[1]]
    )
    assert [out.hostname for out in run] == ["db1", ""]
    assert isinstance(run.outcomes[1].error, CivoError)
