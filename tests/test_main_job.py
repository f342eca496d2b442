"""The main job as a whole: many instances over real HTTP, counted on the server's side."""

import asyncio
from collections import Counter
from typing import Literal

import pytest
from support.regions import MakeRegion

from civo_snapshots import CivoClient, FleetRun, OutcomeKind
from civo_snapshots.testing import FakeClock, FakeRegion

CREATE = "POST /v2/instances/{id}/snapshots"
LISTING = "GET /v2/resourcesnapshots"
PAGES = "GET /v2/instances"


def client_of(
    region: FakeRegion, clock: FakeClock | None = None, concurrency: int = 10
) -> CivoClient:
    return CivoClient(
        region.token,
        region=region.region,
        api_url=region.url,
        clock=clock,
        concurrency=concurrency,
    )


def accepted(region: FakeRegion) -> dict[str, str]:
    """What the server made: snapshot id to instance id."""
    return {key: snapshot.instance_id for key, snapshot in region.state.snapshots.items()}


async def test_a_thousand_snapshots_cost_one_listing_per_tick(nothing_left: None) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1_000, volumes=2, clock=clock, duration=(5, 20)) as region:
        for instance_id in region.instance_ids[:10]:
            region.fail_volume(instance_id)
        region.refuse_create(region.instance_ids[10])
        async with client_of(region, clock, concurrency=32) as civo:
            instances = [found.id async for found in civo.instances.list()]
            run = await civo.snapshots.create_many(instances, timeout=600)
            ticks = civo._state.watcher(civo._api).ticks
    assert Counter(run.counts) == Counter(complete=989, failed=10, refused=1)
    assert [outcome.instance_id for outcome in run] == instances
    assert {out.snapshot.id: out.instance_id for out in run if out.snapshot} == accepted(region)
    assert region.counts[CREATE] == 1_000
    assert region.counts[PAGES] == 11  # ten full pages, and one to see that no more follow
    assert region.counts[LISTING] <= ticks
    assert region.total == 1_000 + 11 + region.counts[LISTING]
    assert civo.requests_sent == region.total


async def test_the_second_run_of_a_name_creates_nothing(nothing_left: None) -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=1_000, volumes=1, clock=clock) as region,
        client_of(region, clock, concurrency=32) as civo,
    ):
        first = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        spent = region.total
        second = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert region.total - spent <= 1_003  # R158: the instance itself proves each of them
        assert region.counts[CREATE] == 1_000
    assert second.counts["complete"] == 1_000
    assert all(outcome.adopted for outcome in second)
    assert [out.snapshot.id for out in first if out.snapshot] == [
        out.snapshot.id for out in second if out.snapshot
    ]


@pytest.mark.parametrize("region_ids", ["outer", "inner", "name"])
@pytest.mark.drawn(quota_lock=0.0, listing_gaps=0.0)
async def test_adoption_finds_the_right_id_however_the_region_lists_it(
    region_ids: Literal["outer", "inner", "name"], nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with (
        make_region(instances=20, clock=clock, region_ids=region_ids) as region,
        client_of(region, clock) as civo,
    ):
        await civo.snapshots.create_many(region.instance_ids, name="nightly")
        again = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert {out.snapshot.id: out.instance_id for out in again if out.snapshot} == accepted(
            region
        )
        assert region.counts[CREATE] == 20


@pytest.mark.drawn(quota_lock=0.0, created_at_form="Z")  # what has no date counts as too old
async def test_a_region_without_a_listing_is_asked_instance_by_instance(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with (
        make_region(instances=20, clock=clock, region_listing=False) as region,
        client_of(region, clock) as civo,
    ):
        await civo.snapshots.create_many(region.instance_ids, name="nightly")
        again = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert again.counts["complete"] == 20
        assert region.counts[CREATE] == 20


@pytest.mark.parametrize("turns", [40, 120, 300, 700])
async def test_a_cancelled_run_knows_every_snapshot_the_server_accepted(
    turns: int, nothing_left: None
) -> None:
    async with (
        FakeRegion(instances=300, duration=(30, 60), latency=0.001) as region,
        client_of(region) as civo,
    ):
        job = asyncio.create_task(civo.snapshots.create_many(region.instance_ids, name="nightly"))
        for _ in range(turns):
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await job
        run = FleetRun.of(caught.value)
        assert run is not None
        assert run.partial
        assert len(run) == 300
        known = {out.snapshot.id: out.instance_id for out in run if out.snapshot}
        assert known == accepted(region)
        unsent = [out for out in run if out.kind is OutcomeKind.NOT_ATTEMPTED]
        assert len(unsent) == 300 - len(known)


async def test_a_timeout_around_a_run_carries_the_run_so_far_too(nothing_left: None) -> None:
    async with FakeRegion(instances=50, duration=(30, 60)) as region, client_of(region) as civo:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.1):
                await civo.snapshots.create_many(region.instance_ids, name="nightly")
        run = FleetRun.of(caught.value)
        assert run is not None
        assert {out.snapshot.id for out in run if out.snapshot} == set(accepted(region))
