"""Creating a snapshot exactly once over an API without idempotency keys.

When a create may have acted without an answer, its name is looked for until the server can be
trusted to have settled; what is found is adopted, and only if nothing acted is it sent again. It is
given steps to take, not a client.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import define, field

from .._clock import Clock
from .._session.retry import may_have_acted
from ..errors import (
    Call,
    CivoError,
    ClientClosedError,
    ConflictError,
    NotFoundError,
    OutcomeUnknownError,
    UnexpectedResponseError,
)
from ..models import Snapshot
from .claims import Ledger, Turn

SENDS = 5
"""Each of them only after the one before certainly did nothing; with one loss in twenty, three
would leave one create in ten thousand undecided."""

_LOOKS = (1 / 31, 2 / 31, 4 / 31, 8 / 31, 16 / 31)
"""The pauses before the looks for a lost create, as parts of the settling time."""

_LATE_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Before each try of a look for what acted late."""

_TOLERANCE = timedelta(seconds=2)
"""HTTP dates have whole seconds, and so may `created_at`."""


class Steps(Protocol):
    """What a creation can do."""

    async def send(self) -> Snapshot:
        """POST, repeated only while it certainly did nothing."""
        ...

    async def look(self) -> Sequence[Snapshot]:
        """The instance's snapshots as they are now."""
        ...

    async def get(self, snapshot_id: str, /) -> Snapshot:
        """One snapshot of the instance."""
        ...

    def skew(self) -> timedelta | None:
        """How far the server's clock is ahead of ours; None if it never told its time."""
        ...

    def may_have_acted(self) -> bool:
        """Whether the POST last sent may have created something."""
        ...

    def left(self) -> float:
        """Seconds that are left for sending and looking."""
        ...

    def call_off(self) -> None:
        """Keep the POST from being sent, if it has not been."""
        ...

    def give_back(self) -> None:
        """Let go of the place among the requests in flight, if the POST has not taken it."""
        ...


@define(eq=False)
class Creation:
    """One logical create.

    Attributes:
        unique: whether nothing else can bear the name, so that age need not be compared.
        settle: seconds after which a create that shows nowhere did nothing.
        sends: how often it may be sent when earlier sends did nothing after all.
        abandoned: nobody waits any more: it only finds out, and sends no more.
        resent: whether it was sent again after a loss, so that a late commit makes a second one.
        extras: ids of further snapshots that its earlier sends made.
    """

    steps: Steps
    ledger: Ledger
    clock: Clock
    instance_id: str
    name: str
    unique: bool
    settle: float
    sends: int = SENDS
    abandoned: bool = False
    resent: bool = False
    extras: tuple[str, ...] = ()
    _started: datetime | None = None
    _last: CivoError | None = None
    _pause: asyncio.Task[None] | None = None
    _news: asyncio.Event | None = None
    _turn: Turn = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turn = self.ledger.turn(self.instance_id, self.name)

    def call_off(self) -> bool:
        """Send nothing from now on, and look at once; whether nothing can have acted so far."""
        self.abandoned = True
        self._news = asyncio.Event()
        self.steps.call_off()
        if self._pause is not None:
            self._pause.cancel()
        return not self.in_doubt

    async def news(self) -> None:
        """Wait until one that was called off has ended, or was looked for in vain."""
        if self._news is not None:
            await self._news.wait()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()

    @property
    def in_doubt(self) -> bool:
        """Whether something may have been created whose id is not known yet."""
        return self.steps.may_have_acted() or self._last is not None

    async def run(self) -> Snapshot:
        """Create; raises `OutcomeUnknownError` if it stays undecided."""
        known = set(self._turn.claimed)
        if self._turn.lock.locked():
            # Whoever it waits for may need the place to get on.
            self.steps.give_back()
        try:
            async with self._turn.lock:
                snapshot = await self._made_meanwhile(known) or await self._run()
                for made in (snapshot.id, *self.extras):
                    self._claim(made)
                return snapshot
        finally:
            self._tell()

    async def _made_meanwhile(self, known: set[str]) -> Snapshot | None:
        """What a forsaken create of the same unique name made while this one waited for it."""
        if self.unique:
            for made in self._turn.claimed.keys() - known:
                try:
                    return await self.steps.get(made)
                except NotFoundError:
                    continue
        return None

    async def late(self) -> tuple[str, ...]:
        """Look for snapshots that earlier sends of this create made after all."""
        async with self._turn.lock:
            listed = await self._look_again()
            found = [one.id for one in listed if self._may_be_ours(one) and self._is_new(one)]
            for extra in found:
                self._claim(extra)
        return tuple(found)

    async def _look_again(self) -> Sequence[Snapshot]:
        """A listing that one bad answer does not prevent; this look may be the last."""
        for pause in _LATE_PAUSES:
            await self.clock.sleep(pause)
            try:
                return await self.steps.look()
            except ClientClosedError:
                break
            except CivoError:
                continue
        return ()

    def _claim(self, snapshot_id: str) -> None:
        self.ledger.claim(snapshot_id)
        self._turn.claimed[snapshot_id] = None

    async def _run(self) -> Snapshot:
        self._started = self.clock.now()
        for sending in range(self.sends):
            self.resent = sending > 0
            failure = await self._send()
            if isinstance(failure, Snapshot):
                return failure
            if not self._is_open(failure, first=sending == 0):
                raise failure
            self._last = failure
            found, certain = await self._settle()
            if found is not None:
                return found
            acted = isinstance(failure, UnexpectedResponseError) and 200 <= failure.status < 300
            if acted or self.abandoned or not certain:
                break
        raise self._unknown()

    def _is_open(self, failure: CivoError, *, first: bool) -> bool:
        """Whether a failure leaves it open if a snapshot was made."""
        # "Already in process" after a lost answer is the echo of that very create.
        return may_have_acted(failure) or (isinstance(failure, ConflictError) and not first)

    async def _send(self) -> Snapshot | CivoError:
        try:
            snapshot = await self.steps.send()
        except CivoError as error:
            return error
        if snapshot.name in ("", self.name) or await self._is_own(snapshot.id):
            return snapshot
        return UnexpectedResponseError("the answer names another snapshot", status=201)

    async def _is_own(self, snapshot_id: str) -> bool:
        """Whether an answer with another name is ours, renamed by the server, and no stray."""
        try:
            snapshot = await self.steps.get(snapshot_id)
        except CivoError:
            return False
        return self.ledger.is_free(snapshot.id) and self._is_younger(snapshot) is True

    async def _settle(self) -> tuple[Snapshot | None, bool]:
        """Look for the name; what was found, and whether nothing certainly means nothing."""
        certain = False
        pauses = [part * self.settle for part in _LOOKS]
        at_once = self.abandoned
        while pauses:
            if pauses[0] > self.steps.left():
                return None, False
            if not at_once and await self._slept(pauses[0]):
                del pauses[0]
            at_once = False
            if self.steps.left() <= 0:  # it slept longer than asked
                return None, False
            try:
                listed = await self.steps.look()
            except (NotFoundError, ClientClosedError):
                return None, False  # the instance itself is gone, or nobody can look any more
            except CivoError as error:
                self._last = error
                certain = False
                # Only a look that succeeds can say "nothing".
                pauses = pauses or [_LOOKS[-1] * self.settle]
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
        """Sleep so long; False if that was cut short because nobody waits any more."""
        pause = self._pause = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({pause})
        finally:
            pause.cancel()
            self._pause = None
        return not pause.cancelled()

    def _may_be_ours(self, found: Snapshot) -> bool:
        free = self.ledger.is_free(found.id) and found.id not in self._turn.claimed
        return free and found.name == self.name

    def _is_new(self, found: Snapshot) -> bool | None:
        """Whether one of the name was made since the first send; None if that is untold."""
        return True if self.unique else self._is_younger(found)

    def _is_younger(self, found: Snapshot) -> bool | None:
        """The same by the server's clock."""
        skew = self.steps.skew()
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
