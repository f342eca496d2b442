"""What would be there twice is said before, and what an interruption leaves behind is named."""

import re
import signal
import sys

import pytest
from support.command import CREATE, Here, Script, has, until

from civo_snapshots.cli._exits import Exit
from civo_snapshots.testing import FakeRegion, Fault

RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"


def test_a_hostname_that_an_instance_has_is_noted_before_a_restore(
    region: FakeRegion, here: Here
) -> None:
    has(region, "web-1", "before")
    done = here("restore", "before", "--hostname", "web-2", "--dry-run", "-o", "json")
    assert "Note: there is an instance web-2 in LON1 already." in done.err
    assert done.json[0]["note"] == "one of this hostname exists"
    done = here("restore", "before", "--hostname", "web-3", "--dry-run", "-o", "json")
    assert "Note" not in done.err
    assert done.json[0]["note"] == ""


def test_a_restore_whose_time_is_over_says_where_to_look_and_not_to_restore_again(
    region: FakeRegion, here: Here
) -> None:
    object.__setattr__(region.switches, "restore_duration", (3_600.0, 3_600.0))
    has(region, "web-1", "before")
    words = ("restore", "before", "--hostname", "copy-1", "--wait", "--timeout", "5", "--yes")
    done = here(*words)
    assert done.code == Exit.TIMED_OUT
    assert "civo-snapshots instances --match copy-1" in done.err
    assert "there would be two" in done.err
    assert "wait again" not in done.err


def test_a_schedule_of_a_name_that_is_there_is_refused(region: FakeRegion, here: Here) -> None:
    words = ("schedule", "create", "nightly", "web-1", "--cron", "0 3 * * *", "--keep", "7")
    assert here(*words, "--yes").code == Exit.OK
    done = here(*words, "--yes")
    assert done.code == Exit.FAILED
    assert "there is a schedule nightly in LON1 already" in done.err
    assert len(region.state.schedules) == 1
    done = here("schedule", "delete", "nightly", "--yes")
    assert "1 schedule deleted; the snapshots it made stay." in done.err


def test_without_a_terminal_a_refusal_shows_what_would_be_done(
    region: FakeRegion, here: Here
) -> None:
    has(region, "web-1", "before")
    done = here("restore", "before", "--overwrite-existing")
    assert done.code == Exit.USAGE
    assert "its present disks are lost" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize(
    ("words", "route", "says"),
    [
        (
            ["create", "web-1", "--name", "n"],
            CREATE,
            "Snapshot web-1/n (ID) was begun and goes on.",
        ),
        (
            ["restore", "before", "--hostname", "copy-1"],
            RESTORE,
            "The restore to copy-1 was begun and goes on: civo-snapshots instances --match copy-1",
        ),
    ],
)
def test_an_interrupted_wait_says_what_goes_on(
    words: list[str], route: str, says: str, region: FakeRegion, script: Script
) -> None:
    has(region, "web-1", "before")
    for switch in ("duration", "restore_duration"):
        object.__setattr__(region.switches, switch, (3_600.0, 3_600.0))
    running = script.start(*words, "--wait", "--yes")
    until(lambda: region.counts[route] == 1)
    polls = region.total
    until(lambda: region.total > polls)  # it waits by now
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == Exit.INTERRUPTED
    last = err.strip().splitlines()[-1]
    assert re.sub(r"\([0-9a-f-]{36}\)", "(ID)", last) == f"Interrupted. {says}"


def test_an_answer_that_takes_long_is_explained_once(region: FakeRegion, here: Here) -> None:
    """Several attempts go by before anything else could be told."""
    region.fault("GET /v2/quota", Fault.status(503), times=4)
    done = here("quota")
    assert done.code == Exit.OK
    [note] = [line for line in done.err.splitlines() if line.startswith("Note:")]
    assert "attempt 2 failed (503)" in note
