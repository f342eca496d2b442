"""What a job is: contestants that give figures, and bars that those of the SDK must meet."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from attrs import frozen

from benchmarks.reliability._faults import Faults
from civo_snapshots import CivoClient, CivoError, Timeouts
from civo_snapshots.events import Listener

Figures = dict[str, float]
Contestant = Callable[[str, int], Awaitable[Figures]]
"""Runs against a server's URL with so many calls."""

SDK = "sdk"


@frozen
class Bar:
    """A limit on a figure; `least` guards against a run in which nothing went wrong."""

    figure: str
    most: float | None = None
    least: float | None = None
    of: str = SDK

    def meets(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least
        )

    def __str__(self) -> str:
        return f"<= {self.most:g}" if self.most is not None else f">= {self.least:g}"


@frozen
class Job:
    """One measurement: the same faults for each contestant, each with a server of its own."""

    name: str
    title: str
    size: int
    faults: Faults
    contestants: Mapping[str, Contestant]
    bars: tuple[Bar, ...]
    limit: float = 100.0
    """Seconds for one contestant, whatever happens."""

    def missed(self, figures: Mapping[str, Figures]) -> list[str]:
        """The bars that were not met, in words."""
        return [
            f"{self.name}: {bar.figure} of {bar.of} is {figures[bar.of][bar.figure]:g}, not {bar}"
            for bar in self.bars
            if not bar.meets(figures[bar.of][bar.figure])
        ]


@asynccontextmanager
async def sdk(
    url: str,
    *,
    workers: int,
    reconcile_window: float = 0.8,
    on_event: Listener | None = None,
) -> AsyncGenerator[CivoClient]:
    """The SDK as its users have it, but for a short reconcile window: jobs should take seconds."""
    async with CivoClient(
        "token",
        region="LON1",
        api_url=url,
        concurrency=workers,
        timeouts=Timeouts(reconcile_window=reconcile_window),
        on_event=on_event,
    ) as civo:
        yield civo


async def work(
    size: int, workers: int, one: Callable[[int], Awaitable[None]], *, first: int = 0
) -> int:
    """Run `one` for so many numbers in a row, so many at a time; how many of them raised."""
    numbers = iter(range(first, first + size))
    raised = 0

    async def worker() -> None:
        nonlocal raised
        for number in numbers:
            try:
                await one(number)
            except (CivoError, aiohttp.ClientError):
                raised += 1

    await asyncio.gather(*(worker() for _ in range(workers)))
    return raised


async def stats_of(url: str) -> Any:
    """What the server counted, asked for over a connection of its own."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/_stats") as answer:
        return await answer.json()
