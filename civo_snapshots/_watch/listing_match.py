"""Finding the snapshots that are waited for in the region-wide listing; pure.

Nothing documents whether an item's outer id, its inner ``instance.id`` or neither is the id that a
create returned. So all three ways are tried in that order. A name counts only if it was made here,
because anybody may choose the others, and what only a name supports is not proven: a terminal state
seen that way has to be confirmed by a GET.
"""

from collections.abc import Sequence

from attrs import define, frozen

from .. import _naming
from .._codec.region_listing import Item
from .._collector import Lasting
from .._http.api_errors import Clean
from ..models import RegionSnapshot, Snapshot
from .schedule import Crowd, Watch


@frozen
class Sighting:
    """What the listing shows of one awaited snapshot.

    Attributes:
        digest: of the item's content, if it was found by the outer id; else None.
        is_proven: whether it was found by an id.
    """

    watch: Watch
    snapshot: Snapshot
    digest: int | None
    is_proven: bool


@define
class _Namesakes:
    """The items of one name, of which there must be only one."""

    watches: list[Watch]
    items: list[Item]


class Sightings:
    """One reading of the listing, compared with what is waited for.

    Attributes:
        unchanged: how many were seen with the same content as the last time.
        changed: who was seen otherwise.
        size: how many items the listing has.
    """

    def __init__(self, crowd: Crowd, limit: float) -> None:
        self._crowd = crowd
        self._lasting = Lasting()
        self.limit = limit
        self.begin(bytes)

    def begin(self, clean: Clean) -> None:
        self._clean = clean
        self.mark = object()
        self.size = 0
        self.unchanged = 0
        self._changes = self._crowd.changes
        self.changed: list[Sighting] = []
        self._within: dict[str, Item] = {}
        self._named: dict[str, _Namesakes] | None = None

    def see(self, items: Sequence[Item], left_out: int = 0) -> None:
        """Compare some items; what they show counts when the listing was read to its end."""
        self.size += len(items) + left_out
        by_id, mark = self._crowd.by_id, self.mark
        known = len(self.changed)
        unchanged = 0
        for item in items:
            watches = by_id.get(item.id)
            if watches is None:
                if not self._crowd.has_outer_ids:
                    self._see_loosely(item)
                continue
            digest = item.digest()
            for watch in watches:
                if watch.mark is mark:
                    continue  # an item that is there twice
                if digest == watch.shown or (
                    watch.shown is None and self._is_known(watch, item, digest)
                ):
                    watch.mark = mark
                    unchanged += 1
                elif found := self._found(item, watch):
                    watch.mark = mark
                    self.changed.append(Sighting(watch, found, digest, True))
        self.unchanged += unchanged
        self._lasting.made(len(self.changed) - known)

    def _is_known(self, watch: Watch, item: Item, digest: int) -> bool:
        """Whether the first status that the listing shows is the one that is known already."""
        last = watch.progress.last
        if last is None or not watch.progress.is_pending or item.inner().status() != last.status:
            return False
        watch.shown = digest
        self._crowd.has_outer_ids = True
        return True

    def _see_loosely(self, item: Item) -> None:
        """Note an item by what else may tell whose it is."""
        inner = item.inner()
        if inner.id and inner.id in self._crowd.by_id:
            # Where the inner id is the instance's, several items share it.
            self._within.setdefault(inner.id, item)
        if self._named is None:
            self._named = {}
            for watch in self._crowd:
                if watch.progress.last is not None:
                    namesakes = self._named.setdefault(watch.progress.last.name, _Namesakes([], []))
                    namesakes.watches.append(watch)
        name = item.name or inner.name or ""
        if name in self._named:
            self._named[name].items.append(item)

    def end(self) -> None:
        """The listing was read: decide what an inner id or a name means."""
        for inner_id, item in self._within.items():
            for watch in self._crowd.by_id.get(inner_id, ()):
                self._see_late(watch, item, is_proven=True)
        for name, namesakes in (self._named or {}).items():
            if len(namesakes.items) == 1:
                for watch in namesakes.watches:
                    if _naming.is_unique(name, watch.progress.instance_id):
                        self._see_late(watch, namesakes.items[0], is_proven=False)

    def _see_late(self, watch: Watch, item: Item, *, is_proven: bool) -> None:
        if watch.mark is not self.mark and (found := self._found(item, watch)):
            watch.mark = self.mark
            self.changed.append(Sighting(watch, found, None, is_proven))

    def _found(self, item: Item, watch: Watch) -> Snapshot | None:
        found = item.record(self._clean)
        if found is None or found.instance is None:
            return None
        return as_snapshot(found, watch.progress.snapshot_id, watch.progress.instance_id)

    def missing(self) -> list[Watch]:
        """Who was not seen."""
        seen = self.unchanged + len(self.changed)
        if seen == len(self._crowd) and self._changes == self._crowd.changes:
            return []
        return [watch for watch in self._crowd if watch.mark is not self.mark]


def name_of(item: RegionSnapshot) -> str:
    """The item's name, wherever it stands."""
    return item.name or (item.instance.name if item.instance else "")


def as_snapshot(item: RegionSnapshot, snapshot_id: str, instance_id: str) -> Snapshot:
    """The item in the form that the instance's own endpoints answer."""
    inner = item.instance or Snapshot(id=item.id)
    return Snapshot(
        id=snapshot_id,
        name=name_of(item),
        description=item.description or inner.description,
        included_volumes=inner.included_volumes,
        status=inner.status,
        created_at=item.created_at or inner.created_at,
        instance_id=instance_id,
    )
