"""A program that makes cyclic garbage all the time, alone and beside listings: its memory.

The garbage collector belongs to the program. Were it frozen or paused while an answer is decoded,
the program's own cycles would pile up meanwhile.
"""

import asyncio
import time

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk
from benchmarks.reliability.soak import resident

_SEEDED = 500
"""Snapshots of a listing."""
_RATE = 20e6
"""Bytes of garbage a second."""
_PIECE = 20_000
_PAUSE = 0.03
"""Seconds between two listings, and of the program alone for each."""


class _Cycle:
    """What only a collection frees."""

    def __init__(self) -> None:
        self.me = self
        self.held = [bytes(500) for _ in range(_PIECE // 500)]


async def _litter() -> None:
    """Make garbage at that rate, however late a turn comes."""
    began, made = time.monotonic(), 0.0
    while True:
        while made < (time.monotonic() - began) * _RATE:
            _Cycle()
            made += _PIECE
        await asyncio.sleep(0.01)


async def _sdk(url: str, size: int) -> Figures:
    async with sdk(url, workers=5) as civo:

        async def listing() -> int:
            return len(await civo.region_snapshots.list().collect())

        for _ in range(size // 10):  # what listings need by themselves belongs to both halves
            await listing()
        litter = asyncio.create_task(_litter())
        alone = beside = listed = 0
        for _ in range(size):
            await asyncio.sleep(_PAUSE)
            alone = max(alone, resident())
        for _ in range(size):
            await asyncio.sleep(_PAUSE)
            listed += await listing()
            beside = max(beside, resident())
        litter.cancel()
        await asyncio.wait({litter})
    return {
        "MB alone": alone / 1e6,
        "MB beside listings": beside / 1e6,
        "of that alone": beside / alone,
        "listed": listed,
    }


JOBS = (
    Job(
        "garbage",
        "listings beside a program that makes 20 MB of cyclic garbage a second",
        300,
        Faults(seeded=_SEEDED),
        {"sdk": _sdk},
        (Bar("of that alone", most=1.1), Bar("listed", least=300 * _SEEDED)),
    ),
)
