"""For orientation: the fan-out job with one listing per tick and nothing that is checked.

What any client pays that polls the region instead of each snapshot: aiohttp, msgspec for the
parts that matter, no retries, no limits, no errors, no records of calls.
"""

import asyncio
import json

import aiohttp
import msgspec

from ._meter import Figures, Meter
from ._region import instance_id

TICKS = {"2s": 2.0, "fast": 0.25}
_BLOCK = 1 << 20


class _Snapshot(msgspec.Struct, gc=False):
    id: str
    name: str
    included_volumes: list[str]
    status: dict[str, msgspec.Raw]
    created_at: str


class _Status(msgspec.Struct, gc=False):
    state: str


class _Inner(msgspec.Struct, gc=False):
    status: _Status


class _Item(msgspec.Struct, gc=False):
    id: str
    instance: msgspec.Raw


_ITEMS = msgspec.json.Decoder(list[_Item])
_INNER = msgspec.json.Decoder(_Inner)
_SNAPSHOT = msgspec.json.Decoder(_Snapshot)


async def fanout(url: str, count: int, policy: str, mode: str) -> Figures:
    """Create a snapshot of each instance, and list the region until all are complete."""
    bytes(_BLOCK)  # the SDK frees one as well: read buffers are cheaper from then on
    meter = Meter(url)
    meter.begin()
    async with aiohttp.ClientSession(
        headers={"Authorization": "bearer benchmark-token", "Content-Type": "application/json"},
        connector=aiohttp.TCPConnector(limit=66),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_BLOCK,
    ) as session:
        waiting: set[str] = set()
        numbers = iter(range(count))

        async def create() -> None:
            for number in numbers:
                path = f"{url}/v2/instances/{instance_id(number)}/snapshots?region=LON1"
                body = json.dumps({"name": f"bench-{number}"}).encode()
                async with session.post(path, data=body) as response:
                    waiting.add(_SNAPSHOT.decode(await response.read()).id)

        async def poll() -> None:
            while len(meter.seen) < count:
                await asyncio.sleep(TICKS[policy])
                async with session.get(f"{url}/v2/resourcesnapshots?region=LON1") as response:
                    items = _ITEMS.decode(await response.read())
                for item in items:
                    if item.id not in waiting:
                        continue
                    if _INNER.decode(item.instance).status.state == "Complete":
                        waiting.discard(item.id)
                        meter.saw(item.id)

        await asyncio.gather(poll(), *(create() for _ in range(64)))
        meter.end()
    return meter.figures(count)
