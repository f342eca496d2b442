"""Asks the region for what a tab completes; says nothing where it cannot be reached in time."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from .. import _naming
from .._client import CivoClient
from ..errors import CivoError
from ._find import read_region
from ._words import many

_PATIENCE = 2.0
"""Seconds that somebody waits for a completion."""

_AGO = ("region", "profile", "api_url")


def values(kind: str, given: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    """What there is to name, each with a word about it."""
    try:
        found = asyncio.run(_asked(kind, {name: given.get(name) for name in _AGO}))
    except (CivoError, TimeoutError):
        return ()
    return list(dict(found).items())  # two instances may have one hostname


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
            case "regions":
                return [(one.code, one.name) async for one in civo.regions.list()]
            case "tags":
                tags = Counter([tag async for one in civo.instances.list() for tag in one.tags])
                return [(tag, many(number, "instance")) for tag, number in sorted(tags.items())]
            case "runs":
                _, found = await read_region(civo)
                named = (one.snapshot for one in found)
                runs = Counter(_naming.run_of(one.name, one.instance_id) for one in named)
                return [(run, many(number, "snapshot")) for run, number in runs.items() if run]
            case _:
                _, found = await read_region(civo)
                names = Counter(one.snapshot.name for one in found)
                bare = [one for one in found if names[one.snapshot.name] == 1]
                return [
                    *((one.label, one.snapshot.state) for one in found if one.hostname),
                    *((one.snapshot.name, one.hostname) for one in bare),
                ]
