"""Answers that nobody asked for on idle connections: how often the wrong object is returned."""

import asyncio

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain

_WORKERS = 20
_OBJECTS = 500
_PAUSE = 0.01
"""Seconds between a worker's calls, so that a stray finds its connection idle."""


async def _sdk(url: str, size: int) -> Figures:
    wrong = 0
    async with sdk(url, workers=_WORKERS) as civo:

        async def one(number: int) -> None:
            nonlocal wrong
            key = number % _OBJECTS
            found = await civo.snapshots.get(f"i-{key}", f"s-{key}")
            wrong += found.id != f"s-{key}"
            await asyncio.sleep(_PAUSE)

        raised = await work(size, _WORKERS, one)
    return await _figures(url, wrong, raised)


async def _plain(url: str, size: int) -> Figures:
    wrong = 0
    async with Plain(url, attempts=4, connections=_WORKERS) as plain:

        async def one(number: int) -> None:
            nonlocal wrong
            key = number % _OBJECTS
            wrong += await plain.get(f"i-{key}", f"s-{key}") != f"s-{key}"
            await asyncio.sleep(_PAUSE)

        raised = await work(size, _WORKERS, one)
    return await _figures(url, wrong, raised)


async def _figures(url: str, wrong: int, raised: int) -> Figures:
    stats = await stats_of(url)
    return {"wrong objects": wrong, "raised": raised, "strays": stats["done"].get("stray", 0)}


JOBS = (
    Job(
        "strays",
        "GETs, 5 % of the answers followed by one about another snapshot",
        5_000,
        Faults(seeded=_OBJECTS, stray=0.05),
        {"sdk": _sdk, "plain aiohttp": _plain},
        (Bar("wrong objects", most=0), Bar("raised", most=0), Bar("strays", least=1)),
    ),
)
