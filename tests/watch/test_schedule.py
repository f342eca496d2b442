"""The registry of waits: which are due together, when, and which listings they have seen."""

from math import inf

import pytest

from civo_snapshots import PollPolicy
from civo_snapshots._watch import CompletionWait, RegisteredWait
from civo_snapshots._watch.schedule import WaitRegistry
from civo_snapshots.states import DEFAULT_STATES

EVEN = PollPolicy(jitter=0)
SLOW = PollPolicy(floor=4, jitter=0)


def wait(
    number: int,
    *,
    started: float = 0.0,
    due: float | None = None,
    deadline: float = 1000.0,
    policy: PollPolicy = EVEN,
) -> RegisteredWait:
    progress = CompletionWait("i", f"s-{number}", policy, DEFAULT_STATES, started)
    return RegisteredWait(progress, started if due is None else due, deadline, lambda _: None)


def registry_of(*waits: RegisteredWait) -> WaitRegistry:
    registry = WaitRegistry()
    for one in waits:
        registry.add(one)
    return registry


def test_waits_that_begin_together_are_due_together() -> None:
    early, near, far = wait(1), wait(2, started=0.5), wait(3, started=0.6)
    registry = registry_of(early, near, far)
    assert early.group is near.group is not far.group
    assert len(registry) == 3
    assert set(registry) == {early, near, far}


def test_waits_of_different_policies_have_different_groups() -> None:
    one, other = wait(1), wait(2, policy=SLOW)
    registry_of(one, other)
    assert one.group is not other.group


def test_a_wait_registered_after_a_poll_joins_no_group_from_before_it() -> None:
    first, second = wait(1), wait(2)
    registry = registry_of(first)
    registry.postpone(0.0)
    registry.add(second)
    assert first.group is not second.group


def test_a_due_group_takes_along_those_due_within_half_a_floor() -> None:
    soon, later = wait(1, due=10), wait(2, due=10.6)
    registry = registry_of(soon, later)
    assert registry.due(9.9) == set()
    assert registry.due(10) == {soon.group}
    assert registry.due(10.1) == {soon.group, later.group}


def test_the_pause_after_a_poll_is_that_of_the_youngest_wait() -> None:
    old, young = wait(1, started=0.0, due=50), wait(2, started=30.0, due=50)
    registry = registry_of(old, young)
    registry.postpone(50.0)
    assert registry.next_wake(0.0, 0.0) == 52.0


def test_a_poll_makes_no_wait_due_earlier() -> None:
    registry = registry_of(wait(1, due=100))
    registry.postpone(0.0)
    assert registry.next_wake(0.0, 0.0) == 100


def test_groups_that_were_not_polled_for_stay_due() -> None:
    polled, other = wait(1, due=5), wait(2, due=7)
    registry = registry_of(polled, other)
    assert polled.group is not None
    registry.postpone(5.0, {polled.group})
    assert registry.due(7) == {other.group, polled.group}
    assert registry.next_wake(0.0, 0.0) == 6


@pytest.mark.parametrize(
    ("min_interval", "wake"),
    [
        pytest.param(0.0, 21.0, id="the-policys-floor"),
        pytest.param(3.0, 23.0, id="a-dear-listing"),
        pytest.param(60.0, 30.0, id="at-most-the-ceiling"),
    ],
)
def test_ticks_lie_the_minimal_interval_apart(min_interval: float, wake: float) -> None:
    registry = registry_of(wait(1, due=20))
    assert registry.next_wake(20.0, min_interval) == wake


def test_a_deadline_wakes_whatever_else_is_due() -> None:
    registry = registry_of(wait(1, due=500), wait(2, due=500, deadline=40))
    assert registry.next_wake(0.0, 0.0) == 40
    assert registry.next_deadline() == 40


def test_overdue_waits_are_found_and_deadlines_of_discarded_ones_forgotten() -> None:
    short, long, gone = wait(1, deadline=50), wait(2, deadline=90), wait(3, deadline=10)
    registry = registry_of(short, long, gone)
    registry.discard(gone)
    assert registry.next_deadline() == 10  # not before then
    assert registry.overdue(9) == []
    assert registry.overdue(20) == []
    assert registry.next_deadline() == 50
    assert registry.overdue(50) == [short]


def test_nothing_is_due_in_an_empty_registry() -> None:
    registry = WaitRegistry()
    assert registry.next_wake(0.0, 5.0) == registry.next_deadline() == inf
    assert registry.due(1.0) == set()
    assert list(registry) == registry.overdue(1.0) == []


def test_a_wait_is_discarded_once() -> None:
    one, twin = wait(1), wait(1)
    registry = registry_of(one, twin)
    assert list(registry.by_id["s-1"]) == [one, twin]
    assert registry.discard(one)
    assert not registry.discard(one)
    assert one not in registry
    assert list(registry.by_id["s-1"]) == [twin]
    assert registry.discard(twin)
    assert not registry.by_id
    assert registry.next_wake(0.0, 0.0) == inf
    fresh = wait(2)
    registry.add(fresh)
    assert fresh.group is not None
    assert fresh.group.size == 1


def test_listings_that_had_nothing_new_are_counted_as_polls_later() -> None:
    one = wait(1)
    registry = registry_of(one)
    one.unlisted_since = 1.0
    for moment in (2.0, 3.0, 4.0):
        registry.show_listing(moment)
    assert one.progress.polls == 0
    assert registry.progress_of(one) is registry.progress_of(one) is one.progress
    assert one.progress.polls == 3
    assert one.polled == 4.0
    assert one.unlisted_since is None


def test_a_listing_that_lacked_the_snapshot_is_no_poll() -> None:
    one = wait(1)
    registry = registry_of(one)
    registry.show_listing(2.0)
    registry.show_listing(3.0, apart_from=[one])
    assert registry.progress_of(one).polls == 1


def test_listings_from_before_a_wait_do_not_count() -> None:
    registry = WaitRegistry()
    registry.show_listing(2.0)
    one = wait(1)
    registry.add(one)
    assert registry.progress_of(one).polls == 0
    assert one.polled == -inf
