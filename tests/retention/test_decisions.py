"""What becomes of an instance's snapshots, and the plan that says so."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civo_snapshots import InvalidArgumentError, PrunePlan, RetentionPolicy, Snapshot, Verdict
from civo_snapshots._naming import name_for
from civo_snapshots.models import SnapshotStatus, VolumeStatus
from civo_snapshots.retention import PruneDecision, decide
from civo_snapshots.states import DEFAULT_STATES, State, extended

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP_ONE = RetentionPolicy(keep_last=1)


def snapshot(
    number: int,
    *,
    days: float | None = None,
    state: str = "Complete",
    run: str | None = None,
    repeat: int = 1,
    volumes: tuple[str, ...] = (),
) -> Snapshot:
    """One that is as many days old as its number, if nothing else is said."""
    age = float(number) if days is None else days
    return Snapshot(
        id=f"s-{number}",
        name=name_for(run or f"nightly-{number}", "i-1", repeat),
        status=SnapshotStatus(state, tuple(VolumeStatus(f"v-{v}", v) for v in volumes)),
        created_at=NOW - age * DAY,
        instance_id="i-1",
    )


def undated(number: int, state: str = "Complete") -> Snapshot:
    return Snapshot(id=f"s-{number}", status=SnapshotStatus(state), instance_id="i-1")


def gone(decisions: list[PruneDecision]) -> set[str]:
    return {one.snapshot_id for one in decisions if not one.keep}


def snapshots() -> st.SearchStrategy[list[Snapshot]]:
    """Runs of some days, with what goes wrong in them."""
    days = st.integers(-48, 24 * 40).map(lambda hours: hours / 24)
    one = st.builds(
        lambda days, state, run, repeat, dated: (days, state, run, repeat, dated),
        days,
        st.sampled_from(["Complete", "Ready", "Failed", "Pending", "", "whatever"]),
        st.integers(0, 12),
        st.integers(1, 3),
        st.sampled_from([True] * 9 + [False]),
    )
    return st.lists(one, max_size=30).map(
        lambda drawn: [
            snapshot(number, days=days, state=state, run=f"nightly-{run}", repeat=repeat)
            if dated
            else undated(number, state)
            for number, (days, state, run, repeat, dated) in enumerate(drawn)
        ]
    )


def rules() -> st.SearchStrategy[RetentionPolicy]:
    return st.builds(
        RetentionPolicy,
        keep_last=st.integers(0, 3),
        keep_daily=st.integers(0, 3),
        keep_weekly=st.integers(0, 3),
        keep_within=st.none() | st.timedeltas(DAY, 20 * DAY),
        min_age=st.none() | st.timedeltas(DAY, 20 * DAY),
    )


def test_the_newest_complete_one_stays_whatever_came_after_it() -> None:
    found = [snapshot(1, state="Failed"), snapshot(2, state="Pending"), snapshot(3), snapshot(4)]
    decisions = decide(found, KEEP_ONE, NOW, failed=True)
    assert gone(decisions) == {"s-1", "s-4"}
    assert {one.keeper_id for one in decisions if not one.keep} == {"s-3"}


def test_a_failed_one_uses_up_no_place_of_a_rule() -> None:
    found = [snapshot(1, state="Failed"), snapshot(2), snapshot(3)]
    assert gone(decide(found, RetentionPolicy(keep_last=2), NOW)) == set()


def test_what_is_not_finished_or_has_no_known_time_stays() -> None:
    found = [
        snapshot(1),
        snapshot(2, state="Pending"),
        snapshot(3, state=""),
        snapshot(4, state="no such state"),
        snapshot(5, volumes=("Completed", "Pending")),
        snapshot(6, days=-30),
        undated(7),
        undated(8, "Failed"),
    ]
    decisions = decide(found, KEEP_ONE, NOW, failed=True, duplicates=True)
    assert gone(decisions) == set()
    assert [one.reasons[0] for one in decisions if one.snapshot_id in ("s-6", "s-8")] == [
        "its time is not known"
    ] * 2


def test_a_date_that_clocks_explain_counts() -> None:
    found = [snapshot(1, days=-0.5), snapshot(2)]
    assert gone(decide(found, KEEP_ONE, NOW)) == {"s-2"}


def test_a_volume_that_failed_makes_it_failed() -> None:
    found = [snapshot(1, volumes=("Completed", "Failed")), snapshot(2)]
    assert gone(decide(found, KEEP_ONE, NOW)) == set()
    assert gone(decide(found, KEEP_ONE, NOW, failed=True)) == {"s-1"}


def test_the_clients_own_table_of_states_decides() -> None:
    found = [snapshot(1, state="Sealed"), snapshot(2)]
    assert gone(decide(found, KEEP_ONE, NOW, DEFAULT_STATES)) == set()
    assert gone(decide(found, KEEP_ONE, NOW, extended({"sealed": State.COMPLETE}))) == {"s-2"}


def test_a_young_one_stays_whatever_the_rules_say() -> None:
    found = [snapshot(1), snapshot(2), snapshot(3), snapshot(4, days=1.5, state="Failed")]
    policy = RetentionPolicy(keep_last=1, min_age=2.5 * DAY)
    decisions = decide(found, policy, NOW, failed=True)
    assert gone(decisions) == {"s-3"}
    assert "younger than 2 days, 12:00:00" in decisions[2].reasons


def test_of_a_run_the_oldest_complete_one_stays_as_it_is_adopted() -> None:
    found = [
        snapshot(1),
        *(snapshot(number, run="twice") for number in (3, 4)),
        snapshot(5, run="twice", repeat=2),
        snapshot(6, run="twice", state="Failed"),
    ]
    policy = RetentionPolicy(keep_last=9)
    decisions = decide(found, policy, NOW, duplicates=True)
    assert gone(decisions) == {"s-3", "s-4"}
    assert {one.keeper_id for one in decisions if not one.keep} == {"s-5"}
    assert gone(decide(found, policy, NOW)) == set()


def test_the_newest_complete_one_is_nobodys_duplicate() -> None:
    found = [snapshot(1, run="twice"), snapshot(2, run="twice")]
    assert gone(decide(found, RetentionPolicy(keep_last=5), NOW, duplicates=True)) == set()


def test_a_policy_without_rules_sweeps_only_what_it_is_told_to() -> None:
    found = [snapshot(1), snapshot(2, state="Failed"), snapshot(3), snapshot(4, run="nightly-3")]
    assert gone(decide(found, RetentionPolicy(), NOW)) == set()
    assert gone(decide(found, RetentionPolicy(), NOW, failed=True)) == {"s-2"}


def test_without_a_complete_one_failed_ones_go_alone() -> None:
    found = [snapshot(1, state="Failed"), snapshot(2, state="Pending")]
    [victim] = [one for one in decide(found, KEEP_ONE, NOW, failed=True) if not one.keep]
    assert (victim.snapshot_id, victim.keeper_id) == ("s-1", "")


@given(snapshots(), rules(), st.booleans(), st.booleans())
def test_the_last_good_one_is_never_deleted(
    found: list[Snapshot], policy: RetentionPolicy, failed: bool, duplicates: bool
) -> None:
    decisions = decide(found, policy, NOW, failed=failed, duplicates=duplicates)
    victims = gone(decisions)
    complete = [
        one
        for one in found
        if one.verdict is Verdict.COMPLETE and one.created_at and one.created_at <= NOW + DAY
    ]
    if complete:
        assert max(complete, key=lambda one: (one.created_at, one.id)).id not in victims
    for one in found:
        if one.id in victims:
            assert one.created_at is not None
            assert one.verdict.is_terminal
            assert failed or one.verdict is Verdict.COMPLETE
            assert policy.min_age is None or one.created_at <= NOW - policy.min_age
    assert {one.snapshot_id for one in decisions} == {one.id for one in found}
    assert all(one.reasons for one in decisions)
    PrunePlan("nightly", "LON1", NOW, str(policy), tuple(decisions))  # refuses what is unsafe


@given(snapshots(), rules(), st.booleans(), st.booleans(), st.randoms())
def test_the_order_of_a_listing_changes_nothing(
    found: list[Snapshot],
    policy: RetentionPolicy,
    failed: bool,
    duplicates: bool,
    dice: random.Random,
) -> None:
    shuffled = found.copy()
    dice.shuffle(shuffled)
    assert decide(found, policy, NOW, failed=failed, duplicates=duplicates) == decide(
        shuffled, policy, NOW, failed=failed, duplicates=duplicates
    )


@given(snapshots(), rules(), st.booleans(), st.booleans())
def test_what_a_prune_has_left_another_one_leaves(
    found: list[Snapshot], policy: RetentionPolicy, failed: bool, duplicates: bool
) -> None:
    victims = gone(decide(found, policy, NOW, failed=failed, duplicates=duplicates))
    left = [one for one in found if one.id not in victims]
    assert gone(decide(left, policy, NOW, failed=failed, duplicates=duplicates)) == set()


# The plan


def plan_of(*found: Snapshot, policy: RetentionPolicy = KEEP_ONE) -> PrunePlan:
    return PrunePlan("nightly", "LON1", NOW, str(policy), tuple(decide(found, policy, NOW)), 3)


@given(snapshots(), rules())
def test_a_plan_travels_as_json(found: list[Snapshot], policy: RetentionPolicy) -> None:
    plan = plan_of(*found, policy=policy)
    assert json.loads(plan.to_json())["format"] == 1
    assert PrunePlan.from_dict(json.loads(plan.to_json())) == plan


def test_a_plan_prints_as_a_short_table_and_its_repr_is_a_line() -> None:
    plan = plan_of(*(snapshot(number) for number in range(1, 40)), undated(50))
    lines = str(plan).splitlines()
    assert len(lines) == 15
    assert lines[0].endswith("of 40 snapshots of 1 instances 38 to delete, 2 to keep")
    assert lines[1].startswith("delete  2026-11-24 04:00  nightly-2-")
    assert lines[1].endswith("no rule keeps it")
    assert lines[11] == "delete  ... and 28 more"
    assert "newest complete one, last 1" in lines[13]
    assert lines[-1] == "left alone: 3 more whose names prove nothing"
    assert repr(plan) == "<PrunePlan nightly in LON1: 38 to delete, 2 to keep>"


def changed(**changes: object) -> dict[str, object]:
    """A plan as it travels, whose one victim was changed on its way."""
    data = plan_of(snapshot(1), snapshot(2)).as_dict()
    decisions = data["decisions"]
    assert isinstance(decisions, list)
    decisions[1] |= changes
    return data


@pytest.mark.parametrize(
    "change",
    [
        {"keeper_id": ""},
        {"keeper_id": "s-2"},
        {"keeper_id": "s-9"},
        {"instance_id": "i-2"},
        {"created_at": None},
        {"created_at": "2026-11-24"},
        {"created_at": "yesterday"},
        {"verdict": "pending"},
        {"verdict": "fine"},
        {"keep": "no"},
        {"reasons": "none"},
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(change: dict[str, object]) -> None:
    assert PrunePlan.from_dict(changed()).victims
    with pytest.raises(InvalidArgumentError):
        PrunePlan.from_dict(changed(**change))


def test_a_plan_whose_keeper_goes_as_well_is_refused() -> None:
    data = changed()
    decisions = data["decisions"]
    assert isinstance(decisions, list)
    decisions[0] |= {"keep": False, "keeper_id": "s-2"}
    with pytest.raises(InvalidArgumentError, match="keeps no complete one"):
        PrunePlan.from_dict(data)


@pytest.mark.parametrize("other", [2, None, "1"])
def test_a_plan_of_another_format_is_refused(other: object) -> None:
    with pytest.raises(InvalidArgumentError, match="format"):
        PrunePlan.from_dict({**changed(), "format": other})
    with pytest.raises(InvalidArgumentError):
        PrunePlan.from_dict({**changed(), "decisions": [5]})
