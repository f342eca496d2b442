"""What the ids in a path stand for: instances, snapshots and schedules, or the refusal of each."""

from collections.abc import Mapping

from civo_snapshots.testing._records import InstanceRecord, ScheduleRecord
from civo_snapshots.testing._snapshot_record import SnapshotRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import Call, NoSuchPageError, RefusedError


def find_instance(
    state: RegionState, key: str, seen: float, *, code: str = "database_instance_find"
) -> InstanceRecord:
    """The instance of this id, or of this hostname where names stand for ids."""
    instance = state.instances.get(key)
    if instance is None and state.switches.names_as_ids:
        named = (one for one in state.instances.values() if one.hostname == key)
        instance = next(named, None)
    if instance is None or seen < instance.shows_from:
        raise RefusedError(code, f"there is no instance {key}")
    return instance


def snapshot_to_read(state: RegionState, call: Call) -> tuple[SnapshotRecord, float]:
    """The snapshot of a path as a read may see it, and the time that the read shows."""
    seen = state.seen_at(call.at)
    return _find_snapshot(state, call, seen), seen


def snapshot_to_change(state: RegionState, call: Call) -> SnapshotRecord:
    """The snapshot of a path as it is: what changes it never lags behind."""
    return _find_snapshot(state, call, None)


def find_schedule(
    state: RegionState, key: str, schedules: Mapping[str, ScheduleRecord]
) -> ScheduleRecord:
    """The one of these that has this id, or this name where names stand for ids."""
    schedule = schedules.get(key)
    if schedule is None and state.switches.names_as_ids:
        schedule = next((one for one in schedules.values() if one.name == key), None)
    if schedule is None and not state.switches.schedule_codes:
        raise NoSuchPageError
    if schedule is None:
        code = "database_resource_snapshot_schedule_not_found"
        raise RefusedError(code, f"there is no schedule {key}", 404)
    return schedule


def _find_snapshot(state: RegionState, call: Call, seen: float | None) -> SnapshotRecord:
    *instance_key, key = call.ids
    instance_id = None
    if instance_key:
        instance_id = find_instance(state, instance_key[0], call.at if seen is None else seen).id
    record = state.table.find(key, call.at, instance_id, seen=seen)
    if record is None:
        raise RefusedError("database_snapshot_not_found", f"there is no snapshot {key}")
    return record
