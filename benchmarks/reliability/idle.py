"""Creates in the very moment when the server closes idle connections."""

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain
from benchmarks.reliability.creates import tally

_IDLE = 0.1
_CROSSING = 0.1
Create = Callable[[int], Awaitable[tuple[str, str]]]


async def _sdk(url: str, size: int) -> Figures:
    async with sdk(url, workers=_at_once(size), reconcile_window=0.2) as civo:

        async def create(number: int) -> tuple[str, str]:
            made = await civo.snapshots.create(f"i-{number % 100}", name=f"job-{number}")
            return made.name, made.id

        told, raised = await _at_the_moment(size, create)
    crossed = civo.requests_sent - (await stats_of(url))["total"]
    return {**await tally(url, size, told, raised), "crossed": crossed}


async def _plain(url: str, size: int) -> Figures:
    async with Plain(url, attempts=1, connections=_at_once(size)) as plain:

        async def create(number: int) -> tuple[str, str]:
            return f"job-{number}", await plain.create(f"i-{number % 100}", f"job-{number}")

        told, raised = await _at_the_moment(size, create)
    crossed = plain.told - (await stats_of(url))["total"]
    return {**await tally(url, size, told, raised), "crossed": crossed}


async def _at_the_moment(size: int, create: Create) -> tuple[dict[str, str], int]:
    """Rounds of creates; each begins when the connections of the round before are being closed."""
    told: dict[str, str] = {}
    at_once = _at_once(size)

    async def one(number: int) -> None:
        name, key = await create(number)
        told[name] = key

    raised = 0
    for first in range(0, size, at_once):
        raised += await work(min(at_once, size - first), at_once, one, first=first)
        # Pools reuse what was idle longest, so the moment must be the same for all connections.
        await asyncio.sleep(_IDLE + _CROSSING / 2)
    return told, raised


def _at_once(size: int) -> int:
    return max(1, min(100, size // 5))


JOBS = (
    Job(
        "idle-closes",
        "creates while the server closes the idle connections (reconcile_window 0.2 s)",
        1_500,
        Faults(idle_close=_IDLE, crossing=_CROSSING),
        {"sdk": _sdk, "plain aiohttp": _plain},
        (
            Bar("errors", most=0),
            Bar("lost", most=0),
            Bar("duplicates", most=0),
            Bar("wrong ids", most=0),
            Bar("crossed", least=1),
        ),
    ),
)
