"""Job `outage`: how many requests a blocked call costs while the region answers 503 for 60 s.

Time is fake, so the minute passes in seconds; the region and its connections are real.
"""

import asyncio

from civo_snapshots import CivoClient, ServerError
from civo_snapshots.testing import FakeClock, FakeRegion

from ._bench import Bench, Report, Run, values
from ._meter import Figures

OUTAGE = 60.0


def run(bench: Bench) -> Report:
    report = Report("outage")
    for calls in (bench.size(100, 20), bench.size(1_000, 100)):
        found = bench.interleave({"calls": _run("calls", calls)}, bench.rounds())["calls"]
        cost = report.note(f"requests per blocked call, {calls}", "", values(found, "each"))
        report.note(f"calls that succeeded, {calls}", "", values(found, "succeeded"))
        if calls >= 100:
            report.bar(13, cost, 1.1)
        found = bench.interleave({"waits": _run("waits", calls)}, bench.rounds())["waits"]
        report.note(f"requests per blocked wait, {calls}", "", values(found, "each"))
    return report


def _run(function: str, count: int) -> Run:
    return Run("outage", function, {"count": count})


def _opened(region: FakeRegion, clock: FakeClock) -> CivoClient:
    return CivoClient(
        region.token, region=region.region, api_url=region.url, clock=clock, concurrency=64
    )


async def calls(url: str, count: int) -> Figures:
    """So many GETs that begin evenly over the outage; each error must be the outage's."""
    clock = FakeClock()
    async with FakeRegion(clock=clock, instances=1) as region, _opened(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        succeeded = 0

        async def one(number: int) -> None:
            nonlocal succeeded
            await clock.sleep(OUTAGE * number / count)
            try:
                found = await civo.snapshots.get(snapshot)
            except ServerError:
                return
            assert found.id == snapshot.id
            succeeded += 1

        region.outage(OUTAGE)
        before = region.total
        ended = clock.monotonic() + OUTAGE
        tasks = [asyncio.create_task(one(number)) for number in range(count)]
        await clock.sleep(ended - clock.monotonic() - 1e-6)
        during = region.total - before
        async with asyncio.timeout(120):
            await asyncio.gather(*tasks)
        await clock.sleep(ended - clock.monotonic() + 1.0)
        assert (await civo.snapshots.get(snapshot)).id == snapshot.id
    return {"each": during / count, "succeeded": succeeded}


async def waits(url: str, count: int) -> Figures:
    """So many waits that the outage interrupts; all must end well."""
    clock = FakeClock()
    region = FakeRegion(clock=clock, instances=count, duration=(90.0, 120.0))
    async with region, _opened(region, clock) as civo:
        made = [civo.snapshots.create(instance) for instance in region.instance_ids]
        snapshots = await asyncio.gather(*made)
        waits = [civo.snapshots.wait_until_complete(snapshot) for snapshot in snapshots]
        waiting = asyncio.gather(*waits)
        await clock.sleep(10.0)
        region.outage(OUTAGE)
        before = region.total
        await clock.sleep(OUTAGE)
        during = region.total - before
        async with asyncio.timeout(240):
            ended = await waiting
        assert {one.id for one in ended} == {one.id for one in snapshots}
    return {"each": during / count}
