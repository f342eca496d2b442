"""The endpoints of snapshot schedules; a schedule runs when a test says so."""

import re

from civo_snapshots.testing._cron import CronError, check_cron
from civo_snapshots.testing._fields import Fields
from civo_snapshots.testing._finding import find_schedule
from civo_snapshots.testing._payloads import schedule_payload
from civo_snapshots.testing._records import ScheduledInstance, ScheduleRecord
from civo_snapshots.testing._snapshot_endpoints import acknowledgement
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import (
    Answer,
    Call,
    RefusedError,
    RefusedFieldError,
    array,
    to_json,
)

_PERIOD = re.compile(r"([0-9]+[smhd])+", re.ASCII)
_MOST_SNAPSHOTS = 10


def create_schedule(state: RegionState, call: Call) -> Answer:
    fields = Fields.of(call, refuse_unknown=state.switches.refuse_unknown)
    name = fields.label("name")
    if name is None:
        raise RefusedFieldError("name", name, "a schedule needs a name")
    cron = _cron(fields, rich=state.switches.rich_cron)
    max_snapshots, period = _retention(fields.section("retention"))
    description = fields.text("description") or ""
    instances = tuple(_instance(state, item) for item in fields.sections("instances"))
    fields.end()
    schedule = ScheduleRecord(
        id=state.new_id(),
        name=name,
        description=description,
        cron_expression=cron,
        max_snapshots=max_snapshots,
        period=period,
        instances=instances,
        created_at=state.timestamp(call.at),
    )
    state.keep_schedules(call.at)
    state.schedules[schedule.id] = schedule
    return Answer.of(schedule_payload(state, schedule, call.at), 201)


def list_schedules(state: RegionState, call: Call) -> Answer:
    seen = state.seen_at(call.at)
    shown = state.schedules_at(seen).values()
    texts = [to_json(schedule_payload(state, schedule, seen)) for schedule in shown]
    return array(texts, wrapped=state.switches.wrapped_lists)


def get_schedule(state: RegionState, call: Call) -> Answer:
    seen = state.seen_at(call.at)
    schedule = find_schedule(state, call.ids[0], state.schedules_at(seen))
    return Answer.of(schedule_payload(state, schedule, seen))


def update_schedule(state: RegionState, call: Call) -> Answer:
    schedule = find_schedule(state, call.ids[0], state.schedules)
    fields = Fields.of(call, refuse_unknown=state.switches.refuse_unknown)
    name, description = fields.label("name"), fields.text("description")
    paused = fields.flag("paused")
    fields.end()
    state.keep_schedules(call.at)
    if name is not None:
        schedule.name = name
    if description is not None:
        schedule.description = description
    if paused is not None:
        schedule.paused = paused
    return Answer.of(schedule_payload(state, schedule, call.at))


def delete_schedule(state: RegionState, call: Call) -> Answer:
    schedule = find_schedule(state, call.ids[0], state.schedules)
    state.keep_schedules(call.at)
    del state.schedules[schedule.id]
    return acknowledgement(state, schedule.id)


def run_schedule(state: RegionState, key: str, at: float) -> None:
    """Do what a schedule does when its time comes, unless it is paused.

    Each of its instances gets a snapshot, and what is more than it may keep goes.
    """
    schedule = find_schedule(state, key, state.schedules)
    if schedule.paused:
        return
    state.keep_schedules(at)
    for scheduled in schedule.instances:
        instance = state.instances.get(scheduled.id)
        if instance is None:
            continue
        record = state.create_snapshot(instance, None, "", at, scheduled.volume_ids)
        schedule.made.append(record.id)
        schedule.last = record.id
        own = [
            state.snapshots[one]
            for one in schedule.made
            if state.snapshots[one].instance_id == instance.id and not state.snapshots[one].deleted
        ]
        for oldest in own[: -schedule.max_snapshots]:
            state.table.begin_deletion(oldest, at)


def _cron(fields: Fields, *, rich: bool) -> str:
    cron = fields.text("cron_expression")
    if cron is None:
        raise RefusedFieldError("cron_expression", cron, "a schedule needs a cron_expression")
    try:
        check_cron(cron, rich=rich)
    except CronError as error:
        raise RefusedFieldError("cron_expression", cron, str(error)) from None
    return cron


def _retention(retention: Fields) -> tuple[int, str]:
    most, period = retention.number("max_snapshots"), retention.text("period")
    if most is None or not 1 <= most <= _MOST_SNAPSHOTS:
        reason = f"max_snapshots must be from 1 to {_MOST_SNAPSHOTS}"
        raise RefusedFieldError("retention", most, reason)
    if period and not _PERIOD.fullmatch(period):
        raise RefusedFieldError("retention", period, "period must be a duration such as 48h")
    return most, period or ""


def _instance(state: RegionState, item: Fields) -> ScheduledInstance:
    instance_id = item.text("instance_id")
    if instance_id is None:
        raise RefusedError("parameter_id_missing", "each instance needs its instance_id")
    # A body names ids: that names stand for them is said of paths alone.
    instance = state.instances.get(instance_id)
    if instance is None:
        raise RefusedError("database_instance_find", f"there is no instance {instance_id}")
    wanted = item.flag("include_volumes") or False
    return ScheduledInstance(instance_id, instance.volume_ids if wanted else ())
