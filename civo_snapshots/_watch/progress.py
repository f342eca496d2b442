"""What the polls have shown of one awaited snapshot, and when that ends the wait; pure.

The first terminal verdict stands. A volume that was seen once counts until the end, so that a
pending volume which drops out of the list is not taken for a finished one.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from attrs import define, field

from .. import states
from .._api import Missing, missing_of
from ..errors import (
    AuthenticationError,
    CivoError,
    ClientClosedError,
    NotFoundError,
    PermissionDeniedError,
    PollFailedError,
    RateLimitError,
    ServiceDisabledError,
    SnapshotFailedError,
    SnapshotVanishedError,
    WaitTimeoutError,
    printable,
)
from ..events import Transition
from ..models import Snapshot, VolumeStatus, state_of
from ..states import State, StateTable, Verdict
from .policy import PollPolicy

_FATAL = (AuthenticationError, PermissionDeniedError, ServiceDisabledError, ClientClosedError)
_MISSES_UNTIL_GONE = 3
_FAULTS_IN_A_ROW = 10
_MESSAGE = 300
"""Characters of a server's message that an error shows: some are whole stack traces."""

_id_of: Callable[[VolumeStatus], str] = attrgetter("id")


@define
class CompletionWait:
    """One wait for one snapshot: `outcome` is None until it is over."""

    instance_id: str
    snapshot_id: str
    policy: PollPolicy
    states: StateTable
    started: float
    last: Snapshot | None = None
    outcome: Snapshot | CivoError | None = None
    polls: int = 0
    _lost: dict[str, str] | None = field(default=None, init=False)
    _seen: bool = field(default=False, init=False)
    _misses: int = field(default=0, init=False)
    _faults: int = field(default=0, init=False)
    _failing_since: float | None = field(default=None, init=False)
    _settling_since: float | None = field(default=None, init=False)

    def seed(self, known: Snapshot) -> None:
        """Count what the caller already has; a 404 after it may still be mere delay."""
        self.last = known
        self._judge(known, self.started)

    def observe(self, snapshot: Snapshot, now: float) -> Iterator[Transition]:
        """Take a snapshot that the server showed; returns what changed since the last one."""
        before, self.last = self.last, snapshot
        self.observe_again(1)
        if before is not None:
            self._keep_lost(before, snapshot)
        self._judge(snapshot, now)
        return transitions(before, snapshot)

    def observe_again(self, times: int) -> None:
        """Count polls that showed the same status as before."""
        self._seen = True
        self.polls += times
        if self._misses or self._faults:
            self.recover()

    @property
    def is_pending(self) -> bool:
        """Whether time alone ends nothing, as it does once the volume grace has begun."""
        return self.outcome is None and self._settling_since is None

    def on_not_found(self, error: NotFoundError, now: float) -> None:
        """Take a 404: once is delay, several times, or for too long, is the end."""
        self.polls += 1
        self._misses += 1
        self._faults, self._failing_since = 0, None  # a 404 is an answer
        if self._seen and self._misses >= _MISSES_UNTIL_GONE:
            what = "is gone"
        elif not self._seen and now - self.started >= self.policy.appear:
            what = f"did not show up within {self.policy.appear:g} s"
        else:
            return
        if missing_of(error) is Missing.INSTANCE:
            self._end(error)
            return
        self._end(
            SnapshotVanishedError(
                f"{self._called} {what}; look for it under its name before making another",
                snapshot=self.last,
                elapsed=now - self.started,
                polls=self.polls,
                call=error.call,
            )
        )

    def on_error(self, error: CivoError, now: float) -> None:
        """Take a failed poll: tolerated for a while, unless access was refused."""
        if isinstance(error, RateLimitError):
            return
        self._faults += 1
        since = self._failing_since = now if self._failing_since is None else self._failing_since
        fatal = isinstance(error, _FATAL)
        if not fatal and (self._faults < _FAULTS_IN_A_ROW or now - since < self.policy.tolerate):
            return
        failed = "was refused" if fatal else f"failed for {now - since:.0f} s"
        outcome = PollFailedError(
            f"looking at {self._called} {failed}: {error.message}; it may be fine, wait again",
            snapshot=self.last,
            elapsed=now - self.started,
            polls=self.polls,
            call=error.call,
        )
        outcome.error = error
        self._end(outcome)

    def expire(self, now: float) -> None:
        """The wait's time is over."""
        state = repr(self.last.state) if self.last else "not seen"
        self._end(
            WaitTimeoutError(
                f"{self._called} was not finished after {now - self.started:.1f} s "
                f"(state {state}, {self.polls} polls); it goes on, wait again",
                snapshot=self.last,
                elapsed=now - self.started,
                polls=self.polls,
            )
        )

    def _end(self, outcome: Snapshot | CivoError) -> None:
        """End the wait; the first end stands, so a late answer cannot turn it round."""
        if self.outcome is None:
            self.outcome = outcome

    @property
    def _called(self) -> str:
        name = f" ({self.last.name})" if self.last and self.last.name else ""
        return f"snapshot {self.snapshot_id}{name} of instance {self.instance_id}"

    def recover(self) -> None:
        """Polling works again."""
        self._misses = self._faults = 0
        self._failing_since = None

    def _keep_lost(self, before: Snapshot, now: Snapshot) -> None:
        """Remember volumes that are no longer listed, in the state they were seen last."""
        listed = set(map(_id_of, now.volumes))
        if self._lost is None and listed.issuperset(map(_id_of, before.volumes)):
            return
        lost = self._lost or {}
        lost.update((volume.id, volume.state) for volume in before.volumes)
        self._lost = {one: state for one, state in lost.items() if one not in listed} or None

    def _judge(self, snapshot: Snapshot, now: float) -> None:
        volumes: Iterable[str] = map(state_of, snapshot.volumes)
        if self._lost is not None:
            volumes = (*volumes, *self._lost.values())
        verdict = states.verdict(snapshot.state, volumes, self.states)
        if verdict is Verdict.COMPLETE:
            self._end(snapshot)
        elif verdict is Verdict.FAILED:
            self._fail("failed", State.FAILED, now)
        elif verdict is Verdict.SETTLING:
            if self._settling_since is None:
                self._settling_since = now
            if now - self._settling_since >= self.policy.volume_grace:
                self._unsettled(snapshot, now)
        else:
            self._settling_since = None

    def _unsettled(self, snapshot: Snapshot, now: float) -> None:
        if self.policy.on_unsettled == "return":
            self._end(snapshot)
        else:
            what = f"says complete but had unfinished volumes for {self.policy.volume_grace:g} s"
            self._fail(what, State.PENDING, now)

    def _fail(self, what: str, blamed: State, now: float) -> None:
        seen = {volume.id: volume.state for volume in self.last.volumes} if self.last else {}
        seen.update(self._lost or {})
        volumes = tuple(
            volume
            for volume, state in seen.items()
            if states.classify(state, self.states) is blamed
        )
        listed = f"; volumes: {', '.join(volumes)}" if volumes else ""
        said = printable(self.last.message.strip(), _MESSAGE) if self.last else ""
        why = f": {said}" if said else ""
        outcome = SnapshotFailedError(
            f"{self._called} {what}{listed}{why}",
            snapshot=self.last,
            elapsed=now - self.started,
            polls=self.polls,
        )
        outcome.failed_volumes = volumes
        self._end(outcome)


def transitions(before: Snapshot | None, now: Snapshot) -> Iterator[Transition]:
    """What is different between two observations."""
    old = before.state if before else None
    if old != now.state:
        yield Transition(now, None, old, now.state)
    volumes = {volume.id: volume.state for volume in before.volumes} if before else {}
    for volume in now.volumes:
        old = volumes.get(volume.id)
        if old != volume.state:
            yield Transition(now, volume.id, old, volume.state)
