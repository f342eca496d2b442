"""Schedules: snapshots that the region makes regularly."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ... import _validation
from ...models import Schedule
from .._choice import Choice
from .._exits import Exit
from .._find import Directory, the_one
from .._records import (
    CREATED,
    ID,
    NAME,
    SCHEDULES,
    Json,
    moment,
    schedule_json,
    text_of,
)
from .._session import EndedError, Session
from .._table import Column
from .._words import many

_SCHEDULE = (
    NAME,
    ID,
    *SCHEDULES[1:4],
    text_of("period"),
    Column("INSTANCES", lambda item: text_of("instances").text(item)),
    SCHEDULES[5],
    text_of("description", 2_000),
    CREATED,
)


async def list_(session: Session) -> None:
    """List schedules."""
    directory, found = await _read(session)
    session.out.items(SCHEDULES, [_json(one, directory) for one in found], name="name")
    session.out.say(f"{many(len(found), 'schedule')} in {directory.region}.")


async def show(session: Session, *, schedule: str) -> None:
    """Show one schedule."""
    directory, found = await _read(session)
    session.out.item(_SCHEDULE, _json(_meant(schedule, found, directory), directory), name="name")


async def create(
    session: Session,
    *,
    name: str,
    cron: str,
    keep: int,
    period: str | None,
    description: str | None,
    volumes: bool,
    **choosing: Any,
) -> None:
    """Create a schedule of the chosen instances."""
    choice = Choice(**choosing)
    choice.check()
    _validation.label(name)
    _validation.cron(cron)
    civo = session.civo
    directory, listed = await _read(session)
    if same := [one.id for one in listed if one.name == name]:
        raise EndedError(
            Exit.FAILED,
            f"Error: there is a schedule {name} in {directory.region} already ({same[0]}); two of "
            "one name would be told apart by id alone.",
        )
    chosen = choice.of(directory)
    plan: list[Json] = [
        {
            "action": "schedule",
            "instance_id": one.id,
            "hostname": one.hostname,
            "name": name,
            "note": f"{cron}, {keep} kept{'' if volumes else ', without its volumes'}",
        }
        for one in chosen
    ]
    session.agree(plan, f"Snapshot {many(len(chosen), 'instance')} in {civo.region} at {cron!r}")
    made = await civo.schedules.create(
        name,
        cron_expression=cron,
        max_snapshots=keep,
        instances=chosen,
        period=period,
        description=description,
        include_volumes=volumes,
    )
    session.out.items(SCHEDULES, [_json(made, directory)], name="name")
    session.out.say(f"Begun. To see when it is due: civo-snapshots schedule next {name}")


async def update(
    session: Session, *, schedule: str, name: str | None, description: str | None
) -> None:
    """Change the name or the description."""
    if name is None and description is None:
        raise EndedError(Exit.USAGE, "Error: nothing to update; give --name or --description.")
    await _change(session, schedule, "update", name=name, description=description)


async def pause(session: Session, *, schedule: str) -> None:
    """Stop a schedule until it is resumed."""
    await _change(session, schedule, "pause", paused=True)


async def resume(session: Session, *, schedule: str) -> None:
    """Let a paused schedule go on."""
    await _change(session, schedule, "resume", paused=False)


async def _change(session: Session, schedule: str, action: str, **changes: Any) -> None:
    directory, listed = await _read(session)
    found = _meant(schedule, listed, directory)
    notes = [f"{key} {value!r}" for key, value in changes.items() if value is not None]
    plan = {**_planned(found, directory), "action": action, "note": ", ".join(notes)}
    session.agree([plan], f"{action.capitalize()} schedule {found.name} in {directory.region}")
    changed = await session.civo.schedules.update(found, **changes)
    session.out.items(SCHEDULES, [_json(changed, directory)], name="name")


async def next_(session: Session, *, schedule: str, number: int) -> None:
    """Forecast when a schedule is due next, or a cron expression."""
    civo = session.civo
    if " " in schedule.strip() or schedule.startswith("@"):
        due, called = civo.schedules.next_runs(schedule, number), schedule
    else:
        directory, listed = await _read(session)
        found = _meant(schedule, listed, directory)
        due, called = civo.schedules.next_runs(found, number), found.name
        if found.paused:
            session.out.say(f"{found.name} is paused.")
    items: list[Json] = [{"name": called, "due_at": moment(at)} for at in due]
    session.out.items((NAME, text_of("due_at")), items, name="due_at")


async def delete(session: Session, *, schedules: tuple[str, ...]) -> None:
    """Delete schedules; the snapshots they made stay."""
    directory, listed = await _read(session)
    found = {one.id: one for one in (_meant(text, listed, directory) for text in schedules)}
    plan = [{**_planned(one, directory), "action": "delete"} for one in found.values()]
    session.agree(plan, f"Delete {many(len(found), 'schedule')} in {directory.region}")
    for one in found.values():
        await session.civo.schedules.delete(one, missing_ok=True)
    session.out.items(SCHEDULES, [_json(one, directory) for one in found.values()], name="name")
    they = "it" if len(found) == 1 else "they"
    session.out.say(f"{many(len(found), 'schedule')} deleted; the snapshots {they} made stay.")


async def _read(session: Session) -> tuple[Directory, list[Schedule]]:
    civo = session.civo
    return await asyncio.gather(Directory.read(civo), civo.schedules.list().collect())


def _meant(text: str, listed: Sequence[Schedule], directory: Directory) -> Schedule:
    return the_one(
        text,
        listed,
        names=lambda one: (one.id, one.name),
        told=lambda one: f"{one.name} ({one.id})",
        what=f"schedule in {directory.region}",
        listed_by="civo-snapshots schedule list",
    )


def _json(schedule: Schedule, directory: Directory) -> Json:
    return schedule_json(schedule, directory.hostnames)


def _planned(schedule: Schedule, directory: Directory) -> Json:
    """A schedule as a line of a plan: its instances stand where a snapshot's does."""
    hosts = [directory.hostname(one.id) or one.id for one in schedule.instances]
    shown = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    return {**_json(schedule, directory), "hostname": shown}
