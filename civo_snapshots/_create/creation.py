"""Creating a snapshot exactly once over an API without idempotency keys.

When a create may have acted without an answer, its name is searched for until the reconcile window
has passed. What is found is adopted; only if nothing was made is the create sent again.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import define, field

from .._api import Missing, RegionApi, missing_of
from .._clock import Clock
from .._session import ONCE, CallOptions, Deadline
from ..errors import (
    CivoError,
    ClientClosedError,
    ConflictError,
    NotFoundError,
    OutcomeUnknownError,
    UnexpectedResponseError,
)
from ..models import Call, Snapshot
from .claims import Claims, NameLock

SENDS = 5
"""Requests per create at most, each sent only after the one before it certainly did nothing. With
one loss in twenty, three would leave one create in ten thousand undecided."""

_SEARCHES = (1 / 31, 2 / 31, 4 / 31, 8 / 31, 16 / 31)
"""The pauses before the searches for a lost create, as parts of the reconcile window."""

_LATE_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Seconds before each try of one search for what acted late."""

_TOLERANCE = timedelta(seconds=2)
"""HTTP dates have whole seconds, and so may `created_at`."""


@define(eq=False)
class Creation:
    """One logical create.

    Attributes:
        deadline: the time that its requests have together, and whether one may have acted.
        unique: whether nothing else can bear the name, so that age need not be compared.
        reconcile_window: seconds after which a create that shows nowhere did nothing.
        abandoned: nobody waits any more, so it only searches and sends nothing more.
        resent: whether it was sent again after a loss, so that a late commit makes a second one.
        extras: ids of further snapshots that its earlier sends made.
    """

    api: RegionApi
    claims: Claims
    clock: Clock
    deadline: Deadline
    options: CallOptions
    instance_id: str
    name: str
    description: str | None
    unique: bool
    reconcile_window: float
    abandoned: bool = False
    resent: bool = False
    extras: tuple[str, ...] = ()
    _started: datetime | None = None
    _last: CivoError | None = None
    _pause: asyncio.Task[None] | None = None
    _settled: asyncio.Event | None = None
    _name_lock: NameLock = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._name_lock = self.claims.name_lock(self.instance_id, self.name)

    def cancel(self) -> bool:
        """Send nothing more and search at once. Return whether nothing can have acted so far."""
        self.abandoned = True
        self._settled = asyncio.Event()
        self.deadline.cancelled = True
        if self._pause is not None:
            self._pause.cancel()
        return not self.may_have_acted

    async def settled(self) -> None:
        """Wait until a cancelled create has ended, or one search for it has found nothing."""
        if self._settled is not None:
            await self._settled.wait()

    def _tell(self) -> None:
        if self._settled is not None:
            self._settled.set()

    @property
    def may_have_acted(self) -> bool:
        """Whether something may have been created whose id is not known yet."""
        return self.deadline.may_have_acted or self._last is not None

    async def run(self) -> Snapshot:
        """Create; raises `OutcomeUnknownError` if it stays undecided."""
        known = set(self._name_lock.claimed)
        if self._name_lock.lock.locked():
            # The create that holds the lock may need the slot to make progress.
            self.deadline.release_slot()
        try:
            async with self._name_lock.lock:
                snapshot = await self._made_meanwhile(known) or await self._run()
                for made in (snapshot.id, *self.extras):
                    self._claim(made)
                return snapshot
        finally:
            self._tell()

    async def _made_meanwhile(self, known: set[str]) -> Snapshot | None:
        """What a detached create of the same unique name made while this one waited."""
        if self.unique:
            for made in self._name_lock.claimed.keys() - known:
                try:
                    return await self._get(made)
                except NotFoundError as error:
                    if missing_of(error) is Missing.NOTHING:
                        raise  # it may be there, and another one would be one too many
        return None

    # The requests, all of them within the create's time.

    async def _post(self) -> Snapshot:
        """POST, repeated only while it certainly did nothing."""
        return await self.api.create_snapshot(
            self.instance_id, self.name, self.description, self.deadline, self.options
        )

    async def _search(self) -> Sequence[Snapshot]:
        """The instance's snapshots as they are now."""
        # A search after the create's end, for what came late, has a time of its own.
        within = self.deadline.options(ONCE) if self.deadline.left() > 0 else ONCE
        return await self.api.list_snapshots(self.instance_id, within).collect()

    async def _get(self, snapshot_id: str) -> Snapshot:
        """One snapshot of the instance."""
        return await self.api.get_snapshot(self.instance_id, snapshot_id, self.deadline.options({}))

    async def late(self) -> tuple[str, ...]:
        """Search for snapshots that earlier sends of this create made after all; their ids."""
        async with self._name_lock.lock:
            listed = await self._search_again()
            found = [one.id for one in listed if self._may_be_ours(one) and self._is_new(one)]
            for extra in found:
                self._claim(extra)
        return tuple(found)

    async def _search_again(self) -> Sequence[Snapshot]:
        """Search with several tries: this search may be the last, and one bad answer is likely."""
        for pause in _LATE_PAUSES:
            await self.clock.sleep(pause)
            try:
                return await self._search()
            except ClientClosedError:
                break
            except CivoError:
                continue
        return ()

    def _claim(self, snapshot_id: str) -> None:
        self.claims.claim(snapshot_id, self.clock.monotonic())
        self._name_lock.claimed[snapshot_id] = None

    async def _run(self) -> Snapshot:
        self._started = self.clock.now()
        sends = 1 if self.options.get("retries") is False else SENDS
        for attempt in range(sends):
            self.resent = attempt > 0
            failure = await self._send()
            if isinstance(failure, Snapshot):
                return failure
            if not self._may_have_acted(failure, first=attempt == 0):
                raise failure
            self._last = failure
            found, certain = await self._reconcile()
            if found is not None:
                return found
            acted = isinstance(failure, UnexpectedResponseError) and 200 <= failure.status < 300
            if acted or self.abandoned or not certain:
                break
        raise self._unknown()

    def _may_have_acted(self, failure: CivoError, *, first: bool) -> bool:
        """Whether a snapshot may have been made although the request ended so."""
        # "Already in process" after a lost answer is the echo of that very create.
        return failure.may_have_acted or (isinstance(failure, ConflictError) and not first)

    async def _send(self) -> Snapshot | CivoError:
        try:
            snapshot = await self._post()
        except CivoError as error:
            return error
        if snapshot.name in ("", self.name) or await self._is_own(snapshot.id):
            return snapshot
        return UnexpectedResponseError("the answer names another snapshot", status=201)

    async def _is_own(self, snapshot_id: str) -> bool:
        """Whether an answer with another name is our snapshot, renamed by the server."""
        try:
            snapshot = await self._get(snapshot_id)
        except CivoError:
            return False
        return self.claims.is_free(snapshot.id) and self._is_younger(snapshot) is True

    async def _reconcile(self) -> tuple[Snapshot | None, bool]:
        """Search for the name until the window has passed.

        Returns the snapshot that was found, and whether finding none proves that none was made.
        """
        certain = False
        pauses = [part * self.reconcile_window for part in _SEARCHES]
        at_once = self.abandoned
        while pauses:
            if pauses[0] > self.deadline.left():
                return None, False
            if not at_once and await self._slept(pauses[0]):
                del pauses[0]
            at_once = False
            if self.deadline.left() <= 0:  # it slept longer than asked
                return None, False
            try:
                listed = await self._search()
            except ClientClosedError:
                return None, False
            except CivoError as error:
                if isinstance(error, NotFoundError) and missing_of(error) is not Missing.NOTHING:
                    return None, False  # the instance itself is gone
                self._last = error
                certain = False
                # Only a search that succeeds can say "nothing".
                pauses = pauses or [_SEARCHES[-1] * self.reconcile_window]
                self._tell()
                continue
            candidates = [found for found in listed if self._may_be_ours(found)]
            ours = [found for found in candidates if self._is_new(found)]
            if ours:
                ours.sort(key=_age)
                self.extras += tuple(found.id for found in ours[1:])
                return ours[0], True
            certain = all(self._is_new(found) is False for found in candidates)
            self._tell()
        return None, certain

    async def _slept(self, seconds: float) -> bool:
        """Sleep; False if `cancel()` cut it short."""
        pause = self._pause = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({pause})
        finally:
            pause.cancel()
            self._pause = None
        return not pause.cancelled()

    def _may_be_ours(self, found: Snapshot) -> bool:
        free = self.claims.is_free(found.id) and found.id not in self._name_lock.claimed
        return free and found.name == self.name

    def _is_new(self, found: Snapshot) -> bool | None:
        """Whether it was made since the first send; None if that cannot be told."""
        return True if self.unique else self._is_younger(found)

    def _is_younger(self, found: Snapshot) -> bool | None:
        """Whether its date is later than the first send, by the server's clock."""
        skew = self.api.session.clock_skew
        if found.created_at is None or skew is None or self._started is None:
            return None
        return found.created_at >= self._started + skew - _TOLERANCE

    def _unknown(self) -> OutcomeUnknownError:
        cause = self._last
        call: Call | None = cause.call if cause else None
        return OutcomeUnknownError(
            f"creating snapshot {self.name} of instance {self.instance_id} may have acted: "
            f"{cause.message if cause else 'no answer'}; look for that name before doing it again",
            instance_id=self.instance_id,
            name=self.name,
            started_at=self._started,
            ended_at=self.clock.now(),
            call=call,
        )


def _age(snapshot: Snapshot) -> str:
    return snapshot.created_at.isoformat() if snapshot.created_at else ""
