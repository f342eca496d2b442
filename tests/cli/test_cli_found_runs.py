"""Runs found by their name, what is kept of them, and forecasts of schedules."""

import pytest
from support.command import Here, changes, has, ids, names

from civo_snapshots import _naming
from civo_snapshots.cli._exits import Exit
from civo_snapshots.testing import FakeRegion


def ran(region: FakeRegion, run: str, *hostnames: str) -> list[str]:
    """Let a run have made a snapshot of each of these instances; their ids."""
    return [
        has(region, hostname, _naming.name_for(run, ids(region)[hostname]))[0]
        for hostname in hostnames
    ]


# status


def test_a_run_is_shown_by_its_name_and_what_is_missing_of_it(
    region: FakeRegion, here: Here
) -> None:
    ran(region, "nightly", "web-1", "web-2")
    done = here("status", "nightly", "--tag", "prod")
    assert done.code == Exit.OK
    assert done.out.count("complete") == 2
    whole = here("status", "nightly", "--all", "-o", "json")
    assert whole.code == Exit.FAILED
    assert whole.json["counts"]["not_attempted"] == 1
    assert whole.json["outcomes"][2]["hostname"] == "db-1"
    assert changes(region) == 0


def test_without_instances_what_is_missing_is_not_known_unless_a_number_is_said(
    region: FakeRegion, here: Here
) -> None:
    ran(region, "nightly", "web-1", "web-2")
    done = here("status", "nightly")
    assert done.code == Exit.OK
    assert "Whether instances are missing is not known" in done.err
    assert here("status", "nightly", "--expected", "3").code == Exit.FAILED
    nothing = here("status", "weekly")
    assert nothing.code == Exit.FAILED
    assert "there is no run weekly in LON1" in nothing.err


def test_a_run_that_goes_on_exits_with_3(region: FakeRegion, here: Here) -> None:
    object.__setattr__(region.switches, "duration", (3_600.0, 3_600.0))
    begun = here("run", "--all", "--name", "nightly", "--no-wait", "--yes")
    assert begun.code == Exit.OK
    assert "To look at it: civo-snapshots status nightly" in begun.err
    done = here("status", "nightly", "--all")
    assert done.code == Exit.TIMED_OUT
    assert done.out.count("pending") == 3


# rollback


def test_a_rollback_deletes_what_is_of_the_run_and_nothing_else(
    region: FakeRegion, here: Here
) -> None:
    """Its repeats and duplicates too; what only begins like it is another run's."""
    ran(region, "nightly", "web-1", "web-1", "db-1")
    ran(region, "nightly-2", "web-1")
    has(region, "web-2", "nightly", "nightly-by-hand")
    planned = here("rollback", "nightly", "--dry-run", "-o", "json")
    assert [item["action"] for item in planned.json] == ["delete"] * 3
    assert here("rollback", "nightly", "--yes").code == Exit.OK
    assert len(names(region)) == 3
    assert not [one for one in names(region) if one.startswith("db-1")]


def test_a_rollback_may_be_of_some_instances(region: FakeRegion, here: Here) -> None:
    ran(region, "nightly", "web-1", "db-1")
    assert here("rollback", "nightly", "web-1", "--yes").code == Exit.OK
    assert [one.split("/")[0] for one in names(region)] == ["db-1"]
    assert here("rollback", "weekly", "--yes").code == Exit.FAILED


# prune


def test_a_prune_says_why_each_stays_or_goes_and_then_deletes(
    region: FakeRegion, here: Here
) -> None:
    for number in range(4):
        ran(region, f"nightly-{number}", "web-1", "db-1")
    has(region, "web-2", _naming.name_for("nightly-9", ids(region)["web-1"]))
    planned = here("prune", "nightly", "--keep-last", "3", "--dry-run", "-o", "json")
    assert sorted(item["action"] for item in planned.json) == ["delete"] * 2 + ["keep"] * 6
    assert all(item["note"] for item in planned.json)
    assert "1 snapshot more begins so" in planned.err
    assert len(names(region)) == 9
    refused = here("prune", "nightly", "--keep-last", "3")
    assert refused.code == Exit.USAGE
    assert "Delete 2 snapshots and keep 6 in LON1: not confirmed" in refused.err
    done = here("prune", "nightly", "--keep-last", "3", "--yes")
    assert done.code == Exit.OK
    assert done.out.count("deleted") == 2
    assert len(names(region)) == 7


def test_a_prune_may_be_of_some_instances(region: FakeRegion, here: Here) -> None:
    for number in range(2):
        ran(region, f"nightly-{number}", "web-1", "db-1")
    assert here("prune", "nightly", "db-1", "--keep-last", "1", "--yes").code == Exit.OK
    assert len(names(region)) == 3
    done = here("prune", "nightly", "--keep-within", "1d", "--yes")
    assert done.code == Exit.OK
    assert "Nothing to delete; 3 snapshots to keep." in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["prune", "nightly"], "nothing says what may go"),
        (["prune", "nightly", "--keep-last", "-1"], "'--keep-last': -1 is not"),
        (["prune", "nightly", "--keep-daily", "3", "--tz", "Mars/Base"], "no time zone"),
        (["prune", "Nightly!", "--keep-last", "1"], "prefix"),
        (["status", "Nightly!"], "--name must be"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(
    words: list[str], told: str, region: FakeRegion, here: Here
) -> None:
    done = here(*words)
    assert done.code == Exit.USAGE
    assert told in done.err
    assert region.total <= 1


# schedule next


def test_a_schedule_or_an_expression_is_forecast(region: FakeRegion, here: Here) -> None:
    made = here("schedule", "create", "daily", "web-1", "--cron", "0 3 * * *", "--keep=7", "--yes")
    assert made.code == Exit.OK
    due = here("schedule", "next", "daily", "-n", "2", "-o", "json").json
    assert [item["due_at"][10:] for item in due] == ["T03:00:00Z"] * 2
    before = region.total
    assert len(here("schedule", "next", "@hourly", "-n", "3", "-o", "name").lines) == 3
    assert here("schedule", "next", "0 0 99 * *").code == Exit.USAGE
    assert region.total == before
    assert here("schedule", "pause", "daily", "--yes").code == Exit.OK
    paused = here("schedule", "next", "daily")
    assert "daily is paused." in paused.err
    assert paused.out == ""
