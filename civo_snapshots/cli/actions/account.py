"""Instances, regions, quota and the settings in use."""

from ..._config import resolve
from ...errors import ConfigurationError
from .._choice import fits
from .._exits import Exit
from .._records import (
    INSTANCES,
    QUOTA,
    REGIONS,
    instance_json,
    quota_json,
    region_json,
    text_of,
)
from .._session import Session
from .._words import many

_NOBODYS = "nobody"
"""In place of a token that is missing, to see what else is set."""


async def instances(session: Session, *, tag: tuple[str, ...], match: tuple[str, ...]) -> None:
    """List instances."""
    found = [one async for one in session.civo.instances.list() if fits(one, tag, match)]
    session.out.items(INSTANCES, [instance_json(one) for one in found], name="hostname")
    session.out.say(f"{many(len(found), 'instance')} in {session.civo.region}.")


async def regions(session: Session) -> None:
    """List regions."""
    found = await session.civo.regions.list().collect()
    session.out.items(REGIONS, [region_json(one) for one in found], name="code")


async def quota(session: Session, *, everything: bool) -> None:
    """Show the quota; of snapshots alone, unless everything is asked for."""
    found = await session.civo.quota.get()
    items = quota_json(found)
    if not everything:
        items = [item for item in items if item["name"] == "disk_snapshot_count"]
    session.out.items(QUOTA, items, name="name")
    if (free := found.free_snapshots) is not None:
        session.out.say(f"{many(free, 'snapshot')} may still be made.")
    elif found.is_unlimited:
        session.out.say("There is no limit on snapshots.")


async def config(session: Session) -> Exit:
    """Show the settings; sends nothing."""
    missing = None
    try:
        settings = resolve(None, session.region, profile=session.profile, api_url=session.api_url)
    except ConfigurationError as error:
        missing = error
        settings = resolve(_NOBODYS, session.region, api_url=session.api_url)
    found = None if missing else settings.token.origin
    where = {"the region argument": "--region", "the api_url argument": "--api-url"}
    items: list[dict[str, object]] = [
        {"name": "token", "value": found and "***", "from": found},
        {
            "name": "region",
            "value": settings.region,
            "from": where.get(settings.region_from, settings.region_from) or None,
        },
        {
            "name": "api_url",
            "value": settings.url,
            "from": where.get(settings.url_from, settings.url_from),
        },
    ]
    if session.profile:
        items.append({"name": "profile", "value": session.profile, "from": "--profile"})
    session.out.items((text_of("name"), text_of("value"), text_of("from")), items, name="name")
    if settings.region is None:
        session.out.say(
            "No region is named: pass --region or set CIVO_REGION "
            "(`civo-snapshots regions` lists them)."
        )
    if missing:
        raise missing
    return Exit.OK
