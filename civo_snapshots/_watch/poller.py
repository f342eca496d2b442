"""Polling a region: the cheapest plan that shows what is due.

One GET for one snapshot, one instance's listing for several of it, the region-wide listing for
many instances. What a listing does not show is asked for by its own GET, because absence from a
listing proves nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Protocol

from .._api import Missing, RegionApi, is_listing_refusal, missing_of
from .._clock import Clock
from .._concurrency import for_each
from .._session import ONCE, is_transient
from ..errors import CivoError, NotFoundError
from ..models import Snapshot
from .listing_match import ListingMatcher, Match
from .schedule import RegisteredWait, WaitRegistry

_LISTED_PER_WATCHED = 400
"""A region-wide listing pays while it holds at most so many snapshots per watched one.

In CPU it would pay from one in fifty; but requests are what a rate limit counts."""

_BYTES_PER_LISTED = 1_000
_SHARE = 50.0
"""Decoding, which is measured, may take a fiftieth of the time: it is about a third of what a
listing costs, besides HTTP and the comparison."""

_BATCH = 256
"""How many waits are told between two turns of the event loop."""

_UNLISTED_AFTER = 5.0
"""Seconds that a snapshot may be missing from a listing: longer than a replica lags behind."""

_AVOID_LISTING_FOR = 300.0
_LISTING_FAULTS = 3
_FAULTS_PER_ROUND = 3
_WORKERS = 8

_Key = tuple[str, str]
"""Instance id and snapshot id."""


class Observer(Protocol):
    """Where the findings of a poll go."""

    def on_snapshot(self, wait: RegisteredWait, snapshot: Snapshot) -> None: ...

    def on_not_found(self, wait: RegisteredWait, error: NotFoundError) -> None: ...

    def on_error(self, wait: RegisteredWait, error: CivoError) -> None: ...


class Poller:
    """Chooses and makes the requests of a tick; remembers what a region-wide listing costs.

    Attributes:
        min_interval: seconds between two readings of it at least, so that they cost little.
    """

    def __init__(
        self, api: RegionApi, clock: Clock, registry: WaitRegistry, observer: Observer
    ) -> None:
        self._api = api
        self._clock = clock
        self._registry = registry
        self._observer = observer
        self._listed: int | None = None
        self._too_large_for: float = 0
        self._listing_faults = 0
        self._no_listing_until = -inf
        self.min_interval = 0.0

    async def poll(self, is_due: Callable[[RegisteredWait], bool]) -> bool:
        """Poll for the waits that are due. Return whether the region's listing served all waits."""
        self.min_interval = 0.0
        waits = (wait for wait in self._registry if is_due(wait))
        first = next(waits, None)
        if first is None:
            return False
        home = first.progress.instance_id
        if self._listing_pays() and any(one.progress.instance_id != home for one in waits):
            missing = await self._poll_region(is_due)
            if missing is not None:
                await self._poll_one_by_one(missing)
                return True
        await self._poll_one_by_one([wait for wait in self._registry if is_due(wait)])
        return False

    def _listing_pays(self) -> bool:
        watched = len(self._registry)
        if self._clock.monotonic() < self._no_listing_until and watched <= 2 * self._too_large_for:
            return False
        return self._listed is None or self._listed <= _LISTED_PER_WATCHED * watched

    async def _poll_region(
        self, is_due: Callable[[RegisteredWait], bool]
    ) -> Sequence[RegisteredWait] | None:
        """Read the region's listing for all waits.

        Returns the due waits that need a GET of their own; None if there is no listing, or none
        that pays.
        """
        watched = len(self._registry)
        matcher = ListingMatcher(self._registry, _LISTED_PER_WATCHED * _BYTES_PER_LISTED * watched)
        try:
            spent = await self._api.read_region_listing(matcher, ONCE)
        except CivoError as error:
            return self._listing_failed(error)
        self._listing_faults = 0
        if spent is None:
            self._avoid_listing(unless_above=watched)
            return None
        self._listed = matcher.size
        self.min_interval = spent * _SHARE
        matcher.end()
        missing = matcher.missing()
        now = self._clock.monotonic()
        self._registry.show_listing(now)
        for wait in missing:
            self._registry.catch_up(wait, but_the_last=True)
        unproven = await self._tell(matcher)
        unlisted = [one for one in missing if is_due(one) and self._is_unlisted(one, now)]
        if unlisted and not (matcher.changed or matcher.unchanged):
            self._avoid_listing()
        return unlisted + [one for one in unproven if is_due(one)]

    async def _tell(self, matcher: ListingMatcher) -> list[RegisteredWait]:
        """Pass on what the listing shows; returns the waits whose end it shows without proof."""
        unproven: list[RegisteredWait] = []
        for told, match in enumerate(matcher.changed, 1):
            self._registry.catch_up(match.wait, but_the_last=True)
            if self._may_tell(match):
                self._show(match)
            else:
                unproven.append(match.wait)
            if told % _BATCH == 0:
                await asyncio.sleep(0)  # let the callers run that have been told
        return unproven

    @staticmethod
    def _may_tell(match: Match) -> bool:
        states = match.wait.progress.states
        return match.is_proven or not match.snapshot.judge(states).is_terminal

    def _show(self, match: Match) -> None:
        wait = match.wait
        if wait not in self._registry:
            return  # its caller gave up while others were told
        wait.unlisted_since = None
        if match.digest is not None:
            self._registry.has_outer_ids = True
        self._observer.on_snapshot(wait, match.snapshot)
        # The same content again says nothing new, but only while time alone ends nothing.
        if wait.progress.is_pending:
            wait.shown = match.digest

    def _listing_failed(self, error: CivoError) -> Sequence[RegisteredWait] | None:
        self._listing_faults += 1
        if is_listing_refusal(error):
            self._avoid_listing()
            return None
        if self._listing_faults >= _LISTING_FAULTS:
            self._avoid_listing()
        for wait in list(self._registry):
            self._observer.on_error(wait, error)
        return ()

    def _avoid_listing(self, unless_above: float = inf) -> None:
        """Do without the listing for a while, or until there are twice as many waits."""
        self._no_listing_until = self._clock.monotonic() + _AVOID_LISTING_FOR
        self._too_large_for = unless_above
        self._listing_faults = 0

    def _is_unlisted(self, wait: RegisteredWait, now: float) -> bool:
        """Whether it is missing for longer than a replica lags; absence alone proves nothing."""
        if wait.unlisted_since is None:
            wait.unlisted_since = now
        return now - wait.unlisted_since >= _UNLISTED_AFTER or wait.deadline <= now

    async def _poll_one_by_one(self, waits: Iterable[RegisteredWait]) -> None:
        """One listing for several snapshots of an instance, a GET for each of the others."""
        waiting: dict[_Key, list[RegisteredWait]] = {}
        for wait in waits:
            key = (wait.progress.instance_id, wait.progress.snapshot_id)
            waiting.setdefault(key, []).append(wait)
        shared = [one for one, keys in Counter(key[0] for key in waiting).items() if keys > 1]
        many = len(waiting) > 1
        failed: list[CivoError] = []

        def goes_on(error: CivoError | None) -> bool:
            """Whether to go on: in an outage the other requests would fail as well."""
            if error is not None and is_transient(error):
                failed.append(error)
            return len(failed) < _FAULTS_PER_ROUND

        async def list_one(instance_id: str) -> bool:
            return goes_on(await self._list(instance_id, waiting, many))

        async def get_one(key: _Key) -> bool:
            return goes_on(await self._get(waiting.pop(key), many))

        await for_each(shared, list_one, workers=min(_WORKERS, len(shared)))
        if goes_on(None):
            await for_each(list(waiting), get_one, workers=min(_WORKERS, len(waiting)))
        for wait in [wait for others in waiting.values() for wait in others]:
            self._observer.on_error(wait, failed[-1])

    async def _list(
        self, instance_id: str, waiting: dict[_Key, list[RegisteredWait]], many: bool
    ) -> CivoError | None:
        """Read an instance's listing, and strike off what it answers."""
        keys = [key for key in waiting if key[0] == instance_id]
        try:
            listed = await self._api.list_snapshots(instance_id, ONCE, poll=not many).collect()
        except NotFoundError:
            return None  # the GETs tell what is missing, the instance or the snapshot
        except CivoError as error:
            for wait in [wait for key in keys for wait in waiting.pop(key)]:
                self._observer.on_error(wait, error)
            return error
        found = {snapshot.id: snapshot for snapshot in listed}
        for key in keys:
            if key[1] in found:
                for wait in waiting.pop(key):
                    self._observer.on_snapshot(wait, found[key[1]])
        return None

    async def _get(self, waits: list[RegisteredWait], many: bool) -> CivoError | None:
        progress = waits[0].progress
        try:
            snapshot = await self._api.get_snapshot(
                progress.instance_id, progress.snapshot_id, ONCE, poll=not many
            )
        except NotFoundError as error:
            if missing_of(error) is Missing.NOTHING:
                return await self._confirm(waits, error, many)
            for wait in waits:
                self._observer.on_not_found(wait, error)
            return None
        except CivoError as error:
            for wait in waits:
                self._observer.on_error(wait, error)
            return error
        for wait in waits:
            self._observer.on_snapshot(wait, snapshot)
        return None

    async def _confirm(
        self, waits: list[RegisteredWait], error: NotFoundError, many: bool
    ) -> CivoError | None:
        """Ask the instance's listing after a 404 without a code, which may be any gateway's."""
        progress = waits[0].progress
        try:
            listed = await self._api.list_snapshots(
                progress.instance_id, ONCE, poll=not many
            ).collect()
        except CivoError as failed:
            for wait in waits:
                self._observer.on_error(wait, failed)
            return failed
        wanted, now = progress.snapshot_id, self._clock.monotonic()
        found = next((one for one in listed if wanted in (one.id, one.name)), None)
        for wait in waits:
            if found is not None:
                self._observer.on_snapshot(wait, found)
                continue
            if wait.absent_since is None:
                wait.absent_since = now
            if now - wait.absent_since >= _UNLISTED_AFTER:
                self._observer.on_not_found(wait, error)
            else:
                self._observer.on_error(wait, error)
        return None
