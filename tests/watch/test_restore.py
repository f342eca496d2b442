"""Waiting for a restore through its instance: which one it is, and when it is there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from civo_snapshots import states
from civo_snapshots._watch.faults import Faults
from civo_snapshots._watch.restore import RestoreWait
from civo_snapshots.errors import (
    ConnectionLostError,
    RateLimitError,
    RestoreFailedError,
    ServiceDisabledError,
    WaitTimeoutError,
)
from civo_snapshots.models import Instance, Restore, RestoreStatus
from civo_snapshots.states import State

AT = datetime(2026, 1, 1, 12, 0, 0, 600_000, tzinfo=UTC)
EARLIER, LATER = AT - timedelta(hours=1), AT + timedelta(minutes=5)
NEW = Restore("r-1", hostname="copy", created_at=AT)
OVERWRITING = Restore("r-1", overwrite_existing=True, status=RestoreStatus("in_progress"))


def instance(
    id_: str,
    created: datetime | None = None,
    hostname: str = "copy",
    status: str = "ACTIVE",
    **more: Any,
) -> Instance:
    return Instance(id_, hostname, status, created_at=created, **more)


def at(status: str) -> Instance:
    return Instance("i-1", "copy", status)


def picked(restore: Restore, *instances: Instance) -> str | None:
    found = RestoreWait(restore, 0.0).pick(list(instances))
    return found.id if found else None


# Which instance


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([instance("a", LATER, "other")], None, id="other-name"),
        pytest.param([instance("a", LATER, "copycat")], None, id="longer-name"),
        pytest.param([instance("a", LATER)], "a", id="newer"),
        pytest.param([instance("a", LATER, "copy.fleet.example")], "a", id="with-a-domain"),
        pytest.param([instance("a", AT)], "a", id="same-moment"),
        pytest.param([instance("a", AT.replace(microsecond=0))], "a", id="whole-seconds"),
        pytest.param([instance("a", AT - timedelta(seconds=10))], "a", id="seconds-before"),
        pytest.param([instance("a", EARLIER)], None, id="older-namesake"),
        pytest.param([instance("a", EARLIER), instance("b", LATER)], "b", id="older-and-newer"),
        pytest.param([instance("a")], None, id="undated-and-there-already"),
        pytest.param([instance("a", status="BUILDING")], "a", id="undated-and-being-built"),
        pytest.param([instance("a"), instance("b", LATER)], "b", id="dated-before-undated"),
        pytest.param([instance("a", LATER), instance("b", LATER)], None, id="two-newer"),
        pytest.param([instance("a"), instance("b")], None, id="two-undated"),
    ],
)
def test_the_made_instance_is_told_from_its_namesakes(
    instances: list[Instance], expected: str | None
) -> None:
    """S74, R177: no instance rather than somebody else's."""
    assert picked(NEW, *instances) == expected


@pytest.mark.parametrize("field", ["snapshot_id", "source_id"])
def test_an_instance_that_names_its_snapshot_proves_itself(field: str) -> None:
    """R177: by the snapshot it was made of, whatever the dates leave open."""
    restore = Restore("r-1", hostname="copy", from_snapshot="s-1")
    proof: dict[str, Any] = {field: "s-1"}
    no_proof: dict[str, Any] = {field: "s-2"}
    others = instance("a"), instance("b", LATER), instance("c", **no_proof)
    assert picked(restore, *others, instance("ours", **proof)) == "ours"


@pytest.mark.parametrize(
    "named",
    [{"snapshot_id": "s-2"}, {"source_type": "Snapshot", "source_id": "s-2"}],
    ids=["snapshot_id", "source_id"],
)
def test_an_instance_that_names_another_snapshot_is_doubted_as_long_as_a_queue_lasts(
    named: dict[str, Any],
) -> None:
    """R177: another client restores another snapshot to the hostname at the same time."""
    restore = Restore("r-1", hostname="copy", from_snapshot="s-1", namesakes=())
    progress = RestoreWait(restore, 0.0)
    other, plain = instance("a", **named), instance("a", source_type="diskimage", source_id="s-2")
    assert progress.pick([other], 119.0) is None
    assert progress.pick([other], 120.0) is other  # what it names may be another of its ids
    assert progress.pick([plain], 1.0) is plain


def test_an_earlier_restore_of_the_same_snapshot_is_not_this_one() -> None:
    """R177: not even if it names the snapshot."""
    restore = Restore("r-1", hostname="copy", from_snapshot="s-1", created_at=AT)
    old, new = instance("a", EARLIER, snapshot_id="s-1"), instance("b", LATER, snapshot_id="s-1")
    assert picked(restore, old) is None
    assert picked(restore, old, new) == "b"
    undated = evolve(restore, created_at=None, namesakes=("a",))
    assert picked(undated, old) is None
    assert picked(undated, old, new) == "b"


def test_what_was_listed_before_the_restore_is_not_its_instance() -> None:
    """R177: where neither a date nor a snapshot tells them apart."""
    restore = Restore("r-1", hostname="copy", namesakes=("old",))
    assert picked(restore, instance("old")) is None
    assert picked(restore, instance("old"), instance("new")) == "new"
    assert picked(evolve(restore, namesakes=()), instance("new", EARLIER)) == "new"


def test_a_restore_may_name_the_domain_that_its_instance_does_not() -> None:
    """R177."""
    assert picked(evolve(NEW, hostname="copy.fleet.example"), instance("a", LATER)) == "a"
    assert picked(evolve(NEW, hostname="copy.fleet.example"), instance("a", LATER, "co")) is None


def test_the_original_is_not_its_own_copy() -> None:
    restore = evolve(NEW, instance_id="i-1")
    assert picked(restore, instance("i-1", LATER)) is None


def test_an_undated_instance_that_appears_during_the_wait_is_taken() -> None:
    """R177: what was there when it began is not, if nothing tells how old it is."""
    progress = RestoreWait(Restore("r-1", hostname="copy"), 0.0)
    old, new = instance("a", EARLIER), instance("b", LATER)
    assert progress.pick([old]) is None
    assert progress.pick([old, new]) is new
    progress.expire(60.0)
    assert "a of that hostname, which may be older" in str(progress.outcome)


# When it is there


@pytest.mark.parametrize("status", ["ACTIVE", "active", " Active ", "SHUTOFF"])
def test_a_new_instance_is_there_when_it_is_active_or_stopped(status: str) -> None:
    """R177: stopped is a good end."""
    progress = RestoreWait(NEW, 100.0)
    progress.observe(None, 101.0)
    progress.observe(at("BUILDING"), 102.0)
    assert (progress.outcome, progress.last) == (None, at("BUILDING"))
    progress.observe(at(status), 103.0)
    assert progress.outcome == at(status)
    assert progress.polls == 3


@pytest.mark.parametrize("status", ["ERROR", "error", "Failed "])
def test_an_instance_in_error_fails_the_restore(status: str) -> None:
    progress = RestoreWait(NEW, 100.0)
    progress.observe(at(status), 130.0)
    error = progress.outcome
    assert isinstance(error, RestoreFailedError)
    assert (error.restore, error.instance, error.snapshot.id) == (NEW, at(status), "")
    assert (error.elapsed, error.polls) == (30.0, 1)
    assert str(error) == f"restore r-1: instance i-1 is {status}"


def seen(*states: tuple[float, str], restore: Restore = OVERWRITING) -> RestoreWait:
    progress = RestoreWait(restore, 0.0)
    for now, status in states:
        assert progress.outcome is None, now
        progress.observe(at(status), now)
    return progress


@pytest.mark.parametrize("end", ["ACTIVE", "SHUTOFF"])
@pytest.mark.parametrize("before", ["ACTIVE", "SHUTOFF", "ERROR"])
def test_an_overwritten_instance_counts_once_it_was_away(before: str, end: str) -> None:
    """R177: whatever it was before; and five seconds later, longer than a replica lags behind."""
    away = [(0.0, before), (60.0, before), (61.0, "RESTORING"), (62.0, end), (65.9, end)]
    assert seen(*away).outcome is None
    assert seen(*away, (66.0, end)).outcome == at(end)


@pytest.mark.parametrize("before", ["ACTIVE", "SHUTOFF", "ERROR"])
def test_an_overwritten_instance_that_fails_is_told(before: str) -> None:
    """R177: an error that was there before is told from this one."""
    away = [(0.0, before), (1.0, "RESTORING"), (2.0, "ERROR")]
    assert seen(*away).outcome is None
    assert isinstance(seen(*away, (7.0, "ERROR")).outcome, RestoreFailedError)


def test_a_stale_read_of_an_old_state_ends_nothing() -> None:
    """R177: a replica may show once more what was before."""
    stale = [(0.0, "RESTORING"), (1.0, "ERROR"), (2.0, "RESTORING"), (3.0, "ERROR")]
    assert seen(*stale, (4.0, "ACTIVE"), (7.0, "ERROR"), (8.0, "ACTIVE")).outcome is None


@pytest.mark.parametrize(
    ("status", "ends"), [("ACTIVE", Instance), ("SHUTOFF", Instance), ("ERROR", RestoreFailedError)]
)
def test_an_overwritten_instance_never_seen_away_counts_after_two_minutes(
    status: str, ends: type
) -> None:
    """R177: it was too quick to be seen away, or has waited in a queue for a minute."""
    progress = seen((10.0, status), (60.0, status), (119.9, status))
    assert progress.outcome is None
    progress.observe(None, 119.95)
    progress.observe(at(status), 120.0)
    assert isinstance(progress.outcome, ends)


def test_an_overwritten_instance_that_names_another_snapshot_than_before_has_changed() -> None:
    """R177: its snapshot is seen to change although its status is not."""
    progress = seen((0.0, "ACTIVE"))
    made = evolve(at("ACTIVE"), snapshot_id="s-1")
    progress.observe(made, 1.0)
    assert progress.outcome is None
    progress.observe(made, 5.0)
    assert progress.outcome is made


def test_after_an_overwriting_restore_answered_as_complete_an_active_instance_counts() -> None:
    done = Restore("r-1", overwrite_existing=True, status=RestoreStatus("complete"))
    assert seen((1.0, "ACTIVE"), restore=done).outcome == at("ACTIVE")
    assert seen((1.0, "ERROR"), restore=done).outcome is None


def test_the_clients_own_states_say_whether_a_restore_is_complete() -> None:
    """R178: one rule for snapshots and restores."""
    sealed = Restore("r-1", overwrite_existing=True, status=RestoreStatus("Sealed"))
    assert seen((1.0, "ACTIVE"), restore=sealed).outcome is None
    progress = RestoreWait(sealed, 0.0, states.extended({"sealed": State.COMPLETE}))
    progress.observe(at("ACTIVE"), 1.0)
    assert progress.outcome == at("ACTIVE")


# Polls that fail


def test_failed_polls_are_tolerated_for_the_waits_own_time_or_as_long_as_said() -> None:
    """P96, R177."""
    lost = ConnectionLostError("reset")
    for_ever, for_a_minute = Faults(None), Faults(60.0)
    assert not any(for_ever.end_the_wait(lost, now) for now in range(1_000))
    assert next(now for now in range(70) if for_a_minute.end_the_wait(lost, now)) == 60
    for_a_minute.count = 0
    assert not for_a_minute.end_the_wait(lost, 1_000.0)


def test_a_429_is_no_fault_and_a_missing_service_is_final() -> None:
    """P97, P99."""
    faults = Faults(0.0)
    assert not any(faults.end_the_wait(RateLimitError("429"), now) for now in range(100))
    assert faults.end_the_wait(ServiceDisabledError("none"), 0.0)


# Out of time


@pytest.mark.parametrize(("seen", "said"), [(None, "not seen"), (at("BUILDING"), "BUILDING")])
def test_an_expired_wait_tells_what_was_seen_last(seen: Instance | None, said: str) -> None:
    progress = RestoreWait(NEW, 100.0)
    progress.observe(seen, 105.0)
    progress.expire(160.0)
    error = progress.outcome
    assert isinstance(error, WaitTimeoutError)
    assert (error.restore, error.instance, error.elapsed, error.polls) == (NEW, seen, 60.0, 1)
    assert str(error) == (
        f"restore r-1 was not finished after 60.0 s (instance {said}); it goes on, wait again"
    )
