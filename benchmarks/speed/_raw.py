"""The reference: aiohttp and json by hand, as a competent user writes it in thirty lines.

No retries, no checks of ids, no types: a GET per snapshot each two seconds. What follows the class
runs the benchmarks' jobs with it.
"""

import asyncio
import gc
import json
import time
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ._meter import Figures, Heart, Meter, all_at_once, ask, hammer, start_all, trusting
from ._region import ARCHIVE, finished_id, instance_id, running_id

TICK = 2.0
DECODES = 15


class Raw:
    """Thirty lines of aiohttp."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = f"{url}/v2"

    async def get(self, path: str, **params: str) -> Any:
        async with self.session.get(
            self.url + path, params={"region": "LON1", **params}
        ) as response:
            response.raise_for_status()
            return json.loads(await response.read())

    async def create(self, instance: str, name: str) -> Any:
        async with self.session.post(
            f"{self.url}/instances/{instance}/snapshots",
            params={"region": "LON1"},
            json={"name": name},
        ) as response:
            response.raise_for_status()
            return json.loads(await response.read())

    async def wait(self, instance: str, snapshot: Any) -> Any:
        while snapshot["status"]["state"] not in ("Complete", "Failed"):
            await asyncio.sleep(TICK)
            snapshot = await self.get(f"/instances/{instance}/snapshots/{snapshot['id']}")
        return snapshot


@asynccontextmanager
async def opened(url: str, concurrency: int, certificate: str = "") -> AsyncGenerator[Raw]:
    bytes(1 << 20)  # the SDK frees one as well, which makes read buffers cheaper from then on
    async with aiohttp.ClientSession(
        headers={"Authorization": "bearer benchmark-token"},
        connector=aiohttp.TCPConnector(limit=concurrency, ssl=trusting(certificate) or True),
        # With 100,000 tasks at once the default 30 s for a connection are not enough.
        timeout=aiohttp.ClientTimeout(total=600),
    ) as session:
        yield Raw(session, url)


async def calls(url: str, concurrency: int, count: int, certificate: str = "") -> Figures:
    """GET one snapshot, so many times."""
    async with opened(url, concurrency, certificate) as raw:

        async def call(number: int) -> None:
            wanted = finished_id(number % 100)
            found = await raw.get(f"/instances/{ARCHIVE}/snapshots/{wanted}")
            assert found["id"] == wanted

        return {"cpu_us": await hammer(call, concurrency, count) * 1e6}


async def fanout(url: str, count: int, policy: str, mode: str) -> Figures:
    """Create a snapshot of each instance and poll each until it is complete."""
    meter = Meter(url)
    meter.begin()
    async with opened(url, 64) as raw:

        async def one(number: int) -> None:
            instance = instance_id(number)
            snapshot = await raw.wait(instance, await raw.create(instance, f"bench-{number}"))
            meter.saw(snapshot["id"])

        await asyncio.gather(*(one(number) for number in range(count)))
        meter.end()
    return meter.figures(count)


async def watch(url: str, count: int, policy: str, beats: bool, at_once: bool = False) -> Figures:
    """Poll each of so many snapshots that run already."""
    meter, heart = Meter(url), Heart()
    ask(url, "/_start")
    meter.begin()
    async with opened(url, 64) as raw, heart.beating(beats):

        async def one(number: int) -> None:
            instance, wanted = instance_id(number + 1), running_id(number)
            snapshot = await raw.get(f"/instances/{instance}/snapshots/{wanted}")
            meter.saw((await raw.wait(instance, snapshot))["id"])

        begin = all_at_once if at_once else start_all
        await begin(one(number) for number in range(count))
        meter.end()
    return {**meter.figures(count), "stall_ms": heart.latest * 1e3}


async def decode(url: str, count: int) -> Figures:
    """The listing of an instance's snapshots into dicts, without the network."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/v2/instances/{ARCHIVE}/snapshots") as response,
    ):
        body = await response.read()
    times: list[float] = []
    for _ in range(DECODES):
        gc.collect()
        before = time.process_time()
        found = json.loads(body)
        times.append(time.process_time() - before)
        assert len(found) == count
        del found
    tracemalloc.start()
    found = json.loads(body)
    kept, most = tracemalloc.get_traced_memory()
    assert len(found) == count
    return {
        "cpu_ms": sorted(times)[len(times) // 2] * 1e3,
        "kept": kept / count,
        "peak": most / count,
    }


async def listing(url: str, count: int) -> Figures:
    """The same over HTTP: without a heartbeat, then with one."""
    heart = Heart()
    async with opened(url, 10) as raw:

        async def cpu_of(calls: int, *, collected: bool = True) -> float:
            used = 0.0
            for _ in range(calls):
                if collected:  # no list is read while the one before is still there
                    gc.collect()
                before = time.process_time()
                found = await raw.get(f"/instances/{ARCHIVE}/snapshots")
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


async def pages(url: str, per_page: int) -> Figures:
    """Every instance, one page after the other."""
    async with opened(url, 64) as raw:
        started, cpu = time.monotonic(), time.process_time()
        ids: list[str] = []
        page = pages = 1
        while page <= pages:
            answer = await raw.get("/instances", page=str(page), per_page=str(per_page))
            ids += [item["id"] for item in answer["items"]]
            page, pages = page + 1, answer["pages"]
        wall, used = time.monotonic() - started, time.process_time() - cpu
    assert ids == [instance_id(number) for number in range(len(ids))]
    return {"wall": wall, "cpu_ms": used * 1e3, "items": len(ids), "pages": pages}
