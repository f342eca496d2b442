"""Runs that meet snapshots of their name: over the wire, against a region that has them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Literal

import pytest
import support.env

from civo_snapshots import (
    CivoClient,
    CivoError,
    ConflictError,
    FleetRun,
    InvalidArgumentError,
    SnapshotExistsError,
    SnapshotFailedError,
    SnapshotVanishedError,
    WaitTimeoutError,
)
from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
GET = "GET /v2/instances/{id}/snapshots/{sid}"
LIST = "GET /v2/instances/{id}/snapshots"
REGION = "GET /v2/resourcesnapshots"


class Env(support.env.Env):
    """A fake region and a client of it, on one fake clock."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        super().__init__(region, civo, clock)
        self.ids = region.instance_ids

    @property
    def many(self) -> Callable[..., Coroutine[None, None, FleetRun]]:
        return self.civo.snapshots.create_many

    def client(self) -> CivoClient:
        region = self.region
        return CivoClient(region.token, region="LON1", api_url=region.url, clock=self.clock)

    def item_of(self, instance_id: str) -> dict[str, object]:
        """The instance's only snapshot as the region lists it when it is complete."""
        [one] = [s for s in self.region.state.snapshots.values() if s.instance_id == instance_id]
        inner = {"id": instance_id, "status": {"state": "Complete"}}
        return {"id": one.id, "name": one.name, "created_at": one.created_at, "instance": inner}

    def others_make(self, instance_id: str) -> str:
        """Another process of the run makes a snapshot now; its id."""
        instance = self.region.state.instances[instance_id]
        name = name_for("nightly", instance_id)
        made = self.region.state.create_snapshot(instance, name, "", self.clock.monotonic())
        return made.id


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"instances": 4, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


def region_with(**options: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("env", [options], indirect=True)


# Proof


async def test_a_name_on_another_instance_is_not_a_backup_of_this_one(env: Env) -> None:
    """R158: twice, after others were proven."""
    await env.many(env.ids[:2], name="nightly")
    for wanted in env.ids[2:]:
        env.region.state.add_stranger(name_for("nightly", wanted), env.ids[0], age=60)
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 4
    assert [out.adopted for out in run] == [True, True, False, False]
    assert env.region.counts[CREATE] == 4
    assert not run.duplicates
    made = env.region.state.snapshots
    assert all(made[out.snapshot.id].instance_id == out.instance_id for out in run if out.snapshot)


@region_with(delete_takes=30.0, shows_deleting=True)
async def test_what_is_being_deleted_is_not_said_to_be_complete(env: Env) -> None:
    """R159: the listing is older than the deletion."""
    await env.many(env.ids, name="nightly")
    env.region.fault(REGION, Fault.json([env.item_of(one) for one in env.ids]))
    [ending] = [one for one in env.region.state.snapshots.values() if one.instance_id == env.ids[2]]
    await env.civo.snapshots.delete(env.ids[2], ending.id)
    run = await env.many(env.ids, name="nightly")
    assert [out.kind.value for out in run] == ["complete", "complete", "failed", "complete"]
    assert isinstance(run.outcomes[2].error, SnapshotVanishedError)


async def test_what_was_deleted_after_the_first_look_is_made_again(env: Env) -> None:
    """R159: the listing still shows it."""
    await env.many(env.ids, name="nightly")
    env.region.fault(REGION, Fault.json([env.item_of(one) for one in env.ids]))
    [gone] = [one for one in env.region.state.snapshots.values() if one.instance_id == env.ids[3]]
    await env.civo.snapshots.delete(env.ids[3], gone.id)
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 4
    assert [out.adopted for out in run] == [True, True, True, False]
    assert env.region.counts[CREATE] == 5


# Age


async def test_the_second_night_is_not_silently_the_first(env: Env) -> None:
    """R159: the same name a day later sends nothing and succeeds at nothing."""
    first = await env.many(env.ids, name="nightly")
    await env.clock.sleep(86_400)
    second = await env.many(env.ids, name="nightly")
    assert second.counts["refused"] == 4
    assert not second.adopted
    for before, now in zip(first, second, strict=True):
        assert isinstance(now.error, SnapshotExistsError)
        assert before.snapshot is not None
        assert now.error.snapshot is not None
        assert now.snapshot is not None
        assert now.error.snapshot.id == now.snapshot.id == before.snapshot.id
    await env.civo.snapshots.roll_back(second)
    assert len(await env.civo.region_snapshots.list().collect()) == 4


async def test_any_age_will_do_if_so_told_and_the_run_shows_what_it_adopted(env: Env) -> None:
    """R159."""
    await env.many(env.ids[:3], name="nightly")
    await env.clock.sleep(86_400)
    run = await env.many([*env.ids, env.ids[0]], name="nightly", max_age=None)
    assert run.counts["complete"] == 5
    assert [out.instance_id for out in run.adopted] == env.ids[:3]


@region_with(created_at_form="empty")
async def test_an_unknown_age_counts_as_older(env: Env) -> None:
    """R159."""
    await env.many(env.ids, name="nightly")
    assert (await env.many(env.ids, name="nightly")).counts["refused"] == 4
    assert (await env.many(env.ids, name="nightly", max_age=None)).counts["complete"] == 4


@region_with(clock_skew=-100_000.0)
async def test_age_is_told_by_the_servers_clock(env: Env) -> None:
    """R159: a machine whose clock is a day ahead continues its run all the same."""
    await env.many(env.ids, name="nightly")
    assert (await env.many(env.ids, name="nightly")).counts["complete"] == 4


@pytest.mark.parametrize(
    "options", [{"max_age": 0}, {"max_age": "12h"}, {"on_failed": "repeat"}, {"resume": 1}], ids=str
)
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    env: Env, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgumentError):
        await env.many(env.ids, name="nightly", **options)
    with pytest.raises(InvalidArgumentError):
        await env.many(env.ids, name="n" * 48)
    with pytest.raises(InvalidArgumentError, match="name of the run"):
        await env.many(env.ids, resume=True)
    assert env.region.total == 0


# Failures


async def test_a_failed_one_is_made_once_more_on_request(env: Env) -> None:
    """R160."""
    env.region.fail_volume(env.ids[0])
    await env.many(env.ids, name="nightly")
    assert (await env.many(env.ids, name="nightly")).counts["failed"] == 1  # by default
    again = await env.many(env.ids, name="nightly", on_failed="retry")
    assert again.counts["failed"] == 1  # it failed as well, and only one is made in a call
    assert env.region.counts[CREATE] == 5
    env.region.heal(env.ids[0])
    third = await env.many(env.ids, name="nightly", on_failed="retry")
    assert third.counts["complete"] == 4
    assert env.region.counts[CREATE] == 6
    first = third.outcomes[0]
    assert first.name == name_for("nightly", env.ids[0]) + "-r3"
    assert first.snapshot is not None
    assert first.snapshot.name == first.name
    assert len(first.duplicates) == 2
    last = await env.many(env.ids, name="nightly", on_failed="retry")
    assert len(last.adopted) == last.counts["complete"] == 4
    assert env.region.counts[CREATE] == 6
    assert last.outcomes[0].name == first.name


# Two at once, and one after a crash


async def test_two_processes_at_once_tell_every_duplicate(env: Env) -> None:
    """R161: the run that ends last tells all of them."""
    async with env.client() as other:
        one, two = await asyncio.gather(
            env.many(env.ids, name="nightly"), other.snapshots.create_many(env.ids, name="nightly")
        )
    everything = set(env.region.state.snapshots)
    assert len(everything) == 8
    told = [
        {out.snapshot.id for out in run if out.snapshot} | {extra.id for extra in run.duplicates}
        for run in (one, two)
    ]
    assert everything in told
    assert all(len(out.duplicates) == 1 for out in (one if told[0] == everything else two))


@region_with(visible_after=5.0, duration=(1.0, 2.0))
async def test_a_run_that_goes_on_after_a_crash_makes_nothing_twice(env: Env) -> None:
    """R161: reads are stale for five seconds."""
    for instance_id in env.ids[:3]:
        env.others_make(instance_id)
    await env.clock.sleep(1)
    run = await env.many(env.ids, name="nightly", resume=True)
    assert run.counts["complete"] == 4
    assert [out.adopted for out in run] == [True, True, True, False]
    assert env.region.counts[CREATE] == 1
    assert not run.duplicates


@region_with(visible_after=5.0, snapshot_limit=4)
async def test_the_quota_is_compared_with_what_is_missing_once_everything_shows(env: Env) -> None:
    """R161: what the attempt before made counts in the quota already."""
    for instance_id in env.ids[:3]:
        env.others_make(instance_id)
    run = await env.many(env.ids, name="nightly", resume=True, quota="check")
    assert run.counts["complete"] == 4


@region_with(visible_after=5.0)
async def test_a_young_namesake_is_reason_enough_to_wait_for_the_others(env: Env) -> None:
    """R161: without resume=True."""
    env.others_make(env.ids[0])
    await env.clock.sleep(4)
    env.others_make(env.ids[1])
    await env.clock.sleep(2)
    run = await env.many(env.ids, name="nightly")
    assert [out.adopted for out in run] == [True, True, False, False]
    assert len(env.region.state.snapshots) == 4


@region_with(visible_after=5.0, duration=(1.0, 2.0))
async def test_duplicates_that_show_late_are_told_by_the_run_that_made_them(env: Env) -> None:
    """R161: the first attempt shows nothing yet, and the run is soon done."""
    others = {env.others_make(instance_id) for instance_id in env.ids[:3]}
    await env.clock.sleep(0.5)
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 4
    assert {extra.id for extra in run.duplicates} == others
    assert [len(out.duplicates) for out in run] == [1, 1, 1, 0]


@region_with(unique_names="instance", visible_after=5.0)
async def test_a_name_that_is_taken_is_adopted_once_it_shows(env: Env) -> None:
    """R161: a 409 on create means that another process was faster."""
    made = env.others_make(env.ids[0])
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 4
    assert run.outcomes[0].adopted
    assert run.outcomes[0].snapshot is not None
    assert run.outcomes[0].snapshot.id == made


async def test_a_conflict_without_a_snapshot_stays_a_conflict(env: Env) -> None:
    """R161."""
    env.region.refuse_create(env.ids[0], "database_snapshot_cannot_replace")
    run = await env.many(env.ids, name="nightly")
    assert run.counts["refused"] == 1
    assert isinstance(run.outcomes[0].error, ConflictError)


@pytest.mark.parametrize("region_ids", ["outer", "inner", "name"])
async def test_a_run_alone_tells_of_no_duplicates(
    region_ids: Literal["outer", "inner", "name"],
) -> None:
    """R161: whichever of the listing's ids is the snapshot's."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=3, clock=clock, region_ids=region_ids) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert not run.duplicates
        again = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert len(again.adopted) == 3
        assert not again.duplicates


@region_with(instances=1_000, volumes=1)
async def test_the_end_of_a_run_costs_one_listing(env: Env) -> None:
    """R161: at most 1.02 requests per snapshot."""
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 1_000
    assert env.region.total == 1_000 + env.region.counts[REGION] <= 1_020


async def test_an_end_that_cannot_be_read_changes_no_outcome(env: Env) -> None:
    """R161."""
    stream = env.civo.snapshots.create_each(env.ids[:1], name="nightly")
    async for _ in stream:
        refused = env.region.fault(REGION, Fault.unauthorized(), times=None)
    assert refused.fired == 1
    assert stream.run.counts["complete"] == 1
    assert not stream.run.partial
    assert not stream.run.duplicates


# Time


async def test_when_time_is_over_what_the_first_look_has_shown_is_told(env: Env) -> None:
    """R202."""
    env.region.fail_volume(env.ids[1])
    await env.many(env.ids[:3], name="nightly")
    slow = env.region.fault(GET, Fault.code("database_snapshots_list"), times=None)
    run = await env.many(env.ids[:3], name="nightly", timeout=20, concurrency=1)
    assert slow.fired > 0
    assert [out.kind.value for out in run] == ["complete", "failed", "complete"]
    assert all(out.adopted and out.snapshot for out in run)
    assert isinstance(run.outcomes[1].error, SnapshotFailedError)
    assert env.region.counts[CREATE] == 3


@region_with(region_ids="inner")
async def test_what_the_listing_does_not_prove_is_told_as_not_looked_at_again(env: Env) -> None:
    """R158, R202: where it does not name the instance, complete is not said of it."""
    await env.many(env.ids, name="nightly")
    env.region.fault(GET, Fault.code("database_snapshots_list"), times=None)
    run = await env.many(env.ids, name="nightly", timeout=20)
    assert run.counts["timed_out"] == len(run.adopted) == 4
    assert isinstance(run.outcomes[0].error, WaitTimeoutError)
    assert run.outcomes[0].snapshot is not None
    assert run.outcomes[0].snapshot.state == "Complete"


@pytest.mark.parametrize("seconds", [100.0, 900.0])
async def test_a_run_begins_in_an_outage_and_goes_on_after_it(env: Env, seconds: float) -> None:
    """R162: its first look has the run's patience."""
    await env.many(env.ids[:1], name="nightly")
    env.region.outage(seconds)
    run = await env.many(env.ids, name="nightly")
    assert run.counts["complete"] == 4
    assert len(run.adopted) == 1
    assert env.region.counts[CREATE] == 4


async def test_an_outage_that_outlasts_the_run_is_told_with_an_outcome_for_each(env: Env) -> None:
    """R162."""
    env.region.outage(900)
    with pytest.raises(CivoError) as caught:
        await env.many(env.ids, name="nightly", timeout=300)
    assert env.clock.monotonic() <= 300
    run = FleetRun.of(caught.value)
    assert run is not None
    assert run.counts["not_attempted"] == 4


async def test_a_stalled_listing_ends_with_the_runs_time_and_nothing_is_created(env: Env) -> None:
    """R167."""
    env.region.fault(REGION, Fault.stall(60), times=None)
    client = CivoClient(env.region.token, region="LON1", api_url=env.region.url)
    async with client as civo, asyncio.timeout(15):  # both are of real seconds
        with pytest.raises(CivoError):
            await civo.snapshots.create_many(env.ids, name="nightly", timeout=0.3)
    assert env.region.counts[CREATE] == 0


async def test_a_callback_that_takes_all_the_time_is_followed_by_no_create(env: Env) -> None:
    """R167."""
    run = await env.many(
        env.ids, timeout=50, max_in_flight=1, on_change=lambda _: env.clock.advance(100)
    )
    assert env.region.counts[CREATE] == 1
    assert run.counts["not_attempted"] == 3
