"""Asks the region for what a tab completes; says nothing where it cannot be reached in time."""

import asyncio
from collections.abc import Mapping, Sequence

from .._client import CivoClient
from ..errors import CivoError
from ._find import read_region

_PATIENCE = 2.0
"""Seconds that somebody waits for a completion."""

_AGO = ("region", "profile", "api_url")


def values(kind: str, given: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    """What there is to name, each with a word about it."""
    try:
        return asyncio.run(_asked(kind, {name: given.get(name) for name in _AGO}))
    except (CivoError, TimeoutError):
        return ()


async def _asked(kind: str, where: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    async with (
        asyncio.timeout(_PATIENCE),
        CivoClient(retries=False, **where) as civo,  # type: ignore[arg-type]
    ):
        match kind:
            case "instances":
                return [(one.hostname, one.status) async for one in civo.instances.list()]
            case "schedules":
                return [(one.name, one.cron_expression) async for one in civo.schedules.list()]
            case _:
                _, found = await read_region(civo)
                return [(one.label, one.snapshot.state) for one in found if one.hostname]
