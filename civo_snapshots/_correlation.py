"""Finding one's own snapshots in the region-wide listing; pure.

Nothing documents whether an item's outer id, its inner ``instance.id`` or neither is the id that a
create returned. So all three ways are tried in that order. A name counts only if it was made here,
because anybody may choose the others, and what only a name supports is not proven: a terminal state
seen that way has to be confirmed by a GET.
"""

from collections.abc import Iterable

from attrs import define, field, frozen

from . import _names
from .models import RegionSnapshot, Snapshot


@frozen
class Found:
    """An item of the listing, as a snapshot of the instance it is known to belong to."""

    snapshot: Snapshot
    proven: bool


@define
class RegionIndex:
    """One answer of the region-wide listing, by every key an item may have."""

    size: int = 0
    _outer: dict[str, RegionSnapshot] = field(factory=dict[str, RegionSnapshot])
    _inner: dict[str, RegionSnapshot] = field(factory=dict[str, RegionSnapshot])
    _named: dict[str, list[RegionSnapshot]] = field(factory=dict[str, list[RegionSnapshot]])

    @classmethod
    def of(cls, items: Iterable[RegionSnapshot]) -> "RegionIndex":
        index = cls()
        for item in items:
            index.size += 1
            index._outer[item.id] = item
            if item.instance is not None:
                index._inner.setdefault(item.instance.id, item)
            index._named.setdefault(name_of(item), []).append(item)
        return index

    def find(self, instance_id: str, snapshot_id: str, name: str) -> Found | None:
        """The one item that stands for the snapshot, or None."""
        item = self._outer.get(snapshot_id) or self._inner.get(snapshot_id)
        proven = item is not None
        if item is None:
            namesakes = self.named(name) if _names.is_unique(name, instance_id) else []
            item = namesakes[0] if len(namesakes) == 1 else None
        if item is None or item.instance is None:
            return None
        return Found(as_snapshot(item, snapshot_id, instance_id), proven)

    def named(self, name: str) -> list[RegionSnapshot]:
        """Every item of that name."""
        return self._named.get(name, [])


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
