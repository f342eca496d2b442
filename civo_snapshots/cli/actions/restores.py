"""Restores: to a new instance, or over the original."""

from attrs import evolve

from ... import _validation
from ...errors import PollFailedError, WaitTimeoutError
from ...models import Restore
from ...states import Verdict
from .._exits import Exit
from .._find import Found, find_in_region
from .._records import ID, INSTANCES, NAME, Json, instance_json, moment, snapshot_json, text_of
from .._session import EndedError, Session
from .._words import age, exit_of, explained

_RESTORE = (NAME, ID, text_of("hostname"), text_of("from_snapshot"), text_of("state"))


async def restore(
    session: Session,
    *,
    snapshot: str,
    hostname: str | None,
    private_ip: str | None,
    description: str | None,
    overwrite: bool,
    volumes: bool | None,
    instance: str | None,
    wait: bool,
    timeout: float,
) -> Exit:
    """Restore one snapshot."""
    if (hostname is None) == (not overwrite):
        raise EndedError(
            Exit.USAGE, "Error: give either --hostname for a new instance, or --overwrite-existing."
        )
    _validation.restore_fields(hostname, description, private_ip, overwrite)
    civo = session.civo
    directory, [found] = await find_in_region(civo, [snapshot], instance)
    if taken := hostname in directory.hostnames.values():
        session.out.note(f"Note: there is an instance {hostname} in {directory.region} already.")
    session.agree([_plan(found, hostname, taken=taken)], _question(session, found, hostname))
    target = hostname or found.hostname
    look = f"civo-snapshots instances --match {target}"
    session.begun = f"Whether the restore to {target} was begun is not known: {look}"
    started = await _begin(
        session,
        found,
        hostname=hostname,
        private_ip=private_ip,
        description=description,
        overwrite=overwrite,
        volumes=volumes,
    )
    session.begun = f"The restore to {target} was begun and goes on: {look}"
    if not wait:
        session.out.item(_RESTORE, _json(started), name="name")
        session.out.say(f"Begun. The instance {target} tells its end: {look}")
        return Exit.OK
    session.out.say(f"Restoring {found.label} to {target} ...")
    try:
        restored = await civo.snapshots.wait_until_restored(started, timeout=timeout)
    except (WaitTimeoutError, PollFailedError) as error:
        session.out.fail(f"Error: {explained(error)}")
        session.out.say(f"To look: {look} (restored again, there would be two)")
        return exit_of(error)
    session.out.items(INSTANCES, [instance_json(restored)], name="hostname")
    session.out.say(f"{target} is {restored.status}.", "good")
    return Exit.OK


def _plan(found: Found, hostname: str | None, *, taken: bool) -> Json:
    note = "its present disks are lost" if hostname is None else ""
    if taken:
        note = "one of this hostname exists"
    if found.snapshot.verdict is not Verdict.COMPLETE:
        note = f"{note}; " * bool(note) + "the snapshot is not complete"
    return {
        **snapshot_json(found.snapshot, found.hostname),
        "action": f"restore to {hostname}" if hostname else "OVERWRITE",
        "note": note,
    }


def _question(session: Session, found: Found, hostname: str | None) -> str:
    old = age(found.snapshot.created_at, session.clock.now())
    what = f"snapshot {found.label}" + (f", {old} old," if old else "")
    if hostname:
        return f"Restore {what} to a new instance {hostname} in {session.civo.region}"
    return f"OVERWRITE instance {found.hostname} in {session.civo.region} with {what}".rstrip(",")


async def _begin(
    session: Session,
    found: Found,
    *,
    hostname: str | None,
    private_ip: str | None,
    description: str | None,
    overwrite: bool,
    volumes: bool | None,
) -> Restore:
    """By the instance's own endpoint; by the region's where only that can do what is asked for."""
    civo = session.civo
    if volumes is None and found.snapshot.instance_id:
        return await civo.snapshots.restore(
            found.snapshot,
            hostname=hostname,
            private_ip=private_ip,
            description=description,
            overwrite_existing=overwrite,
        )
    started = await civo.region_snapshots.restore(
        found.item or found.snapshot.id,
        hostname=hostname,
        private_ip=private_ip,
        description=description,
        overwrite_existing=overwrite,
        include_volumes=volumes is not False,
    )
    return evolve(started, instance_id=started.instance_id or found.snapshot.instance_id)


def _json(restore: Restore) -> Json:
    return {
        "id": restore.id,
        "name": restore.name,
        "hostname": restore.hostname,
        "description": restore.description,
        "from_snapshot": restore.from_snapshot,
        "private_ipv4": restore.private_ipv4,
        "overwrite_existing": restore.overwrite_existing,
        "state": restore.status.state,
        "created_at": moment(restore.created_at),
        "completed_at": moment(restore.completed_at),
    }
