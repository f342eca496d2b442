"""Looking at a region: the cheapest plan that shows what is due.

One GET for one snapshot, one instance's listing for several of it, the region-wide listing for
many instances. What a listing does not show is asked for by its own GET, because absence from a
listing proves nothing.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Protocol

from attrs import define, frozen

from ._bounded import for_each
from ._clock import Clock
from ._correlation import RegionIndex
from ._progress import Progress
from ._retry import is_transient
from .errors import (
    ApiError,
    CivoError,
    NotFoundError,
    PermissionDeniedError,
    ServiceDisabledError,
)
from .events import Transition
from .models import RegionSnapshot, Snapshot

_LISTED_PER_WATCHED = 400
"""A region-wide listing pays while it holds at most so many snapshots per watched one.

In CPU it would pay from one in fifty; but requests are what a rate limit counts."""

_UNLISTED_AFTER = 5.0
"""Seconds that a snapshot may be missing from a listing: longer than a replica lags behind."""

_AVOID_LISTING_FOR = 300.0
_LISTING_FAULTS = 3
_FAULTS_PER_ROUND = 3
_WORKERS = 8

_Key = tuple[str, str]
"""Instance id and snapshot id."""


@frozen
class Looks:
    """The requests that may be made; the flag tells that one is part of a larger round."""

    get: Callable[[str, str, bool], Awaitable[Snapshot]]
    list_instance: Callable[[str, bool], Awaitable[Sequence[Snapshot]]]
    list_region: Callable[[], Awaitable[Sequence[RegionSnapshot]]]


@define(eq=False)
class Watch:
    """One registered wait.

    Attributes:
        due: when to look next.
        on_end: told once, with the finished snapshot or the error.
        on_change: told of each transition, at once and in order; must not block.
        looked: when it was last looked at, successfully or not.
        unlisted_since: since when the region-wide listing has not shown it.
    """

    progress: Progress
    due: float
    deadline: float
    on_end: Callable[[Snapshot | CivoError], None]
    on_change: Callable[[Transition], None] | None = None
    looked: float = float("-inf")
    unlisted_since: float | None = None


class Sink(Protocol):
    """Where a look's findings go."""

    def show(self, watch: Watch, snapshot: Snapshot) -> None: ...

    def miss(self, watch: Watch, error: NotFoundError) -> None: ...

    def fault(self, watch: Watch, error: CivoError) -> None: ...

    def postpone(self, watch: Watch) -> None: ...


def is_refusal(error: CivoError) -> bool:
    """Whether an error means that there is no region-wide listing here, rather than no luck."""
    if isinstance(error, (NotFoundError, PermissionDeniedError, ServiceDisabledError)):
        return True
    return isinstance(error, ApiError) and error.status in (405, 501)


class Lookout:
    """Chooses and makes the requests of a tick; remembers what a region-wide listing costs."""

    def __init__(self, looks: Looks, clock: Clock, sink: Sink) -> None:
        self._looks = looks
        self._clock = clock
        self._sink = sink
        self._listed: int | None = None
        self._listing_faults = 0
        self._no_listing_until = float("-inf")

    async def look(self, due: Sequence[Watch], everybody: Collection[Watch]) -> None:
        """See what is due; a region-wide listing is shown to everybody at the same price."""
        instances = {watch.progress.instance_id for watch in due}
        if len(instances) > 1 and self._listing_pays(len(everybody)):
            due = await self._look_at_region(due, list(everybody))
        await self._look_one_by_one(due)

    def _listing_pays(self, watched: int) -> bool:
        if self._clock.monotonic() < self._no_listing_until:
            return False
        return self._listed is None or self._listed <= _LISTED_PER_WATCHED * watched

    async def _look_at_region(
        self, due: Sequence[Watch], everybody: list[Watch]
    ) -> Sequence[Watch]:
        """Show the region's listing to everybody; returns who is due and needs a GET of its own."""
        try:
            items = await self._looks.list_region()
        except CivoError as error:
            return self._listing_failed(error, due, everybody)
        self._listing_faults = 0
        index = RegionIndex.of(items)
        self._listed = index.size
        now = self._clock.monotonic()
        wanted = set(due)
        missing: list[Watch] = []
        shown = 0
        for watch in everybody:
            progress = watch.progress
            name = progress.last.name if progress.last else ""
            found = index.find(progress.instance_id, progress.snapshot_id, name)
            if found is None:
                if watch in wanted and self._is_unlisted(watch, now):
                    missing.append(watch)
                continue
            shown += 1
            watch.unlisted_since = None
            if found.proven or not found.snapshot.judge(progress.table).is_terminal:
                self._sink.show(watch, found.snapshot)
            elif watch in wanted:
                missing.append(watch)
        if missing and not shown:
            self._no_listing_until = now + _AVOID_LISTING_FOR
        return missing

    def _listing_failed(
        self, error: CivoError, due: Sequence[Watch], everybody: list[Watch]
    ) -> Sequence[Watch]:
        now = self._clock.monotonic()
        self._listing_faults += 1
        refused = is_refusal(error)
        if refused or self._listing_faults >= _LISTING_FAULTS:
            self._no_listing_until = now + _AVOID_LISTING_FOR
            self._listing_faults = 0
        if refused:
            return due
        for watch in everybody:
            self._sink.fault(watch, error)
        return ()

    def _is_unlisted(self, watch: Watch, now: float) -> bool:
        """Missing for longer than a replica's delay; a listing alone never proves absence."""
        if watch.unlisted_since is None:
            watch.unlisted_since = now
        self._sink.postpone(watch)
        return now - watch.unlisted_since >= _UNLISTED_AFTER or watch.deadline <= now

    async def _look_one_by_one(self, watches: Iterable[Watch]) -> None:
        """One listing for several snapshots of an instance, a GET for each of the others."""
        waiting: dict[_Key, list[Watch]] = {}
        for watch in watches:
            key = (watch.progress.instance_id, watch.progress.snapshot_id)
            waiting.setdefault(key, []).append(watch)
        crowds = [one for one, keys in Counter(key[0] for key in waiting).items() if keys > 1]
        many = len(waiting) > 1
        failed: list[CivoError] = []

        def goes_on(error: CivoError | None) -> bool:
            """In an outage the rest of a round would only be more of the same."""
            if error is not None and is_transient(error):
                failed.append(error)
            return len(failed) < _FAULTS_PER_ROUND

        async def list_one(instance_id: str) -> bool:
            return goes_on(await self._list(instance_id, waiting, many))

        async def get_one(key: _Key) -> bool:
            return goes_on(await self._get(waiting.pop(key), many))

        await for_each(crowds, list_one, workers=min(_WORKERS, len(crowds)))
        if goes_on(None):
            await for_each(list(waiting), get_one, workers=min(_WORKERS, len(waiting)))
        for watch in [watch for rest in waiting.values() for watch in rest]:
            self._sink.fault(watch, failed[-1])

    async def _list(
        self, instance_id: str, waiting: dict[_Key, list[Watch]], many: bool
    ) -> CivoError | None:
        """Show an instance's listing; what it shows, or cannot show, waits no longer."""
        keys = [key for key in waiting if key[0] == instance_id]
        try:
            listed = await self._looks.list_instance(instance_id, many)
        except NotFoundError:
            return None  # the GETs tell what is missing, the instance or the snapshot
        except CivoError as error:
            for watch in [watch for key in keys for watch in waiting.pop(key)]:
                self._sink.fault(watch, error)
            return error
        found = {snapshot.id: snapshot for snapshot in listed}
        for key in keys:
            if key[1] in found:
                for watch in waiting.pop(key):
                    self._sink.show(watch, found[key[1]])
        return None

    async def _get(self, watches: list[Watch], many: bool) -> CivoError | None:
        progress = watches[0].progress
        try:
            snapshot = await self._looks.get(progress.instance_id, progress.snapshot_id, many)
        except NotFoundError as error:
            for watch in watches:
                self._sink.miss(watch, error)
            return None
        except CivoError as error:
            for watch in watches:
                self._sink.fault(watch, error)
            return error
        for watch in watches:
            self._sink.show(watch, snapshot)
        return None
