"""The shared watcher of a region: which wait is told what, and when, on a fake clock."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from support.scene import EVEN, Scene, Waiter, gone, snapshot, turn

from civo_snapshots import (
    AuthenticationError,
    CivoError,
    ClientClosedError,
    ConnectionLostError,
    NotFoundError,
    PermissionDeniedError,
    PollFailedError,
    PollPolicy,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    SnapshotVanishedError,
    State,
    Transition,
    WaitTimeoutError,
)
from civo_snapshots._codec import ListingConsumer
from civo_snapshots._watch import CompletionWait, DeletionWait, StateReporter, Wait, Watcher
from civo_snapshots._watch.policy import grace_of
from civo_snapshots.errors import ApiError
from civo_snapshots.events import UnknownState, UnusualState
from civo_snapshots.states import DEFAULT_STATES, extended
from civo_snapshots.testing import FakeClock


@pytest.fixture(autouse=True)
async def _ends_by_itself(nothing_left: None) -> AsyncIterator[None]:
    """A watcher stops a few turns of the event loop after its last wait, and leaves no task."""
    yield
    await turn()


def watcher_of(scene: Scene) -> Watcher:
    return Watcher(scene.api(), scene.clock)


KEY = ("i-1", "s-1")


async def watched(scene: Scene, **more: object) -> Waiter:
    """Register one wait for the one snapshot, and await its end."""
    waiter = Waiter(scene, watcher_of(scene), KEY, **more)  # type: ignore[arg-type]
    await waiter.end()
    return waiter


# Until the end


async def test_pauses_grow_with_the_time_waited() -> None:
    scene = Scene()
    scene.finish(KEY, at=200)
    await watched(scene)
    times = scene.times()
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 0
    assert pauses == sorted(pauses)
    assert pauses[:10] == [1.0] * 10
    assert max(pauses) == 10.0
    assert len(times) < 60


async def test_jitter_makes_a_pause_longer_never_shorter() -> None:
    scene = Scene()
    scene.finish(KEY, at=60)
    await watched(scene, policy=PollPolicy(jitter=0.5))
    times = scene.times()
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert min(pauses) >= 1
    assert max(pauses) <= 15
    assert len(set(pauses)) > 3


async def test_a_long_wait_with_a_failing_volume_ends_when_it_fails() -> None:  # P89
    scene = Scene()
    scene.shown[KEY] = lambda now: ("Pending", "Completed", "Failed" if now > 600 else "Pending")
    waiter = await watched(scene)
    error = await waiter.end()
    assert isinstance(error, SnapshotFailedError)
    assert error.failed_volumes == ("v-2",)
    assert 600 < error.elapsed <= 611
    assert error.polls == len(scene.asked) < 100


async def test_each_transition_is_told_at_once_and_in_order() -> None:
    scene = Scene()
    scene.shown[KEY] = lambda now: (
        "Complete" if now >= 3 else "Pending",
        "Completed" if now >= 1 else "Pending",
        "Completed" if now >= 2 else "Pending",
    )
    waiter = await watched(scene)
    assert [(c.volume_id, c.before, c.after) for c in waiter.changes] == [
        (None, None, "Pending"),
        ("v-1", None, "Pending"),
        ("v-2", None, "Pending"),
        ("v-1", "Pending", "Completed"),
        ("v-2", "Pending", "Completed"),
        (None, "Pending", "Complete"),
    ]
    assert waiter.ends == 1


async def test_what_the_caller_knows_is_not_told_again() -> None:
    scene = Scene()
    scene.finish(KEY, at=5)
    waiter = await watched(scene, known=snapshot("s-1", "Pending"), due=1)
    assert [(c.before, c.after) for c in waiter.changes] == [("Pending", "Complete")]


async def test_complete_with_a_pending_volume_gets_the_volume_grace() -> None:  # P88
    scene = Scene()
    scene.shown[KEY] = ("Complete", "Completed", "Pending")
    error = await (await watched(scene)).end()
    assert isinstance(error, SnapshotUnsettledError)
    assert error.unfinished_volumes == ("v-2",)
    assert 60 <= error.elapsed <= 70
    patient = await watched(scene, policy=PollPolicy(on_unsettled="return"))
    assert (await patient.snapshot()).state == "Complete"


# Sharing


async def test_waits_that_begin_one_after_the_other_share_ticks() -> None:  # P101
    scene = Scene()
    keys = scene.add(100)
    scene.finish(at=60)
    watcher = watcher_of(scene)
    waiters = []
    for key in keys:
        waiters.append(Waiter(scene, watcher, key))
        await scene.clock.sleep(0.05)
    for waiter in waiters:
        await waiter.snapshot()
    assert watcher.ticks <= 60
    assert len(scene.asked) <= 60


async def test_a_new_wait_is_polled_when_it_is_due_not_when_others_are() -> None:
    scene = Scene()
    keys = scene.add(2)
    scene.finish(at=120)
    watcher = watcher_of(scene)
    first = Waiter(scene, watcher, keys[0])
    await scene.clock.sleep(100.5)  # its next poll is some seconds away
    scene.shown[keys[1]] = "Complete"
    second = Waiter(scene, watcher, keys[1])
    await second.snapshot()
    assert second.ended_at is not None
    assert second.ended_at < 102
    await first.snapshot()


async def test_two_waits_for_one_snapshot_have_each_their_own_end() -> None:
    scene = Scene()
    scene.finish(KEY, at=50)
    watcher = watcher_of(scene)
    short, long = Waiter(scene, watcher, KEY, timeout=10), Waiter(scene, watcher, KEY)
    assert isinstance(await short.end(), WaitTimeoutError)
    assert (await long.snapshot()).state == "Complete"
    assert (short.ends, long.ends) == (1, 1)


async def test_a_slow_reader_of_changes_delays_no_other() -> None:  # P104
    """Changes go into the reader's own queue: the watcher never waits for a reader."""
    scene = Scene()
    keys = scene.add(2)
    scene.finish(at=5)
    watcher = watcher_of(scene)
    queue: asyncio.Queue[Transition] = asyncio.Queue()
    slow = Waiter(scene, watcher, keys[0], on_change=queue.put_nowait)
    quick = Waiter(scene, watcher, keys[1])

    async def read_slowly() -> None:
        for _ in range(2):
            await queue.get()
            await scene.clock.sleep(1000)

    reader = asyncio.create_task(read_slowly())
    await quick.snapshot()
    await slow.snapshot()
    assert quick.ended_at == slow.ended_at
    assert quick.ended_at is not None
    assert quick.ended_at < 10
    await reader


# Trouble


@pytest.mark.parametrize(
    "fault", [ConnectionLostError("lost"), CivoError("odd")], ids=["lost", "odd"]
)
async def test_failed_polls_are_survived(fault: CivoError) -> None:  # P96
    scene = Scene(faults={"get": [fault] * 9 + [None]})
    scene.finish(KEY, at=5)
    assert (await (await watched(scene)).snapshot()).state == "Complete"


async def test_polls_that_fail_for_a_minute_and_ten_times_end_the_wait() -> None:  # P96
    scene = Scene(faults={"get": [None, ConnectionLostError("lost")]})
    scene.shown[KEY] = "Pending"
    waiter = await watched(scene, policy=PollPolicy(jitter=0, tolerate=60))
    error = await waiter.end()
    assert isinstance(error, PollFailedError)
    assert isinstance(error.error, ConnectionLostError)
    assert error.snapshot is not None
    assert error.snapshot.state == "Pending"
    assert 60 <= error.elapsed <= 70


@pytest.mark.parametrize("outage", [100, 900, 7000])
async def test_polls_may_fail_for_the_waits_whole_time(outage: int) -> None:
    """R162: by default."""
    scene = Scene()
    scene.finish(KEY, at=60)
    scene.faults["get"] = [ConnectionLostError("lost")]
    waiter = Waiter(scene, watcher_of(scene), KEY, timeout=7200)
    await scene.clock.sleep(outage)
    scene.faults.clear()
    assert (await waiter.snapshot()).state == "Complete"
    assert waiter.ended_at is not None
    assert waiter.ended_at <= outage + 11


async def test_a_wait_whose_polls_failed_to_its_end_says_so() -> None:
    """R162."""
    scene = Scene(faults={"get": [None, ConnectionLostError("the line is dead")]})
    scene.shown[KEY] = "Pending"
    error = await (await watched(scene, timeout=300)).end()
    assert isinstance(error, WaitTimeoutError)
    assert "the last poll failed: the line is dead" in str(error)


async def test_a_service_that_is_disabled_ends_the_wait_at_once() -> None:  # P97
    fault = ServiceDisabledError("no", status=403)
    scene = Scene(faults={"get": [fault]})
    error = await (await watched(scene)).end()
    assert isinstance(error, PollFailedError)
    assert error.error is fault
    assert len(scene.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [
        AuthenticationError("no", status=401),
        PermissionDeniedError("no", status=403),
        gone("database_region_not_found"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_refusal_ends_the_wait_when_it_is_confirmed_twice(fault: CivoError) -> None:
    """P97, R153, R155: the same read one and five seconds later."""
    scene = Scene(faults={"get": [fault]})
    error = await (await watched(scene)).end()
    assert isinstance(error, PollFailedError)
    assert error.error is fault
    assert scene.times() == [0, 1, 5]
    scene = Scene(faults={"get": [fault, fault, None]})
    scene.shown[KEY] = "Complete"
    assert (await (await watched(scene)).snapshot()).state == "Complete"


async def test_a_confirmation_delays_no_end_of_a_wait() -> None:
    """R153, R168."""
    scene = Scene(faults={"get": [AuthenticationError("no", status=401)]})
    waiter = await watched(scene, timeout=2)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at == 2.5


# What the server asks for


@pytest.mark.parametrize("kind", [RateLimitError, ServerError])
async def test_a_retry_after_is_not_undercut(kind: type[ApiError]) -> None:
    """R169: also where it is longer than any pause of ours."""
    busy = kind("busy", status=503, retry_after=300.0)
    scene = Scene(faults={"get": [None, busy, None]})
    scene.finish(KEY, at=100)
    assert (await (await watched(scene)).snapshot()).state == "Complete"
    assert scene.times() == [0, 1, 301]


async def test_a_retry_after_holds_back_all_polls_of_the_region() -> None:
    """R169: one busy answer ends the round, and new waits keep to it too."""
    busy = ServerError("busy", status=503, retry_after=300.0)
    scene = Scene(faults={"region": [gone(), gone()], "get": [busy, None]})
    *keys, last = scene.add(50, shown="Complete")
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    await scene.clock.sleep(50)
    waiters.append(Waiter(scene, watcher, last))
    for waiter in waiters:
        await waiter.snapshot()
    assert [at for at in scene.times("get") if at < 300] == [0]
    assert [at for at in scene.times("region") if 0 < at < 300] == []


async def test_a_retry_after_that_outlasts_the_wait_ends_it_on_time() -> None:
    """R169: without another poll."""
    busy = ServerError("busy", status=503, retry_after=300.0)
    scene = Scene(faults={"get": [None, busy]})
    scene.shown[KEY] = "Pending"
    waiter = await watched(scene, timeout=20)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at == 20
    assert scene.times() == [0, 1]


async def test_a_429_is_never_a_failure() -> None:  # P98
    scene = Scene(faults={"get": [RateLimitError("slow down", status=429)] * 200 + [None]})
    scene.shown[KEY] = "Complete"
    assert (await (await watched(scene)).snapshot()).state == "Complete"
    assert len(scene.asked) == 201


async def test_a_new_snapshot_may_be_missing_for_a_while() -> None:  # P94
    scene = Scene()
    scene.shown[KEY] = lambda now: "Complete" if now >= 50 else None
    assert (await (await watched(scene)).snapshot()).state == "Complete"


async def test_a_snapshot_that_never_shows_up_has_vanished() -> None:  # P94
    scene = Scene()
    error = await (await watched(scene)).end()
    assert isinstance(error, SnapshotVanishedError)
    assert 60 <= error.elapsed <= 70
    assert "did not show up" in error.message


async def test_a_snapshot_that_was_seen_is_gone_after_five_seconds() -> None:  # P95
    scene = Scene()
    scene.shown[KEY] = lambda now: "Pending" if now < 2 else None
    error = await (await watched(scene)).end()
    assert isinstance(error, SnapshotVanishedError)
    assert error.snapshot is not None
    assert len(scene.asked) == 2 + 6


async def test_an_instance_that_is_gone_is_told_as_such() -> None:  # S80
    scene = Scene(faults={"get": [None, gone("database_instance_find")]})
    scene.shown[KEY] = "Pending"
    error = await (await watched(scene)).end()
    assert isinstance(error, NotFoundError)
    assert error.code == "database_instance_find"


async def test_a_snapshot_that_shows_again_was_not_gone() -> None:
    scene = Scene(faults={"get": [None, gone(), gone(), None, gone(), gone(), None]})
    scene.finish(KEY, at=6)
    assert (await (await watched(scene)).snapshot()).state == "Complete"


async def test_a_deletion_ends_at_the_first_404() -> None:
    scene = Scene()
    scene.shown[KEY] = lambda now: "Complete" if now < 3 else None
    ended = await (await watched(scene, kind=DeletionWait)).snapshot()
    assert ended.id == "s-1"
    assert scene.times() == [0, 1, 2, 3]


async def test_an_unknown_state_counts_as_pending_and_is_reported_once(  # P87
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    keys = scene.add(2, shown="Copying")
    for key in keys:
        scene.shown[key] = lambda now: ("Complete", "Completed") if now > 9 else ("Copying", "x\ny")
    told: list[UnknownState | UnusualState] = []
    api = scene.api()

    def tell(event: UnknownState | UnusualState) -> None:
        told.append(event)
        api.session.tell(event)

    watcher = Watcher(api, scene.clock, states_met=StateReporter(tell))
    for waiter in [Waiter(scene, watcher, key) for key in keys]:
        await waiter.snapshot()
    assert [type(event) for event in told] == [UnknownState] * 2
    assert [event.state for event in told] == ["Copying", "x\ny"]
    assert caplog.text.count("unknown state") == 2
    assert "x\ny" not in caplog.text


async def test_unknown_states_are_logged_a_thousand_times_at_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    scene.shown[KEY] = lambda now: "Complete" if now > 1_500 else f"Step {now:.0f}"
    await (await watched(scene, policy=PollPolicy(ceiling=1.0, jitter=0))).snapshot()
    assert len(scene.asked) > 1_500
    assert caplog.text.count("unknown state") == 1_000


async def test_a_waiter_that_leaves_at_a_change_is_told_no_further_one() -> None:
    scene = Scene()
    scene.shown[KEY] = ("Pending", "Pending", "Pending")
    watcher = watcher_of(scene)
    heard: list[Transition] = []

    def leave(change: Transition) -> None:
        heard.append(change)
        waiter.remove()

    waiter = Waiter(scene, watcher, KEY, on_change=leave)
    await scene.clock.sleep(5)
    assert [change.volume_id for change in heard] == [None]


async def test_a_deployments_own_spelling_is_known(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.shown[KEY] = lambda now: "Fertig" if now > 2 else "In Arbeit"
    table = extended({"fertig": State.COMPLETE, "in arbeit": State.PENDING})
    await (await watched(scene, table=table)).snapshot()
    assert caplog.text == ""


async def test_a_state_unknown_without_a_listener_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    scene.shown[KEY] = lambda now: "Complete" if now > 2 else "Copying"
    await (await watched(scene)).snapshot()
    assert "Copying" in caplog.text


# Deadlines


async def test_a_timeout_of_zero_is_one_poll() -> None:  # P100
    scene = Scene()
    scene.shown[KEY] = "Pending"
    error = await (await watched(scene, timeout=0)).end()
    assert isinstance(error, WaitTimeoutError)
    assert error.snapshot is not None
    assert (error.polls, scene.times()) == (1, [0])
    scene.shown[KEY] = "Complete"
    assert (await (await watched(scene, timeout=0)).snapshot()).state == "Complete"


async def test_a_timeout_of_zero_is_one_poll_for_a_known_snapshot_too() -> None:
    scene = Scene()
    scene.shown[KEY] = "Complete"
    known = snapshot("s-1", "Pending")
    assert (await (await watched(scene, timeout=0, known=known, due=1)).snapshot()).id == "s-1"


async def test_a_wait_ends_with_a_last_poll_at_its_deadline() -> None:  # P99
    scene = Scene()
    scene.finish(KEY, at=99.5)
    waiter = await watched(scene, timeout=100)
    assert (await waiter.snapshot()).state == "Complete"
    assert waiter.ended_at == 100


async def test_a_poll_shortly_before_the_deadline_is_the_last() -> None:
    scene = Scene()
    scene.shown[KEY] = "Pending"
    waiter = await watched(scene, timeout=5.5)
    assert scene.times() == [0, 1, 2, 3, 4, 5]
    assert waiter.ended_at == 5.5


async def test_a_poll_in_flight_may_outlast_the_deadline_by_the_grace() -> None:  # P99
    scene = Scene(latency=10)
    scene.finish(KEY, at=9)
    waiter = await watched(scene, timeout=8, due=1)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    scene = Scene(latency=10.4)
    scene.shown[KEY] = "Complete"
    waiter = await watched(scene, timeout=10)
    assert (await waiter.snapshot()).state == "Complete"
    assert waiter.ended_at == 10.4


@pytest.mark.parametrize(
    ("timeout", "grace"), [(0, 0.5), (1, 0.5), (5, 0.5), (20, 2.0), (50, 5.0), (3600, 5.0)]
)
async def test_a_poll_in_flight_is_given_up_after_the_grace(timeout: float, grace: float) -> None:
    """P99, R168: a tenth of the timeout, at least half a second, at most five."""
    assert grace_of(timeout) == grace
    scene = Scene(latency=10_000)
    scene.shown[KEY] = "Complete"
    waiter = await watched(scene, timeout=timeout)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at == timeout + grace


async def test_a_first_poll_has_the_grace_whatever_the_timeout() -> None:
    """R168."""
    scene = Scene(latency=0.4)
    scene.shown[KEY] = "Complete"
    for timeout in (0, 0.001, 0.3):
        assert (await (await watched(scene, timeout=timeout)).snapshot()).state == "Complete"


async def test_a_wait_that_comes_during_a_slow_poll_gets_its_first_poll_beside_it() -> None:
    """R168: at the end of its time at the latest."""
    scene = Scene(latency=50)
    keys = scene.add(3, shown="Complete")
    watcher = watcher_of(scene)
    first = Waiter(scene, watcher, keys[0])
    await scene.clock.sleep(1)
    scene.latency = 0.4
    late = Waiter(scene, watcher, keys[1], timeout=2)
    assert (await late.snapshot()).state == "Complete"
    assert late.ended_at == 3.4
    scene.latency = 10
    later = Waiter(scene, watcher, keys[2], timeout=0)
    error = await later.end()
    assert isinstance(error, WaitTimeoutError)
    assert error.polls == 0
    assert later.ended_at is not None
    assert later.ended_at - 3.4 == pytest.approx(0.5)
    assert (await first.snapshot()).state == "Complete"
    assert scene.times("get") == [0, 3, 3.4]


@pytest.mark.parametrize("state", ["Complete", "Failed", "Pending"])
async def test_a_record_is_judged_neither_way_where_no_poll_can_be_sent(state: str) -> None:
    """R168: while the client pauses."""
    scene = Scene()
    scene.shown[KEY] = state
    watcher = Watcher(scene.api(), scene.clock, paused_for=lambda: 30 - scene.clock.monotonic())
    known = snapshot("s-1", state)
    progress = CompletionWait(*KEY, EVEN, DEFAULT_STATES, 0.0)
    with pytest.raises(WaitTimeoutError) as caught:
        await Wait(watcher, progress, 2.0, known).end()
    assert caught.value.polls == 0
    assert caught.value.snapshot is known
    assert scene.clock.monotonic() == 2


@pytest.mark.parametrize("state", ["Complete", "Failed"])
async def test_a_record_that_says_finished_is_not_believed_without_a_look(state: str) -> None:
    """R168: what the server shows decides."""
    scene = Scene()
    scene.finish(KEY, at=10)
    progress = CompletionWait(*KEY, EVEN, DEFAULT_STATES, 0.0)
    ended = await Wait(watcher_of(scene), progress, 100.0, snapshot("s-1", state)).end()
    assert ended.state == "Complete"
    assert scene.times()[:2] == [0, 1]


async def test_a_listing_that_shows_what_a_record_said_ends_the_wait() -> None:
    """R168: the same content again is news, as long as only the caller has said so."""
    scene = Scene()
    keys = scene.add(2, shown="Complete")
    watcher = watcher_of(scene)
    waits = [
        Wait(watcher, CompletionWait(*key, EVEN, DEFAULT_STATES, 0.0), 100.0, known)
        for key in keys
        for known in [snapshot(key[1], "Complete", key[0])]
    ]
    for ended in await asyncio.gather(*(wait.end() for wait in waits)):
        assert ended.state == "Complete"
    assert scene.counts == {"region": 1}


async def test_a_wait_that_began_during_a_poll_gets_a_poll_of_its_own() -> None:
    scene = Scene(latency=0.4)
    keys = scene.add(2, shown="Complete")
    watcher = watcher_of(scene)
    first = Waiter(scene, watcher, keys[0])
    await scene.clock.sleep(0.2)
    late = Waiter(scene, watcher, keys[1], timeout=0)
    assert (await late.snapshot()).state == "Complete"
    assert (await first.snapshot()).state == "Complete"
    assert scene.counts == {"get": 2}


async def test_polls_that_a_sleeping_machine_missed_are_not_made_up_for() -> None:  # P103
    scene = Scene(clock=FakeClock(auto=False))
    scene.shown[KEY] = "Pending"
    waiter = Waiter(scene, watcher_of(scene), KEY, timeout=3600)
    await turn(50)
    scene.clock.advance(7200)
    error = await waiter.end()
    assert isinstance(error, WaitTimeoutError)
    assert scene.times() == [0, 7200]


# Adding and removing waits


async def test_a_removed_wait_is_not_polled_for_any_more() -> None:
    scene = Scene()
    keys = scene.add(2)
    scene.finish(keys[0], at=60)
    watcher = watcher_of(scene)
    stays, goes = (Waiter(scene, watcher, key) for key in keys)
    await scene.clock.sleep(10)
    goes.remove()
    goes.remove()  # twice is fine
    before = len(scene.asked)
    await stays.snapshot()
    assert goes.ends == 0
    assert {kind for kind, _, _ in scene.asked[before:]} == {"get"}


async def test_the_watcher_stops_when_nobody_waits() -> None:
    scene = Scene()
    scene.shown[KEY] = "Pending"
    watcher = watcher_of(scene)
    waiter = Waiter(scene, watcher, KEY)
    await scene.clock.sleep(10)
    waiter.remove()
    await turn()
    assert scene.clock.sleepers == 0
    seen = len(scene.asked)
    await scene.clock.sleep(100)
    assert len(scene.asked) == seen


async def test_a_poll_in_flight_is_cancelled_with_the_last_wait() -> None:
    scene = Scene(latency=1000)
    scene.shown[KEY] = "Complete"
    waiter = Waiter(scene, watcher_of(scene), KEY)
    while not scene.asked:
        await turn(1)
    waiter.remove()
    await turn()
    assert waiter.ends == 0
    assert scene.clock.sleepers == 0


@pytest.mark.parametrize("latency", [0, 5])
async def test_a_wait_that_comes_right_after_the_last_has_left_is_watched(latency: float) -> None:
    scene = Scene(latency=latency)
    scene.shown[KEY] = "Complete"
    watcher = watcher_of(scene)
    for turns in range(6):
        first = Waiter(scene, watcher, KEY, due=0)
        await turn(turns)
        first.remove()
        second = Waiter(scene, watcher, KEY)
        assert (await second.snapshot()).state == "Complete"


async def test_a_watcher_stops_and_starts_again() -> None:
    scene = Scene()
    scene.shown[KEY] = "Complete"
    watcher = watcher_of(scene)
    for _ in range(3):
        await Waiter(scene, watcher, KEY).snapshot()
        await turn()
    assert watcher.ticks == 3


async def test_a_waiter_removed_during_a_poll_is_told_nothing() -> None:
    scene = Scene(latency=2)
    keys = scene.add(2, shown="Complete")
    watcher = watcher_of(scene)
    stays, goes = (Waiter(scene, watcher, key) for key in keys)
    await scene.clock.sleep(1)
    goes.remove()
    await stays.snapshot()
    assert (goes.ends, goes.changes) == (0, [])


async def test_closing_ends_every_wait_with_an_error_of_its_own() -> None:  # L117
    scene = Scene(latency=1000)
    keys = scene.add(3)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    await turn()
    await watcher.close()
    errors = [await waiter.end() for waiter in waiters]
    assert all(isinstance(error, ClientClosedError) for error in errors)
    assert len({id(error) for error in errors}) == 3
    await watcher.close()


async def test_closing_before_the_first_poll_ends_the_wait_too() -> None:
    scene = Scene()
    watcher = watcher_of(scene)
    waiter = Waiter(scene, watcher, KEY)
    await watcher.close()
    assert isinstance(await waiter.end(), ClientClosedError)
    assert scene.asked == []


async def test_a_closed_client_ends_a_wait_with_its_own_error() -> None:  # L118
    scene = Scene(faults={"get": [ClientClosedError("closed")]})
    error = await (await watched(scene)).end()
    assert type(error) is ClientClosedError


async def test_a_defect_ends_every_wait_instead_of_leaving_it_hanging(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene()

    async def broken(consumer: ListingConsumer) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(scene, "list_region", broken)
    watcher = Watcher(scene.api(), scene.clock)
    caplog.set_level(logging.ERROR)
    for waiter in [Waiter(scene, watcher, key) for key in scene.add(2, shown="Complete")]:
        error = await waiter.end()
        assert isinstance(error, CivoError)
        assert "ZeroDivisionError" in str(error)
    assert "the watcher failed" in caplog.text
    assert (await Waiter(scene, watcher, ("i-0", "s-0-0")).snapshot()).state == "Complete"


async def test_a_pause_that_begins_during_a_poll_delays_no_end_of_a_wait() -> None:  # P98, P99
    scene = Scene(latency=4.5)
    (key,) = scene.add(1)
    clock = scene.clock
    watcher = Watcher(
        scene.api(), clock, paused_for=lambda: 10.0 if clock.monotonic() >= 1 else 0.0
    )
    waiter = Waiter(scene, watcher, key, timeout=2)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at is not None
    assert 2 <= waiter.ended_at <= 2.2


async def test_polls_keep_the_rate_limit_interval() -> None:
    scene = Scene()
    scene.finish(KEY, at=30)
    watcher = Watcher(scene.api(), scene.clock, rate_limit_interval=lambda: 4.0)
    await Waiter(scene, watcher, KEY).snapshot()
    assert scene.times()[:4] == [0, 4, 8, 12]


def test_the_policy_of_these_tests_has_no_jitter() -> None:
    assert [EVEN.pause(waited) for waited in (0, 5, 50, 500)] == [1, 1, 5, 10]


async def test_a_pause_that_a_429_asks_for_delays_no_end_of_a_wait() -> None:  # P98, P99
    scene = Scene()
    scene.shown[KEY] = "Pending"
    watcher = Watcher(scene.api(), scene.clock, paused_for=lambda: 30 - scene.clock.monotonic())
    waiter = Waiter(scene, watcher, KEY, timeout=10)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at == 10


async def test_a_poll_that_a_pause_holds_back_gets_no_grace() -> None:  # P98, P99
    scene = Scene(latency=20)  # at the gate
    scene.shown[KEY] = "Pending"
    watcher = Watcher(scene.api(), scene.clock, paused_for=lambda: 30 - scene.clock.monotonic())
    waiter = Waiter(scene, watcher, KEY, timeout=2)
    assert isinstance(await waiter.end(), WaitTimeoutError)
    assert waiter.ended_at == 2
