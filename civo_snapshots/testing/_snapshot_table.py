"""The snapshots of a region: which of them show, to whom, and in what order."""

from collections import deque
from collections.abc import Collection, Iterable

from civo_snapshots.testing._snapshot_record import SnapshotRecord
from civo_snapshots.testing._switches import Switches


class SnapshotTable:
    """Times never decrease from call to call; `seen` is the time that a read shows.

    `by_id` holds every snapshot there ever was.
    """

    def __init__(self, switches: Switches) -> None:
        self.by_id: dict[str, SnapshotRecord] = {}
        self._switches = switches
        # Those not yet gone, by instance and by listing id, in the order of creation.
        self._by_instance: dict[str, dict[str, SnapshotRecord]] = {}
        self._listed: dict[str, SnapshotRecord] = {}
        self._leaving: deque[SnapshotRecord] = deque()
        # Gone, but not to reads that lag.
        self._fading: deque[SnapshotRecord] = deque()
        self._all_show_at_once = not switches.visible_after and not switches.read_lag

    def add(self, record: SnapshotRecord) -> None:
        """One more, which listings show last."""
        record.number = len(self.by_id)
        self.by_id[record.id] = record
        self._by_instance.setdefault(record.instance_id, {})[record.id] = record
        self._listed[record.listing_id] = record

    def count(self, at: float) -> int:
        """How many count in the quota: also those not visible yet, or on their way out."""
        self._drop_gone(at)
        return len(self._listed)

    def of_instance(self, instance_id: str, at: float) -> Collection[SnapshotRecord]:
        """What there is of this instance, whoever may see it."""
        self._drop_gone(at)
        return self._by_instance.get(instance_id, {}).values()

    def of_region(self, at: float) -> Collection[SnapshotRecord]:
        """What there is in the region, whoever may see it."""
        self._drop_gone(at)
        return self._listed.values()

    def shown(self, at: float, seen: float, instance_id: str | None = None) -> list[SnapshotRecord]:
        """What a listing shows, of one instance or of the whole region."""
        there = self.of_region(at) if instance_id is None else self.of_instance(instance_id, at)
        records = list(there)
        if not self._all_show_at_once:
            records = self._visible(there, seen, instance_id)
        if instance_id is None:
            return [record for record in records if not record.is_unlisted]
        return records

    def find(
        self, key: str, at: float, instance_id: str | None = None, *, seen: float | None = None
    ) -> SnapshotRecord | None:
        """By id (region-wide: by the listing's id), or by name where names stand for ids.

        With `seen`, for a read: it may not see it yet, or still see it.
        """
        self._drop_gone(at)
        table = self._listed if instance_id is None else self._by_instance.get(instance_id, {})
        if seen is None or self._all_show_at_once:
            record = table.get(key)
            return record or self._named(key, table.values(), at if seen is None else seen)
        visible = self._visible(table.values(), seen, instance_id)
        for record in visible:
            if key == (record.listing_id if instance_id is None else record.id):
                return record
        return self._named(key, visible, seen)

    def begin_deletion(self, record: SnapshotRecord, at: float) -> None:
        """Start to delete; it shows and counts until the deletion is done."""
        if not record.deleted:
            record.begin_deletion(at, self._switches.delete_takes)
            self._leaving.append(record)

    def _named(
        self, name: str, records: Iterable[SnapshotRecord], seen: float
    ) -> SnapshotRecord | None:
        if not self._switches.names_as_ids:
            return None
        return next((one for one in records if one.called(seen)[0] == name), None)

    def _visible(
        self, there: Iterable[SnapshotRecord], seen: float, instance_id: str | None
    ) -> list[SnapshotRecord]:
        late = self._switches.visible_after
        visible = [one for one in there if seen >= one.created + late]
        faded = [
            one
            for one in self._fading
            if one.created + late <= seen < one.gone_at and instance_id in (None, one.instance_id)
        ]
        return sorted([*visible, *faded], key=_number) if faded else visible

    def _drop_gone(self, at: float) -> None:
        # Each takes the same time to go, so the first to leave is the first gone.
        while self._leaving and self._leaving[0].gone_at <= at:
            record = self._leaving.popleft()
            del self._by_instance[record.instance_id][record.id]
            del self._listed[record.listing_id]
            if self._switches.read_lag:
                self._fading.append(record)
        while self._fading and self._fading[0].gone_at <= at - self._switches.read_lag:
            self._fading.popleft()


def _number(record: SnapshotRecord) -> int:
    return record.number
