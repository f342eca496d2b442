"""Creating exactly once, over a stub of the API and a fake clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import inf

import pytest
from support.stubs import StubApi, listing_of

from civo_snapshots import (
    CivoError,
    ClientClosedError,
    ConflictError,
    ConnectionLostError,
    CreateRecovered,
    DeadlineExceededError,
    Event,
    Instance,
    InvalidRequestError,
    Listing,
    NotFoundError,
    OutcomeUnknownError,
    QuotaExceededError,
    RetryPolicy,
    RetryScheduled,
    ServerError,
    Snapshot,
    TryLaterError,
    UnexpectedResponseError,
)
from civo_snapshots._create import Creation
from civo_snapshots._create.claims import Claims
from civo_snapshots._session import Deadline, LogicalCall, Within
from civo_snapshots.testing import FakeClock

LOST = ConnectionLostError("lost")


class Server(StubApi):
    """A table of snapshots, and what happens to each create sent to it."""

    def __init__(
        self,
        clock: FakeClock,
        script: list[Callable[["Server"], Awaitable[Snapshot]]],
        *,
        ahead: timedelta | None = timedelta(),
        failing_searches: int = 0,
        limit: float = 120.0,
    ) -> None:
        super().__init__(clock)
        self.clock = clock
        self.script = script
        self.ahead = self.session.clock_skew = ahead
        self.table: list[Snapshot] = []
        self.sent = 0
        self.searches = 0
        self.failing_searches = failing_searches
        self.limit = limit
        self.hidden_searches = 0
        self.claims = Claims()
        self.instance_status = "ACTIVE"
        self.told: list[Event] = []
        self.session.is_heard = lambda kind: True
        self.session.tell = self.hear

    def hear(self, event: Event) -> None:
        self.told.append(event)

    def teach_its_clock(self) -> None:
        """As if another create of the client had been answered."""
        claims = self.claims = Claims()
        now = self.clock.now()
        made = Snapshot(id="x", created_at=now + (self.ahead or timedelta()))
        claims.clock_of("LON1").learn(made, now, now)

    def make(self, name: str = "n", *, created_at: datetime | None = None) -> Snapshot:
        made = Snapshot(
            id=f"s{len(self.table)}",
            name=name,
            instance_id="i",
            created_at=created_at or self.clock.now() + (self.ahead or timedelta()),
        )
        self.table.append(made)
        return made

    async def create_snapshot(
        self,
        instance_id: str,
        name: str,
        description: str | None,
        call: LogicalCall,
    ) -> Snapshot:
        step = self.script[self.sent]
        self.sent += 1
        call.deadline.begin()
        call.sends += 1
        call.record.attempts += 1
        call.may_have_acted = True
        try:
            return await step(self)
        except CivoError as error:
            call.may_have_acted = error.may_have_acted
            raise

    async def search(self) -> list[Snapshot]:
        self.searches += 1
        if self.hidden_searches:
            self.hidden_searches -= 1
            return []
        if self.failing_searches:
            self.failing_searches -= 1
            raise ServerError("busy", status=503)
        return list(self.table)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        return listing_of(self.search)

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        for found in self.table:
            if found.id == snapshot_id:
                return found
        raise NotFoundError("none", status=404, code="database_snapshot_not_found")

    async def get_instance(self, instance_id: str, options: Within) -> Instance:
        return Instance(instance_id, status=self.instance_status)

    def creation(
        self,
        *,
        unique: bool = True,
        claims: Claims | None = None,
        timeout: float = inf,
        policy: RetryPolicy | None = None,
    ) -> Creation:
        deadline = Deadline(self.clock, self.limit, self.clock.monotonic() + timeout)
        return Creation(
            self,
            claims or self.claims,
            LogicalCall(deadline, policy or RetryPolicy()),
            "i",
            "n",
            None,
            unique,
            reconcile_window=8.0,
        )


async def answered(server: Server) -> Snapshot:
    return server.make()


async def lost_after_acting(server: Server) -> Snapshot:
    server.make()
    raise LOST


async def lost_before_acting(server: Server) -> Snapshot:
    raise LOST


def fails(error: CivoError) -> Callable[[Server], Awaitable[Snapshot]]:
    async def step(server: Server) -> Snapshot:
        raise error

    return step


async def test_an_answered_create_is_sent_once_and_searches_for_nothing() -> None:
    server = Server(FakeClock(), [answered])
    creation = server.creation()
    assert (await creation.run()).id == "s0"
    assert (server.sent, server.searches, creation.may_act_late) == (1, 0, False)


async def test_a_create_whose_answer_was_lost_is_adopted_not_repeated() -> None:
    """T9, R186: and that is told."""
    server = Server(FakeClock(), [lost_after_acting])
    assert (await server.creation().run()).id == "s0"
    begun, ended = server.told
    assert isinstance(begun, RetryScheduled)
    assert (begun.attempt, begun.delay) == (1, 8.0)
    assert begun.cause == "lost"
    after = server.clock.monotonic()
    assert ended == CreateRecovered("adopted", "LON1", "i", "n", "s0", after)
    assert (server.sent, server.searches) == (1, 1)


async def test_a_create_that_did_nothing_is_sent_again_after_the_reconcile_window() -> None:
    """T8."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    creation = server.creation()
    assert (await creation.run()).id == "s0"
    assert (server.sent, creation.may_act_late) == (2, True)
    assert clock.monotonic() >= 8.0


async def test_a_commit_that_comes_late_is_found_within_the_reconcile_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T10."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting])
    creation = server.creation()

    async def search() -> list[Snapshot]:
        server.searches += 1
        if server.searches == 4:
            server.make()
        return server.table

    monkeypatch.setattr(server, "search", search)
    assert (await creation.run()).id == "s0"
    assert server.sent == 1


async def test_a_503_is_no_proof_that_nothing_was_made() -> None:
    """H41."""
    server = Server(FakeClock(), [fails(ServerError("busy", status=503)), answered])
    await server.creation().run()
    assert server.searches == 5


async def test_a_refused_create_is_not_searched_for() -> None:
    server = Server(FakeClock(), [fails(InvalidRequestError("bad", status=400))])
    creation = server.creation()
    with pytest.raises(InvalidRequestError):
        await creation.run()
    assert server.searches == 0
    assert not creation.may_have_acted


LATER = TryLaterError("locked", status=500, code="database_quota_lock_failed")
IN_PROCESS = TryLaterError("busy", status=409, code="database_snapshot_create_already_in_process")
BUSY = TryLaterError("busy", status=403, code="instance_state_must_be_active_or_shutoff")


@pytest.mark.parametrize("refusal", [LATER, IN_PROCESS, BUSY])
async def test_what_is_told_to_try_later_is_sent_again_after_a_look(refusal: CivoError) -> None:
    """R152: 20 refused after 20 POSTs and 0.1 s, told "try again later"."""
    clock = FakeClock()
    server = Server(clock, [*[fails(refusal)] * 4, answered])
    assert (await server.creation().run()).id == "s0"
    assert (server.sent, server.searches) == (5, 4)
    assert 7.5 <= clock.monotonic() <= 15  # 1, 2, 4, 8 s, at least half of each


async def test_already_in_process_may_be_the_echo_of_our_own_create() -> None:
    """R152, H31."""

    async def echo_and_act(server: Server) -> Snapshot:
        server.make()
        raise IN_PROCESS

    for unique in (True, False):
        server = Server(FakeClock(), [lost_before_acting, echo_and_act])
        server.teach_its_clock()
        assert (await server.creation(unique=unique).run()).id == "s0"
    first = Server(FakeClock(), [echo_and_act])  # by another process of the same run
    assert (await first.creation().run()).id == "s0"
    assert first.sent == 1


async def test_what_another_makes_under_a_name_that_is_not_adopted_is_a_conflict() -> None:
    """R152."""

    async def another_acts(server: Server) -> Snapshot:
        server.make()
        raise IN_PROCESS

    server = Server(FakeClock(), [another_acts, answered])
    server.teach_its_clock()
    with pytest.raises(ConflictError, match="another snapshot named n"):
        await server.creation(unique=False).run()
    assert server.sent == 1


async def test_without_a_look_nothing_is_sent_again() -> None:
    """R152: the listing fails, so the create goes on waiting."""
    server = Server(FakeClock(), [fails(IN_PROCESS), answered], failing_searches=3)
    await server.creation().run()
    assert (server.sent, server.searches) == (2, 4)


async def test_an_instance_in_error_is_not_waited_for() -> None:
    """R152."""
    server = Server(FakeClock(), [fails(BUSY)])
    server.instance_status = "ERROR"
    with pytest.raises(TryLaterError):
        await server.creation().run()
    assert (server.sent, server.clock.monotonic()) == (1, 0)


async def test_patience_ends_with_the_time_and_tells_how_often_it_was_tried() -> None:
    """R152."""
    server = Server(FakeClock(), [fails(LATER)] * 99)
    with pytest.raises(TryLaterError) as caught:
        await server.creation(timeout=60).run()
    assert caught.value.call is None or caught.value.call.attempts == server.sent
    assert 4 <= server.sent <= 10
    assert server.clock.monotonic() <= 60
    server = Server(FakeClock(), [fails(LATER)] * 99)
    with pytest.raises(TryLaterError):
        await server.creation(policy=RetryPolicy(attempts=1)).run()
    assert server.sent == 1


async def test_a_create_with_an_unreadable_201_is_searched_for_and_never_sent_again() -> None:
    """T19: the server said that it acted."""
    cut = fails(UnexpectedResponseError("cut", status=201))
    server = Server(FakeClock(), [cut, answered])
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()
    assert server.sent == 1


async def test_searches_that_fail_prove_nothing_and_go_on() -> None:
    server = Server(FakeClock(), [lost_before_acting, answered], failing_searches=7)
    await server.creation().run()
    assert server.searches == 8
    assert server.sent == 2


async def test_an_outage_until_the_end_leaves_the_outcome_unknown() -> None:
    server = Server(FakeClock(), [lost_after_acting], failing_searches=1_000)
    with pytest.raises(OutcomeUnknownError) as caught:
        await server.creation().run()
    error = caught.value
    assert (error.instance_id, error.name) == ("i", "n")
    assert error.started_at is not None
    assert error.ended_at is not None
    assert error.ended_at > error.started_at
    assert server.sent == 1


@pytest.mark.parametrize("gone", [NotFoundError("gone", status=404), ClientClosedError("closed")])
async def test_when_searching_is_impossible_the_outcome_is_unknown(
    gone: CivoError, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(FakeClock(), [lost_before_acting, answered])
    creation = server.creation()

    async def search() -> list[Snapshot]:
        raise gone

    monkeypatch.setattr(server, "search", search)
    with pytest.raises(OutcomeUnknownError):
        await creation.run()
    assert server.sent == 1


async def test_a_create_that_does_nothing_goes_on_while_there_is_time() -> None:
    """R174: given up after five of a hundred seconds, told "may have acted"."""
    server = Server(FakeClock(), [lost_before_acting] * 99, limit=100)
    with pytest.raises(ConnectionLostError, match="nothing was made") as caught:
        await server.creation().run()
    assert not caught.value.may_have_acted
    assert 10 <= server.sent <= 12
    assert server.clock.monotonic() <= 100
    server = Server(FakeClock(), [*[lost_before_acting] * 9, answered])
    assert (await server.creation().run()).id == "s0"


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_create_is_sent_no_more_often_than_its_policy_says(attempts: int) -> None:
    """A trial: `retries=False` of the client, and a policy of one attempt, were not obeyed."""
    server = Server(FakeClock(), [lost_before_acting] * 9)
    with pytest.raises(ConnectionLostError, match="nothing was made"):
        await server.creation(policy=RetryPolicy(attempts=attempts)).run()
    assert server.sent == attempts


TAKEN = ConflictError("taken", status=409)


async def test_a_name_that_was_taken_before_is_a_conflict_also_after_a_loss() -> None:
    """R173: five POSTs, 25 listings, 40 s, "may have acted"."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, fails(TAKEN)])
    server.make(created_at=clock.now() - timedelta(days=1))
    with pytest.raises(ConflictError):
        await server.creation(unique=False).run()
    assert (server.sent, server.searches) == (2, 6)


async def test_a_name_that_is_taken_by_nothing_that_shows_may_be_our_own() -> None:
    """R173."""

    async def late(server: Server) -> Snapshot:
        server.hidden_searches = 3
        server.make()
        raise TAKEN

    server = Server(FakeClock(), [lost_before_acting, late])
    assert (await server.creation().run()).id == "s0"
    server = Server(FakeClock(), [lost_before_acting, fails(TAKEN)])
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()


@pytest.mark.parametrize(
    "refusal",
    [
        QuotaExceededError("full", status=403),
        NotFoundError("gone", status=404, code="database_snapshot_create_instance_not_found"),
    ],
)
async def test_a_refusal_after_a_loss_leaves_the_outcome_unknown(refusal: CivoError) -> None:
    """R175: the lost one may still commit, and nobody would be told of it."""
    server = Server(FakeClock(), [lost_before_acting, fails(refusal)])
    creation = server.creation()
    with pytest.raises(OutcomeUnknownError):
        await creation.run()
    assert creation.lost
    server.make()
    assert [found.id for found in await creation.late()] == ["s0"]


async def test_yesterdays_snapshot_of_that_name_is_not_adopted() -> None:
    """S70."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    server.make(created_at=clock.now() - timedelta(days=1))
    assert (await server.creation(unique=False).run()).id == "s1"
    assert server.sent == 2


@pytest.mark.parametrize("hours", [-5, 5])
async def test_ages_are_compared_by_the_clock_that_dates_snapshots(hours: int) -> None:
    """S85, R172: as another create of the client has shown it."""
    clock = FakeClock()
    skew = timedelta(hours=hours)
    server = Server(clock, [lost_after_acting], ahead=skew)
    server.teach_its_clock()
    server.make(created_at=clock.now() + skew - timedelta(minutes=1))
    assert (await server.creation(unique=False).run()).id == "s1"
    assert server.sent == 1


@pytest.mark.parametrize("gateway", [-600, 0, 600])
@pytest.mark.parametrize("acts", [lost_before_acting, lost_after_acting])
async def test_where_clocks_cannot_tell_the_outcome_is_unknown(
    gateway: int, acts: Callable[[Server], Awaitable[Snapshot]]
) -> None:
    """R172: an older one was returned as new, or a new one told as one too many."""
    clock = FakeClock()
    server = Server(clock, [acts, answered])
    server.make(created_at=clock.now() - timedelta(minutes=5))
    server.session.clock_skew = timedelta(seconds=gateway)
    creation = server.creation(unique=False)
    with pytest.raises(OutcomeUnknownError) as caught:
        await creation.run()
    assert [found.id for found in caught.value.candidates] == [one.id for one in server.table]
    assert (server.sent, creation.extras) == (1, ())


async def test_one_of_that_name_and_of_unknown_age_leaves_the_outcome_unknown() -> None:
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    server.table.append(Snapshot(id="old", name="n", instance_id="i"))
    with pytest.raises(OutcomeUnknownError):
        await server.creation(unique=False).run()
    assert server.sent == 1


async def test_a_create_waits_for_another_of_its_name_no_longer_than_its_time() -> None:
    """R166."""
    clock, claims = FakeClock(), Claims()

    async def slowly(server: Server) -> Snapshot:
        await clock.sleep(20)
        return server.make()

    server = Server(clock, [slowly])
    first = asyncio.create_task(server.creation(claims=claims).run())
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExceededError, match="another create of n"):
        await server.creation(claims=claims, timeout=2).run()
    assert clock.monotonic() == 2
    assert (await first).id == "s0"
    assert server.sent == 1


async def test_a_create_that_begins_between_two_of_its_name_takes_what_the_second_made() -> None:
    """R166: the lock is free for a moment then, and somebody waits for it."""
    clock, claims = FakeClock(), Claims()

    async def refused(server: Server) -> Snapshot:
        await clock.sleep(1)
        raise InvalidRequestError("no", status=400)

    server = Server(clock, [refused, answered])

    async def twice() -> Snapshot:
        with pytest.raises(InvalidRequestError):
            await server.creation(claims=claims).run()
        return await server.creation(claims=claims).run()

    one = asyncio.create_task(twice())
    await asyncio.sleep(0)
    other = await server.creation(claims=claims).run()
    assert (await one).id == other.id == "s0"
    assert server.sent == 2


async def test_two_creates_of_one_name_never_return_the_same_snapshot() -> None:
    """S71."""
    clock = FakeClock()
    server = Server(clock, [lost_after_acting, lost_after_acting])
    server.teach_its_clock()
    claims = server.claims
    first = await server.creation(unique=False, claims=claims).run()
    second = await server.creation(unique=False, claims=claims).run()
    assert {first.id, second.id} == {"s0", "s1"}
    assert server.sent == 2


async def test_a_second_snapshot_of_the_same_create_is_reported() -> None:
    clock = FakeClock()

    async def both_act(server: Server) -> Snapshot:
        server.make()
        server.make()
        raise LOST

    server = Server(clock, [both_act])
    creation = server.creation()
    assert (await creation.run()).id == "s0"
    assert [extra.id for extra in creation.extras] == ["s1"]


async def test_a_late_second_snapshot_is_found_once() -> None:
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    creation = server.creation()
    await creation.run()
    assert await creation.late() == []
    server.make()
    assert [found.id for found in await creation.late()] == ["s1"]
    assert await creation.late() == []
    server.failing_searches = 1
    assert await creation.late() == []


async def test_an_answer_of_another_name_is_ours_only_if_the_server_confirms_it() -> None:
    """S73: renamed by the server, or a stray answer."""
    clock = FakeClock()

    async def renamed(server: Server) -> Snapshot:
        return server.make("n-1")

    async def stray(server: Server) -> Snapshot:
        return Snapshot(id="elsewhere", name="other")

    assert (await Server(clock, [renamed]).creation().run()).name == "n-1"
    server = Server(clock, [stray])
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()
    assert server.sent == 1


async def test_a_cancelled_create_is_searched_for_but_not_sent_again() -> None:
    server = Server(FakeClock(), [lost_before_acting, answered])
    creation = server.creation()
    assert creation.cancel()
    with pytest.raises(OutcomeUnknownError):
        await creation.run()
    assert server.sent == 1


async def test_a_create_cancelled_between_two_searches_is_searched_for_at_once() -> None:
    """F106: its outcome is known sooner, and the searches it had left come on time."""
    clock = FakeClock()
    server = Server(clock, [lost_after_acting])
    creation = server.creation()
    run = asyncio.create_task(creation.run())
    await asyncio.sleep(0)
    assert (server.sent, server.searches) == (1, 0)
    assert not creation.cancel()
    started = clock.monotonic()
    assert (await run).id == "s0"
    assert (server.searches, clock.monotonic()) == (1, started)


async def test_a_create_cancelled_in_flight_is_searched_for_once_more_than_usual() -> None:
    clock = FakeClock()
    server = Server(clock, [lost_before_acting])
    creation = server.creation()
    creation.cancel()
    with pytest.raises(OutcomeUnknownError):
        await creation.run()
    assert server.searches == 6
    assert clock.monotonic() == pytest.approx(8.0)


@pytest.mark.parametrize("failing_searches", [0, 1])
async def test_a_cancelled_create_is_settled_after_a_search_in_vain(
    failing_searches: int,
) -> None:
    server = Server(FakeClock(), [lost_before_acting], failing_searches=failing_searches)
    creation = server.creation()
    creation.cancel()
    run = asyncio.create_task(creation.run())
    await creation.settled()
    assert (server.searches, run.done()) == (1, False)
    with pytest.raises(OutcomeUnknownError):
        await run


@pytest.mark.parametrize("step", [answered, lost_after_acting])
async def test_a_cancelled_create_is_settled_when_it_has_ended(
    step: Callable[[Server], Awaitable[Snapshot]],
) -> None:
    creation = Server(FakeClock(), [step]).creation()
    await creation.settled()  # it was not cancelled: there is nothing to wait for
    creation.cancel()
    run = asyncio.create_task(creation.run())
    await creation.settled()
    assert (await run).id == "s0"


async def test_a_late_search_ends_when_the_client_is_closed_or_the_server_keeps_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    server = Server(clock, [answered], failing_searches=100)
    creation = server.creation()
    await creation.run()
    assert await creation.late() == []
    searches = server.searches

    async def closed() -> list[Snapshot]:
        raise ClientClosedError("closed")

    monkeypatch.setattr(server, "search", closed)
    assert await creation.late() == []
    assert searches == 5


async def test_a_pause_that_overruns_the_time_left_is_not_followed_by_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P103: the machine slept."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting], limit=60.0)
    creation = server.creation()
    left = iter([60.0, -1.0])
    monkeypatch.setattr(Deadline, "left", lambda _: next(left, 0.0))
    with pytest.raises(OutcomeUnknownError):
        await creation.run()
    assert server.searches == 0


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_run_repeated_over_its_own_detached_creates_makes_none_twice(
    deleted: bool,
) -> None:
    """F115: they are still in flight, so no listing shows them."""
    clock, claims = FakeClock(), Claims()

    async def slowly(server: Server) -> Snapshot:
        await clock.sleep(5)
        made = server.make()
        if deleted:
            server.table.clear()
        return made

    server = Server(clock, [slowly, answered])
    creates = [server.creation(claims=claims) for _ in range(2)]
    made = await asyncio.gather(*(creation.run() for creation in creates))
    assert server.sent == (2 if deleted else 1)
    assert [found.id for found in made] == ["s0", "s0"]


async def test_what_an_earlier_create_of_the_name_made_is_not_taken_for_a_new_one() -> None:
    clock, claims = FakeClock(), Claims()
    server = Server(clock, [answered, answered])
    first, second = server.creation(claims=claims), server.creation(claims=claims)
    assert (await first.run()).id == "s0"
    assert (await second.run()).id == "s1"


async def test_what_a_gateway_says_of_a_create_of_the_same_name_makes_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R155: the snapshot of the other create may be there."""
    clock, claims = FakeClock(), Claims()

    async def slowly(server: Server) -> Snapshot:
        await clock.sleep(5)
        return server.make()

    async def gateway(*_: object, **__: object) -> Snapshot:
        raise NotFoundError("a page", status=404)

    server = Server(clock, [slowly, answered])
    monkeypatch.setattr(server, "get_snapshot", gateway)
    first, second = (server.creation(claims=claims) for _ in range(2))
    made, failed = await asyncio.gather(first.run(), second.run(), return_exceptions=True)
    assert isinstance(made, Snapshot)
    assert isinstance(failed, NotFoundError)
    assert server.sent == 1


async def test_a_search_that_a_gateway_answers_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R155."""
    server = Server(FakeClock(), [lost_after_acting])
    pages = iter([NotFoundError("a page", status=404)] * 3)

    async def search() -> list[Snapshot]:
        for page in pages:
            raise page
        return list(server.table)

    monkeypatch.setattr(server, "search", search)
    assert (await server.creation().run()).id == "s0"
    assert server.sent == 1


async def test_an_instance_that_is_gone_is_not_searched_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server(FakeClock(), [lost_before_acting])

    async def search() -> list[Snapshot]:
        server.searches += 1
        raise NotFoundError("gone", status=404, code="database_instance_find")

    monkeypatch.setattr(server, "search", search)
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()
    assert server.searches == 1
