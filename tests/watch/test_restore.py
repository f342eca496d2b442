"""Waiting for a restore through its instance: which one it is, and when it is there."""

from datetime import UTC, datetime, timedelta

import pytest

from civo_snapshots._watch.restore import RestoreWait
from civo_snapshots.errors import RestoreFailedError, WaitTimeoutError
from civo_snapshots.models import Instance, Restore, RestoreStatus

AT = datetime(2026, 1, 1, 12, 0, 0, 600_000, tzinfo=UTC)
EARLIER, LATER = AT - timedelta(hours=1), AT + timedelta(minutes=5)
NEW = Restore("r-1", hostname="copy", created_at=AT)
OVERWRITING = Restore("r-1", overwrite_existing=True, status=RestoreStatus("in_progress"))


def instance(id_: str, created: datetime | None = None, hostname: str = "copy") -> Instance:
    return Instance(id_, hostname, created_at=created)


def at(status: str) -> Instance:
    return Instance("i-1", "copy", status)


# Which instance


@pytest.mark.parametrize(
    ("instances", "picked"),
    [
        pytest.param([], None, id="none"),
        pytest.param([instance("a", LATER, "other")], None, id="other-name"),
        pytest.param([instance("a", LATER)], "a", id="newer"),
        pytest.param([instance("a", AT)], "a", id="same-moment"),
        pytest.param([instance("a", AT.replace(microsecond=0))], "a", id="whole-seconds"),
        pytest.param([instance("a", EARLIER)], None, id="older-namesake"),
        pytest.param([instance("a", EARLIER), instance("b", LATER)], "b", id="older-and-newer"),
        pytest.param([instance("a")], "a", id="undated"),
        pytest.param([instance("a"), instance("b", LATER)], "b", id="dated-before-undated"),
        pytest.param([instance("a", LATER), instance("b", LATER)], None, id="two-newer"),
        pytest.param([instance("a"), instance("b")], None, id="two-undated"),
    ],
)
def test_the_made_instance_is_told_from_its_namesakes(
    instances: list[Instance], picked: str | None
) -> None:
    """S74: no instance rather than somebody else's."""
    found = RestoreWait(NEW, 0.0).pick(instances)
    assert (found.id if found else None) == picked


def test_a_restore_without_a_date_takes_the_only_one_of_its_name() -> None:
    progress = RestoreWait(Restore("r-1", hostname="copy"), 0.0)
    old, new = instance("a", EARLIER), instance("b", LATER)
    assert progress.pick([old]) is old
    assert progress.pick([old, new]) is None


# When it is there


@pytest.mark.parametrize("status", ["ACTIVE", "active", " Active "])
def test_a_new_instance_is_there_when_it_is_active(status: str) -> None:
    progress = RestoreWait(NEW, 100.0)
    progress.observe(None, 101.0)
    progress.observe(at("BUILDING"), 102.0)
    assert (progress.outcome, progress.last) == (None, at("BUILDING"))
    progress.observe(at(status), 103.0)
    assert progress.outcome == at(status)
    assert progress.polls == 3


@pytest.mark.parametrize("status", ["ERROR", "error", "Failed "])
@pytest.mark.parametrize("restore", [NEW, OVERWRITING], ids=["new", "overwriting"])
def test_an_instance_in_error_fails_the_restore(restore: Restore, status: str) -> None:
    progress = RestoreWait(restore, 100.0)
    progress.observe(at(status), 130.0)
    error = progress.outcome
    assert isinstance(error, RestoreFailedError)
    assert (error.restore, error.instance, error.snapshot) == (restore, at(status), None)
    assert (error.elapsed, error.polls) == (30.0, 1)
    assert str(error) == f"restore r-1: instance i-1 is {status}"


def test_an_overwritten_instance_counts_once_it_was_away() -> None:
    progress = RestoreWait(OVERWRITING, 0.0)
    for now, status in enumerate(["ACTIVE", "ACTIVE", "RESTORING"]):
        progress.observe(at(status), float(now))
        assert progress.outcome is None
    progress.observe(back := at("ACTIVE"), 3.0)
    assert progress.outcome is back


def test_an_overwritten_instance_never_seen_away_counts_after_half_a_minute() -> None:
    """It may have been too quick to be seen away, or not have begun."""
    progress = RestoreWait(OVERWRITING, 0.0)
    for now in (10.0, 20.0, 39.9):
        progress.observe(at("ACTIVE"), now)
        assert progress.outcome is None
    progress.observe(None, 39.95)
    progress.observe(last := at("ACTIVE"), 40.0)
    assert progress.outcome is last


def test_after_an_overwriting_restore_answered_as_complete_an_active_instance_counts() -> None:
    done = Restore("r-1", overwrite_existing=True, status=RestoreStatus("complete"))
    progress = RestoreWait(done, 0.0)
    progress.observe(active := at("ACTIVE"), 1.0)
    assert progress.outcome is active


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
