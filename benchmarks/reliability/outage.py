"""A server that reads every request and closes: how much a client adds to an outage."""

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain

_WORKERS = 250
_TIMEOUT = 3.0
"""Seconds that each call may take: in an outage it waits that long for an answer to anybody."""


async def _sdk(url: str, size: int) -> Figures:
    async with sdk(url, workers=_WORKERS) as civo:

        async def one(number: int) -> None:
            await civo.snapshots.get(f"i-{number}", f"s-{number}", timeout=_TIMEOUT)

        raised = await work(size, _WORKERS, one)
    return {**await _figures(url, size, raised), "told": civo.requests_sent / size}


async def _plain(url: str, size: int) -> Figures:
    async with Plain(url, attempts=4, connections=_WORKERS) as plain:

        async def one(number: int) -> None:
            await plain.get(f"i-{number}", f"s-{number}")

        raised = await work(size, _WORKERS, one)
    return {**await _figures(url, size, raised), "told": plain.told / size}


async def _figures(url: str, size: int, raised: int) -> Figures:
    counted: int = (await stats_of(url))["total"]
    return {"requests per call": counted / size, "raised": raised}


JOBS = (
    Job(
        "dead-server",
        "GETs of up to 4 attempts (the client: 3 s) each, to a server that only closes",
        1_000,
        Faults(dead=True),
        {"sdk": _sdk, "retry loop": _plain},
        (Bar("requests per call", most=1.10),),
    ),
)
