"""Runs that were made before, found by their name."""

from typing import Any

from ... import _naming, _validation
from ...models import Instance
from ...outcomes import FleetRun
from .._choice import Choice
from .._exits import Exit
from .._find import Directory, Found, read_region
from .._records import Json, outcome_json, run_json, snapshot_json
from .._report import OUTCOMES, RESULT, exit_of_run, say_why
from .._session import EndedError, Session
from .._words import counted, many
from .snapshots import delete_all

_STATUS = (OUTCOMES[0], RESULT, *OUTCOMES[2:])


async def status(session: Session, *, name: str, expected: int | None, **choosing: Any) -> Exit:
    """Show a run as it is now."""
    civo, out, choice = session.civo, session.out, Choice(**choosing)
    _validation.run_name(name)
    directory, found = await read_region(civo)
    hosts = directory.hostnames
    if choice.is_made:
        run = await civo.snapshots.find_run(name, instances=choice.of(directory), max_age=None)
    else:
        shown = len(_holders(name, directory, found))
        number = expected or shown
        if not number:
            raise EndedError(Exit.FAILED, f"Error: there is no run {name} in {civo.region}.")
        run = await civo.snapshots.find_run(name, expected=number, max_age=None)
        if expected is None:
            out.say(
                "Whether instances are missing is not known: name them, by --tag for one, or say "
                "how many are --expected."
            )
    if out.form == "json":
        out.item(_STATUS, run_json(run, civo.region or "", hosts), name="name")
    else:
        items = [outcome_json(one, hosts.get(one.instance_id, "")) for one in run]
        out.items(_STATUS, items, name="name")
    _say(session, run, hosts)
    return exit_of_run(run)


def _say(session: Session, run: FleetRun, hosts: dict[str, str]) -> None:
    session.out.say(f"Run {run.name} in {session.civo.region}: {counted(run)}.", "head")
    for one in run.failures:
        say_why(session, one, hosts)
    if run.duplicates:
        session.out.say(f"  {many(len(run.duplicates), 'further snapshot')} of its names.")


async def rollback(
    session: Session, *, name: str, wait: bool, timeout: float, **choosing: Any
) -> Exit:
    """Delete the snapshots of a run."""
    civo, choice = session.civo, Choice(**choosing)
    _validation.run_name(name)
    directory, listed = await read_region(civo)
    holders = choice.of(directory) if choice.is_made else _holders(name, directory, listed)
    if not holders:
        raise EndedError(Exit.FAILED, f"Error: there is no run {name} in {civo.region}.")
    run = await civo.snapshots.find_run(name, instances=holders, max_age=None)
    found = [
        Found(snapshot, directory.hostname(outcome.instance_id))
        for outcome in run
        for snapshot in (outcome.snapshot, *outcome.duplicates)
        if snapshot is not None
    ]
    plan: list[Json] = [
        {**snapshot_json(one.snapshot, one.hostname), "action": "delete"} for one in found
    ]
    session.agree(plan, f"Delete {many(len(found), 'snapshot')} of run {name} in {civo.region}")
    return await delete_all(session, found, wait=wait, timeout=timeout)


def _holders(name: str, directory: Directory, listed: list[Found]) -> list[Instance]:
    """The instances that have a snapshot of the run, as its name proves."""
    holders = {
        one.snapshot.instance_id
        for one in listed
        if _naming.run_of(one.snapshot.name, one.snapshot.instance_id) == name
    }
    return [one for one in directory.instances if one.id in holders]
