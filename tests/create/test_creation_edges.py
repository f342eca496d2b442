"""How a create asks what it asks on its way, and what it says where its ways end."""

import asyncio
from datetime import timedelta

import pytest
from test_creation import (
    BUSY,
    IN_PROCESS,
    LATER,
    Server,
    answered,
    fails,
    lost_after_acting,
    lost_before_acting,
)

from civo_snapshots import (
    Call,
    CivoError,
    ClientClosedError,
    ConflictError,
    ConnectionLostError,
    Instance,
    Listing,
    NotFoundError,
    OutcomeUnknownError,
    RetryPolicy,
    ServerError,
    Snapshot,
    TryLaterError,
    UnexpectedResponseError,
)
from civo_snapshots._create import Creation
from civo_snapshots._create.claims import Claims
from civo_snapshots._session import ONCE, Deadline, LogicalCall, Within
from civo_snapshots.testing import FakeClock


class Witness(Server):
    """Notes what each look was given."""

    trouble: CivoError | None = None
    looks: tuple[tuple[str, str, LogicalCall], ...] = ()

    def _note(self, what: str, instance_id: str, options: Within) -> None:
        assert isinstance(options, LogicalCall)
        self.looks += ((what, instance_id, options),)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        self._note("list", instance_id, options)
        return super().list_snapshots(instance_id, options, poll=poll)

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        self._note("get", instance_id, options)
        return await super().get_snapshot(instance_id, snapshot_id, options, poll=poll)

    async def get_instance(self, instance_id: str, options: Within) -> Instance:
        self._note("instance", instance_id, options)
        if self.trouble is not None:
            raise self.trouble
        return await super().get_instance(instance_id, options)


async def renamed(server: Server) -> Snapshot:
    return server.make("n-1")


async def test_every_look_is_at_the_creates_own_instance_within_its_own_time() -> None:
    """R166: only the look that must not fail, at what may be its own snapshot, is repeated."""
    server = Witness(FakeClock(), [fails(BUSY), lost_before_acting, renamed])
    creation = server.creation()
    await creation.run()
    call = creation.call
    assert {what for what, _, _ in server.looks} == {"instance", "list", "get"}
    for what, instance_id, within in server.looks:
        assert instance_id == "i"
        assert (within.deadline, within.record) == (call.deadline, call.record)
        assert within.policy == (call.policy if what == "get" else RetryPolicy(attempts=1))


async def test_an_instance_that_cannot_be_read_is_not_taken_for_one_in_error() -> None:
    """R152."""
    server = Witness(FakeClock(), [fails(BUSY), answered])
    server.trouble = ServerError("busy", status=503)
    assert (await server.creation().run()).id == "s0"
    assert server.sent == 2


async def test_told_to_try_later_until_the_end_a_loss_before_stays_unknown() -> None:
    """R152, R175: and the error tells the last answer."""
    server = Server(FakeClock(), [lost_before_acting, fails(LATER)])
    with pytest.raises(OutcomeUnknownError, match="may have acted: locked; look for") as caught:
        await server.creation(policy=RetryPolicy(attempts=2)).run()
    assert caught.value.may_have_acted
    assert server.sent == 2


@pytest.mark.parametrize("busy", [LATER, IN_PROCESS], ids=lambda busy: busy.code)
async def test_what_may_be_the_lost_one_is_not_doubled_by_a_repeat_after_try_later(
    busy: TryLaterError,
) -> None:
    """R152, R172: nothing dates it, and it appeared while the server was busy."""
    server = Server(FakeClock(), [lost_before_acting, fails(busy), answered])
    creation = server.creation(unique=False)

    async def acts_late() -> None:
        await server.clock.sleep(8.1)
        server.table.append(Snapshot("late", "n", instance_id="i"))

    late = asyncio.create_task(acts_late())
    with pytest.raises(OutcomeUnknownError) as caught:
        await creation.run()
    await late
    assert [one.id for one in caught.value.candidates] == ["late"]
    assert server.sent == 2


async def test_a_renamed_answer_that_is_another_creates_is_not_ours() -> None:
    """S73, S71: one snapshot is never returned to two creates."""
    claims = Claims()

    async def stray(server: Server) -> Snapshot:
        return Snapshot(id="s0", name="other", instance_id="i")

    server = Server(FakeClock(), [answered, stray])
    assert (await server.creation(claims=claims).run()).id == "s0"
    with pytest.raises(OutcomeUnknownError, match="acted: the answer names another snapshot;"):
        await server.creation(claims=claims).run()


@pytest.mark.parametrize(("age", "ours"), [(timedelta(), True), (timedelta(days=1), False)])
async def test_a_renamed_answer_is_ours_unless_it_is_older(age: timedelta, ours: bool) -> None:
    """S73: a gateway's cache may answer with yesterday's."""
    clock = FakeClock()

    async def answer(server: Server) -> Snapshot:
        return server.make("n-1", created_at=clock.now() - age)

    server = Server(clock, [answer])
    server.teach_its_clock()
    creation = server.creation()
    if ours:
        assert (await creation.run()).name == "n-1"
    else:
        with pytest.raises(OutcomeUnknownError):
            await creation.run()


CALL = Call("POST", "/v2/instances/i/snapshots", "LON1")


async def test_a_conflict_with_anothers_create_tells_what_the_server_said() -> None:
    """R152, S71: status, code and request are those of the answer."""
    said = TryLaterError(
        "busy", status=409, code="database_snapshot_create_already_in_process", call=CALL
    )

    async def another_acts(server: Server) -> Snapshot:
        server.make()
        raise said

    server = Server(FakeClock(), [another_acts])
    server.teach_its_clock()
    with pytest.raises(ConflictError) as caught:
        await server.creation(unique=False).run()
    assert (caught.value.status, caught.value.code) == (said.status, said.code)
    assert caught.value.call == CALL


async def test_an_unknown_outcome_tells_the_request_that_was_lost() -> None:
    """T10: its path, and how often it was sent."""
    server = Server(FakeClock(), [fails(ConnectionLostError("reset", call=CALL))], limit=5.0)
    with pytest.raises(OutcomeUnknownError, match="may have acted: reset; look for") as caught:
        await server.creation().run()
    call = caught.value.call
    assert call is not None
    assert (call.method, call.path, call.attempts) == (CALL.method, CALL.path, 1)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_create_cancelled_while_it_waits_to_be_sent_again_tells_whether_it_acted(
    lost: bool,
) -> None:
    """F106, R152: told to try later it did nothing; what was lost before may still have acted."""
    before = [lost_before_acting] * lost
    server = Server(FakeClock(auto=False), [*before, fails(LATER), answered])
    creation = server.creation()
    run = asyncio.create_task(creation.run())
    while server.sent <= lost:
        for _ in range(10):
            await asyncio.sleep(0)
        if server.sent <= lost:
            server.clock.advance(1)
    for _ in range(10):
        await asyncio.sleep(0)
    assert creation.cancel() is not lost
    assert creation.call.cancelled
    kind, why = (OutcomeUnknownError, "lost") if lost else (TryLaterError, "locked")
    with pytest.raises(kind, match=why) as caught:
        await run
    assert caught.value.may_have_acted is lost
    assert server.sent == 1 + lost


@pytest.mark.parametrize(
    "end",
    [
        ClientClosedError("closed"),
        NotFoundError("gone", status=404, code="database_instance_find"),
    ],
    ids=lambda end: type(end).__name__,
)
async def test_a_create_told_to_try_later_ends_when_no_look_can_succeed_any_more(
    end: CivoError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R152, L117: it did nothing, and the refusal says why."""
    server = Server(clock := FakeClock(), [fails(LATER), answered])

    def list_snapshots(instance_id: str, options: Within) -> Listing[Snapshot]:
        raise end

    monkeypatch.setattr(server, "list_snapshots", list_snapshots)
    with pytest.raises(TryLaterError) as caught:
        await server.creation().run()
    assert caught.value.may_have_acted is False
    assert (server.sent, clock.monotonic() < 5) == (1, True)


async def test_each_wait_for_a_busy_server_is_told_with_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R152: as an event."""
    clock = FakeClock()
    server = Server(clock, [fails(LATER), answered])
    creation = server.creation()
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(server.session, "tell_retry", lambda *what: told.append(what))
    await creation.run()
    assert told == [(creation.call, LATER, clock.monotonic())]


async def test_a_late_search_is_at_its_own_instance_and_each_try_is_one_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T10: the create's own time is over by then."""
    server = Server(FakeClock(), [answered])
    creation = server.creation()
    await creation.run()
    asked: list[tuple[str, Within]] = []
    listing = server.list_snapshots

    def list_snapshots(instance_id: str, options: Within) -> Listing[Snapshot]:
        asked.append((instance_id, options))
        return listing(instance_id, options)

    monkeypatch.setattr(server, "list_snapshots", list_snapshots)
    assert await creation.late() == []
    assert asked == [("i", ONCE)]


async def test_an_older_snapshot_of_the_name_is_no_late_extra() -> None:
    """S70, T10."""
    clock = FakeClock()
    server = Server(clock, [answered])
    server.teach_its_clock()
    creation = server.creation(unique=False)
    await creation.run()
    server.make(created_at=clock.now() - timedelta(days=1))
    server.make()
    assert [extra.id for extra in await creation.late()] == ["s2"]


async def test_what_a_create_made_is_claimed_from_the_moment_it_is_known() -> None:
    """S71: so that a listing read before is not held against it."""
    clock = FakeClock()
    await clock.sleep(7)
    server = Server(clock, [answered])
    await server.creation().run()
    assert server.claims.claimed_at("s0") == 7


async def test_a_lost_create_is_not_sent_again_before_the_server_asked_for_it() -> None:
    """H35, R169: the reconcile window is part of that pause."""
    clock = FakeClock()
    busy = ServerError("busy", status=503, retry_after=20.0)
    server = Server(clock, [fails(busy), answered])
    await server.creation().run()
    assert 20 <= clock.monotonic() <= 22


async def test_an_unreadable_200_is_an_answer_too() -> None:
    """T19: the server said that it acted."""
    server = Server(FakeClock(), [fails(UnexpectedResponseError("cut", status=200)), answered])
    with pytest.raises(OutcomeUnknownError):
        await server.creation().run()
    assert server.sent == 1


async def test_that_nothing_was_made_is_added_to_the_last_error() -> None:
    """R174."""
    server = Server(FakeClock(), [lost_before_acting])
    with pytest.raises(ConnectionLostError) as caught:
        await server.creation(policy=RetryPolicy(attempts=1)).run()
    told = "lost; nothing was made, as far as a search for its name can tell"
    assert caught.value.message == told
    assert caught.value.may_have_acted is False


async def test_an_unknown_outcome_tells_what_kept_the_search_from_an_answer() -> None:
    """R152: the loss is an older story by then."""
    server = Server(FakeClock(), [lost_before_acting], failing_searches=1_000)
    with pytest.raises(OutcomeUnknownError, match="may have acted: busy; look for"):
        await server.creation().run()


async def test_searches_that_failed_go_on_as_far_apart_as_the_last_ones() -> None:
    """H41: neither in a burst nor only at the end of the time."""
    clock = FakeClock()
    server = Server(clock, [lost_after_acting], failing_searches=6)
    assert (await server.creation().run()).id == "s0"
    assert clock.monotonic() == pytest.approx(8 + 2 * 8 * 16 / 31)


async def test_the_last_search_is_made_however_little_time_is_left() -> None:
    """R174: it tells whether anything was made."""
    server = Server(FakeClock(), [lost_before_acting], limit=8.5)
    with pytest.raises(ConnectionLostError, match="nothing was made"):
        await server.creation(policy=RetryPolicy(attempts=1)).run()
    assert server.searches == 5


async def test_what_is_sent_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """R152: and the session leaves it to the create to repeat it, which looks first."""
    server = Server(FakeClock(), [answered])
    creation = server.creation()
    creation.description = "before the upgrade"
    sent: list[tuple[object, ...]] = []
    create = server.create_snapshot

    async def create_snapshot(
        instance_id: str, name: str, description: str | None, call: LogicalCall
    ) -> Snapshot:
        sent.append((instance_id, name, description, call))
        return await create(instance_id, name, description, call)

    monkeypatch.setattr(server, "create_snapshot", create_snapshot)
    await creation.run()
    assert sent == [("i", "n", "before the upgrade", creation.call)]
    assert creation.call.looks_first is True


async def test_an_answer_without_a_name_is_taken_as_it_is() -> None:
    """S73: some servers answer with an id alone."""

    async def nameless(server: Server) -> Snapshot:
        return Snapshot(id="s7", instance_id="i")

    server = Witness(FakeClock(), [nameless])
    assert (await server.creation().run()).id == "s7"
    assert server.looks == ()


async def test_creates_of_other_names_or_instances_do_not_wait_for_each_other() -> None:
    """F113, S71."""
    clock, claims = FakeClock(), Claims()

    async def slowly(server: Server) -> Snapshot:
        await clock.sleep(20)
        return server.make()

    server = Server(clock, [slowly, answered, answered])
    slow = asyncio.create_task(server.creation(claims=claims).run())
    await asyncio.sleep(0)
    for instance_id, name in (("i", "m"), ("j", "n")):
        call = LogicalCall(Deadline(clock, 60.0), RetryPolicy())
        other = Creation(server, claims, call, instance_id, name, None, True, reconcile_window=8.0)
        await other.run()
        assert not slow.done()
    await slow
