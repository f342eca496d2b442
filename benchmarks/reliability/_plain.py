"""The hand-written counterpart: plain aiohttp, with and without the usual retry loop."""

import asyncio
import json
import random
from types import TracebackType
from typing import Any, Self

import aiohttp

_HEADERS = {"Authorization": "bearer token", "Content-Type": "application/json"}


class Plain:
    """What most programs do: one session, JSON in and out, a loop around what fails.

    Attributes:
        told: attempts as the loop counts them.
    """

    def __init__(self, url: str, *, attempts: int, connections: int) -> None:
        self._url = url
        self._attempts = attempts
        self._connections = connections
        self.told = 0

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections)
        self._session = aiohttp.ClientSession(self._url, connector=connector, headers=_HEADERS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def create(self, instance: str, name: str) -> str:
        """The id of the snapshot made."""
        made = await self._call("POST", f"/v2/instances/{instance}/snapshots", {"name": name})
        return str(made["id"])

    async def list(self, instance: str) -> None:
        await self._call("GET", f"/v2/instances/{instance}/snapshots")

    async def get(self, instance: str, snapshot: str) -> str:
        """The id in the answer."""
        found = await self._call("GET", f"/v2/instances/{instance}/snapshots/{snapshot}")
        return str(found["id"])

    async def update(self, instance: str, snapshot: str, description: str) -> None:
        path = f"/v2/instances/{instance}/snapshots/{snapshot}"
        await self._call("PUT", path, {"description": description})

    async def delete(self, instance: str, snapshot: str) -> None:
        await self._call("DELETE", f"/v2/instances/{instance}/snapshots/{snapshot}")

    async def _call(self, method: str, path: str, fields: dict[str, str] | None = None) -> Any:
        body = None if fields is None else json.dumps(fields)
        for attempt in range(1, self._attempts + 1):
            self.told += 1
            try:
                async with self._session.request(
                    method, path, data=body, params={"region": "LON1"}, raise_for_status=True
                ) as answer:
                    return await answer.json()
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                if attempt == self._attempts:
                    raise
            await asyncio.sleep(random.uniform(0, 0.2 * 2 ** (attempt - 1)))
        raise AssertionError("there is at least one attempt")
