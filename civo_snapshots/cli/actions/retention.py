"""Deleting old snapshots by a policy."""

from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...resources import PruneOptions
from ...retention import PruneDecision, PruneKind, PruneOutcome, PrunePlan, RetentionPolicy
from .._choice import Choice
from .._exits import Exit, worst
from .._find import Directory
from .._records import PLAN, Json, moment
from .._session import EndedError, Session
from .._words import exit_of, many, reason


async def prune(
    session: Session,
    *,
    prefix: str,
    keep_within: float | None,
    min_age: float | None,
    tz: str | None,
    failed: bool,
    duplicates: bool,
    any_name: bool,
    keep_last: int | None,
    keep_hourly: int | None,
    keep_daily: int | None,
    keep_weekly: int | None,
    keep_monthly: int | None,
    keep_yearly: int | None,
    **choosing: Any,
) -> Exit:
    """Make a plan, show it with its reasons, and carry it out."""
    policy = RetentionPolicy(
        keep_last=keep_last or 0,
        keep_hourly=keep_hourly or 0,
        keep_daily=keep_daily or 0,
        keep_weekly=keep_weekly or 0,
        keep_monthly=keep_monthly or 0,
        keep_yearly=keep_yearly or 0,
        keep_within=None if keep_within is None else timedelta(seconds=keep_within),
        min_age=None if min_age is None else timedelta(seconds=min_age),
        tz=_zone(tz),
    )
    if not policy.has_rules and not (failed or duplicates):
        raise EndedError(
            Exit.USAGE,
            "Error: nothing says what may go; give a rule such as --keep-daily 7 or --keep-last 3.",
        )
    civo, choice = session.civo, Choice(**choosing)
    directory = await Directory.read(civo)
    options: PruneOptions = {
        "any_name": any_name,
        "failed": failed,
        "duplicates": duplicates,
    }
    if choice.is_made:  # else the plan is of all, and also tells of names that prove nothing
        options["instances"] = choice.of(directory)
    plan = await civo.snapshots.plan_prune(prefix, policy, **options)
    items = [_planned(one, directory) for one in plan.decisions]
    if plan.strangers:
        session.out.say(
            f"{many(plan.strangers, 'snapshot')} more "
            f"{'begins' if plan.strangers == 1 else 'begin'} so, of which the name does not prove "
            "that a run made it (--any-name)."
        )
    if not plan.decisions:
        raise EndedError(
            Exit.FAILED,
            f"Error: no run in {civo.region} is called {prefix} or begins with "
            f"{prefix.removesuffix('-')}-, so that there is nothing to keep or to delete.",
        )
    if not plan.victims:
        session.out.items(PLAN, items if session.dry_run else [], name="name")
        session.out.say(f"Nothing to delete; {many(len(plan.keepers), 'snapshot')} to keep.")
        return Exit.OK
    session.agree(
        items,
        f"Delete {many(len(plan.victims), 'snapshot')} and keep {len(plan.keepers)} in "
        f"{civo.region}",
    )
    return await _carry_out(session, plan, directory)


async def _carry_out(session: Session, plan: PrunePlan, directory: Directory) -> Exit:
    report = await session.civo.snapshots.prune(plan)
    items = [_done(one, directory) for one in report]
    session.out.items(PLAN, items, name="name")
    counts = [f"{number} {kind}" for kind, number in report.counts.items() if number]
    session.out.say(f"{', '.join(counts)}; {len(plan.keepers)} kept.", "head")
    skipped = [Exit.FAILED] if report.counts[PruneKind.SKIPPED] else []
    return worst([*skipped, *(exit_of(one.error) for one in report if one.error is not None)])


def _planned(decision: PruneDecision, directory: Directory) -> Json:
    return {
        "action": "keep" if decision.keep else "delete",
        "id": decision.snapshot_id,
        "name": decision.name,
        "instance_id": decision.instance_id,
        "hostname": directory.hostname(decision.instance_id) or None,
        "state": decision.verdict.value,
        "verdict": decision.verdict.value,
        "created_at": moment(decision.created_at),
        "note": ", ".join(decision.reasons),
    }


def _done(outcome: PruneOutcome, directory: Directory) -> Json:
    note = reason(outcome.error) or outcome.reason
    return {**_planned(outcome.decision, directory), "action": outcome.kind.value, "note": note}


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EndedError(Exit.USAGE, f"Error: there is no time zone {name!r}.") from None
