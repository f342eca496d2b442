"""Finding what a fan-out of the same name has made before: the API itself keeps the record.

One region-wide listing answers for all instances what does not exist. What it shows is proven by
the instance itself, with one GET or its own list: a name in the listing may be anybody's, and may
have been deleted since. Where there is no such listing, each instance's own is asked.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum

from .. import _naming
from .._api import RegionApi
from .._codec import as_snapshot
from ..errors import NotFoundError
from ..models import RegionSnapshot, Snapshot
from .namesakes import Namesakes, read_namesakes
from .patience import step_within

_TOLERANCE = 2.0
"""Seconds: HTTP dates have whole ones, and so may `created_at`."""


class _Id(Enum):
    """Which of an item's ids is the snapshot's own."""

    OUTER = "outer"
    INNER = "inner"
    NEITHER = "neither"


class Adoption:
    """Looks up a run's existing snapshots."""

    def __init__(
        self, api: RegionApi, run: str, left: Callable[[], float], *, resume: bool = False
    ) -> None:
        """`left` tells the seconds of the run; `resume` that an earlier attempt has just died."""
        self._api = api
        self._run = run
        self._left = left
        self._may_lag = resume
        self._read_at = 0.0
        self._items: Namesakes | None = None
        self._id: _Id | None = None
        self._proving = asyncio.Lock()
        self._catching_up = asyncio.Lock()

    def now(self) -> datetime:
        """The server's time, as far as it is known."""
        session = self._api.session
        return session.clock.now() + (session.clock_skew or timedelta())

    async def prepare(self) -> None:
        """Read the region once; where that is not offered, `find` asks instance by instance."""
        self._read_at = self._api.session.clock.monotonic()
        self._items = await read_namesakes(self._api, self._run, self._left)
        items = (item for items in (self._items or {}).values() for item in items)
        self._may_lag = self._may_lag or any(map(self._is_young, items))

    async def find(self, instance_id: str, *, at_once: bool = False) -> list[Snapshot]:
        """Every snapshot that the run has of the instance, as the instance shows it now.

        What is missing is looked for again when reads have caught up, unless `at_once`.
        """
        found = await self._find(instance_id)
        if not found and self._may_lag and not at_once:
            await self._catch_up()
            found = await self._find(instance_id)
        return found

    async def listed(self, instance_id: str) -> list[Snapshot]:
        """The same by the instance's own list alone."""
        first = _naming.name_for(self._run, instance_id)
        step = step_within(self._api.session, self._left)
        listed = await self._api.list_snapshots(instance_id, step).collect()
        return [one for one in listed if _naming.without_repeat(one.name)[0] == first]

    def shown(self, instance_id: str) -> list[Snapshot] | None:
        """What the region's listing has shown, without proof; None if it was not read."""
        if self._items is None:
            return None
        items = self._items.get(_naming.name_for(self._run, instance_id), ())
        which = _Id.INNER if self._id is _Id.INNER else _Id.OUTER
        return [as_snapshot(item, _id_of(item, which), instance_id) for item in items]

    def names_instance(self, instance_id: str) -> bool:
        """Whether the listing itself says that what it shows belongs to the instance."""
        items = (self._items or {}).get(_naming.name_for(self._run, instance_id), ())
        return all(item.instance is not None and item.instance.id == instance_id for item in items)

    def is_told(self, instance_id: str) -> bool:
        """Whether the listing tells all of an instance: whose it is, and under which id.

        The second is known once something was found.
        """
        return self._id is _Id.OUTER and self.names_instance(instance_id)

    def instances_shown(self) -> list[str] | None:
        """The instances of everything that the listing has shown; None if it does not tell them."""
        if self._items is None:
            return None
        ids: list[str] = []
        for name, items in self._items.items():
            named = {item.instance.id if item.instance else "" for item in items}
            ids += [one for one in named if _naming.name_for(self._run, one) == name]
            if not any(_naming.name_for(self._run, one) == name for one in named):
                return None
        return ids

    def instances_among(self, instances: Iterable[str]) -> list[str]:
        """Those that the listing has shown something of; all of them if it was not read."""
        items = self._items
        if items is None:
            return list(instances)
        return [one for one in instances if _naming.name_for(self._run, one) in items]

    # Reads that lag behind hide what an attempt made that died a moment ago.

    def _is_young(self, item: RegionSnapshot) -> bool:
        """Whether it was made so short ago that others, made with it, may not show yet."""
        made = item.created_at or (item.instance.created_at if item.instance else None)
        window = self._api.session.timeouts.reconcile_window + _TOLERANCE
        return made is None or (self.now() - made).total_seconds() < window

    async def _catch_up(self) -> None:
        """Wait until everything made before the run shows, and read again; once for all."""
        async with self._catching_up:
            if not self._may_lag:
                return
            session = self._api.session
            shows = self._read_at + session.timeouts.reconcile_window
            pause = min(shows - session.clock.monotonic(), self._left())
            await session.pause(max(pause, 0.0))
            if self._items is not None:
                self._items = await read_namesakes(self._api, self._run, self._left)
            self._may_lag = False

    # The proof

    async def _find(self, instance_id: str) -> list[Snapshot]:
        if self._items is None:
            return await self.listed(instance_id)
        items = self._items.get(_naming.name_for(self._run, instance_id), ())
        if not items:
            return []
        if self._id is None:
            async with self._proving:  # the first one shows which id to ask for
                if self._id is None:
                    return await self._proven(instance_id, items)
        return await self._proven(instance_id, items)

    async def _proven(self, instance_id: str, items: Sequence[RegionSnapshot]) -> list[Snapshot]:
        which = self._id or _Id.OUTER
        if len(items) == 1 and which is not _Id.NEITHER:
            own = await self._own(instance_id, _id_of(items[0], which))
            if own is not None:
                self._id = which
                return [own]
        found = await self.listed(instance_id)
        if self._id is None and found:
            self._id = _which_of(items[0], {one.id for one in found})
        return found

    async def _own(self, instance_id: str, snapshot_id: str) -> Snapshot | None:
        """The instance's snapshot of that id, if it is one of this run's."""
        try:
            step = step_within(self._api.session, self._left)
            snapshot = await self._api.get_snapshot(instance_id, snapshot_id, step)
        except NotFoundError:
            return None
        first, _ = _naming.without_repeat(snapshot.name)
        return snapshot if first == _naming.name_for(self._run, instance_id) else None


def _which_of(item: RegionSnapshot, own: set[str]) -> _Id:
    for which in (_Id.OUTER, _Id.INNER):
        if _id_of(item, which) in own:
            return which
    return _Id.NEITHER


def _id_of(item: RegionSnapshot, which: _Id) -> str:
    return item.instance.id if which is _Id.INNER and item.instance else item.id
