"""Finding what a fan-out of the same name has made before: the API itself keeps the record.

One region-wide listing answers for all instances. Which of an item's ids is the snapshot's own is
found out once, by one or two GETs; where there is no such listing, each instance's own is asked.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from math import inf

from .._api import RegionApi, is_listing_refusal
from .._codec import ListingItem, as_snapshot
from .._http import Mask
from ..errors import CivoError, NotFoundError
from ..models import RegionSnapshot, Snapshot
from ..states import StateTable, Verdict

_RANK = {Verdict.COMPLETE: 0, Verdict.PENDING: 1, Verdict.SETTLING: 1, Verdict.FAILED: 2}


_MOST_KEPT = 32 << 20
"""Bytes of one run's snapshots, about 50,000 of them: a hostile server may name all alike."""


class _Id(Enum):
    OUTER = "outer"
    INNER = "inner"
    NEITHER = "neither"


class _Namesakes:
    """The region's snapshots whose name begins as asked; a consumer of its listing.

    Attributes:
        is_complete: whether none of them is missing.
    """

    limit = inf

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning
        self.begin(bytes)

    def begin(self, mask: Mask) -> None:
        self._mask = mask
        self.is_complete = True
        self._kept = 0
        self.by_name: dict[str, list[RegionSnapshot]] = {}

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        self.is_complete = self.is_complete and not left_out
        for item in items:
            name = item.name or item.inner().name or ""
            if self.is_complete and name.startswith(self._beginning):
                self._keep(name, item)

    def _keep(self, name: str, item: ListingItem) -> None:
        self._kept += len(bytes(item.instance))
        found = item.record(self._mask)
        if found is None or self._kept > _MOST_KEPT:
            # What cannot be read, or is too much to be true, may be what is looked for.
            self.is_complete = False
        else:
            self.by_name.setdefault(name, []).append(found)


class Adoption:
    """Looks up existing snapshots by their name on the wire."""

    def __init__(self, api: RegionApi, beginning: str = "") -> None:
        """`beginning` is what all names that will be asked for begin with."""
        self._api = api
        self._beginning = beginning
        self._named: dict[str, list[RegionSnapshot]] | None = None
        self._id: _Id | None = None
        self._proving = asyncio.Lock()

    async def prepare(self) -> None:
        """Read the region once; where that is not offered, `find` asks instance by instance."""
        namesakes = _Namesakes(self._beginning)
        try:
            read = await self._api.read_region_listing(namesakes, {})
        except CivoError as error:
            if not is_listing_refusal(error):
                raise
            return
        if read is not None and namesakes.is_complete:
            self._named = namesakes.by_name

    async def find(self, instance_id: str, name: str) -> list[Snapshot]:
        """Every snapshot of that name, as the instance's own."""
        if self._named is not None:
            items = self._named.get(name)
            if not items:
                return []
            which = await self._which_id(items[0], instance_id, name)
            if which is not _Id.NEITHER:
                return [as_snapshot(item, _id_of(item, which), instance_id) for item in items]
        listed = await self._api.list_snapshots(instance_id, {}).collect()
        return [snapshot for snapshot in listed if snapshot.name == name]

    async def _which_id(self, item: RegionSnapshot, instance_id: str, name: str) -> _Id:
        async with self._proving:
            if self._id is None:
                self._id = await self._prove(item, instance_id, name)
            return self._id

    async def _prove(self, item: RegionSnapshot, instance_id: str, name: str) -> _Id:
        for which in (_Id.OUTER, _Id.INNER):
            if await self._is_own(instance_id, _id_of(item, which), name):
                return which
        return _Id.NEITHER

    async def _is_own(self, instance_id: str, snapshot_id: str, name: str) -> bool:
        try:
            snapshot = await self._api.get_snapshot(instance_id, snapshot_id, {})
        except NotFoundError:
            return False
        return snapshot.name == name


def _id_of(item: RegionSnapshot, which: _Id) -> str:
    return item.instance.id if which is _Id.INNER and item.instance else item.id


def best_of(states: StateTable) -> Callable[[Snapshot], tuple[int, float]]:
    """A sort key: the most advanced snapshot first, among equals the oldest."""

    def key(snapshot: Snapshot) -> tuple[int, float]:
        # Not the text of the time: its order says nothing where offsets differ.
        made = snapshot.created_at.timestamp() if snapshot.created_at else float("-inf")
        return _RANK[snapshot.judge(states)], made

    return key
