"""R152: what says "try later" delays a snapshot, and neither loses nor doubles it."""

import asyncio

import pytest
from support.env import client_of

from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
LIST = "GET /v2/instances/{id}/snapshots"
CODES = (
    "database_quota_lock_failed",
    "database_snapshot_create_already_in_process",
    "region_unavailable",
    "instance_state_must_be_active_or_shutoff",
    "openstack_connection_failed",
)
STATUSES = (400, 403, 409, 500)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", CODES)
async def test_twenty_that_are_refused_once_are_all_made(code: str, status: int) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.status(status, {"code": code, "reason": "not now"}), times=20)
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 20
        assert region.counts[CREATE] == 40
        assert region.counts[LIST] == 20  # each looks for its own name before it is sent again
        assert len(region.state.snapshots) == 20
        assert run.duplicates == ()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("code", CODES)
async def test_twenty_that_are_refused_for_a_minute_are_all_made(code: str, status: int) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.status(status, {"code": code, "reason": "not now"}), times=None)

        async def calm() -> None:
            await clock.sleep(60)
            region.clear_faults()

        calming = asyncio.create_task(calm())
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        await calming
        assert run.counts["complete"] == 20
        assert region.counts[CREATE] <= 20 * 12
        assert region.counts[LIST] == region.counts[CREATE] - 20
        assert len(region.state.snapshots) == 20


async def test_already_in_process_may_be_the_echo_of_a_lost_create() -> None:
    """The server has one at a time for each instance, and the first answer of each is lost."""
    clock = FakeClock()
    region = FakeRegion(instances=20, clock=clock, one_at_a_time=True, duration=(30.0, 60.0))
    async with region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.drop_after_acting(), times=20)
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 20
        assert len(region.state.snapshots) == 20


async def test_already_in_process_may_be_the_snapshot_of_another_process() -> None:
    clock = FakeClock()
    region = FakeRegion(instances=20, clock=clock, one_at_a_time=True, duration=(30.0, 60.0))
    async with region, client_of(region, clock) as civo, client_of(region, clock) as other:
        runs = await asyncio.gather(
            civo.snapshots.create_many(region.instance_ids, name="nightly"),
            other.snapshots.create_many(region.instance_ids, name="nightly"),
        )
        assert [run.counts["complete"] for run in runs] == [20, 20]
        assert len(region.state.snapshots) == 20


async def test_every_other_call_is_tried_again_too() -> None:
    clock = FakeClock()
    busy = Fault.status(409, {"code": "database_quota_lock_failed", "reason": "not now"})
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        made = await civo.snapshots.create(region.instance_ids[0])
        await civo.snapshots.wait_until_complete(made)
        region.fault("PUT /v2/instances/{id}/snapshots/{sid}", busy, times=2)
        region.fault("POST /v2/instances/{id}/snapshots/{sid}/restore", busy, times=2)
        region.fault("DELETE /v2/instances/{id}/snapshots/{sid}", busy, times=2)
        assert (await civo.snapshots.update(made, name="kept")).name == "kept"
        await civo.snapshots.restore(made, hostname="copy")
        other = await civo.snapshots.create(region.instance_ids[0])
        await civo.snapshots.delete(other)
        assert region.counts["DELETE /v2/instances/{id}/snapshots/{sid}"] == 3
