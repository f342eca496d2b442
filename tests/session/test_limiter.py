"""What bounds a client as a whole: the gate, the pauses, the retry budget."""

import asyncio
from collections.abc import Awaitable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._concurrency import Gate
from civo_snapshots._session import Limiter
from civo_snapshots._session.limiter import RetryBudget
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


# The limiter


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_polls_have_slots_of_their_own(clock: FakeClock) -> None:
    """F113: a fan-out's creates cannot starve them, nor polls the creates."""
    limiter = Limiter(1, clock)
    calls = await limiter.enter()
    polls = [await limiter.enter(poll=True) for _ in range(Limiter.POLLS)]
    assert polls[0] is polls[1] is not calls
    waiting = [start(limiter.enter()), start(limiter.enter(poll=True))]
    await turn()
    assert not any(task.done() for task in waiting)
    calls.release()
    assert await waiting[0] is calls
    polls[0].release()
    assert await waiting[1] is polls[0]


async def test_polls_borrow_slots_that_no_call_waits_for(clock: FakeClock) -> None:
    """R171: so a round of many keeps its share and never queues behind a thousand creates."""
    limiter = Limiter(2, clock)
    polls = [await limiter.enter(poll=True) for _ in range(Limiter.POLLS + 2)]
    create = start(limiter.enter())
    further = start(limiter.enter(poll=True))
    await turn()
    assert not create.done()
    assert not further.done()
    polls[-1].release()  # a borrowed one goes back to the calls
    assert await create is polls[-1]
    polls[0].release()
    assert await further is polls[0]


async def test_a_call_that_enters_again_goes_first(clock: FakeClock) -> None:
    limiter = Limiter(1, clock)
    gate = await limiter.enter()
    newcomer = start(limiter.enter())
    await turn()
    again = start(limiter.enter(again=True))
    await turn()
    gate.release()
    await again
    assert not newcomer.done()
    await end(newcomer)


async def test_a_pause_holds_back_everybody(clock: FakeClock) -> None:
    """H35, P98: polls and calls alike, whoever learned of it."""
    limiter = Limiter(4, clock)
    limiter.pause(30)
    await asyncio.gather(limiter.enter(), limiter.enter(poll=True), limiter.enter())
    assert clock.monotonic() == 30.0


async def test_the_longest_pause_wins_and_a_shorter_one_does_not_end_it(clock: FakeClock) -> None:
    limiter = Limiter(4, clock)
    limiter.pause(30)
    limiter.pause(5)
    await limiter.enter()
    assert clock.monotonic() == 30.0


async def test_a_pause_that_grows_while_somebody_sleeps_is_kept() -> None:
    clock = FakeClock(auto=False)
    limiter = Limiter(4, clock)
    limiter.pause(10)
    entering = start(limiter.enter())
    await turn()
    clock.advance(5)
    limiter.pause(20)
    clock.advance(5)
    await turn()
    assert not entering.done()
    clock.advance(15)
    await entering


async def test_no_pause_is_longer_than_a_minute(clock: FakeClock) -> None:
    """H39: no header can put the client to sleep for a day."""
    limiter = Limiter(1, clock)
    limiter.pause(86_400)
    await limiter.enter()
    assert clock.monotonic() == 60.0


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
    leaver, stayer = start(limiter.enter()), start(limiter.enter())
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
    await limiter.enter()
    limiter.rate_limited(5)
    assert limiter.concurrency == 4


async def test_the_limit_never_falls_below_one(clock: FakeClock) -> None:
    limiter = Limiter(2, clock)
    for _ in range(5):
        limiter.rate_limited(1)
        (await limiter.enter()).release()
    assert limiter.concurrency == 1


async def test_the_limit_recovers_slowly_and_not_beyond_its_ceiling(clock: FakeClock) -> None:
    """F107: one more after each twenty clean successes."""
    limiter = Limiter(4, clock)
    limiter.rate_limited(1)
    assert limiter.concurrency == 2
    limits: list[int] = []
    for _ in range(100):
        limiter.succeeded()
        limits.append(limiter.concurrency)
    assert [limits.index(limit) + 1 for limit in (3, 4)] == [20, 40]
    assert max(limits) == 4


async def test_a_429_starts_the_count_of_successes_again(clock: FakeClock) -> None:
    limiter = Limiter(4, clock)
    limiter.rate_limited(1)
    for _ in range(19):
        limiter.succeeded()
    limiter.rate_limited(1)  # within the pause: the limit stays, the series ends
    for _ in range(19):
        limiter.succeeded()
    assert limiter.concurrency == 2
    limiter.succeeded()
    assert limiter.concurrency == 3


async def test_a_raised_limit_lets_a_waiter_in(clock: FakeClock) -> None:
    limiter = Limiter(2, clock)
    limiter.rate_limited(0)
    assert limiter.concurrency == 1
    await limiter.enter()
    waiter = start(limiter.enter())
    await turn()
    assert not waiter.done()
    for _ in range(20):
        limiter.succeeded()
    await waiter
