"""Undoing a run: only what it created itself is deleted."""

import pytest
from support.regions import MakeRegion

from civo_snapshots import CivoClient, ConflictError, NotFoundError
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"


def client_of(region: FakeRegion, clock: FakeClock) -> CivoClient:
    return CivoClient(region.token, region=region.region, api_url=region.url, clock=clock)


@pytest.mark.drawn
async def test_a_rollback_deletes_what_the_run_created_and_nothing_else(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """F114."""
    clock = FakeClock()
    async with (
        make_region(instances=6, clock=clock) as region,
        client_of(region, clock) as civo,
    ):
        first = await civo.snapshots.create_many(region.instance_ids[:2], name="nightly")
        other = await civo.snapshots.create(region.instance_ids[5], name="nightly-by-hand")
        second = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        await civo.snapshots.roll_back(second)
        left = {key for key, found in region.state.snapshots.items() if not found.deleted}
        assert left == {out.snapshot.id for out in first if out.snapshot} | {other.id}
        await civo.snapshots.roll_back(second)


@pytest.mark.drawn(listing_gaps=0.0)
async def test_a_run_that_met_existing_snapshots_does_not_delete_them(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with (
        make_region(instances=2, clock=clock) as region,
        client_of(region, clock) as civo,
    ):
        await civo.snapshots.create_many(region.instance_ids, name="nightly")
        refused = await civo.snapshots.create_many(
            region.instance_ids, name="nightly", on_existing="error"
        )
        assert refused.counts["refused"] == 2
        await civo.snapshots.roll_back(refused)
        assert not any(found.deleted for found in region.state.snapshots.values())


@pytest.mark.drawn
async def test_what_cannot_be_deleted_is_told_after_the_rest_was_tried(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with (
        make_region(instances=3, clock=clock) as region,
        client_of(region, clock) as civo,
    ):
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        code = {"code": "database_snapshot_cannot_delete_in_use", "reason": "in use"}
        region.fault(DELETE, Fault.status(409, code))
        with pytest.raises(ExceptionGroup) as caught:
            await civo.snapshots.roll_back(run)
        [error] = caught.value.exceptions
        assert isinstance(error, ConflictError)
        assert sum(found.deleted for found in region.state.snapshots.values()) == 2


@pytest.mark.drawn
async def test_an_answer_from_another_region_is_not_taken(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """S81."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        wanted = region.instance_ids[0]
        region.fault("GET /v2/instances/{id}", Fault.json({"id": wanted, "region": "NYC1"}))
        found = await civo.instances.get(wanted)
        assert found.region.upper() == region.region
        with pytest.raises(NotFoundError):
            await civo.in_region("NYC1").instances.get(wanted)
