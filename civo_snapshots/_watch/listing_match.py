"""Finding the awaited snapshots in the region-wide listing; pure.

Nothing documents whether an item's outer id, its inner ``instance.id`` or neither is the id that a
create returned. So the matcher tries the outer id, then the inner one, then the name. A name counts
only if this package generated it, because anybody may choose another; and what only a name supports
is not proven: a terminal state seen that way has to be confirmed by a GET.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from .. import _naming, states
from .._codec import ListedStatus, ListingItem, as_snapshot
from .._http import Mask
from ..models import Snapshot, id_and_state, state_of
from ..states import StateTable, Verdict
from .progress import is_same
from .schedule import RegisteredWait, WaitRegistry


class Match(NamedTuple):
    """What the listing shows of one awaited snapshot.

    Attributes:
        shown: the record; its status alone if that ends nothing and nobody hears of it.
        digest: of the item's content, if it was found by the outer id; else None.
        is_proven: whether it was found by an id.
    """

    wait: RegisteredWait
    shown: Snapshot | ListedStatus
    digest: int | None
    is_proven: bool


class _Namesakes(Struct, eq=False):
    """The items of one name, of which there must be only one."""

    waits: list[RegisteredWait]
    items: list[ListingItem]


class ListingMatcher:
    """One reading of the listing, compared with what is waited for.

    Attributes:
        unchanged: how many waits were matched by an item with the same content as the last time.
        changed: the matches of the other waits.
        size: how many items the listing has.
    """

    def __init__(self, registry: WaitRegistry, limit: float) -> None:
        self._registry = registry
        self.limit = limit
        self.begin(bytes)

    def begin(self, mask: Mask) -> None:
        self._mask = mask
        self.mark = object()
        self.size = 0
        self.unchanged = 0
        self._changes = self._registry.changes
        self.changed: list[Match] = []
        self._pending: dict[tuple[int | str, ...], bool] = {}
        self._within: dict[str, ListingItem] = {}
        self._named: dict[str, _Namesakes] | None = None

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        """Match some items; the matches count once the listing was read to its end."""
        self.size += len(items) + left_out
        by_id, mark = self._registry.by_id, self.mark
        unchanged = 0
        for item in items:
            waits = by_id.get(item.id)
            if waits is None:
                if not self._registry.has_outer_ids:
                    self._note_unmatched(item)
                continue
            digest = item.digest()
            for wait in waits:
                if wait.mark is mark:
                    continue  # the listing has this item twice
                if digest == wait.shown or (
                    wait.shown is None and self._is_known(wait, item, digest)
                ):
                    wait.mark = mark
                    unchanged += 1
                elif found := self._going_on(item, wait) or self._found(item, wait):
                    wait.mark = mark
                    self.changed.append(Match(wait, found, digest, True))
        self.unchanged += unchanged

    def _is_known(self, wait: RegisteredWait, item: ListingItem, digest: int) -> bool:
        """Whether the first item for a wait shows the status that the wait knows already."""
        if not wait.progress.is_pending or (status := item.status()) is None:
            return False
        if not is_same(wait.progress.status(), status):
            return False
        wait.shown = digest
        self._registry.has_outer_ids = True
        return True

    def _note_unmatched(self, item: ListingItem) -> None:
        """Note an item without a matching outer id by its inner id and its name."""
        inner = item.inner()
        if inner.id and inner.id in self._registry.by_id:
            # Where the inner id is the instance's, several items share it.
            self._within.setdefault(inner.id, item)
        if self._named is None:
            self._named = {}
            for wait in self._registry:
                if wait.progress.known is not None:
                    namesakes = self._named.setdefault(wait.progress.known.name, _Namesakes([], []))
                    namesakes.waits.append(wait)
        name = item.name or inner.name or ""
        if name in self._named:
            self._named[name].items.append(item)

    def end(self) -> None:
        """Match by inner id or name what was not matched by outer id; the listing was read."""
        for inner_id, item in self._within.items():
            for wait in self._registry.by_id.get(inner_id, ()):
                self._match_late(wait, item, is_proven=True)
        for name, namesakes in (self._named or {}).items():
            if len(namesakes.items) == 1:
                for wait in namesakes.waits:
                    if _naming.is_unique(name, wait.progress.instance_id):
                        self._match_late(wait, namesakes.items[0], is_proven=False)

    def _match_late(self, wait: RegisteredWait, item: ListingItem, *, is_proven: bool) -> None:
        if wait.mark is not self.mark and (found := self._found(item, wait)):
            if not is_proven and _has_another_date(found, wait.progress.known):
                return  # a namesake is shown already, and the awaited one is not
            wait.mark = self.mark
            self.changed.append(Match(wait, found, None, is_proven))

    def _going_on(self, item: ListingItem, wait: RegisteredWait) -> ListedStatus | None:
        """The item's status, if that ends nothing and nobody hears of it.

        That takes a fraction of the time and the memory of the whole record.
        """
        progress, known = wait.progress, wait.progress.known
        if known is None or known.created_at is None:
            return None  # a create's answer may lack more than that
        if wait.on_change is not None or not progress.is_pending:
            return None
        status = item.status(self._mask)
        return status if status and self._is_pending(status, progress.states) else None

    def _is_pending(self, status: ListedStatus, table: StateTable) -> bool:
        """Whether it still goes on; most snapshots of a listing are in the same few states."""
        texts: tuple[int | str, ...] = (id(table), status.state, *map(state_of, status.volumes))
        if (known := self._pending.get(texts)) is None:
            verdict = states.verdict(status.state, map(id_and_state, status.volumes), table=table)
            known = self._pending[texts] = verdict is Verdict.PENDING
        return known

    def _found(self, item: ListingItem, wait: RegisteredWait) -> Snapshot | None:
        found, progress = item.record(self._mask), wait.progress
        if found is None or found.instance is None:
            return None
        return as_snapshot(found, progress.snapshot_id, progress.instance_id, progress.known)

    def missing(self) -> list[RegisteredWait]:
        """The waits that no item matched."""
        seen = self.unchanged + len(self.changed)
        if seen == len(self._registry) and self._changes == self._registry.changes:
            return []
        return [wait for wait in self._registry if wait.mark is not self.mark]


def _has_another_date(found: Snapshot, known: Snapshot | None) -> bool:
    dates = found.created_at, known.created_at if known is not None else None
    return None not in dates and dates[0] != dates[1]
