"""Creating exactly once, over a stub of the API and a fake clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from support.stubs import StubApi, listing_of

from civo_snapshots import (
    CallOptions,
    CivoError,
    ClientClosedError,
    ConflictError,
    ConnectionLostError,
    InvalidRequestError,
    Listing,
    NotFoundError,
    OutcomeUnknownError,
    ServerError,
    Snapshot,
    UnexpectedResponseError,
)
from civo_snapshots._create import Creation
from civo_snapshots._create.claims import Claims
from civo_snapshots._create.creation import SENDS
from civo_snapshots._session import Deadline
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
        deadline: Deadline,
        options: CallOptions,
    ) -> Snapshot:
        step = self.script[self.sent]
        self.sent += 1
        deadline.may_have_acted = True
        try:
            return await step(self)
        except (InvalidRequestError, ConflictError):
            deadline.may_have_acted = False
            raise

    async def search(self) -> list[Snapshot]:
        self.searches += 1
        if self.failing_searches:
            self.failing_searches -= 1
            raise ServerError("busy", status=503)
        return list(self.table)

    def list_snapshots(
        self, instance_id: str, options: CallOptions, *, poll: bool = False
    ) -> Listing[Snapshot]:
        return listing_of(self.search)

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: CallOptions, *, poll: bool = False
    ) -> Snapshot:
        for found in self.table:
            if found.id == snapshot_id:
                return found
        raise NotFoundError("none", status=404, code="database_snapshot_not_found")

    def creation(self, *, unique: bool = True, claims: Claims | None = None) -> Creation:
        return Creation(
            self,
            claims or Claims(),
            self.clock,
            Deadline(self.clock, self.limit, began=self.clock.monotonic()),
            {},
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
    assert (server.sent, server.searches, creation.resent) == (1, 0, False)


async def test_a_create_whose_answer_was_lost_is_adopted_not_repeated() -> None:
    """T9."""
    server = Server(FakeClock(), [lost_after_acting])
    assert (await server.creation().run()).id == "s0"
    assert (server.sent, server.searches) == (1, 1)


async def test_a_create_that_did_nothing_is_sent_again_after_the_reconcile_window() -> None:
    """T8."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    creation = server.creation()
    assert (await creation.run()).id == "s0"
    assert (server.sent, creation.resent) == (2, True)
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


async def test_already_in_process_after_a_loss_is_the_echo_of_our_own_create() -> None:
    """H31."""
    clock = FakeClock()
    echo = fails(ConflictError("in process", status=409))

    async def echo_and_act(server: Server) -> Snapshot:
        server.make()
        return await echo(server)

    server = Server(clock, [lost_before_acting, echo_and_act])
    assert (await server.creation().run()).id == "s0"
    first = Server(FakeClock(), [echo])
    with pytest.raises(ConflictError):
        await first.creation().run()


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


async def test_a_create_is_sent_a_few_times_at_most() -> None:
    server = Server(FakeClock(), [lost_before_acting] * 10)
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()
    assert server.sent == SENDS


async def test_yesterdays_snapshot_of_that_name_is_not_adopted() -> None:
    """S70."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    server.make(created_at=clock.now() - timedelta(days=1))
    assert (await server.creation(unique=False).run()).id == "s1"
    assert server.sent == 2


@pytest.mark.parametrize("hours", [-5, 5])
async def test_ages_are_compared_by_the_servers_clock(hours: int) -> None:
    """S85."""
    clock = FakeClock()
    skew = timedelta(hours=hours)
    server = Server(clock, [lost_after_acting], ahead=skew)
    server.make(created_at=clock.now() + skew - timedelta(minutes=1))
    assert (await server.creation(unique=False).run()).id == "s1"
    assert server.sent == 1


async def test_one_of_that_name_and_of_unknown_age_leaves_the_outcome_unknown() -> None:
    clock = FakeClock()
    server = Server(clock, [lost_before_acting, answered])
    server.table.append(Snapshot(id="old", name="n", instance_id="i"))
    with pytest.raises(OutcomeUnknownError):
        await server.creation(unique=False).run()
    assert server.sent == 1


async def test_two_creates_of_one_name_never_return_the_same_snapshot() -> None:
    """S71."""
    clock, claims = FakeClock(), Claims()
    server = Server(clock, [lost_after_acting, lost_after_acting])
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
    assert await creation.late() == ()
    server.make()
    assert [extra.id for extra in await creation.late()] == ["s1"]
    assert await creation.late() == ()
    server.failing_searches = 1
    assert await creation.late() == ()


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
    assert await creation.late() == ()
    searches = server.searches

    async def closed() -> list[Snapshot]:
        raise ClientClosedError("closed")

    monkeypatch.setattr(server, "search", closed)
    assert await creation.late() == ()
    assert searches == 5


async def test_a_pause_that_overruns_the_time_left_is_not_followed_by_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P103: the machine slept."""
    clock = FakeClock()
    server = Server(clock, [lost_before_acting], limit=60.0)
    creation = server.creation()
    left = iter([60.0, -1.0])
    monkeypatch.setattr(Deadline, "left", lambda _: next(left))
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
