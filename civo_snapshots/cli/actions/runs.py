"""Runs over many instances."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ... import _naming, _validation
from ..._create import OnExisting
from ..._fleet import DEFAULT_MAX_AGE, OnFailed
from ..._watch import PollPolicy
from ...errors import NotFoundError, PermissionDeniedError
from ...models import Instance, Quota, oldest_first
from ...outcomes import FleetRun, OutcomeKind
from ...resources import RunOptions
from ...states import Verdict
from .._choice import Choice
from .._exits import Exit
from .._find import Directory, Found, read_region
from .._job import Job
from .._records import Json, snapshot_json
from .._report import report
from .._session import Session
from .._words import many


async def run(
    session: Session,
    *,
    name: str | None,
    description: str | None,
    timeout: float,
    concurrency: int | None,
    max_in_flight: int | None,
    max_rate: float | None,
    on_existing: OnExisting,
    max_age: float | None,
    any_age: bool,
    on_failed: OnFailed,
    resume: bool,
    no_wait: bool,
    check_quota: bool,
    allow_empty: bool,
    **choosing: Any,
) -> Exit:
    """Snapshot the chosen instances."""
    choice = Choice(**choosing)
    choice.check()
    session.max_rate = max_rate
    is_named = name is not None
    name = _validation.run_name(name or _naming.generate_name(session.clock.now()))
    oldest = None if any_age else max_age or DEFAULT_MAX_AGE
    options: RunOptions = {
        "description": description,
        "timeout": timeout,
        "concurrency": concurrency,
        "on_existing": on_existing,
        "max_age": oldest,
        "on_failed": on_failed,
        "resume": resume,
        "quota": "check" if check_quota else "ignore",
        "allow_empty": allow_empty,
    }
    if max_in_flight is not None:
        options["max_in_flight"] = max_in_flight
    civo = session.civo
    existing: list[Found] = []
    if session.yes or not is_named:  # nothing can exist under a name made just now
        directory = await Directory.read(civo)
    else:
        directory, existing = await read_region(civo)
    chosen = choice.of(directory, allow_empty=allow_empty)
    # The more there are, the more a poll costs and the less one of them matters.
    options["poll"] = PollPolicy(floor=min(max(1.0, len(chosen) / 200), 5.0))
    if not session.yes:
        plan = _plan(session, chosen, name, existing, options)
        session.agree(plan, await _question(session, name, plan))
    session.out.say(f"Run {name} in {civo.region}: {many(len(chosen), 'instance')}.")
    job = Job(session)
    try:
        await (job.start if no_wait else job.fan_out)(chosen, name, **options)
    finally:
        # Also when interrupted, and only now: closing finds out what became of the last creates.
        await session.close()
        code = report(
            session, job, next_steps=_next(job.run, name, is_named=is_named, no_wait=no_wait)
        )
    goes_on = {OutcomeKind.PENDING, OutcomeKind.COMPLETE}
    if no_wait and job.run is not None and {outcome.kind for outcome in job.run} <= goes_on:
        return Exit.OK  # what goes on is what was asked for
    return code


def _plan(
    session: Session,
    chosen: Sequence[Instance],
    name: str,
    existing: Sequence[Found],
    options: RunOptions,
) -> list[Json]:
    """What the run would do to each instance."""
    newest_last = sorted(existing, key=lambda one: oldest_first(one.snapshot))
    by_name = {one.snapshot.name: one for one in newest_last}
    now, plan = session.clock.now(), list[Json]()
    for instance in chosen:
        wire_name = _naming.name_for(name, instance.id)
        item: Json = {
            "action": "create",
            "instance_id": instance.id,
            "hostname": instance.hostname,
            "name": wire_name,
        }
        if (found := by_name.get(wire_name)) is not None and options.get("on_existing") != "create":
            action, note = _with_existing(found, now, options)
            item |= {**snapshot_json(found.snapshot, instance.hostname), "action": action}
            item["note"] = note
        plan.append(item)
    return plan


def _with_existing(found: Found, now: datetime, options: RunOptions) -> tuple[str, str]:
    made, oldest = found.snapshot.created_at, options.get("max_age")
    if options.get("on_existing") == "error":
        return "refuse", "exists"
    if oldest is not None and (made is None or (now - made).total_seconds() > oldest):
        return "refuse", "too old to be taken over (--max-age)"
    if found.snapshot.verdict is Verdict.FAILED:
        return (
            ("create", "the one that exists has failed")
            if (options.get("on_failed") == "retry")
            else ("adopt", "it has failed (--on-failed retry makes another)")
        )
    return "adopt", "exists"


async def _question(session: Session, name: str, plan: Sequence[Json]) -> str:
    """What is to be confirmed, with what the quota says to it."""
    new = sum(item["action"] == "create" for item in plan)
    taken = sum(item["action"] == "adopt" for item in plan)
    quota = await _quota(session)
    told = ""
    if quota is not None and (free := quota.free_snapshots) is not None:
        told = (
            f", {free:,} left in the quota"
            if free >= new
            else f", but ONLY {free:,} ARE LEFT in the quota"
        )
    elif quota is None:
        told = ", the quota is not known"
    adopted = f" and take over {taken}" if taken else ""
    return f"Create {many(new, 'snapshot')}{adopted} in {session.civo.region} as {name}{told}"


async def _quota(session: Session) -> Quota | None:
    """The quota; None where a token may not read it, which does not forbid snapshots."""
    try:
        return await session.civo.quota.get()
    except (PermissionDeniedError, NotFoundError):
        return None


_OPEN = (OutcomeKind.TIMED_OUT, OutcomeKind.UNKNOWN, OutcomeKind.NOT_ATTEMPTED)


def _next(run: FleetRun | None, name: str, *, is_named: bool, no_wait: bool) -> list[str]:
    """What to type next."""
    if run is None:
        return []
    if no_wait and not run.failures:
        return [f"Begun. To look at it: civo-snapshots status {name}"]
    if any(outcome.kind in _OPEN or not outcome.kind.is_end for outcome in run):
        which = "the same command again" if is_named else f"the same command with --name {name}"
        return [f"To continue: {which} (nothing is created twice)."]
    return [f"To look at it again: civo-snapshots status {name}"]
