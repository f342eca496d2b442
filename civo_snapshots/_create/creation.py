"""Creating a snapshot exactly once over an API without idempotency keys.

When a create may have acted without an answer, its name is searched for until the reconcile window
has passed. What is found is adopted; only if nothing was made is the create sent again.
"""

import asyncio
from typing import Literal

from attrs import define, field

from .._api import Missing, RegionApi, missing_of
from .._http import Kind
from .._session import LogicalCall, is_about_one_object
from ..errors import (
    CivoError,
    ConflictError,
    ConnectFailedError,
    DeadlineExceededError,
    NotFoundError,
    QuiesceError,
    TryLaterError,
    UnexpectedResponseError,
)
from ..events import CreateRecovered
from ..models import Snapshot
from ..states import DEFAULT_STATES, StateTable
from . import ends
from .claims import Claims, NameLock
from .lookup import Lookup
from .search import NOTHING_SEEN, Finding, Found

OnExisting = Literal["adopt", "error", "create"]

_IN_PROCESS = "database_snapshot_create_already_in_process"
"""After a loss it is perhaps our own that is in process: only a whole window shows if not."""

_NOT_SENT = (ConnectFailedError, DeadlineExceededError, QuiesceError)
"""What a create ends with that did not leave."""

_WITH_LOOKS = 1.125
"""A search of the whole reconcile window takes a little longer, because its looks do."""


@define(eq=False, repr=False)
class Creation:
    """One logical create.

    Attributes:
        call: the time, the retries and the record that its requests have together.
        unique: whether nothing else can bear the name, so that age need not be compared.
        reconcile_window: seconds after which a create that shows nowhere did nothing.
        on_existing: what becomes of a namesake; all but "create" look before the first send.
        abandoned: nobody waits any more, so it only searches and sends nothing more.
        lost: whether an answer was lost, so that a snapshot may still appear that nobody knows of.
        extras: further snapshots of the name, which its earlier sends may have made.
        is_anothers: whether another create, of this client or not, has made what it returned.
        is_shared: whether other processes may make snapshots of the name at the same time.
    """

    api: RegionApi
    claims: Claims
    call: LogicalCall
    instance_id: str
    name: str
    description: str | None
    unique: bool
    reconcile_window: float
    on_existing: OnExisting = "create"
    states: StateTable = DEFAULT_STATES
    abandoned: bool = False
    lost: bool = False
    extras: tuple[Snapshot, ...] = ()
    is_anothers: bool = False
    is_shared: bool = False
    _last: CivoError | None = None
    _did_nothing: bool = False
    _settled: asyncio.Event | None = None
    _lookup: Lookup = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.call.looks_first = True
        self._lookup = Lookup(
            self.api,
            self.claims,
            self.call,
            self.instance_id,
            self.name,
            self.unique,
            self.reconcile_window,
        )

    def cancel(self) -> bool:
        """Send nothing more and search at once. Return whether nothing can have acted so far."""
        self.abandoned = True
        self._settled = asyncio.Event()
        self.call.cancelled = True
        self._lookup.interrupt()
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
        return self.call.may_have_acted or self.lost

    @property
    def may_act_late(self) -> bool:
        """Whether a lost send may still make one beside the snapshot that was returned.

        That may be of a later send or, where others use the name, of somebody else.
        """
        return self.lost and (self.call.sends > 1 or self.is_shared)

    async def run(self) -> Snapshot:
        """Create; raises `OutcomeUnknownError` if it stays undecided."""
        name_lock = self._lookup.name_lock
        known = set(name_lock.claimed)
        try:
            if name_lock.lock.locked():
                return await self._run_after_others(name_lock, known)
            async with name_lock.lock:
                return await self._run_in_turn(known)
        finally:
            self._tell()

    async def _run_after_others(self, name_lock: NameLock, known: set[str]) -> Snapshot:
        time = self.call.deadline.queue_left()
        # The create that holds the lock may need the slot to make progress.
        self.call.release_slot()
        async with name_lock.held(self._lookup.clock, time) as is_held:
            if not is_held:
                raise DeadlineExceededError(
                    f"another create of {self.name} on instance {self.instance_id} took the time"
                )
            return await self._run_in_turn(known)

    async def _run_in_turn(self, known: set[str]) -> Snapshot:
        """Run with the lock of the name held; `known` was claimed before that was waited for."""
        snapshot = await self._made_meanwhile(known)
        self.is_anothers = snapshot is not None
        if snapshot is None:
            snapshot = await self._run()
        for made in (snapshot, *self.extras):
            self._lookup.claim(made.id)
        return snapshot

    async def _made_meanwhile(self, known: set[str]) -> Snapshot | None:
        """What a detached create of the same unique name made while this one waited."""
        if self.unique:
            for made in self._lookup.name_lock.claimed.keys() - known:
                try:
                    return await self._lookup.get(made)
                except NotFoundError as error:
                    if missing_of(error) is Missing.NOTHING:
                        raise  # it may be there, and another one would be one too many
        return None

    async def late(self) -> list[Snapshot]:
        """Search for snapshots that earlier sends of this create made after all."""
        return await self._lookup.late()

    async def _run(self) -> Snapshot:
        if self.on_existing != "create":
            self.call.release_slot()  # the look takes one of its own
            refuses = self.on_existing == "error"
            existing = await self._lookup.existing(self.states, refuses=refuses)
            if existing is not None:
                return existing
        self._lookup.started = self._lookup.clock.now()
        while True:
            failure = await self._send()
            if isinstance(failure, Snapshot):
                return failure
            if isinstance(failure, TryLaterError):
                made = await self._after_try_later(failure)
            elif failure.may_have_acted:
                made = await self._after_loss(failure)
            elif self.lost:
                made = await self._after_refusal(failure)
            elif isinstance(failure, ConflictError):
                made = await self._after_conflict(failure)
            else:
                raise failure
            if made is not None:
                return made

    async def _send(self) -> Snapshot | CivoError:
        clock = self._lookup.clock
        sent = clock.now()
        try:
            snapshot = await self.api.create_snapshot(
                self.instance_id, self.name, self.description, self.call
            )
        except CivoError as error:
            return error
        # Under another name it is a stray answer, or ours, renamed by the server.
        if snapshot.name in ("", self.name) or await self._lookup.is_own(snapshot.id):
            self._lookup.backend.learn(snapshot, sent, clock.now())
            return snapshot
        return UnexpectedResponseError("the answer names another snapshot", status=201)

    # What follows from each end of a request: the snapshot, an error, or None to send again.

    async def _after_loss(self, failure: CivoError) -> Snapshot | None:
        """The answer is lost: search; only what did nothing is sent again."""
        self.lost, self._last = True, failure
        if not self.abandoned and self.call.sends < self.call.policy.most_sends(
            failure, Kind.CREATING
        ):
            self.api.session.tell_retry(self.call, failure, self.reconcile_window)
        self.call.reserve = _WITH_LOOKS * self.reconcile_window
        finding = await self._reconcile()
        if finding.found is Found.OURS:
            return self._take(finding)
        answered = isinstance(failure, UnexpectedResponseError) and 200 <= failure.status < 300
        if finding.found is Found.UNKNOWN or answered or self.abandoned:
            raise self._unknown()
        pause = self._resend_pause(failure, since=self.reconcile_window)
        if pause is None:
            raise self.call.summed_up(ends.nothing_made(failure))
        if not await self._lookup.sleep(pause):
            raise self._unknown()
        self._tell_recovered("resent")
        return None

    def _resend_pause(self, failure: CivoError, *, since: float = 0.0) -> float | None:
        """Seconds until it is sent again, `since` seconds after the failure; None if it is not.

        After a loss the time must also hold another search, or the end of that send stays open.
        """
        pause = self.call.resend_pause(failure, Kind.CREATING)
        if pause is None:
            return None
        pause = max(pause - since, 0.0)
        return pause if pause + self.call.reserve < self.call.deadline.left() else None

    async def _after_refusal(self, failure: CivoError) -> Snapshot | None:
        """A refusal after a loss may be the echo of the very create that was lost."""
        if self._did_nothing and isinstance(failure, _NOT_SENT):
            # No refusal: it was not sent again.
            raise self.call.summed_up(ends.nothing_made(failure))
        self._last = failure
        finding = await self._lookup.once()
        taken_before = finding.found is Found.ABSENT and finding.older
        if isinstance(failure, ConflictError) and taken_before:
            raise failure
        if finding.found is not Found.OURS:
            finding = await self._reconcile()
        if finding.found is Found.OURS:
            return self._take(finding)
        raise self._unknown()

    async def _after_conflict(self, failure: ConflictError) -> Snapshot:
        """The name is taken by what did not show before: adopt that, or tell it."""
        if self.on_existing != "create":
            finding = await self._lookup.until_settled(at_once=True, tell=self._tell)
            if finding.found is Found.OURS:
                return self._take_anothers(finding)
        raise failure

    async def _after_try_later(self, failure: TryLaterError) -> Snapshot | None:
        """Something is busy, perhaps with our own lost create: wait, look, send again."""
        if is_about_one_object(failure) and await self._lookup.is_instance_broken():
            raise self.call.summed_up(failure)
        is_echo = self.lost and failure.code == _IN_PROCESS
        while True:
            pause = None if self._lookup.is_over else self._resend_pause(failure)
            if pause is None and self.lost:
                return await self._after_refusal(failure)
            if pause is None:
                raise self.call.summed_up(failure)
            self.api.session.tell_retry(self.call, failure, pause)
            if not await self._lookup.sleep(pause):
                raise self._unknown() if self.lost else self.call.summed_up(failure)
            finding = await (self._reconcile() if is_echo else self._lookup.once())
            if finding.found is Found.OURS and self.lost:
                return self._take(finding)
            if finding.found is Found.OURS and (self.unique or self.on_existing != "create"):
                return self._take_anothers(finding)
            if finding.found is Found.OURS:
                raise ends.another_made(self.instance_id, self.name, failure)
            if finding.doubtful and self.lost:
                raise self._unknown()  # it may be the one that was lost
            if finding is not NOTHING_SEEN:
                return None

    async def _reconcile(self) -> Finding:
        finding = await self._lookup.until_settled(at_once=self.abandoned, tell=self._tell)
        self._did_nothing = finding.found is Found.ABSENT
        if finding is NOTHING_SEEN:
            self._last = self._lookup.failure or self._last
        return finding

    def _take(self, finding: Finding) -> Snapshot:
        """The oldest of what this create made; what it made besides is told."""
        first, *others = finding.ours
        self.extras += tuple(others)
        self._tell_recovered("adopted", first.id)
        return first

    def _take_anothers(self, finding: Finding) -> Snapshot:
        """Nothing of this create was lost, so that what is new has been made by somebody else."""
        if self.on_existing == "error":
            raise ends.exists(finding.ours[0])
        self.is_anothers = True
        self._tell_recovered("adopted", finding.ours[0].id)
        return finding.ours[0]

    def _tell_recovered(self, how: str, snapshot_id: str = "") -> None:
        session = self.api.session
        if session.is_heard(CreateRecovered):
            region, after = self.api.named_region(), self.call.deadline.elapsed()
            told = (self.instance_id, self.name, snapshot_id)
            session.tell(CreateRecovered(how, region, *told, after))

    def _unknown(self) -> CivoError:
        return self.call.summed_up(self._lookup.unknown(self._last))
