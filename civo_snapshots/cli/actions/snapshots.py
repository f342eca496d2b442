"""Single snapshots: list, show, create, update, delete."""

import asyncio
from fnmatch import fnmatchcase

from attrs import evolve

from ... import _naming, _validation
from ..._create import OnExisting
from ...errors import CivoError
from ...models import Snapshot, oldest_first
from .._exits import Exit, worst
from .._find import Directory, Found, find_snapshots, read_region
from .._records import SNAPSHOT, SNAPSHOTS, Json, snapshot_json
from .._session import EndedError, Session
from .._words import exit_of, explained, many
from .waits import wait_for


async def list_(
    session: Session, *, instance: str | None, match: tuple[str, ...], state: tuple[str, ...]
) -> None:
    """List snapshots, newest first."""
    civo = session.civo
    if instance is None:
        directory, found = await read_region(civo)
    else:
        directory = await Directory.read(civo)
        holder = directory.one(instance)
        own = await civo.snapshots.list(holder).collect()
        found = [Found(one, holder.hostname) for one in own]
    found = [
        one
        for one in found
        if (not match or any(fnmatchcase(one.snapshot.name, pattern) for pattern in match))
        and (not state or one.snapshot.verdict in state)
    ]
    found.sort(key=lambda one: oldest_first(one.snapshot), reverse=True)
    session.out.items(SNAPSHOTS, [_json(one) for one in found], name="name")
    session.out.say(f"{many(len(found), 'snapshot')} in {directory.region}.")


async def show(session: Session, *, snapshot: str, instance: str | None) -> None:
    """Show a snapshot, freshly read."""
    [found] = await find_snapshots(session.civo, [snapshot], instance)
    session.out.item(SNAPSHOT, _json(found), name="name")
    if session.out.form == "table":
        for volume in found.snapshot.volumes:
            session.out.line(f"{'VOLUME':<13}{volume.id}  {volume.state or 'new'}")


async def create(
    session: Session,
    *,
    instance: str,
    name: str | None,
    description: str | None,
    on_existing: OnExisting,
    wait: bool,
    timeout: float,
) -> Exit:
    """Create a snapshot, and perhaps wait for it."""
    civo = session.civo
    _validation.optional(_validation.label, name)
    name = name or _naming.generate_name(session.clock.now())
    holder = (await Directory.read(civo)).one(instance)
    plan: Json = {
        "action": "create",
        "instance_id": holder.id,
        "hostname": holder.hostname,
        "name": name,
        "note": f"with {many(len(holder.attached_volumes), 'attached volume')}",
    }
    session.agree([plan], f"Snapshot {holder.hostname} in {civo.region} as {name}")
    made = await civo.snapshots.create(
        holder, name=name, description=description, on_existing=on_existing
    )
    found = Found(made, holder.hostname)
    session.begun = f"Snapshot {found.label} ({made.id}) was begun and goes on."
    if wait:
        return await wait_for(session, [found], timeout, f"Snapshot {found.label}")
    session.out.items(SNAPSHOTS, [_json(found)], name="name")
    session.out.say(f"Begun. To wait for it: civo-snapshots wait {found.label}")
    return Exit.OK


async def update(
    session: Session,
    *,
    snapshot: str,
    name: str | None,
    description: str | None,
    instance: str | None,
) -> None:
    """Change the name or the description."""
    civo = session.civo
    if name is None and description is None:
        raise EndedError(Exit.USAGE, "Error: nothing to update; give --name or --description.")
    _validation.update_fields(name, description)
    [found] = await find_snapshots(civo, [snapshot], instance)
    changes = [f"--name {name}"] if name is not None else []
    changes += [f"--description {description!r}"] if description is not None else []
    plan = {**_json(found), "action": "update", "note": ", ".join(changes)}
    session.agree([plan], f"Update snapshot {found.label}")
    if found.snapshot.instance_id:
        changed = await civo.snapshots.update(found.snapshot, name=name, description=description)
    else:
        new = await civo.region_snapshots.update(
            found.item or found.snapshot.id, name=name, description=description
        )
        changed = evolve(found.snapshot, name=new.name, description=new.description)
    session.out.items(SNAPSHOTS, [_json(Found(changed, found.hostname))], name="name")


async def delete(
    session: Session,
    *,
    snapshots: tuple[str, ...],
    instance: str | None,
    wait: bool,
    timeout: float,
) -> Exit:
    """Delete snapshots; one that cannot be deleted keeps no other from it."""
    found = await find_snapshots(session.civo, snapshots, instance)
    plan = [{**_json(one), "action": "delete"} for one in found]
    session.agree(plan, f"Delete {many(len(found), 'snapshot')} in {session.civo.region}")
    return await delete_all(session, found, wait=wait, timeout=timeout)


async def delete_all(
    session: Session, found: list[Found], *, wait: bool = False, timeout: float = 0
) -> Exit:
    """Delete these, tell each, and perhaps wait until they are gone."""
    civo = session.civo

    async def remove(one: Found) -> CivoError | None:
        try:
            if not one.snapshot.instance_id:
                await civo.region_snapshots.delete(one.item or one.snapshot.id, missing_ok=True)
                return None
            await civo.snapshots.delete(one.snapshot, missing_ok=True)
            if wait:
                await civo.snapshots.wait_until_deleted(one.snapshot, timeout=timeout)
        except CivoError as error:
            return error
        return None

    session.begun = "Deletions that were sent go on."
    errors = await asyncio.gather(*map(remove, found))
    done = [one for one, error in zip(found, errors, strict=True) if error is None]
    session.out.items(SNAPSHOTS, [_json(one) for one in done], name="name")
    how = "gone" if wait else "being deleted"
    session.out.say(f"{many(len(done), 'snapshot')} {'is' if len(done) == 1 else 'are'} {how}.")
    for one, error in zip(found, errors, strict=True):
        if error is not None:
            session.out.fail(f"Error: {one.label}: {explained(error)}")
    return worst(exit_of(error) for error in errors if error is not None)


def _json(found: Found) -> Json:
    snapshot: Snapshot = found.snapshot
    return snapshot_json(snapshot, found.hostname)
