"""A region, a client of it, and the clock of both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

from civo_snapshots import CivoClient
from civo_snapshots.testing import FakeClock, FakeRegion


def client_of(region: FakeRegion, clock: FakeClock | None = None) -> CivoClient:
    """A client with the defaults of every client."""
    return CivoClient(region.token, region=region.region, api_url=region.url, clock=clock)


class Env:
    """What most tests of a room need; they add what they do with it."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        self.region, self.civo, self.clock = region, civo, clock

    @classmethod
    @asynccontextmanager
    async def on(cls, region: FakeRegion, clock: FakeClock) -> AsyncGenerator[Self]:
        """Start the region, and close the client and it at the end."""
        async with region, client_of(region, clock) as civo:
            yield cls(region, civo, clock)
