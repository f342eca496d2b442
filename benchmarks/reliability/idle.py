"""Creates in the very moment when the server closes idle connections."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain
from benchmarks.reliability.creates import account

_WORKERS = 50
_IDLE = 0.05
_CROSSING = 0.01
Create = Callable[[int], Awaitable[tuple[str, str]]]


async def _sdk(url: str, size: int) -> Figures:
    async with sdk(url, workers=_WORKERS, settle=0.3) as civo:

        async def create(number: int) -> tuple[str, str]:
            made = await civo.snapshots.create(f"i-{number % 100}", name=f"job-{number}")
            return made.name, made.id

        told, raised = await _at_the_moment(size, create)
    crossed = civo.requests_sent - (await stats_of(url))["total"]
    return {**await account(url, size, told, raised), "crossed": crossed}


async def _plain(url: str, size: int) -> Figures:
    async with Plain(url, attempts=1, connections=_WORKERS) as plain:

        async def create(number: int) -> tuple[str, str]:
            return f"job-{number}", await plain.create(f"i-{number % 100}", f"job-{number}")

        told, raised = await _at_the_moment(size, create)
    crossed = plain.told - (await stats_of(url))["total"]
    return {**await account(url, size, told, raised), "crossed": crossed}


async def _at_the_moment(size: int, create: Create) -> tuple[dict[str, str], int]:
    """Each worker sends again when the connection it used before is about to be closed."""
    told: dict[str, str] = {}
    dice = random.Random(6)

    async def one(number: int) -> None:
        name, key = await create(number)
        told[name] = key
        await asyncio.sleep(_IDLE + dice.uniform(-_CROSSING, 2 * _CROSSING))

    raised = await work(size, _WORKERS, one)
    return told, raised


JOBS = (
    Job(
        "idle-closes",
        "creates while the server closes the idle connections (settle 0.3 s)",
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
