"""Looking for what a create has made: its name, among the snapshots of its instance."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from attrs import define, field

from .. import states
from .._api import Missing, RegionApi, missing_of
from .._clock import Clock
from .._session import ONCE, LogicalCall, Within
from ..errors import CivoError, ClientClosedError, NotFoundError, OutcomeUnknownError
from ..models import Snapshot, oldest_first
from ..states import StateTable, Verdict
from . import ends
from .age import BackendClock
from .claims import Claims, NameLock
from .search import NOTHING_SEEN, Finding, Found, judge

_SEARCHES = (1 / 31, 2 / 31, 4 / 31, 8 / 31, 16 / 31)
"""The pauses before the searches for a lost create, as parts of the reconcile window."""

_LATE_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Seconds before each try of one search for what acted late."""


@define(eq=False, repr=False)
class Lookup:
    """The looks of one create, all of them within its time.

    Attributes:
        unique: whether nothing else can bear the name, so that age need not be compared.
        baseline: the ids of the namesakes that existed before, if they were looked up.
        started: when the create was first sent, by our clock.
        failure: what the last look failed with, if it did.
        doubtful: of what the last search cannot tell whether the create made it.
        seen: ids of what searches have shown before the create ended; None if none succeeded.
    """

    api: RegionApi
    claims: Claims
    call: LogicalCall
    instance_id: str
    name: str
    unique: bool
    reconcile_window: float
    baseline: frozenset[str] | None = None
    started: datetime | None = None
    failure: CivoError | None = None
    doubtful: tuple[Snapshot, ...] = ()
    seen: set[str] | None = None
    name_lock: NameLock = field(init=False)
    _pause: asyncio.Task[None] | None = None

    def __attrs_post_init__(self) -> None:
        self.name_lock = self.claims.name_lock(self.instance_id, self.name)

    @property
    def clock(self) -> Clock:
        return self.api.session.clock

    @property
    def backend(self) -> BackendClock:
        """What is known of the clock that dates the region's snapshots."""
        return self.claims.clock_of(self.api.named_region())

    async def get(self, snapshot_id: str) -> Snapshot:
        """One snapshot of the instance."""
        within = self.call.subcall(retried=True)
        return await self.api.get_snapshot(self.instance_id, snapshot_id, within)

    async def is_own(self, snapshot_id: str) -> bool:
        """Whether an answer with another name is our snapshot, renamed by the server."""
        try:
            snapshot = await self.get(snapshot_id)
        except CivoError:
            return False
        return self.claims.is_free(snapshot.id) and self._is_younger(snapshot) is not False

    async def is_instance_broken(self) -> bool:
        """Whether the instance is in a state that it will not leave by itself."""
        try:
            instance = await self.api.get_instance(self.instance_id, self.call.subcall())
        except CivoError:
            return False
        return states.normalise(instance.status) in states.BROKEN_INSTANCE

    async def existing(self, table: StateTable, *, refuses: bool) -> Snapshot | None:
        """The oldest snapshot of that name that has not failed; `refuses` raises if there is any.

        What it sees is known to be older from now on, whatever clocks say.
        """
        try:
            listed = await self._list(self.call.subcall(retried=True))
        except CivoError as error:
            raise ends.unsent(error) from None
        found = sorted((one for one in listed if one.name == self.name), key=oldest_first)
        self.baseline = frozenset(one.id for one in found)
        if refuses and found:
            raise ends.exists(found[0])
        return next((one for one in found if one.judge(table) is not Verdict.FAILED), None)

    async def once(self) -> Finding:
        """Search once for what this create has made."""
        try:
            listed = await self._list(self.call.subcall())
        except CivoError as error:
            self.failure = error
            return NOTHING_SEEN
        self.failure = None
        self.seen = {one.id for one in listed} | (self.seen or set())
        finding = judge(filter(self._may_be_ours, listed), self._is_new)
        self.doubtful = finding.doubtful
        return finding

    async def until_settled(self, *, at_once: bool, tell: Callable[[], None]) -> Finding:
        """Search until something is found or the reconcile window has passed.

        Only a search that succeeds can say "nothing". `tell` is called after each that found none.
        """
        finding = NOTHING_SEEN
        pauses = [part * self.reconcile_window for part in _SEARCHES]
        while pauses:
            if pauses[0] > self.call.deadline.left():
                return NOTHING_SEEN
            if not at_once and await self.sleep(pauses[0]):
                del pauses[0]
            at_once = False
            if self.call.deadline.left() <= 0:  # it slept longer than asked
                return NOTHING_SEEN
            finding = await self.once()
            if finding.found is Found.OURS:
                break
            if finding is NOTHING_SEEN:
                if self.is_over:
                    break
                pauses = pauses or [_SEARCHES[-1] * self.reconcile_window]
            tell()
        return finding

    @property
    def is_over(self) -> bool:
        """Whether no further look can succeed: the instance is gone, or the client closed."""
        error = self.failure
        gone = isinstance(error, NotFoundError) and missing_of(error) is not Missing.NOTHING
        return gone or isinstance(error, ClientClosedError)

    async def late(self) -> list[Snapshot]:
        """Search for snapshots that earlier sends of this create made after all."""
        async with self.name_lock.lock:
            listed = await self._list_again()
            found = [one for one in listed if self._may_be_ours(one) and self._came_late(one)]
            for extra in found:
                self.claim(extra.id)
        return found

    def unknown(self, cause: CivoError | None) -> OutcomeUnknownError:
        """The error that it stays open whether the create has made something."""
        error = OutcomeUnknownError(
            f"creating snapshot {self.name} of instance {self.instance_id} may have acted: "
            f"{cause.message if cause else 'no answer'}; look for that name before doing it again",
            instance_id=self.instance_id,
            name=self.name,
            started_at=self.started,
            ended_at=self.clock.now(),
            call=cause.call if cause else None,
        )
        error.candidates = self.doubtful
        return error

    def claim(self, snapshot_id: str) -> None:
        """Note that a snapshot belongs to this create."""
        self.claims.claim(snapshot_id, self.clock.monotonic())
        self.name_lock.claimed[snapshot_id] = None

    async def sleep(self, seconds: float) -> bool:
        """Sleep; False if `interrupt()` cut it short."""
        pause = self._pause = asyncio.ensure_future(self.api.session.pause(seconds))
        try:
            await asyncio.wait({pause})
        finally:
            pause.cancel()
            self._pause = None
        return not pause.cancelled()

    def interrupt(self) -> None:
        """End a sleep."""
        if self._pause is not None:
            self._pause.cancel()

    async def _list(self, within: Within) -> Sequence[Snapshot]:
        return await self.api.list_snapshots(self.instance_id, within).collect()

    async def _list_again(self) -> Sequence[Snapshot]:
        """List with several tries: this search may be the last, and one bad answer is likely."""
        for pause in _LATE_PAUSES:
            await self.clock.sleep(pause)
            try:
                return await self._list(ONCE)
            except ClientClosedError:
                break
            except CivoError:
                continue
        return ()

    def _may_be_ours(self, found: Snapshot) -> bool:
        free = self.claims.is_free(found.id) and found.id not in self.name_lock.claimed
        return free and found.name == self.name

    def _is_new(self, found: Snapshot) -> bool | None:
        """Whether it was made since the first send; None if that cannot be told."""
        if self.baseline is not None:
            return found.id not in self.baseline
        return True if self.unique else self._is_younger(found)

    def _came_late(self, found: Snapshot) -> bool:
        """Whether it is new; by its date, or else because no earlier search has shown it."""
        is_new = self._is_new(found)
        if is_new is None:
            return self.seen is not None and found.id not in self.seen
        return is_new

    def _is_younger(self, found: Snapshot) -> bool | None:
        """Whether its date is later than the first send."""
        assert self.started is not None
        return self.backend.is_younger(found, self.started, self.api.session.clock_skew)
