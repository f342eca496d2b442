"""Waits that share an instance's listing: a regression that the random waits found."""

import asyncio

from civo_snapshots import CivoClient
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

LISTING = "GET /v2/instances/{id}/snapshots"


async def test_several_waits_of_one_instance_share_its_listing(nothing_left: None) -> None:
    """P101: none of them is told of a failed poll when the listing showed its snapshot."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=1, clock=clock) as region,
        CivoClient(region.token, region=region.region, api_url=region.url, clock=clock) as civo,
    ):
        made = [await civo.snapshots.create(region.instance_ids[0]) for _ in range(3)]
        region.fault(LISTING, Fault.outage(), after=2, times=2)
        waits = (civo.snapshots.wait_until_complete(snapshot, timeout=300) for snapshot in made)
        ended = await asyncio.gather(*waits)
        assert [snapshot.id for snapshot in ended] == [snapshot.id for snapshot in made]
        assert region.counts[LISTING] > 2
