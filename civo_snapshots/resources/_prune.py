"""Retention: reading a region for a plan, and deleting by one with a last look at each snapshot."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf

from attrs import define, field

from .. import _naming, _validation
from .._api import Missing, RegionApi, is_listing_refusal, missing_of
from .._codec import ListingItem, as_snapshot, name_of
from .._concurrency import for_each
from .._http import Mask
from .._session import CallOptions
from ..errors import (
    AuthenticationError,
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    short,
)
from ..models import RegionSnapshot, Snapshot
from ..retention import (
    PruneDecision,
    PruneKind,
    PruneOutcome,
    PrunePlan,
    PruneReport,
    RetentionPolicy,
    decide,
)
from ..states import StateTable, Verdict

_MOST_KEPT = 256 << 20
"""Bytes of snapshots with one prefix, about half a million of them: a hostile server may go on."""

_Owned = dict[str, list[Snapshot]]
"""Snapshots by the instance that they were made of."""


class _Meant:
    """The region's snapshots whose names have the prefix; a consumer of its listing.

    What cannot be read is not among them, so that it is not counted and not deleted either.

    Attributes:
        is_too_much: whether they were too many to be kept in memory.
    """

    limit = inf

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.begin(bytes)

    def begin(self, mask: Mask) -> None:
        self._mask = mask
        self._kept = 0
        self.is_too_much = False
        self.items: list[RegionSnapshot] = []

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        for item in items:
            name = item.name or item.inner().name or ""
            if not _naming.has_prefix(name, self._prefix) or self.is_too_much:
                continue
            self._kept += len(bytes(item.instance))
            self.is_too_much = self._kept > _MOST_KEPT
            if (found := item.record(self._mask)) is not None:
                self.items.append(found)


@define
class PruneReader:
    """Reads what a plan is about."""

    api: RegionApi
    prefix: str
    any_name: bool
    options: CallOptions
    workers: int

    async def plan(
        self,
        policy: RetentionPolicy,
        states: StateTable,
        instance_ids: Collection[str] | None,
        *,
        failed: bool,
        duplicates: bool,
    ) -> PrunePlan:
        """A plan for these instances, or for all of the region."""
        session = self.api.session
        now = session.clock.now() + (session.clock_skew or timedelta())
        ids = instance_ids
        if ids is None:
            ids = {one.id for one in await self.api.list_instances(self.options).collect()}
        found, strangers = await self._read(frozenset(ids))
        decisions = [
            decision
            for instance_id in sorted(found)
            for decision in decide(
                found[instance_id], policy, now, states, failed=failed, duplicates=duplicates
            )
        ]
        return PrunePlan(
            self.prefix,
            self.api.named_region(),
            now,
            str(policy),
            tuple(decisions),
            strangers if instance_ids is None else 0,
        )

    async def _read(self, ids: frozenset[str]) -> tuple[_Owned, int]:
        """By the region-wide listing, or each instance's own where that does not tell enough."""
        listing = _Meant(self.prefix)
        try:
            seen = await self.api.read_region_listing(listing, self.options)
        except CivoError as error:
            if not is_listing_refusal(error):
                raise
            seen = None
        if seen is None or listing.is_too_much:
            return await self._read_each(ids)
        items = listing.items
        owners = self._owners(items, ids)
        names_instances = any(item.instance and item.instance.id in ids for item in items)
        if self.any_name and not names_instances and not all(owners):
            return await self._read_each(ids)
        inner_ids = Counter(item.instance.id for item in items if item.instance)
        found: dict[str, dict[str, Snapshot]] = {}
        for item, owner in zip(items, owners, strict=True):
            if owner:
                inner = item.instance.id if item.instance else ""
                # Which id is the snapshot's own is not known for certain: the last look at it,
                # before it is deleted, shows that.
                own_id = inner if inner != owner and inner_ids[inner] == 1 else item.id
                found.setdefault(owner, {})[own_id] = as_snapshot(item, own_id, owner)
        return {owner: [*own.values()] for owner, own in found.items()}, owners.count("")

    def _owners(self, items: Sequence[RegionSnapshot], ids: frozenset[str]) -> list[str]:
        """The instance of each item; empty where nothing proves one."""
        by_digest = {_naming.digest_of(one): one for one in ids}
        owners: list[str] = []
        for item in items:
            told = item.instance.id if item.instance and item.instance.id in ids else ""
            owner = by_digest.get(self._digest(name_of(item)), "")
            if owner and told not in ("", owner):
                owner = ""  # named like another's
            owners.append(owner or (told if self.any_name else ""))
        return owners

    async def _read_each(self, ids: frozenset[str]) -> tuple[_Owned, int]:
        found: _Owned = {}
        strangers = 0
        failures: list[CivoError] = []

        async def read(instance_id: str) -> bool:
            nonlocal strangers
            try:
                listing = self.api.list_snapshots(instance_id, self.options).skipping(True)
                listed = await listing.collect()
            except NotFoundError:
                return True  # gone since the instances were listed
            except CivoError as error:
                failures.append(error)
                return False
            digest = _naming.digest_of(instance_id)
            meant = [one for one in listed if _naming.has_prefix(one.name, self.prefix)]
            own = [one for one in meant if self.any_name or self._digest(one.name) == digest]
            strangers += len(meant) - len(own)
            if own:
                found[instance_id] = own
            return True

        await for_each(ids, read, workers=min(self.workers, len(ids)))
        if failures:
            raise failures[0]
        return found, strangers

    def _digest(self, name: str) -> str:
        """The digest of the instance that a name of a run of the prefix tells; else none."""
        run, digest = _naming.run_and_digest(name)
        return digest if _naming.has_prefix(run, self.prefix) else ""


class _KeeperLostError(Exception):
    """The instance has to be left as it is."""


@define
class Prune:
    """Carries out a plan; nothing is deleted that does not look as the plan says any more."""

    api: RegionApi
    plan: PrunePlan
    states: StateTable
    believed_from: Callable[[str], float]
    """The moment from which a 404 for a snapshot counts."""
    _stopped: str = field(default="", init=False)

    async def run(self, *, workers: int) -> PruneReport:
        """Delete what can be deleted; one outcome for each victim."""
        if self.plan.region.casefold() != self.api.named_region().casefold():
            raise InvalidArgumentError(
                f"the plan is of region {short(self.plan.region)}, not {self.api.named_region()}"
            )
        groups: dict[str, list[PruneDecision]] = {}
        for one in self.plan.victims:
            groups.setdefault(one.instance_id, []).append(one)
        kept = {(one.instance_id, one.snapshot_id): one for one in self.plan.keepers}
        outcomes: dict[tuple[str, str], PruneOutcome] = {}

        async def work(victims: Sequence[PruneDecision]) -> None:
            instance = _InstancePrune(self.api, self.states, self.believed_from)
            for victim in reversed(victims):  # the oldest first
                keeper = kept.get((victim.instance_id, victim.keeper_id))
                outcome = (
                    PruneOutcome(victim, PruneKind.SKIPPED, self._stopped)
                    if self._stopped
                    else await instance.delete(victim, keeper)
                )
                if isinstance(outcome.error, AuthenticationError):
                    self._stopped = "not tried, because the token was refused"
                outcomes[victim.instance_id, victim.snapshot_id] = outcome

        await for_each(groups.values(), work, workers=max(1, min(workers, len(groups))))
        in_order = [(one.instance_id, one.snapshot_id) for one in self.plan.victims]
        return PruneReport(self.plan, tuple(outcomes[key] for key in in_order))


@define
class _InstancePrune:
    """The victims of one instance, one after the other."""

    api: RegionApi
    states: StateTable
    believed_from: Callable[[str], float]
    _left: str = field(default="", init=False)
    """Why the rest is left as it is; empty as long as it is not."""
    _own_ids: Mapping[tuple[str, datetime | None], str] | None = field(default=None, init=False)

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


def prune_prefix(value: object) -> str:
    """A prefix of run names; it may end with the hyphen that comes behind it."""
    if isinstance(value, str):
        _validation.label(value.removesuffix("-"), "prefix")
        return value
    return _validation.label(value, "prefix")
