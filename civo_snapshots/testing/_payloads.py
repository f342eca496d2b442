"""Records as the JSON that the API sends."""

from civo_snapshots.testing._records import (
    InstanceRecord,
    RestoreRecord,
    ScheduleRecord,
    SnapshotRecord,
)
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import JsonObject, to_json

SECRET_CANARIES = {
    "initial_password": "canary-initial-password",
    "rescue_password": "canary-rescue-password",
    "civostatsd_token": "canary-civostatsd-token",
    "script": "#!/bin/sh\necho canary-script",
}


def snapshot_text(record: SnapshotRecord, at: float) -> str:
    """A snapshot, as an instance's own routes give it."""
    done = record.volumes_done(at)
    cached = record.texts.get("own")
    if cached and cached[0] == done:
        return cached[1]
    text = to_json({"id": record.id, "name": record.name, **_snapshot_body(record, at)})
    record.texts["own"] = done, text
    return text


def listing_text(state: RegionState, record: SnapshotRecord, at: float) -> str:
    """A snapshot, as the region-wide routes give it."""
    done = record.volumes_done(at)
    cached = record.texts.get("listing")
    if cached and cached[0] == done:
        return cached[1]
    if state.behaviour.region_ids == "inner":
        inner_id, inner_name = record.id, record.name
    else:
        instance = state.instances.get(record.instance_id)
        inner_id, inner_name = record.instance_id, instance.hostname if instance else ""
    text = to_json(
        {
            "id": record.listing_id,
            "name": record.name,
            "description": record.description,
            "resource_type": "instance",
            "created_at": record.created_at,
            "instance": {"id": inner_id, "name": inner_name, **_snapshot_body(record, at)},
        }
    )
    record.texts["listing"] = done, text
    return text


def _snapshot_body(record: SnapshotRecord, at: float) -> JsonObject:
    return {
        "description": record.description,
        "included_volumes": [fate.id for fate in record.volumes],
        "status": {
            "state": record.state(at),
            "volumes": [{"id": fate.id, "state": fate.state(at)} for fate in record.volumes],
        },
        "created_at": record.created_at,
    }


def instance_payload(state: RegionState, instance: InstanceRecord, at: float) -> JsonObject:
    """An instance, secrets and all."""
    return {
        "id": instance.id,
        "hostname": instance.hostname,
        "status": instance.status(at),
        "region": state.code,
        "network_id": instance.network_id,
        "private_ip": instance.private_ip,
        "public_ip": instance.public_ip,
        "size": instance.size,
        "tags": instance.tags,
        "attached_volumes": [{"id": volume_id} for volume_id in instance.volume_ids],
        "created_at": instance.created_at,
        **SECRET_CANARIES,
    }


def restore_payload(restore: RestoreRecord) -> JsonObject:
    """A restore that has just begun: nothing but its own answer ever shows it."""
    return {
        "id": restore.id,
        "name": restore.name,
        "hostname": restore.hostname,
        "description": restore.description,
        "from_snapshot": restore.snapshot_id,
        "private_ipv4": restore.private_ip,
        "overwrite_existing": restore.overwrite_existing,
        "status": {"state": "in_progress"},
        "created_at": restore.created_at,
        "completed_at": None,
    }


def schedule_payload(state: RegionState, schedule: ScheduleRecord) -> JsonObject:
    """A schedule that has not run yet."""
    instances: list[JsonObject] = []
    for instance_id, volumes in schedule.instances:
        instance = state.instances.get(instance_id)
        item: JsonObject = {"id": instance_id, "size": instance.size if instance else ""}
        if volumes:
            item["included_volumes"] = volumes
        instances.append(item)
    retention: JsonObject = {"max_snapshots": schedule.max_snapshots}
    if schedule.period:
        retention["period"] = schedule.period
    return {
        "id": schedule.id,
        "name": schedule.name,
        "description": schedule.description,
        "cron_expression": schedule.cron_expression,
        "paused": schedule.paused,
        "retention": retention,
        "instances": instances,
        "status": {
            "state": "paused" if schedule.paused else "active",
            "last_snapshot": {"id": "", "name": "", "state": ""},
        },
        "created_at": schedule.created_at,
    }


def region_payload(code: str, *, default: bool) -> JsonObject:
    """A region of the account."""
    return {
        "code": code,
        "name": f"Fake region {code}",
        "type": "private",
        "out_of_capacity": False,
        "country": "uk",
        "country_name": "United Kingdom",
        "features": {"iaas": True, "kubernetes": False},
        "default": default,
    }


def quota_payload(state: RegionState, at: float) -> JsonObject:
    """The limits, and what is used of them."""
    return {
        "instance_count_limit": 1_000_000,
        "instance_count_usage": len(state.instances),
        "disk_volume_count_limit": 1_000_000,
        "disk_volume_count_usage": sum(len(i.volume_ids) for i in state.instances.values()),
        "disk_snapshot_count_limit": state.behaviour.snapshot_limit,
        "disk_snapshot_count_usage": state.count_snapshots(at),
    }


def table_payload(state: RegionState, at: float) -> JsonObject:
    """What a region holds at this time, for a look from another process."""
    return {
        "instances": [
            {"id": item.id, "hostname": item.hostname, "status": item.status(at)}
            for item in state.instances.values()
        ],
        "snapshots": [
            {
                "id": record.id,
                "instance_id": record.instance_id,
                "name": record.name,
                "created_at": record.created_at,
                "state": record.state(at),
                "deleted": record.deleted,
            }
            for record in state.snapshots.values()
        ],
        "restores": [
            {"id": item.id, "instance_id": item.instance_id, "snapshot_id": item.snapshot_id}
            for item in state.restores.values()
        ],
        "schedules": [
            {"id": item.id, "name": item.name, "paused": item.paused}
            for item in state.schedules.values()
        ],
    }
