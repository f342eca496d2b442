"""What a plan to prune is about: the region, read once, and whose snapshots those are."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from math import inf
from typing import cast

from msgspec import Struct

from .. import _naming, _validation
from .._api import RegionApi, is_listing_refusal
from .._codec import ListingItem, as_snapshot
from .._concurrency import for_each
from .._http import Mask
from .._session import CallOptions, call_options
from .._validation import Id
from ..errors import CivoError, NotFoundError
from ..models import Instance, Snapshot
from ..retention import PrunePlan, RetentionPolicy, decide
from ..states import StateTable


class PruneOptions(CallOptions, total=False):
    """What a plan to prune accepts, beside the options of every call.

    Attributes:
        timeout: as in `CallOptions`, for each reading.
        retries: as in `CallOptions`.
        instances: those that are meant; all of the region by default.
        any_name: take in every name of the prefix, not only those that a run proves to be its own.
        failed: snapshots that have failed go too.
        duplicates: what is complete once more beside a run's oldest complete one of the same
            instance goes too.
    """

    instances: Iterable[Id | Instance]
    any_name: bool
    failed: bool
    duplicates: bool


async def plan_prune(
    api: RegionApi,
    prefix: str,
    policy: RetentionPolicy,
    options: PruneOptions,
    *,
    states: StateTable,
    workers: int,
) -> PrunePlan:
    """What a prune would delete and keep, by one reading of the region."""
    _validation.keywords(options, PruneOptions.__annotations__)
    # A prefix may end with the hyphen that comes behind it.
    stem = prefix.removesuffix("-") if isinstance(prefix, str) else prefix  # pyright: ignore[reportUnnecessaryIsInstance]
    _validation.label(stem, "prefix")
    _validation.of_type(policy, RetentionPolicy, "policy")
    any_name, failed, duplicates = (
        _validation.boolean(options.get(name, False), name)
        for name in ("any_name", "failed", "duplicates")
    )
    of_calls = {name: one for name, one in options.items() if name in CallOptions.__annotations__}
    chosen = call_options(cast("CallOptions", of_calls))
    ids = None
    if "instances" in options:
        _validation.instances(options["instances"])
        ids = frozenset(map(_validation.instance_id, options["instances"]))
    now = api.session.clock.now() + (api.session.clock_skew or timedelta())
    meant = ids
    if meant is None:
        meant = frozenset([one.id for one in await api.list_instances(chosen).collect()])
    found, strangers = await _Reader(api, prefix, any_name, chosen, workers).read(meant)
    decisions = [
        decision
        for instance_id in sorted(found)
        for decision in decide(
            found[instance_id](), policy, now, states, failed=failed, duplicates=duplicates
        )
    ]
    return PrunePlan(
        prefix,
        api.named_region(),
        now,
        str(policy),
        tuple(decisions),
        strangers if ids is None else 0,
    )


_MOST_KEPT = 256 << 20
"""Bytes of snapshots with one prefix, about half a million of them: a hostile server may go on."""

_Owned = dict[str, Callable[[], list[Snapshot]]]
"""Snapshots by the instance that they were made of; their records are made when they are needed."""


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
        self.items: list[ListingItem] = []

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        for item in items:
            if self.is_too_much or not _naming.has_prefix(_name_of(item), self._prefix):
                continue
            self._kept += len(bytes(item.instance))
            self.is_too_much = self._kept > _MOST_KEPT
            if (kept := item.kept(self._mask)) is not None:
                self.items.append(kept)


def _name_of(item: ListingItem) -> str:
    return item.name or item.inner().name or ""


def _records(owner: str, listed: Iterable[tuple[str, ListingItem]]) -> list[Snapshot]:
    """The snapshots of an instance, each under its own id."""
    found: dict[str, Snapshot] = {}
    for own_id, item in listed:
        if (record := item.record()) is not None:
            found[own_id] = as_snapshot(record, own_id, owner)
    return [*found.values()]


class _Reader(Struct, eq=False):
    """Reads what a plan is about."""

    api: RegionApi
    prefix: str
    any_name: bool
    options: CallOptions
    workers: int

    async def read(self, ids: frozenset[str]) -> tuple[_Owned, int]:
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
        inner_ids = [item.inner().id or "" for item in items]
        owners = self._owners(items, inner_ids, ids)
        if self.any_name and ids.isdisjoint(inner_ids) and not all(owners):
            return await self._read_each(ids)
        shared = Counter(inner_ids)
        found: dict[str, list[tuple[str, ListingItem]]] = {}
        for item, inner, owner in zip(items, inner_ids, owners, strict=True):
            if owner:
                # Which id is the snapshot's own is not known for certain: the last look at it,
                # before it is deleted, shows that.
                own_id = inner if inner not in ("", owner) and shared[inner] == 1 else item.id
                found.setdefault(owner, []).append((own_id, item))
        lazily: _Owned = {owner: partial(_records, owner, own) for owner, own in found.items()}
        return lazily, owners.count("")

    def _owners(
        self, items: Sequence[ListingItem], inner_ids: Sequence[str], ids: frozenset[str]
    ) -> list[str]:
        """The instance of each item; empty where nothing proves one."""
        by_digest = {_naming.digest_of(one): one for one in ids}
        owners: list[str] = []
        for item, inner in zip(items, inner_ids, strict=True):
            told = inner if inner in ids else ""
            owner = by_digest.get(self._digest(_name_of(item)), "")
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
                found[instance_id] = partial(list, own)
            return True

        await for_each(ids, read, workers=min(self.workers, len(ids)))
        if failures:
            raise failures[0]
        return found, strangers

    def _digest(self, name: str) -> str:
        """The digest of the instance that a name of a run of the prefix tells; else none."""
        run, digest = _naming.run_and_digest(name)
        return digest if _naming.has_prefix(run, self.prefix) else ""
