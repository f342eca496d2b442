"""One round of polls without the region's listing.

One instance's listing for several snapshots of it, a GET for each of the others. What a listing
does not show is asked for by its own GET, because absence from a listing proves nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from .._api import Missing, RegionApi, missing_of, outlasts_lag
from .._codec import ListedStatus
from .._concurrency import for_each
from .._session import ONCE, Doubt, doubt_of, is_transient
from ..errors import ApiError, CivoError, NotFoundError, PermissionDeniedError
from ..models import Snapshot
from .schedule import RegisteredWait

_FAULTS_PER_ROUND = 3
_WORKERS = 8

_Key = tuple[str, str]
"""Instance id and snapshot id."""


class Observer(Protocol):
    """Where the findings of a poll go."""

    def on_snapshot(self, wait: RegisteredWait, snapshot: Snapshot) -> None: ...

    def on_pending(self, wait: RegisteredWait, status: ListedStatus) -> None: ...

    def on_not_found(self, wait: RegisteredWait, error: NotFoundError) -> None: ...

    def on_error(self, wait: RegisteredWait, error: CivoError) -> None: ...

    def on_refused(self, wait: RegisteredWait, error: CivoError) -> None: ...


class PollRound:
    """One round for some waits.

    Attributes:
        failed: whether any request did.
    """

    def __init__(self, api: RegionApi, observer: Observer, waits: Iterable[RegisteredWait]) -> None:
        self._api = api
        self._observer = observer
        self._clock = api.session.clock
        self._began = api.session.confirmation.mark()
        self._open: dict[_Key, list[RegisteredWait]] = {}
        for wait in waits:
            key = (wait.progress.instance_id, wait.progress.snapshot_id)
            self._open.setdefault(key, []).append(wait)
        self._faults = 0
        self._refusals: dict[_Key, CivoError] = {}
        self._ended_by: CivoError | None = None  # nothing more is asked: it would meet the same
        self.failed = False

    async def run(self) -> None:
        """Ask for all waits, and tell the observer of each."""
        listed = Counter(instance_id for instance_id, _ in self._open)
        shared = [instance_id for instance_id, snapshots in listed.items() if snapshots > 1]
        await for_each(shared, self._list, workers=min(_WORKERS, len(shared)))
        single = list(self._open)
        await for_each(single, self._get, workers=min(_WORKERS, len(single)))
        await self._tell_the_rest()

    async def _list(self, instance_id: str) -> bool:
        """Read an instance's listing. Return whether the round goes on."""
        if self._ended_by is not None:
            return False
        keys = [key for key in self._open if key[0] == instance_id]
        try:
            listed = await self._api.list_snapshots(instance_id, ONCE, poll=True).collect()
        except (NotFoundError, PermissionDeniedError):
            return True  # the GETs tell what is missing or forbidden
        except CivoError as error:
            return self._failed(keys, error)
        found = {snapshot.id: snapshot for snapshot in listed}
        for key in keys:
            if key[1] in found:
                self._show(key, found[key[1]])
        return True

    async def _get(self, key: _Key) -> bool:
        """Get one snapshot. Return whether the round goes on."""
        if self._ended_by is not None:
            return False
        try:
            snapshot = await self._api.get_snapshot(*key, ONCE, poll=True)
        except NotFoundError as error:
            if doubt_of(error) is not None:
                return self._failed([key], error)
            if missing_of(error) is Missing.NOTHING:
                return await self._find_in_listing(key, error)
            for wait in self._open.pop(key):
                self._observer.on_not_found(wait, error)
            return True
        except CivoError as error:
            return self._failed([key], error)
        self._show(key, snapshot)
        return True

    async def _find_in_listing(self, key: _Key, error: NotFoundError) -> bool:
        """Ask the instance's listing after a 404 without a code, which may be any gateway's."""
        instance_id, wanted = key
        try:
            listed = await self._api.list_snapshots(instance_id, ONCE, poll=True).collect()
        except CivoError as failed:
            return self._failed([key], failed)
        found = next((one for one in listed if wanted in (one.id, one.name)), None)
        if found is not None:
            self._show(key, found)
            return True
        now = self._clock.monotonic()
        for wait in self._open.pop(key):
            if wait.absent_since is None:
                wait.absent_since = now
            if outlasts_lag(wait.absent_since, now):
                self._observer.on_not_found(wait, error)
            else:
                self._observer.on_error(wait, error)
        return True

    def _show(self, key: _Key, snapshot: Snapshot) -> None:
        for wait in self._open.pop(key):
            self._observer.on_snapshot(wait, snapshot)

    def _failed(self, keys: list[_Key], error: CivoError) -> bool:
        """Take a failed request. Return whether the round goes on."""
        self.failed = True
        doubt = doubt_of(error)
        self._faults += is_transient(error)
        concerns_all = doubt in (Doubt.ACCOUNT, Doubt.REGION) or asked_to_wait(error) > 0
        if concerns_all or self._faults >= _FAULTS_PER_ROUND:
            self._ended_by = self._ended_by or error
        for key in keys:
            if doubt is not None:
                self._refusals[key] = error  # told when it is proven or not
                continue
            for wait in self._open.pop(key):
                self._observer.on_error(wait, error)
        return self._ended_by is None

    async def _tell_the_rest(self) -> None:
        """Tell what was refused, whether that is proven or not, and what was not asked for."""
        proven = await self._proven_doubt()
        for key, waits in self._open.items():
            error = self._refusals.get(key) or self._ended_by
            if error is None:
                continue
            is_proven = proven is not None and doubt_of(error) is proven
            for wait in waits:
                if is_proven:
                    self._observer.on_refused(wait, error)
                else:
                    self._observer.on_error(wait, error)

    async def _proven_doubt(self) -> Doubt | None:
        """Ask again for one that was refused; what that proves."""
        if not self._refusals:
            return None
        # What ended the round weighs more than what may be about one snapshot alone.
        key, error = max(self._refusals.items(), key=lambda one: one[1] is self._ended_by)
        is_proven = await self._api.session.confirmation.confirms(
            error,
            lambda: self._api.get_snapshot(*key, ONCE, poll=True),
            region=self._api.named_region(),
            since=self._began,
        )
        return doubt_of(error) if is_proven else None


def asked_to_wait(error: CivoError) -> float:
    """Seconds for which the server wants no further request."""
    return (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0
