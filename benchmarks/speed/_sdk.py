"""The same jobs through the package; the internal decoder is the only part used by itself."""

import asyncio
import gc
import time
import tracemalloc

import aiohttp

from civo_snapshots import CivoClient, PollPolicy, RetentionPolicy, Snapshot
from civo_snapshots._client import DEFAULT_CONCURRENCY
from civo_snapshots._codec import page
from civo_snapshots._http import Response

from ._meter import Figures, Heart, Meter, all_at_once, ask, counted, hammer, start_all, trusting
from ._raw import DECODES
from ._region import ARCHIVE, finished_id, instance_id, running_id

POLICIES = {
    "2s": PollPolicy(floor=2.0, ceiling=2.0, growth=0.0, jitter=0.0),
    "fast": PollPolicy(floor=0.25, ceiling=2.0, growth=0.0, jitter=0.0),
    "default": PollPolicy(),
}
MAX_BODY = 1 << 28
"""The region-wide listing of 100,000 snapshots has 65 MiB."""


def opened(
    url: str, concurrency: int | None, policy: str = "default", certificate: str = ""
) -> CivoClient:
    """A client; without a number of requests at once, with its own default."""
    return CivoClient(
        "benchmark-token",
        region="LON1",
        api_url=url,
        concurrency=DEFAULT_CONCURRENCY if concurrency is None else concurrency,
        poll=POLICIES[policy],
        max_body=MAX_BODY,
        ssl_context=trusting(certificate),
    )


async def calls(url: str, concurrency: int, count: int, certificate: str = "") -> Figures:
    """`snapshots.get()`, so many times."""
    async with opened(url, concurrency, certificate=certificate) as civo:

        async def call(number: int) -> None:
            wanted = finished_id(number % 100)
            found = await civo.snapshots.get(ARCHIVE, wanted)
            assert found.id == wanted

        return {"cpu_us": await hammer(call, concurrency, count) * 1e6}


async def connections(url: str, concurrency: int, count: int) -> Figures:
    """How many connections are opened: by a first burst, and by those after it."""
    async with opened(url, concurrency) as civo:

        async def call(number: int) -> None:
            await civo.snapshots.get(ARCHIVE, finished_id(number % 100))

        await hammer(call, concurrency, count)
        first = ask(url, "/_stats")["connections"]
        for _ in range(3):
            await asyncio.sleep(0.2)
            await hammer(call, concurrency, count)
    return {"opened": first, "opened_later": ask(url, "/_stats")["connections"] - first}


async def fanout(
    url: str, count: int, policy: str, mode: str, concurrency: int | None = 64
) -> Figures:
    """Create on each instance and wait for all: by the fan-out, or by a task of the caller each."""
    meter = Meter(url)
    meter.begin()
    async with opened(url, concurrency, policy) as civo:

        async def one(number: int) -> None:
            snapshot = await civo.snapshots.create(instance_id(number))
            meter.saw((await civo.snapshots.wait_until_complete(snapshot)).id)

        with counted():
            if mode == "tasks":
                await asyncio.gather(*(one(number) for number in range(count)))
            else:
                instances = [instance_id(number) for number in range(count)]
                stream = civo.snapshots.create_each(instances, max_in_flight=count, timeout=600)
                async for outcome in stream:
                    assert outcome.kind == "complete", outcome
                    assert outcome.snapshot is not None
                    meter.saw(outcome.snapshot.id)
        meter.end()
    return meter.figures(count)


async def watch(url: str, count: int, policy: str, beats: bool, at_once: bool = False) -> Figures:
    """A waiting task for each of so many snapshots that run already."""
    meter, heart = Meter(url), Heart()
    ask(url, "/_start")
    meter.begin()
    async with opened(url, 64, policy) as civo, heart.beating(beats):

        async def one(number: int) -> None:
            found = await civo.snapshots.wait_until_complete(
                instance_id(number + 1), running_id(number), timeout=600
            )
            meter.saw(found.id)

        begin = all_at_once if at_once else start_all
        await begin(one(number) for number in range(count))
        meter.end()
    return {**meter.figures(count), "stall_ms": heart.latest * 1e3}


async def retention(url: str, how: str) -> Figures:
    """The region's snapshots into records, or a plan of what to keep of them."""
    policy = RetentionPolicy(keep_last=3, keep_daily=7, keep_weekly=4, keep_monthly=6)
    times: list[float] = []
    count = 0
    async with opened(url, None) as civo:
        for _ in range(DECODES):
            began = time.process_time()
            if how == "collect":
                count = len(await civo.region_snapshots.list().collect())
            else:
                count = len((await civo.snapshots.plan_prune("nightly", policy)).decisions)
            times.append(time.process_time() - began)
    requests = sum(ask(url, "/_stats")["counts"].values()) / DECODES
    return {"cpu_ms": min(times) * 1e3, "items": count, "requests": requests}


async def decode(url: str, count: int) -> Figures:
    """The listing of an instance's snapshots into records, without the network."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/v2/instances/{ARCHIVE}/snapshots") as response,
    ):
        body = await response.read()
    read = page(tuple[Snapshot, ...], 1)
    answer = Response(200, {}, body)
    times: list[float] = []
    for _ in range(DECODES):
        gc.collect()
        before = time.process_time()
        found = read(answer)
        times.append(time.process_time() - before)
        assert [one.id for one in found.items] == [finished_id(number) for number in range(count)]
        assert all(len(one.volumes) == 3 for one in found.items)
        del found
    tracemalloc.start()
    found = read(answer)
    kept, most = tracemalloc.get_traced_memory()
    assert len(found.items) == count
    return {
        "cpu_ms": sorted(times)[len(times) // 2] * 1e3,
        "kept": kept / count,
        "peak": most / count,
    }


async def listing(url: str, count: int) -> Figures:
    """`snapshots.list().collect()` over HTTP: without a heartbeat, then with one."""
    heart = Heart()
    async with opened(url, 10) as civo:

        async def cpu_of(calls: int, *, collected: bool = True) -> float:
            used = 0.0
            for _ in range(calls):
                if collected:  # no list is read while the one before is still there
                    gc.collect()
                before = time.process_time()
                found = await civo.snapshots.list(ARCHIVE).collect()
                used += time.process_time() - before
                assert len(found) == count
                del found
                await asyncio.sleep(0.05)
            return used / calls

        cpu = await cpu_of(5)
        gc.collect()
        async with heart.beating():
            await cpu_of(5, collected=False)  # which would be a stall of ours
    return {"cpu_ms": cpu * 1e3, "stall_ms": heart.latest * 1e3}


async def pages(url: str, per_page: int, how: str) -> Figures:
    """`instances.list()`, collected or by `async for`."""
    async with opened(url, 64) as civo:
        started, cpu = time.monotonic(), time.process_time()
        listing = civo.instances.list(per_page=per_page)
        found = await listing.collect() if how == "collect" else [one async for one in listing]
        wall, used = time.monotonic() - started, time.process_time() - cpu
    assert [one.id for one in found] == [instance_id(number) for number in range(len(found))]
    asked = ask(url, "/_stats")["counts"]["GET instances"]
    return {"wall": wall, "cpu_ms": used * 1e3, "items": len(found), "pages": asked}
