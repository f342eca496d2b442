"""Regions drawn from a seed."""

import aiohttp
import attrs
import pytest
from fake_calls import Caller

from civo_snapshots.testing import FakeClock, FakeRegion, Switches
from civo_snapshots.testing._draw import draw

# What says how long, how much or how bad, rather than how the documents are to be read.
NOT_DRAWN = {
    *("duration", "restore_duration", "snapshot_limit", "failure_rate", "refuse_unknown"),
    *("snapshots", "rate_limit", "empty_delete"),
}


def test_every_open_reading_is_drawn_and_each_in_more_than_one_way() -> None:
    drawn = [FakeRegion.any(seed).switches for seed in range(60)]
    for field in attrs.fields(Switches):
        ways = {repr(getattr(one, field.name)) for one in drawn}
        assert (len(ways) == 1) is (field.name in NOT_DRAWN), field.name
    assert draw(0).keys() == {field.name for field in attrs.fields(Switches)} - NOT_DRAWN


def test_a_seed_draws_the_same_region_and_its_repr_makes_it_again() -> None:
    for seed in range(30):
        region = FakeRegion.any(seed, instances=4)
        again = FakeRegion.any(seed, instances=4)
        written: FakeRegion = eval(repr(region), {"FakeRegion": FakeRegion})
        assert region.switches == again.switches == written.switches
        assert region.instance_ids == again.instance_ids == written.instance_ids
    assert len({repr(FakeRegion.any(seed)) for seed in range(30)}) == 30


def test_keywords_fix_what_they_name_and_leave_the_rest_of_the_draw_alone() -> None:
    free = FakeRegion.any(3).switches
    fixed = FakeRegion.any(3, read_lag=99.0, states="documented", region="NYC1", volumes=1)
    assert (fixed.region, fixed.switches.read_lag) == ("NYC1", 99.0)
    assert attrs.evolve(free, read_lag=99.0, states="documented") == fixed.switches


def test_a_plain_region_tells_only_what_is_not_the_default() -> None:
    assert repr(FakeRegion(token="secret", clock=FakeClock(), latency=1)) == "FakeRegion()"
    region = FakeRegion(unique_names="region", seed=2, strangers=1, more_regions=["NYC1"])
    assert repr(region) == (
        "FakeRegion(strangers=1, more_regions=('NYC1',), seed=2, unique_names='region')"
    )


@pytest.mark.parametrize("seed", range(40))
async def test_every_drawn_region_goes_through_a_snapshots_whole_life(seed: int) -> None:
    clock = FakeClock(auto=False)
    # Two draws in five take a while to show anything; this waits for all of it.
    long = 200.0
    async with (
        FakeRegion.any(seed, clock=clock, strangers=2) as region,
        aiohttp.ClientSession() as session,
    ):
        call = Caller(session, region)
        snapshots = call.snapshots
        made = (await call("POST", snapshots, {"name": "mine"})).json
        clock.advance(long)
        listed = (await call("GET", snapshots)).json
        items = listed["items"] if region.switches.wrapped_lists else listed
        assert made["id"] in [item["id"] for item in items]
        path = f"{snapshots}/{made['id']}"
        assert (await call("PUT", path, {"description": "d"})).json["id"] == made["id"]
        restore = await call("POST", f"{path}/restore", {"hostname": "copy"})
        assert restore.status == region.switches.restore_status
        clock.advance(long)
        instances = (await call("GET", "/v2/instances")).json["items"]
        assert instances[-1]["hostname"].startswith("copy")
        assert instances[-1]["status"] == region.switches.restore_ends
        listing = await call("GET", "/v2/resourcesnapshots")
        assert listing.status == (200 if region.switches.region_listing else 404)
        assert (await call("GET", "/v2/quota")).status == 200
        assert (await call("DELETE", path)).status == 200
        clock.advance(long)
        assert (await call("GET", path)).code == "database_snapshot_not_found"
        assert not region.refused_fields
