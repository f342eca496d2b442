"""Restores: what is asked, and what then becomes of the instance."""

from typing import Literal

from attrs import frozen

from civo_snapshots.testing._fields import Fields
from civo_snapshots.testing._records import InstanceRecord, RestoreRecord
from civo_snapshots.testing._snapshot_record import SnapshotRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import RefusedError, RefusedFieldError


@frozen(kw_only=True)
class RestoreWish:
    """A restore as it was asked for, checked."""

    hostname: str | None
    description: str
    private_ip: str | None
    overwrite_existing: bool
    includes_volumes: bool


def read_wish(fields: Fields, endpoint: Literal["own", "region"]) -> RestoreWish:
    """Read the fields; the region-wide endpoint knows one more and one fewer."""
    hostname = fields.hostname("hostname")
    overwrite = fields.flag("overwrite_existing") or False
    description = fields.text("description") or ""
    address = fields.address("private_ipv4")
    includes_volumes = True
    if endpoint == "own":
        # Documentation and official client spell it differently: either will do, or both alike.
        documented = fields.address("private_ip")
        if address and documented and address != documented:
            raise RefusedFieldError("private_ip", documented, "private_ip and private_ipv4 differ")
        address = address or documented
    else:
        includes_volumes = fields.flag("include_volumes") or False
    if overwrite and hostname is not None:
        raise RefusedFieldError("hostname", hostname, "overwrite_existing excludes a hostname")
    return RestoreWish(
        hostname=hostname,
        description=description,
        private_ip=address,
        overwrite_existing=overwrite,
        includes_volumes=includes_volumes,
    )


def begin_restore(
    state: RegionState, record: SnapshotRecord, wish: RestoreWish, at: float
) -> RestoreRecord:
    """Overwrite the instance, or build a new one in the same network."""
    if wish.overwrite_existing and record.instance_id not in state.instances:
        reason = f"there is no instance {record.instance_id}"
        raise RefusedError("database_instance_find", reason)
    if record.phase(at) != "complete":
        # No code is described for this.
        raise RefusedError("database_snapshot_not_complete", "the snapshot is not complete", 409)
    begins = at + state.switches.restore_queue
    if wish.overwrite_existing:
        instance = state.instances[record.instance_id]
        instance.status_before = instance.status(at)
        instance.busy_status = "RESTORING"
    else:
        instance = _new_instance(state, record, wish)
        instance.shows_from = begins
        instance.busy_status = "BUILDING"
    instance.busy_from = begins
    instance.busy_until = begins + state.random.uniform(*state.switches.restore_duration)
    instance.settled_status = state.switches.restore_ends
    record.in_use_until = max(record.in_use_until, instance.busy_until)
    restore_id = state.new_id()
    restore = RestoreRecord(
        id=restore_id,
        name=f"restore-{restore_id[:8]}",
        instance_id=instance.id,
        snapshot_id=record.id,
        hostname=wish.hostname or instance.hostname,
        description=wish.description,
        private_ip=_told_address(state, instance, wish),
        overwrite_existing=wish.overwrite_existing,
        includes_volumes=wish.includes_volumes,
        created_at=state.timestamp(at),
        done_at=instance.busy_until,
        completed_at=state.timestamp(instance.busy_until),
    )
    state.restores[restore.id] = restore
    return restore


def _told_address(state: RegionState, instance: InstanceRecord, wish: RestoreWish) -> str:
    if wish.private_ip or state.switches.restore_address:
        return instance.private_ip
    return ""


def _new_instance(state: RegionState, record: SnapshotRecord, wish: RestoreWish) -> InstanceRecord:
    hostname, domain = wish.hostname, state.switches.domain
    if hostname and domain:
        hostname = f"{hostname}.{domain}"
    volumes = len(record.volumes) if wish.includes_volumes else 0
    new_id = state.add_instance(hostname, volumes=volumes, private_ip=wish.private_ip)
    instance = state.instances[new_id]
    if state.switches.shows_source in ("snapshot_id", "both"):
        instance.snapshot_id = record.id
    if state.switches.shows_source in ("source_id", "both"):
        instance.source_type, instance.source_id = "snapshot", record.id
    return instance
