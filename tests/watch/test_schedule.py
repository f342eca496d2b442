"""Everybody who waits: who is due with whom, when, and what was missed meanwhile."""

from math import inf

import pytest

from civo_snapshots import PollPolicy
from civo_snapshots._watch.progress import Progress
from civo_snapshots._watch.schedule import Crowd, Watch
from civo_snapshots.states import DEFAULT_STATES

EVEN = PollPolicy(jitter=0)
SLOW = PollPolicy(floor=4, jitter=0)


def watch(
    number: int,
    *,
    started: float = 0.0,
    due: float | None = None,
    deadline: float = 1000.0,
    policy: PollPolicy = EVEN,
) -> Watch:
    progress = Progress("i", f"s-{number}", policy, DEFAULT_STATES, started)
    return Watch(progress, started if due is None else due, deadline, lambda _: None)


def crowd_of(*watches: Watch) -> Crowd:
    crowd = Crowd()
    for one in watches:
        crowd.add(one)
    return crowd


def test_who_begins_together_is_due_together() -> None:
    early, near, far = watch(1), watch(2, started=0.5), watch(3, started=0.6)
    crowd = crowd_of(early, near, far)
    assert early.cohort is near.cohort is not far.cohort
    assert len(crowd) == 3
    assert set(crowd) == {early, near, far}


def test_policies_do_not_mix() -> None:
    one, other = watch(1), watch(2, policy=SLOW)
    crowd_of(one, other)
    assert one.cohort is not other.cohort


def test_who_comes_after_a_look_is_not_counted_to_those_before_it() -> None:
    first, second = watch(1), watch(2)
    crowd = crowd_of(first)
    crowd.postpone(0.0)
    crowd.add(second)
    assert first.cohort is not second.cohort


def test_a_cohort_is_due_joined_by_those_within_half_a_floor() -> None:
    soon, later = watch(1, due=10), watch(2, due=10.6)
    crowd = crowd_of(soon, later)
    assert crowd.due(9.9) == set()
    assert crowd.due(10) == {soon.cohort}
    assert crowd.due(10.1) == {soon.cohort, later.cohort}


def test_the_pause_after_a_look_is_the_youngests() -> None:
    old, young = watch(1, started=0.0, due=50), watch(2, started=30.0, due=50)
    crowd = crowd_of(old, young)
    crowd.postpone(50.0)
    assert crowd.next_wake(0.0, 0.0) == 52.0


def test_a_look_makes_nobody_due_earlier() -> None:
    crowd = crowd_of(watch(1, due=100))
    crowd.postpone(0.0)
    assert crowd.next_wake(0.0, 0.0) == 100


def test_those_who_were_not_looked_at_stay_due() -> None:
    looked, other = watch(1, due=5), watch(2, due=7)
    crowd = crowd_of(looked, other)
    assert looked.cohort is not None
    crowd.postpone(5.0, {looked.cohort})
    assert crowd.due(7) == {other.cohort, looked.cohort}
    assert crowd.next_wake(0.0, 0.0) == 6


@pytest.mark.parametrize(
    ("rest", "wake"),
    [
        pytest.param(0.0, 21.0, id="the-policys-floor"),
        pytest.param(3.0, 23.0, id="a-dear-listing"),
        pytest.param(60.0, 30.0, id="at-most-the-ceiling"),
    ],
)
def test_ticks_keep_their_distance(rest: float, wake: float) -> None:
    crowd = crowd_of(watch(1, due=20))
    assert crowd.next_wake(20.0, rest) == wake


def test_a_deadline_wakes_whatever_else_is_due() -> None:
    crowd = crowd_of(watch(1, due=500), watch(2, due=500, deadline=40))
    assert crowd.next_wake(0.0, 0.0) == 40
    assert crowd.next_deadline() == 40


def test_the_overdue_are_found_and_the_deadlines_of_the_gone_forgotten() -> None:
    short, long, gone = watch(1, deadline=50), watch(2, deadline=90), watch(3, deadline=10)
    crowd = crowd_of(short, long, gone)
    crowd.discard(gone)
    assert crowd.next_deadline() == 10  # not before then
    assert crowd.overdue(9) == []
    assert crowd.overdue(20) == []
    assert crowd.next_deadline() == 50
    assert crowd.overdue(50) == [short]


def test_nobody_is_due_in_an_empty_crowd() -> None:
    crowd = Crowd()
    assert crowd.next_wake(0.0, 5.0) == crowd.next_deadline() == inf
    assert crowd.due(1.0) == set()
    assert list(crowd) == crowd.overdue(1.0) == []


def test_who_leaves_is_forgotten_once() -> None:
    one, twin = watch(1), watch(1)
    crowd = crowd_of(one, twin)
    assert list(crowd.by_id["s-1"]) == [one, twin]
    assert crowd.discard(one)
    assert not crowd.discard(one)
    assert one not in crowd
    assert list(crowd.by_id["s-1"]) == [twin]
    assert crowd.discard(twin)
    assert not crowd.by_id
    assert crowd.next_wake(0.0, 0.0) == inf
    fresh = watch(2)
    crowd.add(fresh)
    assert fresh.cohort is not None
    assert fresh.cohort.size == 1


def test_listings_that_had_nothing_new_are_made_up_for() -> None:
    one = watch(1)
    crowd = crowd_of(one)
    one.unlisted_since = 1.0
    for moment in (2.0, 3.0, 4.0):
        crowd.show_listing(moment)
    assert one.progress.looks == 0
    crowd.catch_up(one)
    crowd.catch_up(one)
    assert one.progress.looks == 3
    assert one.looked == 4.0
    assert one.unlisted_since is None


def test_a_listing_that_lacked_it_is_no_look() -> None:
    one = watch(1)
    crowd = crowd_of(one)
    crowd.show_listing(2.0)
    crowd.show_listing(3.0)
    crowd.catch_up(one, but_the_last=True)
    crowd.catch_up(one)
    assert one.progress.looks == 1


def test_listings_before_it_came_do_not_count() -> None:
    crowd = Crowd()
    crowd.show_listing(2.0)
    one = watch(1)
    crowd.add(one)
    crowd.catch_up(one)
    assert one.progress.looks == 0
    assert one.looked == -inf
