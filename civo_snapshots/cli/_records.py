"""Records as the JSON that is part of the interface, and as columns of tables made of that JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from ..errors import printable
from ..models import Instance, Quota, Region, Schedule, Snapshot
from ..outcomes import FleetRun, Outcome
from ..states import State, Verdict, classify
from ._table import Column, Item
from ._words import age, reason

Json = dict[str, object]

_VERDICTS = {
    "complete": "good",
    "failed": "bad",
    "settling": "busy",
    "pending": "busy",
}


def moment(value: datetime | None) -> str | None:
    """A time as JSON has it: ISO 8601 in UTC; None where it is not known."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def snapshot_json(snapshot: Snapshot, hostname: str = "") -> Json:
    """A snapshot."""
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "instance_id": snapshot.instance_id or None,
        "hostname": hostname or None,
        "state": snapshot.state,
        "verdict": snapshot.verdict.value,
        "message": snapshot.message,
        "description": snapshot.description,
        "included_volumes": list(snapshot.included_volumes),
        "volumes": [{"id": volume.id, "state": volume.state} for volume in snapshot.volumes],
        "created_at": moment(snapshot.created_at),
    }


def outcome_json(outcome: Outcome, hostname: str = "") -> Json:
    """What became of one instance of a run; `id` is the snapshot's."""
    snapshot, error = outcome.snapshot, outcome.error
    return {
        "id": snapshot.id if snapshot else None,
        "name": outcome.name,
        "instance_id": outcome.instance_id,
        "hostname": hostname or outcome.hostname or None,
        "kind": outcome.kind.value,
        "adopted": outcome.adopted,
        "state": snapshot.state if snapshot else None,
        "message": snapshot.message if snapshot else None,
        "created_at": moment(snapshot.created_at) if snapshot else None,
        "error": reason(error) or None,
        "error_type": type(error).__name__ if error else None,
        "attempts": outcome.attempts,
        "started_at": moment(outcome.started_at),
        "accepted_at": moment(outcome.accepted_at),
        "ended_at": moment(outcome.ended_at),
        "duplicates": [further.id for further in outcome.duplicates],
    }


def run_json(run: FleetRun, region: str, hostnames: Mapping[str, str]) -> Json:
    """A run with all its outcomes."""
    return {
        "name": run.name,
        "region": region,
        "partial": run.partial,
        "counts": dict(run.counts),
        "adopted": len(run.adopted),
        "duplicates": len(run.duplicates),
        "outcomes": [outcome_json(one, hostnames.get(one.instance_id, "")) for one in run],
    }


def instance_json(instance: Instance) -> Json:
    """An instance."""
    return {
        "id": instance.id,
        "hostname": instance.hostname,
        "status": instance.status,
        "size": instance.size,
        "tags": list(instance.tags),
        "volumes": [volume.id for volume in instance.attached_volumes],
        "private_ip": instance.private_ip,
        "public_ip": instance.public_ip,
        "created_at": moment(instance.created_at),
    }


def region_json(region: Region) -> Json:
    """A region."""
    return {
        "code": region.code,
        "name": region.name,
        "type": region.type,
        "country": region.country_name or region.country,
        "default": region.default,
        "out_of_capacity": region.out_of_capacity,
    }


def quota_json(quota: Quota) -> list[Json]:
    """Every limit of a quota that the server told, with what is used."""
    return [
        {"name": name, "limit": limit, "usage": usage, "unlimited": limit is not None and limit < 0}
        for name, (limit, usage) in sorted(quota.pairs.items())
    ]


def schedule_json(schedule: Schedule, hostnames: Mapping[str, str]) -> Json:
    """A schedule."""
    last = schedule.status.last_snapshot
    return {
        "id": schedule.id,
        "name": schedule.name,
        "description": schedule.description,
        "cron_expression": schedule.cron_expression,
        "paused": schedule.paused,
        "state": schedule.status.state,
        "max_snapshots": schedule.retention.max_snapshots,
        "period": schedule.retention.period or None,
        "instances": [
            {"id": one.id, "hostname": hostnames.get(one.id)} for one in schedule.instances
        ],
        "last_snapshot": {"id": last.id, "name": last.name, "state": last.state}
        if last.id
        else None,
        "created_at": moment(schedule.created_at),
    }


def text_of(field: str, limit: int = 200, *, may_shrink: bool = False) -> Column:
    """A column that shows a field as it is."""
    title = field.upper().replace("_", " ")
    return Column(title, lambda item: shown(item.get(field), limit), may_shrink=may_shrink)


def shown(value: object, limit: int = 200) -> str:
    """A value as a table shows it; what the server says cannot forge lines."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(shown(one, limit) for one in cast("list[object]", value))
        case dict():
            part = cast("Json", value)
            return shown(part.get("hostname") or part.get("name") or part.get("id"), limit)
        case _:
            return printable(str(value), limit)


def _age(item: Item) -> str:
    made = item.get("created_at")
    return age(datetime.fromisoformat(made), datetime.now(UTC)) if isinstance(made, str) else ""


def _volumes(item: Item) -> str:
    listed = _list(item, "volumes")
    total = max(len(listed), len(_list(item, "included_volumes")))
    done = sum(_is_complete(cast("Json", one)) for one in listed)
    if not listed and item.get("verdict") == Verdict.COMPLETE:
        done = total
    return f"{done}/{total}" if total else ""


def _is_complete(volume: Json) -> bool:
    return classify(str(volume["state"])) is State.COMPLETE


def called(item: Item) -> str:
    """The instance of a record as people call it, and never the bare beginning of nothing."""
    return shown(item.get("hostname") or item.get("instance_id"))


NAME = text_of("name", may_shrink=True)
INSTANCE = Column("INSTANCE", called)
STATE = Column(
    "STATE",
    lambda item: shown(item.get("state")) or "new",
    style=lambda item: _VERDICTS.get(str(item.get("verdict")), ""),
)
VOLUMES = Column("VOLUMES", _volumes, is_right=True)
AGE = Column("AGE", _age, is_right=True)
CREATED = text_of("created_at")
ID = Column("ID", lambda item: shown(item.get("id")), is_id=True)
MESSAGE = text_of("message")

SNAPSHOTS = (NAME, INSTANCE, STATE, VOLUMES, AGE, ID)
SNAPSHOT = (
    NAME,
    ID,
    INSTANCE,
    Column("INSTANCE ID", lambda item: shown(item.get("instance_id"))),
    STATE,
    VOLUMES,
    MESSAGE,
    text_of("description", 2_000),
    CREATED,
    AGE,
)
INSTANCES = (
    text_of("hostname"),
    text_of("status"),
    Column("VOLUMES", lambda item: str(len(_list(item, "volumes"))), is_right=True),
    text_of("tags", may_shrink=True),
    text_of("size"),
    AGE,
    ID,
)
REGIONS = (
    text_of("code"),
    text_of("name"),
    text_of("type"),
    text_of("country"),
    text_of("default"),
)
QUOTA = (
    NAME,
    Column("USED", lambda item: shown(item.get("usage")), is_right=True),
    Column(
        "LIMIT",
        lambda item: "none" if item.get("unlimited") else shown(item.get("limit")),
        is_right=True,
    ),
)
SCHEDULES = (
    NAME,
    Column("CRON", lambda item: shown(item.get("cron_expression"))),
    Column(
        "STATE",
        lambda item: "paused" if item.get("paused") else shown(item.get("state")),
        style=lambda item: "busy" if item.get("paused") else "good",
    ),
    Column("KEEP", lambda item: shown(item.get("max_snapshots")), is_right=True),
    text_of("instances", 60, may_shrink=True),
    Column("LAST", lambda item: shown(item.get("last_snapshot"))),
    ID,
)
PLAN = (
    text_of("action"),
    INSTANCE,
    Column("SNAPSHOT", lambda item: shown(item.get("name")), may_shrink=True),
    Column(
        "STATE",
        lambda item: shown(item.get("state")),
        style=lambda item: _VERDICTS.get(str(item.get("verdict")), ""),
    ),
    AGE,
    ID,
    text_of("note", 300, may_shrink=True),
)


def _list(item: Item, field: str) -> list[object]:
    found = item.get(field)
    return cast("list[object]", found) if isinstance(found, list) else []
