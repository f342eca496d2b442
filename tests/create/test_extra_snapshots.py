"""Searching after creates that were sent twice: each extra snapshot is reported once."""

import asyncio

import pytest
from support.env import client_of
from support.regions import MakeRegion

from civo_snapshots._create import claims
from civo_snapshots.testing import FakeClock, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

SNAPSHOTS = "/v2/instances/{id}/snapshots"
CREATE, LIST = f"POST {SNAPSHOTS}", f"GET {SNAPSHOTS}"


@pytest.mark.drawn(unique_names="free")
async def test_the_snapshot_kept_is_no_extra_however_many_came_after(
    monkeypatch: pytest.MonkeyPatch, make_region: MakeRegion
) -> None:
    """T10: the shared claims forget the oldest snapshot, a create never forgets its own."""
    monkeypatch.setattr(claims, "_CLAIMS_KEPT", 2)
    clock = FakeClock()
    async with make_region(instances=5, clock=clock) as region:
        region.fault(CREATE, Fault.drop_before_acting())
        async with client_of(region, clock) as civo:
            for instance_id in region.instance_ids:
                await civo.snapshots.create(instance_id, name="n")
        assert len(region.state.snapshots) == 5
        assert civo.unresolved.extra_snapshots == ()


@pytest.mark.drawn(
    one_at_a_time=False,
    quota_lock=0.0,
    created_at_form="Z",
    visible_after=0.0,
    read_lag=0.0,
    unique_names="free",
)
async def test_an_extra_found_at_once_is_not_told_again_later(make_region: MakeRegion) -> None:
    """T9, T10: both sends acted, and neither was answered."""
    clock = FakeClock()
    async with make_region(clock=clock) as region:
        region.fault(CREATE, Fault.late_commit(8.1))
        region.fault(CREATE, Fault.drop_after_acting(), after=1)
        async with client_of(region, clock) as civo:
            kept = await civo.snapshots.create(region.instance_ids[0])
        assert [extra.snapshot_id for extra in civo.unresolved.extra_snapshots] == [kept.id]
        assert {kept.id, civo.unresolved.extra_snapshots[0].extra_id} == set(region.state.snapshots)


@pytest.mark.drawn(
    one_at_a_time=False,
    quota_lock=0.0,
    created_at_form="Z",
    visible_after=0.0,
    read_lag=0.0,
    unique_names="free",
)
async def test_bad_answers_do_not_hide_an_extra(make_region: MakeRegion) -> None:
    """T10, H41: the search before closing is the last one."""
    clock = FakeClock()
    async with make_region(clock=clock) as region:
        region.fault(CREATE, Fault.late_commit(9.0))
        async with client_of(region, clock) as civo:
            await civo.snapshots.create(region.instance_ids[0], name="n")
            await clock.sleep(2.0)
            region.fault(LIST, Fault.gateway_html(503), times=4)
        assert len(civo.unresolved.extra_snapshots) == 1


@pytest.mark.drawn(created_at_form="Z", unique_names="free")
async def test_a_namesake_still_on_its_way_is_no_extra(make_region: MakeRegion) -> None:
    """S71: the search for late snapshots waits for the name lock."""
    clock = FakeClock()
    async with make_region(clock=clock) as region:
        region.fault(CREATE, Fault.drop_before_acting())
        async with client_of(region, clock) as civo:
            first = await civo.snapshots.create(region.instance_ids[0], name="n")
            region.fault(CREATE, Fault.stall(0.3))
            second = await civo.snapshots.create(region.instance_ids[0], name="n")
            await clock.sleep(120.0)
        assert {first.id, second.id} == set(region.state.snapshots)
        assert civo.unresolved.extra_snapshots == ()


@pytest.mark.drawn(quota_lock=0.0)
async def test_closing_over_a_silent_server_takes_one_close_grace_for_all_searches(
    make_region: MakeRegion,
) -> None:
    """L117: not one timeout after the other."""
    clock = FakeClock()
    async with make_region(instances=5, clock=clock) as region:
        civo = client_of(region, clock)
        region.fault(CREATE, Fault.drop_before_acting(), times=5)
        await asyncio.gather(*(civo.snapshots.create(key) for key in region.instance_ids))
        region.fault(LIST, Fault.stall(60), times=None)
        before = clock.monotonic()
        async with asyncio.timeout(15):  # the stall is one of real seconds
            await civo.close()
        assert clock.monotonic() - before <= 10.0
