"""Deleting by a plan, with a last look at each snapshot and at the one that is kept for it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from .. import _validation
from .._api import Missing, RegionApi, missing_of
from .._concurrency import for_each
from ..errors import (
    AuthenticationError,
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    short,
)
from ..models import Snapshot
from ..retention import PruneDecision, PruneKind, PruneOutcome, PrunePlan, PruneReport
from ..states import StateTable, Verdict


class _KeeperLostError(Exception):
    """The instance has to be left as it is."""


async def prune(
    api: RegionApi,
    plan: PrunePlan,
    states: StateTable,
    believed_from: Callable[[str], float],
    *,
    workers: int,
) -> PruneReport:
    """Delete what can be deleted; one outcome for each victim of the plan.

    `believed_from` is the moment from which a 404 for a snapshot counts.
    """
    _validation.of_type(plan, PrunePlan, "plan")
    if plan.region.casefold() != api.named_region().casefold():
        raise InvalidArgumentError(
            f"the plan is of region {short(plan.region)}, not {api.named_region()}"
        )
    groups: dict[str, list[PruneDecision]] = {}
    for one in plan.victims:
        groups.setdefault(one.instance_id, []).append(one)
    kept = {(one.instance_id, one.snapshot_id): one for one in plan.keepers}
    outcomes: dict[tuple[str, str], PruneOutcome] = {}
    stopped = ""

    async def work(victims: Sequence[PruneDecision]) -> None:
        nonlocal stopped
        instance = _InstancePrune(api, states, believed_from)
        for victim in reversed(victims):  # the oldest first
            if stopped:
                outcome = PruneOutcome(victim, PruneKind.SKIPPED, stopped)
            else:
                keeper = kept.get((victim.instance_id, victim.keeper_id))
                outcome = await instance.delete(victim, keeper)
            if isinstance(outcome.error, AuthenticationError):
                stopped = "not tried, because the token was refused"
            outcomes[victim.instance_id, victim.snapshot_id] = outcome

    await for_each(groups.values(), work, workers=max(1, min(workers, len(groups))))
    in_order = [(one.instance_id, one.snapshot_id) for one in plan.victims]
    return PruneReport(plan, tuple(outcomes[key] for key in in_order))


class _InstancePrune(Struct, eq=False):
    """The victims of one instance, one after the other."""

    api: RegionApi
    states: StateTable
    believed_from: Callable[[str], float]
    _left: str = ""
    """Why the rest is left as it is; empty as long as it is not."""
    _own_ids: Mapping[tuple[str, datetime | None], str] | None = None

    async def delete(self, victim: PruneDecision, keeper: PruneDecision | None) -> PruneOutcome:
        if self._left:
            return PruneOutcome(victim, PruneKind.SKIPPED, self._left)
        try:
            found = await self._as_now(victim)
            if why := self._misfit(victim, found):
                return PruneOutcome(victim, PruneKind.SKIPPED, why)
            assert found is not None
            if keeper is not None:
                await self._prove(keeper)
            await self.api.delete_snapshot(
                found.instance_id,
                found.id,
                {},
                missing_ok=True,
                believed_from=self.believed_from(found.id),
            )
        except _KeeperLostError as error:
            self._left = str(error)
            return PruneOutcome(victim, PruneKind.SKIPPED, self._left)
        except CivoError as error:
            return PruneOutcome(victim, PruneKind.FAILED, "could not be deleted", error)
        return PruneOutcome(victim, PruneKind.DELETED, ", ".join(victim.reasons))

    async def _prove(self, keeper: PruneDecision) -> None:
        """Raise unless what stays is still complete."""
        found = await self._as_now(keeper)
        if found is None or found.judge(self.states) is not Verdict.COMPLETE:
            now = "gone" if found is None else f"'{short(found.state)}'"
            raise _KeeperLostError(
                f"the snapshot to be kept, {short(keeper.snapshot_id)}, is {now} now"
            )

    def _misfit(self, victim: PruneDecision, found: Snapshot | None) -> str:
        """Why it is not to be deleted after all; empty if it looks as the plan says."""
        if found is None:
            return "is gone already"
        if found.created_at is None or found.created_at != victim.created_at:
            return "was made at another time than the plan says"
        if found.name != victim.name:
            return f"is called {short(found.name)} now"
        if found.judge(self.states) is not victim.verdict:
            return f"is '{short(found.state)}' now"
        return ""

    async def _as_now(self, decision: PruneDecision) -> Snapshot | None:
        """What the plan means, by its own GET; None if it is gone."""
        found = await self._get(decision.instance_id, decision.snapshot_id)
        if found is None:
            # The region's listing may not tell the ids that the instances' own endpoints know.
            own_id = (await self._ids(decision.instance_id)).get(
                (decision.name, decision.created_at)
            )
            found = await self._get(decision.instance_id, own_id) if own_id else None
        return found

    async def _get(self, instance_id: str, snapshot_id: str) -> Snapshot | None:
        try:
            found = await self.api.get_snapshot(instance_id, snapshot_id, {})
        except NotFoundError as error:
            if missing_of(error) is not Missing.OBJECT:
                raise
            return None
        return found if found.id == snapshot_id else None  # it was taken for a name

    async def _ids(self, instance_id: str) -> Mapping[tuple[str, datetime | None], str]:
        """The instance's snapshots by what tells them apart; two alike are none."""
        if self._own_ids is None:
            listed = await self.api.list_snapshots(instance_id, {}).skipping(True).collect()
            ids: dict[tuple[str, datetime | None], str] = {}
            for one in listed:
                key = (one.name, one.created_at)
                ids[key] = "" if key in ids else one.id
            self._own_ids = ids
        return self._own_ids
