"""The endpoints of snapshots, an instance's own and region-wide: from a call to its answer."""

from collections.abc import Collection

from civo_snapshots.testing import _quota
from civo_snapshots.testing._fields import Fields
from civo_snapshots.testing._finding import find_instance, snapshot_to_change, snapshot_to_read
from civo_snapshots.testing._payloads import restore_payload
from civo_snapshots.testing._records import InstanceRecord, RestoreRecord
from civo_snapshots.testing._restoring import begin_restore, read_wish
from civo_snapshots.testing._snapshot_payload import listing_text, snapshot_text
from civo_snapshots.testing._snapshot_record import SnapshotRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import Answer, Call, RefusedError, array

# An instance's own snapshots


def create_snapshot(state: RegionState, call: Call) -> Answer:
    missing = "database_snapshot_create_instance_not_found"
    instance = find_instance(state, call.ids[0], call.at, code=missing)
    fields = _fields(state, call)
    name, description = fields.label("name"), fields.text("description")
    fields.end()
    _check_create(state, instance, name, call.at)
    record = state.create_snapshot(instance, name, description or "", call.at)
    state.quota_locked_until = call.at + state.switches.quota_lock
    return Answer(201, snapshot_text(state, record, call.at).encode())


def list_snapshots(state: RegionState, call: Call) -> Answer:
    seen = state.seen_at(call.at)
    instance = find_instance(state, call.ids[0], seen)
    shown = state.table.shown(call.at, seen, instance.id)
    texts = [snapshot_text(state, record, seen) for record in shown]
    return array(texts, wrapped=state.switches.wrapped_lists)


def get_snapshot(state: RegionState, call: Call) -> Answer:
    record, seen = snapshot_to_read(state, call)
    return Answer(200, snapshot_text(state, record, seen).encode())


def update_snapshot(state: RegionState, call: Call) -> Answer:
    record = _update(state, call)
    return Answer(200, snapshot_text(state, record, call.at).encode())


def restore_snapshot(state: RegionState, call: Call) -> Answer:
    record = snapshot_to_change(state, call)
    fields = _fields(state, call)
    wish = read_wish(fields, "own")
    fields.end()
    restore = begin_restore(state, record, wish, call.at)
    return _restored(state, restore, call, wrapped=state.switches.restore_wrapping == "always")


# Region-wide


def list_region_snapshots(state: RegionState, call: Call) -> Answer:
    seen = state.seen_at(call.at)
    texts = [listing_text(state, record, seen) for record in state.table.shown(call.at, seen)]
    return array(texts, wrapped=state.switches.wrapped_lists)


def get_region_snapshot(state: RegionState, call: Call) -> Answer:
    record, seen = snapshot_to_read(state, call)
    return Answer(200, listing_text(state, record, seen).encode())


def update_region_snapshot(state: RegionState, call: Call) -> Answer:
    record = _update(state, call)
    return Answer(200, listing_text(state, record, call.at).encode())


def restore_region_snapshot(state: RegionState, call: Call) -> Answer:
    record = snapshot_to_change(state, call)
    fields = _fields(state, call)
    wish = read_wish(fields.section("instance"), "region")
    fields.end()
    restore = begin_restore(state, record, wish, call.at)
    return _restored(state, restore, call, wrapped=state.switches.restore_wrapping != "never")


# Both


def delete_snapshot(state: RegionState, call: Call) -> Answer:
    record = snapshot_to_change(state, call)
    code = "database_snapshot_cannot_delete_in_use"
    if call.at < record.in_use_until:
        raise RefusedError(code, "a restore of this snapshot is running")
    if not state.switches.delete_pending and record.phase(call.at) == "pending":
        raise RefusedError(code, "the snapshot is still being made")
    state.table.begin_deletion(record, call.at)
    return acknowledgement(state, record.id)


def acknowledgement(state: RegionState, key: str) -> Answer:
    """That something was deleted."""
    if state.switches.empty_delete or state.switches.acknowledgement == "empty":
        return Answer(200, b"")
    if state.switches.acknowledgement == "full":
        body = {"id": key, "result": "success", "code": "", "reason": "", "details": ""}
        return Answer.of(body)
    return Answer.of({"result": "success"})


def _fields(state: RegionState, call: Call) -> Fields:
    return Fields.of(call, refuse_unknown=state.switches.refuse_unknown)


def _check_create(
    state: RegionState, instance: InstanceRecord, name: str | None, at: float
) -> None:
    refusal = instance.refusal
    if refusal and refusal.applies():
        raise RefusedError(refusal.code, refusal.reason, refusal.status)
    if instance.status(at) not in {"ACTIVE", "SHUTOFF"}:
        code = "instance_state_must_be_active_or_shutoff"
        raise RefusedError(code, f"the instance is {instance.status(at)}")
    own = state.table.of_instance(instance.id, at)
    if state.switches.one_at_a_time and any(at < one.done_at for one in own):
        code = "database_snapshot_create_already_in_process"
        raise RefusedError(code, "a snapshot of this instance is being made")
    _check_name(state, instance.id, name, at)
    if _quota.is_reached(state, at):
        raise RefusedError("quota_limit_reached", "disk_snapshot_count_limit is reached")
    if at < state.quota_locked_until:
        raise RefusedError("database_quota_lock_failed", "another create holds the quota")


def _check_name(
    state: RegionState,
    instance_id: str,
    name: str | None,
    at: float,
    renamed: SnapshotRecord | None = None,
) -> None:
    others: Collection[SnapshotRecord] = ()
    if state.switches.unique_names == "instance":
        others = state.table.of_instance(instance_id, at)
    elif state.switches.unique_names == "region":
        others = state.table.of_region(at)
    if name is not None and any(one.name == name for one in others if one is not renamed):
        raise RefusedError(state.switches.taken_name_code, f"the name {name} is taken", 409)


def _update(state: RegionState, call: Call) -> SnapshotRecord:
    record = snapshot_to_change(state, call)
    fields = _fields(state, call)
    name, description = fields.label("name"), fields.text("description")
    fields.end()
    _check_name(state, record.instance_id, name, call.at, renamed=record)
    state.update_snapshot(record, name, description, call.at)
    return record


def _restored(state: RegionState, restore: RestoreRecord, call: Call, *, wrapped: bool) -> Answer:
    body: object = restore_payload(restore, call.at)
    if wrapped:
        body = {"resource_type": "instance", "instance": body}
    return Answer.of(body, state.switches.restore_status)
