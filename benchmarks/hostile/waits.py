"""2,000 waits over random lives with a tenth of the polls failing, against an independent oracle.

The watcher runs over a stub of the API and a fake clock. What each poll showed is noted, and every
note is compared with the truth at that moment, so that neither a stale answer nor a listing that
merely lacks an item can pass for an observation.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from attrs import define, evolve, field, frozen

from benchmarks.hostile import _oracle
from benchmarks.hostile._figures import Figure, show
from benchmarks.hostile._oracle import Missing, Poll, Rules, Shown, Trouble
from benchmarks.hostile._region_waits import over_http
from benchmarks.hostile._scripts import (
    Gone,
    Life,
    bad_luck,
    gone,
    life_of,
    snapshot_of,
    states_of,
    trouble_of,
)
from civo_snapshots import (
    CivoClient,
    CivoError,
    Listing,
    Page,
    PollPolicy,
    RegionSnapshot,
    Snapshot,
    Transition,
)
from civo_snapshots._api import RegionApi
from civo_snapshots._codec import ListingConsumer, items_of
from civo_snapshots._session import Within
from civo_snapshots._watch import CompletionWait, Wait, Watcher
from civo_snapshots.errors import NotFoundError, ServiceDisabledError
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock

WAITS = 1_900
OVER_HTTP = 100
LATE = 0.25
_ENDS = {
    "SnapshotFailedError": "failed",
    "SnapshotUnsettledError": "unsettled",
    "SnapshotVanishedError": "vanished",
    "PollFailedError": "poll failed",
    "NotFoundError": "not found",
    "WaitTimeoutError": "timeout",
}


@define
class Noted(CompletionWait):
    """A completion wait that notes what each poll showed."""

    notes: list[Poll] = field(factory=list[Poll])

    def observe(self, snapshot: Snapshot, now: float) -> Iterator[Transition]:
        self.notes.append(Shown(now, *states_of(snapshot)))
        return super().observe(snapshot, now)

    def observe_again(self, times: int) -> None:
        # A listing that shows the same as before is told afterwards, and without its time.
        if not isinstance(self.notes[-1], Shown):
            self.notes.append(
                next(note for note in reversed(self.notes) if isinstance(note, Shown))
            )
        super().observe_again(times)

    def on_not_found(self, error: NotFoundError, now: float) -> None:
        self.notes.append(Missing(now, error.code == "database_instance_find"))
        super().on_not_found(error, now)

    def on_error(self, error: CivoError, now: float) -> None:
        self.notes.append(trouble_of(error, now))
        super().on_error(error, now)

    def on_refused(self, error: CivoError, now: float) -> None:
        if self.outcome is None and not self._is_noted(now):
            self.notes.append(Trouble(now, "fatal"))
        super().on_refused(error, now)

    def _is_noted(self, now: float) -> bool:
        """Whether `on_error` has come to that end by itself."""
        last = self.notes[-1] if self.notes else None
        return isinstance(last, Trouble) and last.at == now and last.kind in ("fatal", "denied")


@define
class Server:
    """Answers a watcher's polls from the lives of some snapshots."""

    clock: FakeClock
    rng: random.Random
    lives: Sequence[Life]
    slow: float
    polls: int = 0

    async def _poll(self, *lives: Life) -> float:
        """A moment passes, and one poll in ten fails; all of them do in an outage."""
        self.polls += 1
        await self.clock.sleep(self.rng.uniform(0, self.slow))
        now = self.clock.monotonic()
        if self.rng.random() < 0.1 or any(life.is_out(now) for life in lives):
            raise bad_luck(self.rng)
        return now

    async def get(self, instance_id: str, snapshot_id: str) -> Snapshot:
        [life] = [one for one in self.lives if one.snapshot_id == snapshot_id]
        assert life.instance_id == instance_id
        moment = life.at(await self._poll(life))
        if isinstance(moment, Gone):
            raise gone(life, moment)
        return moment

    async def list_instance(self, instance_id: str) -> list[Snapshot]:
        lives = [life for life in self.lives if life.instance_id == instance_id]
        now = await self._poll(*lives)
        found = [life.at(now) for life in lives]
        if any(isinstance(moment, Gone) and moment.instance for moment in found):
            raise gone(lives[0], Gone(True))
        return [moment for moment in found if isinstance(moment, Snapshot)]

    async def list_region(self, consumer: ListingConsumer) -> float | None:
        if self.slow > 0.04:
            raise ServiceDisabledError("none here", status=403)
        now = await self._poll(*self.lives[:1])
        items = []
        for number, life in enumerate(self.lives):
            moment = life.at(now)
            if isinstance(moment, Gone) or self.rng.random() < 0.05:  # a replica lags behind
                continue
            # Which of an item's ids is the snapshot's differs between deployments.
            inner = moment if number % 3 == 1 else None
            outer = life.snapshot_id if number % 3 == 0 else f"o-{number}"
            stranger = evolve(moment, id=f"i-{number}")
            items.append(RegionSnapshot(outer, moment.name, instance=inner or stranger))
        consumer.consume(items_of(items))
        return 0.0


class _ServerApi(RegionApi):
    """The calls that a watcher makes."""

    def __init__(self, server: Server) -> None:
        client = CivoClient("token-of-none", region="LON1", clock=server.clock)
        super().__init__(client._state.session, client.region)
        self._server = server

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        return await self._server.get(instance_id, snapshot_id)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        async def page(number: int) -> Page[Snapshot]:
            return Page(number, tuple(await self._server.list_instance(instance_id)))

        return Listing(page, key=lambda found: found.id)

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        return await self._server.list_region(consumer)


@frozen
class _Case:
    life: Life
    progress: Noted
    known: Snapshot | None
    deadline: float
    ended: float
    end: str


def _policy(rng: random.Random) -> PollPolicy:
    return PollPolicy(
        volume_grace=rng.choice((0.0, 5.0, 60.0)),
        on_unsettled=rng.choice(("raise", "return")),
        appear=rng.choice((5.0, 60.0)),
        tolerate=rng.choice((15.0, 60.0, None)),
    )


async def _wait(server: Server, watcher: Watcher, life: Life, rng: random.Random) -> _Case:
    clock = server.clock
    await clock.sleep(rng.choice((0, 0, rng.uniform(0, 3))))
    now = clock.monotonic()
    progress = Noted(life.instance_id, life.snapshot_id, _policy(rng), DEFAULT_STATES, now)
    known = None
    if rng.random() < 0.5:
        known = snapshot_of(rng, life.instance_id, life.snapshot_id, "busy")
    deadline = now + rng.choice((0.0, 0.4, 5.0, 30.0, 90.0, 300.0, 900.0))
    try:
        await Wait(watcher, progress, deadline, known).end()
        end = "complete"
    except CivoError as error:
        end = _ENDS.get(type(error).__name__, repr(error))
    return _Case(life, progress, known, deadline, clock.monotonic(), end)


def _misjudged(case: _Case) -> str:
    """How the end differs from the oracle's, or nothing."""
    policy, notes = case.progress.policy, case.progress.notes
    tolerate = inf if policy.tolerate is None else policy.tolerate
    rules = Rules(policy.volume_grace, policy.appear, tolerate)
    known = Shown(case.progress.started, *states_of(case.known)) if case.known else None
    expected, used = _oracle.verdict(rules, case.progress.started, known, notes)
    wanted = expected or "timeout"
    if wanted == "unsettled" and policy.on_unsettled == "return":
        wanted = "complete"
    if case.end != wanted:
        return f"ended as {case.end}, the oracle says {wanted}: {notes[-3:]}"
    if used != len(notes):
        return f"{case.end} after {len(notes)} polls, the oracle needed {used}"
    early = wanted == "timeout" and case.ended < case.deadline
    return "timed out early" if early else ""


def _deceived(case: _Case) -> str:
    """What the wait was shown that was not so, or nothing."""
    for note in case.progress.notes:
        truth = case.life.at(note.at)
        seen = (note.own, note.volumes, note.included) if isinstance(note, Shown) else None
        if seen and (isinstance(truth, Gone) or states_of(truth) != seen):
            return f"was shown {note}, the truth was {truth}"
        if isinstance(note, Missing) and not isinstance(truth, Gone):
            return f"was told 404, the truth was {truth}"
    return ""


def _asleep(case: _Case) -> str:
    """Whether a wait was not polled for too long; only for waits that share no listing."""
    policy = case.progress.policy
    longest = policy.ceiling * (1 + policy.jitter) + LATE
    times = [case.progress.started, *(note.at for note in case.progress.notes)]
    if case.end == "timeout":
        times.append(case.deadline - policy.floor)
    gap = max((after - before for before, after in pairwise(times)), default=0.0)
    return f"was not polled for {gap:.1f} s" if gap > longest else ""


def _problem(case: _Case, *, alone: bool) -> str:
    """What is wrong with a wait, or nothing."""
    return _misjudged(case) or _deceived(case) or (_asleep(case) if alone else "")


async def _round(seed: int) -> tuple[list[_Case], list[str]]:
    """Some waits that share one watcher."""
    rng = random.Random(seed)
    count = rng.choice((1, 1, 1, 2, 5, 12))
    instances = rng.choice((1, 3, 12))
    lives = [life_of(rng, f"i-{n % instances}", f"s-{n}") for n in range(count)]
    server = Server(FakeClock(), rng, lives, slow=0.2 if count == 1 else rng.choice((0.0, 0.02)))
    watcher = Watcher(_ServerApi(server), server.clock)
    waited = [*lives, *rng.sample(lives, count // 4)]  # some snapshots have two waits
    cases = await asyncio.gather(*(_wait(server, watcher, life, rng) for life in waited))
    await watcher.close()
    problems = [_problem(case, alone=count == 1) for case in cases]
    return cases, [f"seed {seed}: {problem}" for problem in problems if problem]


async def run() -> list[Figure]:
    """The figures of bar 1."""
    cases: list[_Case] = []
    problems: list[str] = []
    seed = 0
    while len(cases) < WAITS:
        seed += 1
        more, wrong = await _round(seed)
        cases += more
        problems += wrong
    kinds = sorted({case.end for case in cases})
    wide = await over_http(OVER_HTTP)
    show(problems + wide.problems)
    late = max(wide.latest, *(case.ended - case.deadline for case in cases))
    return [
        Figure("waits judged", len(cases) + wide.waits, at_least=2_000),
        Figure("verdicts and observations that differ from the oracle", len(problems), 0),
        Figure("the same over a region and HTTP", len(wide.problems), 0),
        Figure(f"kinds of ending met ({', '.join(kinds)})", len(kinds), at_least=6),
        Figure("latest end after a deadline", late, LATE, unit="s"),
    ]
