"""Polling a region: the cheapest plan that shows what is due.

The region-wide listing for the snapshots of many instances, a round of smaller requests for fewer,
and for what the listing does not show.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf

from .._api import RegionApi, is_listing_refusal, outlasts_lag
from .._clock import Clock
from .._codec import ListedStatus
from .._session import ONCE, doubt_of
from ..errors import CivoError, RateLimitError, UnexpectedResponseError, printable
from ..events import ListingAvoided
from ..models import Snapshot
from ..states import Verdict
from .listing_match import ListingMatcher, Match
from .listing_use import AVOIDED_FOR, LISTED_PER_WATCHED, ListingUse
from .poll_round import Observer, PollRound, asked_to_wait
from .schedule import RegisteredWait, WaitRegistry

_BYTES_PER_LISTED = 1_000
_SHARE = 20.0
"""Decoding, which is measured, may take a twentieth of the time: it is about a third of what a
listing costs, besides HTTP and the comparison."""

_REASON = 200
"""Characters of why the listing is avoided."""

_BATCH = 256
"""How many waits are told between two turns of the event loop."""


class Poller:
    """Chooses and makes the requests of a tick.

    Attributes:
        min_interval: seconds between two readings of the listing at least: so that they cost
            little, and longer after it failed.
        listed: how many snapshots it held in the last poll; None if that did not read it.
    """

    def __init__(
        self, api: RegionApi, clock: Clock, registry: WaitRegistry, observer: Observer
    ) -> None:
        self._api = api
        self._clock = clock
        self._registry = registry
        self._observer = observer
        self._listing = ListingUse()
        self.min_interval = 0.0
        self.listed: int | None = None

    async def poll(self, is_due: Callable[[RegisteredWait], bool]) -> bool:
        """Poll for the waits that are due. Return whether the region's listing served all waits."""
        self.min_interval = 0.0
        self.listed = None
        waits = (wait for wait in self._registry if is_due(wait))
        first = next(waits, None)
        if first is None:
            return False
        home = first.progress.instance_id
        pays = self._listing.pays(self._clock.monotonic(), len(self._registry))
        if pays and any(one.progress.instance_id != home for one in waits):
            missing = await self._poll_region(is_due)
            if missing is not None:
                await self.poll_each(missing)
                return True
        await self.poll_each(wait for wait in self._registry if is_due(wait))
        return False

    async def poll_each(self, waits: Iterable[RegisteredWait]) -> None:
        """Poll for these waits without the region's listing."""
        await PollRound(self._api, self._observer, waits).run()

    async def _poll_region(
        self, is_due: Callable[[RegisteredWait], bool]
    ) -> Sequence[RegisteredWait] | None:
        """Read the region's listing for all waits.

        Returns the due waits that need a GET of their own; None if there is no listing, or none
        that pays.
        """
        watched = len(self._registry)
        began = self._api.session.confirmation.mark()
        matcher = ListingMatcher(self._registry, LISTED_PER_WATCHED * _BYTES_PER_LISTED * watched)
        try:
            spent = await self._api.read_region_listing(matcher, ONCE)
        except CivoError as error:
            return await self._listing_failed(error, is_due, began)
        if spent is None:
            self._avoid_listing("it is larger than it is worth", too_large_for=watched)
            return None
        matcher.end()
        self.listed = matcher.size
        is_useful = bool(matcher.changed or matcher.unchanged)
        self._listing.succeeded(matcher.size, is_useful=is_useful)
        self.min_interval = spent * _SHARE
        missing = matcher.missing()
        now = self._clock.monotonic()
        told_apart = (*missing, *(match.wait for match in matcher.changed))
        self._registry.show_listing(now, apart_from=told_apart)
        unproven = await self._tell(matcher)
        unlisted = [one for one in missing if is_due(one) and self._is_unlisted(one, now)]
        if unlisted and not is_useful:
            self._avoid_listing("it shows no snapshot that is waited for")
        return unlisted + [one for one in unproven if is_due(one)]

    async def _tell(self, matcher: ListingMatcher) -> list[RegisteredWait]:
        """Pass on what the listing shows; returns the waits whose end it shows without proof."""
        unproven: list[RegisteredWait] = []
        for told, match in enumerate(matcher.changed, 1):
            if self._is_unproven_end(match):
                unproven.append(match.wait)
            else:
                self._show(match)
            if told % _BATCH == 0:
                await asyncio.sleep(0)  # let the callers run that have been told
        return unproven

    def _is_unproven_end(self, match: Match) -> bool:
        # Also a settling snapshot ends a wait, once the volume grace is over.
        shown, table = match.shown, match.wait.progress.states
        if match.is_proven or isinstance(shown, ListedStatus):
            return False
        return shown.judge(table) is not Verdict.PENDING

    def _show(self, match: Match) -> None:
        wait, shown = match.wait, match.shown
        if wait not in self._registry:
            return  # its caller gave up while others were told
        wait.unlisted_since = None
        if match.digest is not None:
            self._registry.has_outer_ids = True
        if isinstance(shown, Snapshot):
            self._observer.on_snapshot(wait, shown)
        else:
            self._observer.on_pending(wait, shown)
        # The same content again says nothing new, but only while time alone ends nothing.
        if wait.progress.is_pending:
            wait.shown = match.digest

    def _is_unlisted(self, wait: RegisteredWait, now: float) -> bool:
        """Whether it is missing for longer than a replica lags; absence alone proves nothing."""
        if wait.unlisted_since is None:
            wait.unlisted_since = now
        return outlasts_lag(wait.unlisted_since, now) or wait.deadline <= now

    # Where the listing fails

    async def _listing_failed(
        self, error: CivoError, is_due: Callable[[RegisteredWait], bool], began: int
    ) -> Sequence[RegisteredWait] | None:
        """The waits to poll instead: none, as it would fail too; None for all that are due."""
        if is_listing_refusal(error):
            return self._listing_refused(error)
        if isinstance(error, UnexpectedResponseError) and error.is_final:
            self._avoid_listing(error.message)
            return None
        if doubt_of(error) is not None and await self._is_refused(error, is_due, began):
            for wait in list(self._registry):
                self._observer.on_refused(wait, error)
            return ()
        if not isinstance(error, RateLimitError) and not asked_to_wait(error):
            self.min_interval = self._listing.failed()
            if self._listing.is_suspect and await self._is_proven_broken(is_due):
                self._avoid_listing(error.message)
                return None
        for wait in list(self._registry):
            self._observer.on_error(wait, error)
        return ()

    def _listing_refused(self, error: CivoError) -> Sequence[RegisteredWait] | None:
        if self._listing.is_refused():
            self._avoid_listing(error.message)
        elif self._listing.has_worked:
            self.min_interval = self._listing.failed()
            return ()  # a gateway may have said so
        return None

    async def _is_refused(
        self, error: CivoError, is_due: Callable[[RegisteredWait], bool], began: int
    ) -> bool:
        """Whether a GET is refused in the same way, so that it is not about the listing alone."""
        wait = next(filter(is_due, self._registry), None)
        if wait is None:
            return False  # all callers gave up meanwhile
        key = (wait.progress.instance_id, wait.progress.snapshot_id)
        return await self._api.session.confirmation.confirms(
            error,
            lambda: self._api.get_snapshot(*key, ONCE, poll=True),
            region=self._api.named_region(),
            since=began,
        )

    async def _is_proven_broken(self, is_due: Callable[[RegisteredWait], bool]) -> bool:
        """Whether GETs work where the listing keeps failing, by one of them."""
        first = list(islice(filter(is_due, self._registry), 1))
        probe = PollRound(self._api, self._observer, first)
        await probe.run()
        return self._listing.is_proven_broken(get_works=bool(first) and not probe.failed)

    def _avoid_listing(self, reason: str, too_large_for: float = inf) -> None:
        if self._listing.avoid(self._clock.monotonic(), too_large_for):
            region = self._api.named_region()
            self._api.session.tell(ListingAvoided(region, printable(reason, _REASON), AVOIDED_FOR))
