"""Instances, restores, schedules and regions as the JSON that the API sends."""

from collections.abc import Callable, Mapping

from civo_snapshots.testing._records import InstanceRecord, RestoreRecord, ScheduleRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._switches import CodeCase
from civo_snapshots.testing._wire import JsonObject

SECRET_CANARIES = {
    "initial_password": "canary-initial-password",
    "rescue_password": "canary-rescue-password",
    "civostatsd_token": "canary-civostatsd-token",
    "script": "#!/bin/sh\necho canary-script",
}

_SPELL: Mapping[CodeCase, Callable[[str], str]] = {
    "given": str,
    "lower": str.lower,
    "upper": str.upper,
}


def instance_payload(state: RegionState, instance: InstanceRecord, seen: float) -> JsonObject:
    """An instance, secrets and all."""
    return {
        "id": instance.id,
        "hostname": instance.hostname,
        "status": instance.status(seen),
        "region": _SPELL[state.switches.code_case](state.code),
        "network_id": instance.network_id,
        "private_ip": instance.private_ip,
        "public_ip": instance.public_ip,
        "size": instance.size,
        "tags": instance.tags,
        "attached_volumes": [{"id": volume_id} for volume_id in instance.volume_ids],
        "created_at": instance.created_at,
        "firewall_id": f"fake-firewall-of-{instance.network_id[:8]}",
        "notes": "",
        "cpu_cores": number(state, 2),
        "ram_mb": number(state, 4_096),
        "disk_gb": number(state, 50),
        "gpu_count": number(state, 0),
        "source_type": instance.source_type,
        "source_id": instance.source_id,
        "snapshot_id": instance.snapshot_id,
        "volume_type": "standard",
        "subnets": [],
        "reserved_ip": "",
        "reverse_dns": "",
        **SECRET_CANARIES,
    }


def number(state: RegionState, value: int, *, may_be_float: bool = False) -> object:
    """A number in one of the forms in which it has been seen."""
    form = state.switches.numbers
    if form == "drawn":
        form = state.dice.choice(("integer", "text", "float"))
    if form == "text":
        return str(value)
    return float(value) if form == "float" and may_be_float else value


def restore_payload(restore: RestoreRecord, at: float) -> JsonObject:
    """A restore that has just been asked for: nothing but its own answer ever shows it."""
    done = at >= restore.done_at
    return {
        "id": restore.id,
        "name": restore.name,
        "hostname": restore.hostname,
        "description": restore.description,
        "from_snapshot": restore.snapshot_id,
        "private_ipv4": restore.private_ip,
        "overwrite_existing": restore.overwrite_existing,
        "status": {"state": "complete" if done else "in_progress"},
        "created_at": restore.created_at,
        "completed_at": restore.completed_at if done else None,
    }


def schedule_payload(state: RegionState, schedule: ScheduleRecord, at: float) -> JsonObject:
    """A schedule, with the snapshot it made last."""
    instances: list[JsonObject] = []
    for scheduled in schedule.instances:
        instance = state.instances.get(scheduled.id)
        item: JsonObject = {"id": scheduled.id, "size": instance.size if instance else ""}
        if scheduled.volume_ids:
            item["included_volumes"] = scheduled.volume_ids
        instances.append(item)
    retention: JsonObject = {"max_snapshots": schedule.max_snapshots}
    if schedule.period:
        retention["period"] = schedule.period
    last = state.snapshots.get(schedule.last)
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
            "last_snapshot": {
                "id": last.id if last else "",
                "name": last.name if last else "",
                "state": last.state(at) if last else "",
            },
        },
        "created_at": schedule.created_at,
    }


def region_payload(state: RegionState, code: str, *, default: bool) -> JsonObject:
    """A region of the account."""
    return {
        "code": _SPELL[state.switches.code_case](code),
        "name": f"Fake region {code}",
        "type": "private",
        "out_of_capacity": False,
        "country": "uk",
        "country_name": "United Kingdom",
        "features": {"iaas": True, "kubernetes": False},
        "default": default,
    }
