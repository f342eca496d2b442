"""Looking at a region: the cheapest plan that shows what is due.

One GET for one snapshot, one instance's listing for several of it, the region-wide listing for
many instances. What a listing does not show is asked for by its own GET, because absence from a
listing proves nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf
from typing import Protocol

from attrs import frozen

from .._clock import Clock
from .._codec.region_listing import Scan
from .._concurrency import for_each
from .._session.retry import is_transient
from ..errors import (
    ApiError,
    CivoError,
    NotFoundError,
    PermissionDeniedError,
    ServiceDisabledError,
)
from ..models import Snapshot
from .listing_match import Sighting, Sightings
from .schedule import Crowd, Watch

_LISTED_PER_WATCHED = 400
"""A region-wide listing pays while it holds at most so many snapshots per watched one.

In CPU it would pay from one in fifty; but requests are what a rate limit counts."""

_BYTES_PER_LISTED = 1_000
_SHARE = 50.0
"""Decoding, which is measured, may take a fiftieth of the time: it is about a third of what a
listing costs, besides HTTP and the comparison."""

_BATCH = 256
"""How many are told between two turns of the event loop."""

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
    """The requests that may be made; the flag tells that one is part of a larger round.

    Attributes:
        list_region: shows the region's snapshots as they come, and tells for how many seconds that
            kept the event loop; None if it broke off because it was larger than it is worth.
    """

    get: Callable[[str, str, bool], Awaitable[Snapshot]]
    list_instance: Callable[[str, bool], Awaitable[Sequence[Snapshot]]]
    list_region: Callable[[Scan], Awaitable[float | None]]


class Observer(Protocol):
    """Where a look's findings go."""

    def show(self, watch: Watch, snapshot: Snapshot) -> None: ...

    def miss(self, watch: Watch, error: NotFoundError) -> None: ...

    def fault(self, watch: Watch, error: CivoError) -> None: ...


def is_refusal(error: CivoError) -> bool:
    """Whether an error means that there is no region-wide listing here, rather than no luck."""
    if isinstance(error, (NotFoundError, PermissionDeniedError, ServiceDisabledError)):
        return True
    return isinstance(error, ApiError) and error.status in (405, 501)


class Lookout:
    """Chooses and makes the requests of a tick; remembers what a region-wide listing costs.

    Attributes:
        rest: seconds after which it may be read again at the earliest, so that it costs little.
    """

    def __init__(self, looks: Looks, clock: Clock, crowd: Crowd, observer: Observer) -> None:
        self._looks = looks
        self._clock = clock
        self._crowd = crowd
        self._observer = observer
        self._listed: int | None = None
        self._too_large_for: float = 0
        self._listing_faults = 0
        self._no_listing_until = -inf
        self.rest = 0.0

    async def look(self, is_due: Callable[[Watch], bool]) -> bool:
        """See who is due; whether everybody was seen, because a listing of the region shows all."""
        self.rest = 0.0
        watches = (watch for watch in self._crowd if is_due(watch))
        first = next(watches, None)
        if first is None:
            return False
        home = first.progress.instance_id
        if self._listing_pays() and any(one.progress.instance_id != home for one in watches):
            missing = await self._look_at_region(is_due)
            if missing is not None:
                await self._look_one_by_one(missing)
                return True
        await self._look_one_by_one([watch for watch in self._crowd if is_due(watch)])
        return False

    def _listing_pays(self) -> bool:
        watched = len(self._crowd)
        if self._clock.monotonic() < self._no_listing_until and watched <= 2 * self._too_large_for:
            return False
        return self._listed is None or self._listed <= _LISTED_PER_WATCHED * watched

    async def _look_at_region(self, is_due: Callable[[Watch], bool]) -> Sequence[Watch] | None:
        """Show the region's listing to everybody; who is due and needs a GET of its own.

        None if there is no listing, or none that pays.
        """
        watched = len(self._crowd)
        sightings = Sightings(self._crowd, _LISTED_PER_WATCHED * _BYTES_PER_LISTED * watched)
        try:
            spent = await self._looks.list_region(sightings)
        except CivoError as error:
            return self._listing_failed(error)
        self._listing_faults = 0
        if spent is None:
            self._avoid_listing(unless_above=watched)
            return None
        self._listed = sightings.size
        self.rest = spent * _SHARE
        sightings.end()
        missing = sightings.missing()
        now = self._clock.monotonic()
        self._crowd.show_listing(now)
        for watch in missing:
            self._crowd.catch_up(watch, but_the_last=True)
        unproven = await self._tell(sightings)
        unlisted = [one for one in missing if is_due(one) and self._is_unlisted(one, now)]
        if unlisted and not (sightings.changed or sightings.unchanged):
            self._avoid_listing()
        return unlisted + [one for one in unproven if is_due(one)]

    async def _tell(self, sightings: Sightings) -> list[Watch]:
        """Tell what was seen; returns whose end was seen without proof that it is theirs."""
        unproven: list[Watch] = []
        for told, sighting in enumerate(sightings.changed, 1):
            self._crowd.catch_up(sighting.watch, but_the_last=True)
            if self._may_tell(sighting):
                self._show(sighting)
            else:
                unproven.append(sighting.watch)
            if told % _BATCH == 0:
                await asyncio.sleep(0)  # let those run who have heard
        return unproven

    @staticmethod
    def _may_tell(sighting: Sighting) -> bool:
        table = sighting.watch.progress.table
        return sighting.is_proven or not sighting.snapshot.judge(table).is_terminal

    def _show(self, sighting: Sighting) -> None:
        watch = sighting.watch
        if watch not in self._crowd:
            return  # somebody gave up while others were told
        watch.unlisted_since = None
        if sighting.digest is not None:
            self._crowd.has_outer_ids = True
        self._observer.show(watch, sighting.snapshot)
        # Only of what is simply pending the same again says nothing new.
        if watch.progress.is_pending:
            watch.shown = sighting.digest

    def _listing_failed(self, error: CivoError) -> Sequence[Watch] | None:
        self._listing_faults += 1
        if is_refusal(error):
            self._avoid_listing()
            return None
        if self._listing_faults >= _LISTING_FAULTS:
            self._avoid_listing()
        for watch in list(self._crowd):
            self._observer.fault(watch, error)
        return ()

    def _avoid_listing(self, unless_above: float = inf) -> None:
        """Ask without it for a while, unless it is for twice as many."""
        self._no_listing_until = self._clock.monotonic() + _AVOID_LISTING_FOR
        self._too_large_for = unless_above
        self._listing_faults = 0

    def _is_unlisted(self, watch: Watch, now: float) -> bool:
        """Missing for longer than a replica's delay; a listing alone never proves absence."""
        if watch.unlisted_since is None:
            watch.unlisted_since = now
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
            self._observer.fault(watch, failed[-1])

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
                self._observer.fault(watch, error)
            return error
        found = {snapshot.id: snapshot for snapshot in listed}
        for key in keys:
            if key[1] in found:
                for watch in waiting.pop(key):
                    self._observer.show(watch, found[key[1]])
        return None

    async def _get(self, watches: list[Watch], many: bool) -> CivoError | None:
        progress = watches[0].progress
        try:
            snapshot = await self._looks.get(progress.instance_id, progress.snapshot_id, many)
        except NotFoundError as error:
            for watch in watches:
                self._observer.miss(watch, error)
            return None
        except CivoError as error:
            for watch in watches:
                self._observer.fault(watch, error)
            return error
        for watch in watches:
            self._observer.show(watch, snapshot)
        return None
