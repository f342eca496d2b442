"""What bounds a client as a whole: the gate, the pauses, the retry budget."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots import (
    ApiError,
    CivoError,
    ConnectFailedError,
    DeadlineExceededError,
    RateLimitError,
)
from civo_snapshots._concurrency import Gate
from civo_snapshots._session import Deadline, Limiter, LogicalCall, RetryPolicy
from civo_snapshots._session.outage import RetryBudget
from civo_snapshots.testing import FakeClock


async def turn() -> None:
    """Let everything that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


def start(awaitable: Awaitable[object]) -> "asyncio.Future[object]":
    return asyncio.ensure_future(awaitable)


async def end(*tasks: "asyncio.Future[object]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# The gate


async def test_a_gate_lets_as_many_in_as_its_limit() -> None:
    gate = Gate(2)
    await gate.acquire()
    await gate.acquire()
    third = start(gate.acquire())
    await turn()
    assert (gate.used, third.done()) == (2, False)
    gate.release()
    await third
    assert gate.used == 2


async def test_waiters_pass_in_the_order_they_came() -> None:
    """F113."""
    gate = Gate(1)
    await gate.acquire()
    passed: list[int] = []

    async def pass_through(number: int) -> None:
        await gate.acquire()
        passed.append(number)
        gate.release()

    tasks = [start(pass_through(number)) for number in range(5)]
    await turn()
    gate.release()
    await asyncio.gather(*tasks)
    assert passed == [0, 1, 2, 3, 4]
    assert gate.used == 0


async def test_a_newcomer_cannot_overtake_the_waiters() -> None:
    gate = Gate(1)
    await gate.acquire()
    waiter = start(gate.acquire())
    await turn()
    gate.limit = 2  # free again, but it is the waiter's
    newcomer = start(gate.acquire())
    await turn()
    assert not newcomer.done()
    gate.refill()
    await waiter
    assert not newcomer.done()
    gate.release()
    await newcomer


async def test_a_call_that_comes_again_goes_to_the_head_of_the_queue() -> None:
    """T23: a call that retries has its time running already."""
    gate = Gate(1)
    await gate.acquire()
    first = start(gate.acquire())
    await turn()
    again = start(gate.acquire(again=True))
    await turn()
    gate.release()
    await again
    assert not first.done()
    gate.release()
    await first


async def test_a_lowered_limit_holds_back_whoever_comes_next() -> None:
    gate = Gate(3)
    for _ in range(3):
        await gate.acquire()
    gate.limit = 1
    waiter = start(gate.acquire())
    for used in (2, 1):
        gate.release()
        await turn()
        assert (gate.used, waiter.done()) == (used, False)
    gate.release()
    await waiter
    assert gate.used == 1


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    """L120."""
    gate = Gate(1)
    await gate.acquire()
    leaver, stayer = start(gate.acquire()), start(gate.acquire())
    await turn()
    await end(leaver)
    assert leaver.cancelled()
    gate.release()
    await stayer
    assert gate.used == 1


async def test_a_permit_handed_to_a_waiter_just_cancelled_is_passed_on() -> None:
    """L120: the permit must not be lost."""
    gate = Gate(1)
    await gate.acquire()
    leaver, stayer = start(gate.acquire()), start(gate.acquire())
    await turn()
    gate.release()
    leaver.cancel()  # in the same turn: it has the permit, and does not know yet
    await stayer
    assert leaver.cancelled()
    assert gate.used == 1
    gate.release()
    assert gate.used == 0


async def test_a_waiter_cancelled_just_before_a_release_still_ends_as_cancelled() -> None:
    """L120: the release drops it from the queue before it could do so itself."""
    gate = Gate(1)
    await gate.acquire()
    leaver, stayer = start(gate.acquire()), start(gate.acquire())
    await turn()
    leaver.cancel()
    gate.release()
    await asyncio.gather(leaver, return_exceptions=True)
    assert leaver.cancelled()
    await stayer
    assert gate.used == 1


@settings(deadline=None)
@given(
    limit=st.integers(1, 4),
    moves=st.lists(
        st.sampled_from(["enter", "again", "leave", "cancel", "turn", "raise", "lower"]),
        max_size=30,
    ),
)
async def test_no_permit_is_ever_lost_or_made_up(limit: int, moves: list[str]) -> None:
    """L120, F113: in whatever order people come, leave and are cancelled."""
    gate = Gate(limit)
    tasks: list[asyncio.Future[object]] = []
    for move in moves:
        if move in ("enter", "again"):
            tasks.append(start(gate.acquire(again=move == "again")))
        elif move == "leave" and any(inside := [task for task in tasks if is_inside(task)]):
            tasks.remove(inside[0])
            gate.release()
        elif move == "cancel" and tasks:
            tasks[len(tasks) // 2].cancel()
        elif move == "raise":
            gate.limit += 1
            gate.refill()
        elif move == "lower":
            gate.limit = max(1, gate.limit - 1)
        elif move == "turn":
            await turn()
            assert gate.used == sum(map(is_inside, tasks))
    await turn()
    while any(not task.done() for task in tasks):
        inside = [task for task in tasks if is_inside(task)]
        assert inside, "somebody waits though nobody is inside"
        tasks.remove(inside[0])
        gate.release()
        await turn()
    assert gate.used == sum(map(is_inside, tasks))


def is_inside(task: "asyncio.Future[object]") -> bool:
    return task.done() and not task.cancelled()


# The budget


def test_a_budget_is_spent_and_then_says_no() -> None:
    """F108."""
    budget = RetryBudget(25)
    assert [budget.take(10) for _ in range(3)] == [True, True, False]
    assert budget.tokens == 5
    assert budget.take(5)
    assert not budget.take(1)


def test_a_success_refunds_its_own_retries_or_one_token() -> None:
    budget = RetryBudget(100)
    budget.take(50)
    budget.refund(20)
    assert budget.tokens == 70
    budget.refund(0)
    assert budget.tokens == 71


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=50))
def test_a_budget_never_goes_below_zero_or_above_its_size(steps: list[tuple[bool, int]]) -> None:
    budget = RetryBudget(100)
    for spend, amount in steps:
        before = budget.tokens
        if spend:
            assert budget.take(amount) is (amount <= before)
        else:
            budget.refund(amount)
        assert 0 <= budget.tokens <= 100


async def test_a_call_that_succeeds_at_last_brings_back_all_that_its_retries_cost() -> None:
    """F108: not only the last of them."""
    limiter = Limiter(1, FakeClock())
    full = limiter.budget.tokens
    call = a_call(limiter)
    for cost in (10, 20):
        limiter.pay(call, ConnectFailedError("refused"))
        assert (call.spent, limiter.budget.tokens) == (cost, full - cost)
    limiter.succeeded(call)
    assert limiter.budget.tokens == full


# The limiter


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def a_call(limiter: Limiter, *, timeout: float = 1e9, attempts: int = 0) -> LogicalCall:
    clock = limiter._clock
    call = LogicalCall(Deadline(clock, 1e9, clock.monotonic() + timeout), RetryPolicy())
    call.record.attempts = attempts
    return call


async def enter(limiter: Limiter, *, poll: bool = False, **more: Any) -> Gate:
    gate = await limiter.enter(a_call(limiter, **more), poll=poll)
    assert isinstance(gate, Gate), gate
    return gate


async def test_polls_have_slots_of_their_own(clock: FakeClock) -> None:
    """F113: a fan-out's creates cannot starve them, nor polls the creates."""
    limiter = Limiter(1, clock)
    calls = await enter(limiter)
    polls = [await enter(limiter, poll=True) for _ in range(Limiter.POLLS)]
    assert polls[0] is polls[1] is not calls
    waiting = [start(enter(limiter)), start(enter(limiter, poll=True))]
    await turn()
    assert not any(task.done() for task in waiting)
    calls.release()
    assert await waiting[0] is calls
    polls[0].release()
    assert await waiting[1] is polls[0]


async def test_polls_borrow_slots_that_no_call_waits_for(clock: FakeClock) -> None:
    """R171: so a round of many keeps its share and never queues behind a thousand creates."""
    limiter = Limiter(2, clock)
    polls = [await enter(limiter, poll=True) for _ in range(Limiter.POLLS + 2)]
    create = start(enter(limiter))
    further = start(enter(limiter, poll=True))
    await turn()
    assert not create.done()
    assert not further.done()
    polls[-1].release()  # a borrowed one goes back to the calls
    assert await create is polls[-1]
    polls[0].release()
    assert await further is polls[0]


async def test_a_call_that_enters_again_goes_first(clock: FakeClock) -> None:
    limiter = Limiter(1, clock)
    gate = await enter(limiter)
    newcomer = start(enter(limiter))
    await turn()
    again = start(enter(limiter, attempts=1))
    await turn()
    gate.release()
    await again
    assert not newcomer.done()
    await end(newcomer)


async def test_a_pause_holds_back_everybody(clock: FakeClock) -> None:
    """H35, P98: polls and calls alike, whoever learned of it."""
    limiter = Limiter(4, clock)
    limiter.pause(30)
    await asyncio.gather(enter(limiter), enter(limiter, poll=True), enter(limiter))
    assert clock.monotonic() == 30.0


async def test_the_longest_pause_wins_and_a_shorter_one_does_not_end_it(clock: FakeClock) -> None:
    limiter = Limiter(4, clock)
    limiter.pause(30)
    limiter.pause(5)
    await enter(limiter)
    assert clock.monotonic() == 30.0


async def test_a_pause_that_grows_while_somebody_sleeps_is_kept() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(4, clock)
    limiter.pause(10)
    entering = start(enter(limiter))
    await turn()
    clock.advance(5)
    limiter.pause(20)
    clock.advance(5)
    await turn()
    assert not entering.done()
    clock.advance(15)
    await entering


@pytest.mark.parametrize(("timeout", "pause"), [(1e9, 61.0), (5.0, 6.0)])
async def test_who_would_wait_in_vain_for_the_end_of_a_pause_is_told_at_once(
    clock: FakeClock, timeout: float, pause: float
) -> None:
    """H39, R166, R169."""
    limiter = Limiter(1, clock)
    limiter.pause(pause)
    error = await limiter.enter(a_call(limiter, timeout=timeout))
    assert isinstance(error, RateLimitError)
    assert error.retry_after == pause
    assert clock.monotonic() == 0


async def test_even_a_short_pause_is_no_wait_in_vain(clock: FakeClock) -> None:
    """R166, R169: however short it is, a call with less time is told, and how long it lasts."""
    limiter = Limiter(1, clock)
    limiter.pause(0.5)
    error = await limiter.enter(a_call(limiter, timeout=0.3))
    assert isinstance(error, RateLimitError)
    assert error.status == 429
    assert "which lasts 0.5 s more" in str(error)
    assert clock.monotonic() == 0


async def test_what_a_header_says_of_a_window_is_a_pause_of_a_minute_at_most() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(1, clock)
    limiter.note_window(0, 86_400)
    assert limiter.paused_for() == 60


async def test_no_slot_is_held_while_nothing_may_be_sent() -> None:
    """R166."""
    clock = FakeClock(auto=False)
    limiter = Limiter(1, clock)
    limiter.pause(30)
    waiting = [start(enter(limiter)) for _ in range(3)]
    await turn()
    assert limiter._calls.used == 0
    await end(*waiting)
    await turn()
    assert limiter._opener is None


async def test_a_slot_that_is_free_as_a_pause_begins_is_given_back(clock: FakeClock) -> None:
    limiter = Limiter(1, clock)
    gate = await enter(limiter)
    late = start(enter(limiter))
    await turn()
    gate.release()  # hands over to the other,
    limiter.pause(30)  # which does not run before this
    await late
    assert clock.monotonic() == 30


async def test_who_waits_longer_than_its_time_is_told(clock: FakeClock) -> None:
    """R166."""
    limiter = Limiter(1, clock)
    await enter(limiter)
    error = await limiter.enter(a_call(limiter, timeout=2.0))
    assert isinstance(error, DeadlineExceededError)
    assert str(error) == "the call's time ran out before a request could be sent"
    assert clock.monotonic() == 2
    assert not limiter._calls.is_awaited


async def test_who_waits_on_for_a_slot_also_passes_a_later_pause(clock: FakeClock) -> None:
    """H35: the end of each pause lets in who waits then, not only that of the first."""
    limiter = Limiter(1, clock)
    limiter.pause(10)
    first, second = start(enter(limiter)), start(enter(limiter))
    await first
    limiter.pause(20)
    await turn()
    assert not second.done()
    limiter._calls.release()
    await second
    assert clock.monotonic() == 30


async def test_closing_leaves_no_task_behind() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(1, clock)
    limiter.pause(30)
    waiting = start(enter(limiter))
    await turn()
    await limiter.close()
    assert limiter._opener is None
    await end(waiting)


# An outage


LOST = ConnectFailedError("refused")


def break_down(limiter: Limiter) -> None:
    for _ in range(51):
        limiter.pay(a_call(limiter), LOST)


async def test_an_empty_budget_lets_one_through_at_a_time_and_later_and_later() -> None:
    """R162, R170."""
    clock = FakeClock(auto=False)
    limiter = Limiter(50, clock)
    break_down(limiter)
    waiting = [start(enter(limiter)) for _ in range(8)]
    passed: list[int] = []
    for second in range(80):
        await turn()
        if len(passed) < sum(task.done() for task in waiting):
            passed.append(second)
        clock.advance(1)
    assert passed == [1, 3, 7, 15, 30, 45, 60, 75]


async def test_an_answer_lets_everybody_through_again() -> None:
    """R164."""
    clock = FakeClock(auto=False)
    limiter = Limiter(50, clock)
    break_down(limiter)
    waiting = [start(enter(limiter)) for _ in range(8)]
    await turn()
    limiter.succeeded(a_call(limiter))
    await asyncio.gather(*waiting)
    assert clock.monotonic() == 0


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (ApiError("taken", status=409, code="x"), True),
        (RateLimitError("429", status=429), True),
        (ApiError("a gateway", status=502), False),
        (LOST, False),
    ],
    ids=str,
)
async def test_an_error_ends_an_outage_if_the_api_itself_has_said_it(
    error: CivoError, is_over: bool
) -> None:
    """R164, R165: and not what a gateway says in its place."""
    limiter = Limiter(50, FakeClock(auto=False))
    limiter.failed(error)
    break_down(limiter)
    limiter.failed(error)
    assert limiter.outage.lasts is not is_over


async def test_an_outage_long_ago_holds_nobody_back() -> None:
    """R164."""
    clock = FakeClock(auto=False)
    limiter = Limiter(50, clock)
    break_down(limiter)
    clock.advance(3600)
    assert (await enter(limiter)).used == 1


async def test_a_call_without_a_time_of_its_own_begins_to_count_in_an_outage(
    clock: FakeClock,
) -> None:
    """Else it would wait for its first slot for ever."""
    limiter = Limiter(1, clock)
    await enter(limiter)
    call = LogicalCall(Deadline(clock, 90.0), RetryPolicy())
    queued = start(limiter.enter(call))
    await turn()
    break_down(limiter)
    error = await queued
    assert isinstance(error, CivoError)
    assert clock.monotonic() == 90


async def test_a_call_whose_time_runs_out_in_an_outage_is_told_of_the_outage(
    clock: FakeClock,
) -> None:
    """R162: so that nobody blames the client's own queue."""
    limiter = Limiter(50, clock)
    break_down(limiter)
    error = await limiter.enter(a_call(limiter, timeout=0.5))
    assert isinstance(error, DeadlineExceededError)
    assert str(error) == "the call's time ran out in an outage"


# A rate


async def test_a_rate_spreads_calls_and_polls_alike(clock: FakeClock) -> None:
    limiter = Limiter(50, clock, max_rate=2.0)
    times: list[tuple[float, bool]] = []

    async def one(poll: bool) -> None:
        gate = await enter(limiter, poll=poll)
        times.append((clock.monotonic(), poll))
        gate.release()

    await asyncio.gather(*(one(number >= 6) for number in range(9)))
    assert [at for at, _ in times] == [0.5 * number for number in range(9)]
    assert [poll for _, poll in times[1:7]].count(True) == 3  # they take turns


async def test_calls_and_polls_pass_in_turn_where_one_passes_at_a_time(clock: FakeClock) -> None:
    """F113: a series of polls does not hold the calls back until it is over."""
    limiter = Limiter(50, clock, max_rate=1.0)
    passed: list[bool] = []

    async def one(poll: bool) -> None:
        gate = await enter(limiter, poll=poll)
        passed.append(poll)
        gate.release()

    await one(False)
    await asyncio.gather(*(one(number < 3) for number in range(6)))
    assert passed[1:] == [True, False] * 3


# The level


async def test_requests_at_once_find_their_level_from_ten_on(clock: FakeClock) -> None:
    limiter = Limiter(50, clock)
    assert limiter.concurrency == 10
    limiter.succeeded(a_call(limiter))
    assert limiter.concurrency == 11
    for _ in range(100):
        limiter.succeeded(a_call(limiter))
    assert limiter.concurrency == 50
    limiter.rate_limited(1)
    assert limiter.concurrency == 35
    for _ in range(40):
        limiter.succeeded(a_call(limiter))
    assert limiter.concurrency == 37


async def test_what_a_rate_limit_leaves_is_spread_until_it_begins_anew() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(10, clock)
    assert limiter.rate_limit_interval() == 0
    limiter.note_window(20, 30.0)
    assert limiter.rate_limit_interval() == 1.5
    assert limiter.paused_for() <= 0
    clock.advance(15)
    assert limiter.rate_limit_interval() == 0.75
    clock.advance(60)
    assert limiter.rate_limit_interval() == 0


async def test_a_rate_limit_that_leaves_nothing_is_a_pause() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(10, clock)
    limiter.note_window(0, 12.0)
    assert limiter.paused_for() == 12
    assert limiter.rate_limit_interval() == 0


async def test_a_call_cancelled_during_a_pause_releases_its_slot() -> None:
    """L120."""
    clock = FakeClock(auto=False)
    limiter = Limiter(1, clock)
    limiter.pause(30)
    leaver, stayer = start(enter(limiter)), start(enter(limiter))
    await turn()
    await end(leaver)
    clock.advance(30)
    gate = await stayer
    assert isinstance(gate, Gate)
    assert gate.used == 1


async def test_each_pause_lowers_the_limit_once(clock: FakeClock) -> None:
    """F107: a hundred requests that get the same 429 lower it only once."""
    limiter = Limiter(10, clock)
    for _ in range(100):
        limiter.rate_limited(5)
    assert limiter.concurrency == 7
    await enter(limiter)
    limiter.rate_limited(5)
    assert limiter.concurrency == 4


async def test_the_limit_never_falls_below_one(clock: FakeClock) -> None:
    limiter = Limiter(2, clock)
    for _ in range(5):
        limiter.rate_limited(1)
        (await enter(limiter)).release()
    assert limiter.concurrency == 1


async def test_the_limit_recovers_slowly_and_not_beyond_its_ceiling(clock: FakeClock) -> None:
    """F107: one more after each twenty clean successes."""
    limiter = Limiter(4, clock)
    limiter.rate_limited(1)
    assert limiter.concurrency == 2
    limits: list[int] = []
    for _ in range(100):
        limiter.succeeded(a_call(limiter))
        limits.append(limiter.concurrency)
    assert [limits.index(limit) + 1 for limit in (3, 4)] == [20, 40]
    assert max(limits) == 4


async def test_a_429_starts_the_count_of_successes_again(clock: FakeClock) -> None:
    limiter = Limiter(4, clock)
    limiter.rate_limited(1)
    for _ in range(19):
        limiter.succeeded(a_call(limiter))
    limiter.rate_limited(1)  # within the pause: the limit stays, the series ends
    for _ in range(19):
        limiter.succeeded(a_call(limiter))
    assert limiter.concurrency == 2
    limiter.succeeded(a_call(limiter))
    assert limiter.concurrency == 3


async def test_a_raised_limit_lets_a_waiter_in(clock: FakeClock) -> None:
    limiter = Limiter(2, clock)
    limiter.rate_limited(0)
    assert limiter.concurrency == 1
    await enter(limiter)
    waiter = start(enter(limiter))
    await turn()
    assert not waiter.done()
    for _ in range(20):
        limiter.succeeded(a_call(limiter))
    await waiter
