"""What becomes of the snapshots of one instance.

Only complete snapshots of a known time are counted, and may be deleted by a rule.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from .. import _naming
from ..errors import short
from ..models import Snapshot
from ..states import DEFAULT_STATES, StateTable, Verdict
from .plan import PruneDecision
from .policy import RetentionPolicy

_AHEAD = timedelta(days=1)
"""How far clocks may differ: what is dated later than that from now has no known time."""


def decide(
    found: Collection[Snapshot],
    policy: RetentionPolicy,
    now: datetime,
    states: StateTable = DEFAULT_STATES,
    *,
    failed: bool = False,
    duplicates: bool = False,
) -> list[PruneDecision]:
    """What becomes of these snapshots of one instance, the newest first; `now` is the server's.

    The newest complete one stays, and so does what is not finished or has no known time. `failed`
    and `duplicates` add what has failed, and what is one more of the same run beside its oldest
    complete one.
    """
    dated: list[tuple[datetime, Snapshot]] = []
    undated: list[Snapshot] = []
    for one in found:
        if one.created_at is None or one.created_at > now + _AHEAD:
            undated.append(one)
        else:
            dated.append((one.created_at.astimezone(UTC), one))
    dated.sort(key=lambda pair: (pair[0], pair[1].id), reverse=True)
    verdicts = {one.id: one.judge(states) for _, one in dated}
    complete = [(at, one) for at, one in dated if verdicts[one.id] is Verdict.COMPLETE]
    newest = complete[0][1].id if complete else ""
    beside = _duplicates([one for _, one in complete]) if duplicates else {}
    counted = [(at, one) for at, one in complete if one.id not in beside or one.id == newest]
    kept_by = policy.reasons([at for at, _ in counted])
    rules = {one.id: why for (_, one), why in zip(counted, kept_by, strict=True)}
    young = (f"younger than {policy.min_age}",)

    def is_kept(at: datetime, one: Snapshot) -> tuple[str, ...]:
        """Why it stays; empty if nothing speaks for it."""
        is_young = policy.min_age is not None and at > now - policy.min_age
        if verdicts[one.id] is Verdict.FAILED:
            return (young if is_young else ()) if failed else ("failed, and is not to be swept",)
        if verdicts[one.id] is not Verdict.COMPLETE:
            return (f"not finished ({short(one.state) or 'no state'})",)
        last = ("newest complete one",) if one.id == newest else ()
        return (*last, *rules.get(one.id, ()), *(young if is_young else ()))

    def decision(one: Snapshot) -> PruneDecision:
        keeper = newest
        why = reasons[one.id]
        if why:
            return _decision(one, verdicts[one.id], why)
        if verdicts[one.id] is Verdict.FAILED:
            why = ("failed",)
        elif one.id in beside:
            first = beside[one.id]
            why = (f"one more of its run, beside {short(first)}",)
            keeper = first if reasons[first] else newest
        else:
            why = ("no rule keeps it",)
        return _decision(one, verdicts[one.id], why, keep=False, keeper_id=keeper)

    reasons = {one.id: is_kept(at, one) for at, one in dated}
    unknown = ("its time is not known",)
    undated.sort(key=lambda one: one.id)
    return [
        *(_decision(one, one.judge(states), unknown) for one in undated),
        *(decision(one) for _, one in dated),
    ]


def _duplicates(newest_first: Sequence[Snapshot]) -> dict[str, str]:
    """Those that are more than one of their run, each with the oldest of it: that is adopted."""
    first: dict[str, str] = {}
    beside: dict[str, str] = {}
    for one in reversed(newest_first):
        run, digest = _naming.run_and_digest(one.name)
        known = first.setdefault(f"{run}-{digest}" if run else one.name, one.id)
        if known != one.id:
            beside[one.id] = known
    return beside


def _decision(
    one: Snapshot,
    verdict: Verdict,
    reasons: tuple[str, ...],
    *,
    keep: bool = True,
    keeper_id: str = "",
) -> PruneDecision:
    return PruneDecision(
        one.instance_id, one.id, one.name, one.created_at, verdict, keep, reasons, keeper_id
    )
