"""Plain HTTP against a fake region: what the tests of the fake share."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from attrs import frozen

from civo_snapshots.testing import FakeClock, FakeRegion


@frozen
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        code: str = self.json["code"]
        return code


class Caller:
    """Sends what it is told to, with the right token and region unless told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, region: FakeRegion) -> None:
        self._session = session
        self.region = region

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        form: Mapping[str, str] | None = None,
        raw: tuple[str, bytes] | None = None,
        region: str | None = "LON1",
        authorization: str | None = "bearer fake-token",
    ) -> Reply:
        url = f"{self.region.url}{path}"
        if region is not None:
            url += f"{'&' if '?' in path else '?'}region={region}"
        headers = {} if authorization is None else {"Authorization": authorization}
        data: object = form
        if raw is not None:
            headers["Content-Type"], data = raw
        async with self._session.request(
            method, url, headers=headers, json=body, data=data
        ) as response:
            return Reply(response.status, await response.read(), response.headers)

    async def create(self, name: str | None = None, instance: int = 0) -> dict[str, Any]:
        """A snapshot that is accepted."""
        path = f"/v2/instances/{self.region.instance_ids[instance]}/snapshots"
        reply = await self("POST", path, {"name": name} if name else None)
        assert reply.status == 201
        created: dict[str, Any] = reply.json
        return created

    @property
    def snapshots(self) -> str:
        """The path of the first instance's snapshots."""
        return f"/v2/instances/{self.region.instance_ids[0]}/snapshots"


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until this holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[Caller, FakeClock]]:
    """A region on a fake clock which only the test moves."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock, **options) as region, aiohttp.ClientSession() as session:
        yield Caller(session, region), clock
