"""Snapshots as the JSON that the API sends."""

from civo_snapshots.testing._snapshot_record import SnapshotRecord, VolumeFate
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._switches import Blank
from civo_snapshots.testing._wire import JsonObject, to_json

_BLANK_TEXT: dict[Blank, object] = {"empty": "", "null": None}
_BLANK_LIST: dict[Blank, object] = {"empty": [], "null": None}


def snapshot_text(state: RegionState, record: SnapshotRecord, seen: float) -> str:
    """A snapshot, as an instance's own routes give it."""
    stage = record.stage(seen)
    cached = record.texts.get("own")
    if cached and cached[0] == stage:
        return cached[1]
    name, _ = record.called(seen)
    text = to_json({"id": record.id, "name": name, **_body(state, record, seen)})
    record.texts["own"] = stage, text
    return text


def listing_text(state: RegionState, record: SnapshotRecord, seen: float) -> str:
    """A snapshot, as the region-wide routes give it."""
    stage = record.stage(seen)
    cached = record.texts.get("listing")
    if cached and cached[0] == stage:
        return cached[1]
    name, description = record.called(seen)
    if state.switches.region_ids == "inner":
        inner_id, inner_name = record.id, name
    else:
        instance = state.instances.get(record.instance_id)
        inner_id, inner_name = record.instance_id, instance.hostname if instance else ""
    item: JsonObject = {"id": record.listing_id, "name": name}
    _put_text(item, "description", description, state.switches.blank)
    item |= {
        "resource_type": "instance",
        "created_at": record.created_at,
        "instance": {"id": inner_id, "name": inner_name, **_body(state, record, seen)},
    }
    text = to_json(item)
    record.texts["listing"] = stage, text
    return text


def _body(state: RegionState, record: SnapshotRecord, seen: float) -> JsonObject:
    """What both forms have in common."""
    blank = state.switches.blank
    body: JsonObject = {}
    _put_text(body, "description", record.called(seen)[1], blank)
    included = state.switches.included_volumes
    if included == "listed":
        _put_list(body, "included_volumes", [fate.id for fate in record.volumes], blank)
    else:
        _put_list(body, "included_volumes", [], included)
    body["status"] = _status(state, record, seen) if seen >= record.status_from else {}
    body["created_at"] = record.created_at
    return body


def _status(state: RegionState, record: SnapshotRecord, seen: float) -> JsonObject:
    status: JsonObject = {"state": record.state(seen)}
    if state.switches.messages:
        status["message"] = _message(record, seen)
    if state.switches.volume_listing != "summary":
        listed = [fate for fate in record.volumes if seen >= fate.listed_at]
        volumes = [{"id": fate.id, "state": record.volume_state(fate, seen)} for fate in listed]
        _put_list(status, "volumes", volumes, state.switches.blank)
    return status


def _message(record: SnapshotRecord, seen: float) -> str:
    ended = [fate for fate in record.volumes if seen >= fate.done_at]
    failed: list[VolumeFate] = [fate for fate in ended if fate.fails]
    match record.phase(seen):
        case "failed":
            return f"volume {failed[0].id} could not be copied"
        case "pending":
            return f"{len(ended)} of {len(record.volumes)} volumes have been copied"
        case "deleting":
            return "being deleted"
        case "complete":
            return ""


def _put_text(body: JsonObject, field: str, text: str, blank: Blank) -> None:
    if text or blank != "missing":
        body[field] = text or _BLANK_TEXT[blank]


def _put_list(body: JsonObject, field: str, items: object, blank: Blank) -> None:
    if items or blank != "missing":
        body[field] = items or _BLANK_LIST[blank]
