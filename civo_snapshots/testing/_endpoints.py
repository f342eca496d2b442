"""The endpoints of instances, snapshots, regions and quota: from a call to its answer."""

from civo_snapshots.testing._payloads import (
    instance_payload,
    listing_text,
    quota_payload,
    region_payload,
    restore_payload,
    snapshot_text,
)
from civo_snapshots.testing._records import InstanceRecord, RestoreRecord, SnapshotRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import Answer, Call, Fields, RefusedError, invalid

_DEFAULT_PER_PAGE = 20
_MAX_PER_PAGE = 100
_SUCCESS = Answer.of({"result": "success"})
_EMPTY = Answer(200, b"")


def list_instances(state: RegionState, call: Call) -> Answer:
    page = _page_number(call, "page", 1)
    per_page = min(_page_number(call, "per_page", _DEFAULT_PER_PAGE), _MAX_PER_PAGE)
    instances = list(state.instances.values())
    shown = instances[(page - 1) * per_page : page * per_page]
    return Answer.of(
        {
            "page": page,
            "per_page": None if state.behaviour.null_per_page else per_page,
            "pages": -(-len(instances) // per_page) + state.behaviour.pages_off_by,
            "items": [instance_payload(state, instance, call.at) for instance in shown],
        }
    )


def get_instance(state: RegionState, call: Call) -> Answer:
    return Answer.of(instance_payload(state, find_instance(state, call.ids[0]), call.at))


def list_regions(state: RegionState, _call: Call) -> Answer:
    codes = state.behaviour.region_codes
    return Answer.of([region_payload(code, default=code == codes[0]) for code in codes])


def get_quota(state: RegionState, call: Call) -> Answer:
    return Answer.of(quota_payload(state, call.at))


def create_snapshot(state: RegionState, call: Call) -> Answer:
    instance = find_instance(state, call.ids[0], "database_snapshot_create_instance_not_found")
    fields = Fields.of(call)
    name, description = fields.label("name"), fields.text("description")
    refusal = instance.refusal
    if refusal and refusal.times != 0:
        if refusal.times is not None:
            refusal.times -= 1
        raise RefusedError(refusal.status, refusal.code, refusal.reason)
    if instance.status(call.at) not in {"ACTIVE", "SHUTOFF"}:
        code = "instance_state_must_be_active_or_shutoff"
        raise RefusedError(409, code, f"the instance is {instance.status(call.at)}")
    if state.count_snapshots(call.at) >= state.behaviour.snapshot_limit:
        raise RefusedError(403, "quota_limit_reached", "disk_snapshot_count_limit is reached")
    record = state.create_snapshot(instance, name, description or "", call.at)
    return Answer(201, snapshot_text(record, call.at).encode())


def list_snapshots(state: RegionState, call: Call) -> Answer:
    instance = find_instance(state, call.ids[0])
    return _array(
        [snapshot_text(record, call.at) for record in state.shown_snapshots(call.at, instance.id)]
    )


def get_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_instance(state, call, to_read=True)
    return Answer(200, snapshot_text(record, call.at).encode())


def update_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_instance(state, call)
    _update(record, Fields.of(call))
    return Answer(200, snapshot_text(record, call.at).encode())


def delete_snapshot(state: RegionState, call: Call) -> Answer:
    return _delete(state, _snapshot_of_instance(state, call), call)


def restore_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_instance(state, call)
    return Answer.of(restore_payload(_restore(state, record, Fields.of(call), call.at)), 201)


def list_region_snapshots(state: RegionState, call: Call) -> Answer:
    return _array(
        [listing_text(state, record, call.at) for record in state.shown_snapshots(call.at)]
    )


def get_region_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_region(state, call, to_read=True)
    return Answer(200, listing_text(state, record, call.at).encode())


def update_region_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_region(state, call)
    _update(record, Fields.of(call))
    return Answer(200, listing_text(state, record, call.at).encode())


def delete_region_snapshot(state: RegionState, call: Call) -> Answer:
    return _delete(state, _snapshot_of_region(state, call), call)


def restore_region_snapshot(state: RegionState, call: Call) -> Answer:
    record = _snapshot_of_region(state, call)
    fields = Fields.of(call).section("instance")
    restore = _restore(state, record, fields, call.at, volumes=fields.texts("include_volumes"))
    return Answer.of({"resource_type": "instance", "instance": restore_payload(restore)}, 201)


def find_instance(
    state: RegionState, instance_id: str, code: str = "database_instance_find"
) -> InstanceRecord:
    """The instance of this id, or the refusal that names it."""
    instance = state.instances.get(instance_id)
    if instance is None:
        raise RefusedError(404, code, f"there is no instance {instance_id}")
    return instance


def _snapshot_of_instance(
    state: RegionState, call: Call, *, to_read: bool = False
) -> SnapshotRecord:
    instance_id, key = call.ids
    find_instance(state, instance_id)
    return _found(state.find_snapshot(key, call.at, instance_id, to_read=to_read), key)


def _snapshot_of_region(state: RegionState, call: Call, *, to_read: bool = False) -> SnapshotRecord:
    key = call.ids[0]
    return _found(state.find_snapshot(key, call.at, to_read=to_read), key)


def _found(record: SnapshotRecord | None, key: str) -> SnapshotRecord:
    if record is None:
        raise RefusedError(404, "database_snapshot_not_found", f"there is no snapshot {key}")
    return record


def _update(record: SnapshotRecord, fields: Fields) -> None:
    name, description = fields.label("name"), fields.text("description")
    if name is not None:
        record.name = name
    if description is not None:
        record.description = description
    record.texts.clear()


def _delete(state: RegionState, record: SnapshotRecord, call: Call) -> Answer:
    if call.at < record.in_use_until:
        code = "database_snapshot_cannot_delete_in_use"
        raise RefusedError(409, code, "a restore of this snapshot is running")
    state.delete_snapshot(record, call.at)
    return _EMPTY if state.behaviour.empty_delete else _SUCCESS


def _restore(
    state: RegionState,
    record: SnapshotRecord,
    fields: Fields,
    at: float,
    volumes: list[str] | None = None,
) -> RestoreRecord:
    hostname = fields.hostname("hostname")
    overwrite = fields.flag("overwrite_existing") or False
    # Documentation and official client spell it differently: either will do, or both alike.
    address, same_address = fields.address("private_ip"), fields.address("private_ipv4")
    description = fields.text("description") or ""
    if overwrite and hostname is not None:
        raise invalid("hostname", "overwrite_existing excludes a hostname")
    if address and same_address and address != same_address:
        raise invalid("private_ip", "private_ip and private_ipv4 differ")
    if not {fate.id for fate in record.volumes}.issuperset(volumes or ()):
        raise invalid("include_volumes", "the snapshot does not hold these volumes")
    target = find_instance(state, record.instance_id) if overwrite else None
    if record.state(at) != "Complete":
        raise RefusedError(409, "database_snapshot_not_complete", "the snapshot is not complete")
    return state.restore(
        record,
        target,
        hostname=hostname,
        description=description,
        private_ip=address or same_address,
        at=at,
    )


def _page_number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000):
        raise invalid(name, f"{name} must be a whole number above zero")
    return int(text)


def _array(items: list[str]) -> Answer:
    return Answer(200, f"[{','.join(items)}]".encode())
