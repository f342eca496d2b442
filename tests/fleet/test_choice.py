"""What a run does about an instance that has snapshots of its name already."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

import pytest
from attrs import evolve
from msgspec.structs import replace

from civo_snapshots import PollPolicy, SnapshotExistsError, states
from civo_snapshots._fleet import RunSettings
from civo_snapshots._fleet.choice import Choice, best_of, choose
from civo_snapshots._naming import name_for
from civo_snapshots.models import Snapshot, SnapshotStatus, VolumeStatus
from civo_snapshots.states import State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST = name_for("nightly", "i-1")
SETTINGS = RunSettings("nightly", 60.0, 4, 100, PollPolicy(), states.DEFAULT_STATES)
RETRYING = replace(SETTINGS, on_failed="retry")


def made(
    key: str, state: str, at: datetime | None = NOON, *volumes: str, number: int = 1
) -> Snapshot:
    status = SnapshotStatus(state, tuple(VolumeStatus(text, text) for text in volumes))
    name = name_for("nightly", "i-1", number)
    return Snapshot(key, name, status=status, created_at=at, instance_id="i-1")


def chosen(*found: Snapshot, settings: RunSettings = SETTINGS, now: datetime = NOON) -> Choice:
    return choose(found, "i-1", settings, now)


def test_where_nothing_exists_the_first_is_made() -> None:
    assert chosen() == Choice(FIRST)


def test_the_best_is_adopted_and_the_others_are_told() -> None:
    """L115."""
    older, newer = made("a", "Complete", NOON - timedelta(minutes=1)), made("b", "Complete")
    assert chosen(newer, older) == Choice(FIRST, older, (newer,))


def test_what_exists_is_refused_if_so_told() -> None:
    one = made("a", "Complete")
    choice = chosen(one, settings=replace(SETTINGS, on_existing="error"))
    assert choice.snapshot is one
    assert choice.refusal is not None
    assert choice.refusal.snapshot is one


@pytest.mark.parametrize("at", [NOON - timedelta(hours=13), None], ids=["old", "undated"])
def test_what_is_too_old_is_refused_with_its_record(at: datetime | None) -> None:
    """R159: the second night must not end with no create and a success."""
    old = made("a", "Complete", at)
    choice = chosen(old)
    assert choice.snapshot is old
    assert isinstance(choice.refusal, SnapshotExistsError)
    assert choice.refusal.snapshot is old
    assert "max_age" in choice.refusal.message


@pytest.mark.parametrize("max_age", [14 * 3600.0, None])
def test_callers_say_how_old_is_too_old(max_age: float | None) -> None:
    """R159."""
    old = made("a", "Complete", NOON - timedelta(hours=13))
    assert chosen(old, settings=replace(SETTINGS, max_age=max_age)) == Choice(FIRST, old)


def test_of_any_age_is_also_of_an_unknown_one() -> None:
    """R159."""
    undated = made("a", "Complete", None)
    assert chosen(undated, settings=replace(SETTINGS, max_age=None)).refusal is None


def test_tonights_is_adopted_though_last_nights_is_more_advanced() -> None:
    """R159."""
    old, young = made("a", "Complete", NOON - timedelta(days=1)), made("b", "Pending")
    assert chosen(old, young) == Choice(FIRST, young, (old,))


def test_what_has_failed_is_adopted_unless_one_more_is_asked_for() -> None:
    """R160."""
    failed = made("a", "Failed")
    assert chosen(failed) == Choice(FIRST, failed)
    assert chosen(failed, settings=RETRYING) == Choice(f"{FIRST}-r2", None, (failed,))


def test_a_failed_volume_is_a_failure_that_was_seen() -> None:
    """R160."""
    failed = made("a", "Pending", NOON, "Completed", "Failed")
    assert chosen(failed, settings=RETRYING).name == f"{FIRST}-r2"


@pytest.mark.parametrize("volumes", [("Pending",), ("Completed",), ()])
@pytest.mark.parametrize("state", ["Complete", "Pending", ""])
def test_nothing_is_repeated_that_was_not_seen_failing(state: str, volumes: tuple[str]) -> None:
    """R160."""
    one = made("a", state, NOON, *volumes)
    assert chosen(one, settings=RETRYING) == Choice(FIRST, one)


def test_what_has_a_volume_that_was_never_listed_is_neither_complete_nor_repeated() -> None:
    """R178, R160."""
    partly = evolve(made("a", "Complete", NOON, "Completed"), included_volumes=("Completed", "v"))
    assert chosen(partly, settings=RETRYING) == Choice(FIRST, partly)
    whole = made("b", "Complete", NOON + timedelta(hours=1), "Completed")
    assert min([partly, whole], key=best_of(states.DEFAULT_STATES)) is whole


@pytest.mark.parametrize("on_failed", ["report", "retry"])
def test_a_repeat_is_adopted_like_the_first(on_failed: Literal["report", "retry"]) -> None:
    """R160."""
    failed, repeat = made("a", "Failed"), made("b", "Pending", number=2)
    choice = chosen(failed, repeat, settings=replace(SETTINGS, on_failed=on_failed))
    assert choice == Choice(f"{FIRST}-r2", repeat, (failed,))


def test_repeats_are_numbered_up_to_nine() -> None:
    """R160."""
    failed = [made(f"{number}", "Failed", number=number) for number in (1, 2, 8)]
    assert chosen(*failed, settings=RETRYING).name == f"{FIRST}-r9"
    failed.append(made("9", "Failed", number=9))
    assert chosen(*failed, settings=RETRYING).snapshot in failed


def test_the_most_advanced_snapshot_is_the_best() -> None:
    failed = made("failed", "Failed", NOON)
    pending = made("pending", "Pending", NOON + timedelta(hours=1))
    settling = made("settling", "Complete", NOON + timedelta(hours=2), "Pending")
    complete = made("complete", "Complete", NOON + timedelta(hours=3))
    ranked = sorted([failed, settling, pending, complete], key=best_of(states.DEFAULT_STATES))
    assert [snapshot.id for snapshot in ranked] == ["complete", "pending", "settling", "failed"]


def test_among_equals_the_oldest_is_the_best_in_whatever_zone_it_is_dated() -> None:
    east = timezone(timedelta(hours=2))
    first = made("first", "Pending", (NOON - timedelta(minutes=1)).astimezone(east))
    second = made("second", "Pending", NOON)
    third = made("third", "Pending", NOON + timedelta(milliseconds=500))
    undated = made("undated", "Pending", None)
    ranked = sorted([third, second, undated, first], key=best_of(states.DEFAULT_STATES))
    assert [snapshot.id for snapshot in ranked] == ["undated", "first", "second", "third"]


def test_the_clients_own_states_are_used() -> None:
    sealed, pending = made("sealed", "Sealed", NOON), made("pending", "Pending", NOON)
    key = best_of(states.extended({"sealed": State.COMPLETE}))
    assert min([pending, sealed], key=key) is sealed
