"""The endpoints of snapshot schedules; schedules are kept, checked and never run."""

import re

from civo_snapshots.testing._endpoints import find_instance
from civo_snapshots.testing._payloads import schedule_payload
from civo_snapshots.testing._records import ScheduleRecord
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import Answer, Call, Fields, RefusedError, invalid

_CRON_FIELDS = re.compile(r"[\w*/,?#-]+( +[\w*/,?#-]+){4}", re.ASCII)
_TOO_OFTEN = re.compile(r"\*(/[0-9])? ")  # every minute, or every one to nine minutes
_PERIOD = re.compile(r"([0-9]+[smhd])+")


def create_schedule(state: RegionState, call: Call) -> Answer:
    fields = Fields.of(call)
    name, cron = fields.label("name"), fields.text("cron_expression")
    if name is None:
        raise invalid("name", "a schedule needs a name")
    if cron is None or not _CRON_FIELDS.fullmatch(cron):
        raise invalid("cron_expression", "cron_expression must have five fields")
    if _TOO_OFTEN.match(cron):
        raise invalid("cron_expression", "the interval must be at least ten minutes")
    retention = fields.section("retention")
    max_snapshots, period = retention.number("max_snapshots"), retention.text("period")
    if max_snapshots is None or not 1 <= max_snapshots <= 10:
        raise invalid("retention", "max_snapshots must be from 1 to 10")
    if period and not _PERIOD.fullmatch(period):
        raise invalid("retention", "period must be a duration such as 48h")
    schedule = ScheduleRecord(
        id=state.new_id(),
        name=name,
        description=fields.text("description") or "",
        cron_expression=cron,
        max_snapshots=max_snapshots,
        period=period or "",
        instances=tuple(_instance(state, item) for item in fields.sections("instances")),
        created_at=state.timestamp(call.at),
    )
    state.schedules[schedule.id] = schedule
    return Answer.of(schedule_payload(state, schedule), 201)


def list_schedules(state: RegionState, _call: Call) -> Answer:
    return Answer.of([schedule_payload(state, item) for item in state.schedules.values()])


def get_schedule(state: RegionState, call: Call) -> Answer:
    return Answer.of(schedule_payload(state, _schedule(state, call)))


def update_schedule(state: RegionState, call: Call) -> Answer:
    schedule = _schedule(state, call)
    fields = Fields.of(call)
    name, description, paused = (
        fields.label("name"),
        fields.text("description"),
        fields.flag("paused"),
    )
    if name is not None:
        schedule.name = name
    if description is not None:
        schedule.description = description
    if paused is not None:
        schedule.paused = paused
    return Answer.of(schedule_payload(state, schedule))


def delete_schedule(state: RegionState, call: Call) -> Answer:
    del state.schedules[_schedule(state, call).id]
    return Answer.of({"result": "success"})


def _instance(state: RegionState, item: Fields) -> tuple[str, tuple[str, ...]]:
    instance_id = item.text("instance_id")
    if instance_id is None:
        raise RefusedError(400, "parameter_id_missing", "each instance needs its instance_id")
    instance = find_instance(state, instance_id)
    volumes = tuple(item.texts("include_volumes") or ())
    if not set(volumes) <= set(instance.volume_ids):
        raise invalid("include_volumes", "the instance does not have these volumes")
    return instance_id, volumes


def _schedule(state: RegionState, call: Call) -> ScheduleRecord:
    key = call.ids[0]
    schedule = state.schedules.get(key) or next(
        (item for item in state.schedules.values() if item.name == key), None
    )
    if schedule is None:
        code = "database_resource_snapshot_schedule_not_found"
        raise RefusedError(404, code, f"there is no schedule {key}")
    return schedule
