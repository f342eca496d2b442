"""What the polls have shown of one awaited snapshot, and when that ends the wait; pure.

The first terminal verdict stands. A volume that was seen once counts until the end, so that a
pending volume which drops out of the list is not taken for a finished one; so do those that the
snapshot once said to include.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import ClassVar, TypeVar

from attrs import define, field

from .. import states
from .._api import Missing, missing_of, outlasts_lag
from .._codec import ListedStatus
from ..errors import (
    CivoError,
    NotFoundError,
    PermissionDeniedError,
    PollFailedError,
    RateLimitError,
    ServiceDisabledError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    SnapshotVanishedError,
    WaitError,
    WaitTimeoutError,
    printable,
    short,
)
from ..events import Transition
from ..models import Call, Snapshot, SnapshotStatus, id_and_state
from ..states import State, StateTable, Verdict
from .faults import Faults
from .policy import PollPolicy

W = TypeVar("W", bound=WaitError)

_MISSES_UNTIL_GONE = 3
_DENIALS_UNTIL_BELIEVED = 3
_DENIED_FOR = 5.0
"""Seconds that such a series takes at least."""

SHOWN = 300
"""Characters of a server's message that an error shows: some are whole stack traces."""

_Status = SnapshotStatus | ListedStatus
_id_of: Callable[[object], str] = attrgetter("id")


@define(eq=False, repr=False)  # it is changed often, which a struct of msgspec takes longer for
class CompletionWait:
    """One wait for one snapshot: `outcome` is None until it is over.

    Attributes:
        known: the record seen last, but for the status of a change that nobody heard.
    """

    until: ClassVar[str] = "complete"

    instance_id: str
    snapshot_id: str
    policy: PollPolicy
    states: StateTable
    started: float
    outcome: Snapshot | CivoError | None = None
    polls: int = 0
    known: Snapshot | None = field(default=None, init=False)
    _newer: ListedStatus | None = field(default=None, init=False)
    _lost: dict[str, str] | None = field(default=None, init=False)
    _included: tuple[str, ...] = field(default=(), init=False)
    _seen: bool = field(default=False, init=False)
    _is_hint: bool = field(default=False, init=False)
    _misses: int = field(default=0, init=False)
    _missing_since: float = field(default=0.0, init=False)
    _faults: Faults | None = field(default=None, init=False)
    _fault: CivoError | None = field(default=None, init=False)
    _denials: int = field(default=0, init=False)
    _denied_since: float = field(default=0.0, init=False)
    _settling_since: float | None = field(default=None, init=False)

    @property
    def last(self) -> Snapshot | None:
        """The record seen last; after a change that nobody heard it is made when asked for."""
        if self._newer is not None and self.known is not None:
            self.last = self._newer.of(self.known)
        return self.known

    @last.setter
    def last(self, seen: Snapshot | None) -> None:
        self.known, self._newer = seen, None

    def status(self) -> _Status | None:
        """The status seen last."""
        return self._newer or (self.known.status if self.known else None)

    def seed(self, known: Snapshot, *, is_fresh: bool) -> None:
        """Take what is known already; a 404 after it may still be mere delay.

        It ends the wait only if it is fresh from the server: a caller's record is a hint.
        """
        self.last, self._included = known, known.included_volumes
        self._is_hint = not is_fresh
        if is_fresh:
            self._judge(known, self.started)

    def seen(self) -> tuple[str, int]:
        """The snapshot's state as it was seen last, and the number of polls."""
        status = self.status()
        return (status.state if status else ""), self.polls

    def observe(self, snapshot: Snapshot, now: float) -> Iterator[Transition]:
        """Take a snapshot that the server showed; returns what changed since the last one."""
        before, self.last = self.status(), snapshot
        self._included = snapshot.included_volumes or self._included
        self.observe_again(1)
        self._keep_lost(before, snapshot.status)
        self._judge(snapshot, now)
        return transitions(before, snapshot)

    def observe_pending(self, status: ListedStatus) -> None:
        """Take the status of what is known, while that ends nothing."""
        before, self._newer = self.status(), status
        self._settling_since = None
        self.observe_again(1)
        self._keep_lost(before, status)

    def observe_again(self, times: int) -> None:
        """Count polls that showed the same status as before."""
        self._seen, self._is_hint = True, False
        self.polls += times
        if self._misses or self._fault is not None:
            self.recover()

    @property
    def is_pending(self) -> bool:
        """Whether the same again ends nothing, as it does once the volume grace has begun."""
        return self.outcome is None and self._settling_since is None and not self._is_hint

    def on_not_found(self, error: NotFoundError, now: float) -> None:
        """Take a 404: it is mere delay until it has come several times, for long enough."""
        self.polls += 1
        if not self._misses:
            self._missing_since = now
        self._misses += 1
        self._work_again()  # a 404 is an answer
        is_missed = self._misses >= _MISSES_UNTIL_GONE and outlasts_lag(self._missing_since, now)
        if self._seen and is_missed:
            what = "is gone"
        elif not self._seen and now - self.started >= self.policy.appear:
            what = f"did not show up within {self.policy.appear:g} s"
        else:
            return
        if missing_of(error) is Missing.INSTANCE:
            self._end(error)
            return
        self._end(
            self._error(
                SnapshotVanishedError,
                f"{self._called} {what}; look for it under its name before making another",
                now,
                error.call,
            )
        )

    def on_error(self, error: CivoError, now: float) -> None:
        """Take a failed poll, which is tolerated for as long as the policy says."""
        self._fault = error
        if isinstance(error, RateLimitError):
            return
        if isinstance(error, ServiceDisabledError) or self._is_denied(error, now):
            self.on_refused(error, now)
            return
        faults = self._faults = self._faults or Faults(self.policy.tolerate)
        if faults.add(now):
            self._poll_failed(f"failed for {now - faults.since:.0f} s", error, now)

    def on_refused(self, error: CivoError, now: float) -> None:
        """Take a refusal that is proven."""
        self._poll_failed("was refused", error, now)

    def _is_denied(self, error: CivoError, now: float) -> bool:
        """Whether this very snapshot may not be read: several polls in a row say so."""
        if not isinstance(error, PermissionDeniedError):
            self._denials = 0
            return False
        if not self._denials:
            self._denied_since = now
        self._denials += 1
        lasted = now - self._denied_since
        return self._denials >= _DENIALS_UNTIL_BELIEVED and lasted >= _DENIED_FOR

    def _poll_failed(self, failed: str, error: CivoError, now: float) -> None:
        outcome = self._error(
            PollFailedError,
            f"looking at {self._called} {failed}: {printable(error.message, SHOWN)}; "
            "it may be fine, wait again",
            now,
            error.call,
        )
        outcome.error = error
        self._end(outcome)

    def expire(self, now: float) -> None:
        """The wait's time is over."""
        state = f"'{short(self.last.state)}'" if self.last else "not seen"
        if self.last and self._settling_since is not None:
            state += f", unfinished volumes: {_listed(self._unfinished(self.last))}"
        fault = ""
        if self._fault:
            fault = f"; the last poll failed: {printable(self._fault.message, SHOWN)}"
        self._end(
            self._error(
                WaitTimeoutError,
                f"{self._called} was not finished after {now - self.started:.1f} s "
                f"(state {state}, {self.polls} polls){fault}; it goes on, wait again",
                now,
            )
        )

    def _error(self, kind: type[W], message: str, now: float, call: Call | None = None) -> W:
        """An error of this kind, which tells what was seen last and how often."""
        known = self.last or Snapshot(self.snapshot_id, instance_id=self.instance_id)
        return kind(
            message, snapshot=known, elapsed=now - self.started, polls=self.polls, call=call
        )

    def _end(self, outcome: Snapshot | CivoError) -> None:
        """End the wait; the first end stands, so a late answer cannot turn it round."""
        if self.outcome is None:
            self.outcome = outcome

    @property
    def _called(self) -> str:
        name = f" ({short(self.last.name)})" if self.last and self.last.name else ""
        return f"snapshot {self.snapshot_id}{name} of instance {self.instance_id}"

    def recover(self) -> None:
        """Polling works again."""
        self._misses = 0
        self._work_again()

    def _work_again(self) -> None:
        self._denials = 0
        self._faults = self._fault = None

    def _keep_lost(self, before: _Status | None, now: _Status) -> None:
        """Remember volumes that are no longer listed, in the state they were seen last."""
        if before is None:
            return
        listed = {*map(_id_of, now.volumes)}
        if self._lost is None and listed.issuperset(map(_id_of, before.volumes)):
            return
        lost = self._lost or {}
        lost.update((volume.id, volume.state) for volume in before.volumes)
        self._lost = {one: state for one, state in lost.items() if one not in listed} or None

    def _judge(self, snapshot: Snapshot, now: float) -> None:
        verdict = states.verdict(
            snapshot.state, self._volumes(snapshot), self._included, self.states
        )
        if verdict is Verdict.COMPLETE:
            self._end(snapshot)
        elif verdict is Verdict.FAILED:
            self._fail(snapshot, now)
        elif verdict is Verdict.SETTLING:
            if self._settling_since is None:
                self._settling_since = now
            if now - self._settling_since >= self.policy.volume_grace:
                self._unsettled(snapshot, now)
        else:
            self._settling_since = None

    def _volumes(self, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
        """The id of each volume that was ever listed, and its state as it was seen last."""
        return chain(map(id_and_state, snapshot.volumes), (self._lost or {}).items())

    def _unfinished(self, snapshot: Snapshot) -> tuple[str, ...]:
        volumes = dict(self._volumes(snapshot))
        pending = states.those_in(State.PENDING, volumes.items(), self.states)
        return pending + states.never_listed(volumes, self._included)

    def _fail(self, snapshot: Snapshot, now: float) -> None:
        volumes = states.those_in(State.FAILED, self._volumes(snapshot), self.states)
        listed = f"; volumes: {_listed(volumes)}" if volumes else ""
        message = f"{self._called} failed{listed}{_why(snapshot)}"
        outcome = self._error(SnapshotFailedError, message, now)
        outcome.failed_volumes = volumes
        self._end(outcome)

    def _unsettled(self, snapshot: Snapshot, now: float) -> None:
        if self.policy.on_unsettled == "return":
            self._end(snapshot)
            return
        volumes = self._unfinished(snapshot)
        outcome = self._error(
            SnapshotUnsettledError,
            f"{self._called} says complete, but for {self.policy.volume_grace:g} s not all of its "
            f"volumes did; unfinished: {_listed(volumes)}{_why(snapshot)}; it may be fine, wait "
            "again",
            now,
        )
        outcome.unfinished_volumes = volumes
        self._end(outcome)


def is_same(one: _Status | None, other: _Status) -> bool:
    """Whether two statuses say the same, in whatever form each of them is."""
    if one is None or type(one) is type(other):
        return one == other
    if one.state != other.state or one.message != other.message:
        return False
    return [*map(id_and_state, one.volumes)] == [*map(id_and_state, other.volumes)]


def _listed(volumes: Iterable[str]) -> str:
    """Ids of volumes, fit to be shown."""
    return printable(", ".join(volumes), SHOWN)


def _why(snapshot: Snapshot) -> str:
    """What the server says of it, fit to be shown."""
    said = printable(snapshot.message.strip(), SHOWN)
    return f": {said}" if said else ""


def transitions(before: _Status | None, now: Snapshot) -> Iterator[Transition]:
    """What is different between two observations."""
    old = before.state if before else None
    if old != now.state:
        yield Transition(now, None, old, now.state)
    volumes = {volume.id: volume.state for volume in before.volumes} if before else {}
    for volume in now.volumes:
        old = volumes.get(volume.id)
        if old != volume.state:
            yield Transition(now, volume.id, old, volume.state)
