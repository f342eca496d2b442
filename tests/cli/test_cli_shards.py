"""One run in several parts, each by a command of its own, and looked at as one."""

import pytest
from support.command import CREATE, Here, changes

from civo_snapshots.cli._choice import shard_of
from civo_snapshots.cli._exits import Exit
from civo_snapshots.testing import FakeRegion

PARTS = 3
HURRY = 20
"""So much faster the time of a command passes here."""


@pytest.fixture
def parted(region: FakeRegion) -> FakeRegion:
    """So many instances that each part has some."""
    for number in range(9):
        region.add_instance(hostname=f"more-{number}")
    assert {shard_of(key, PARTS) for key in region.instance_ids} == {1, 2, 3}
    return region


def run_part(here: Here, part: int, *words: str) -> int:
    return here("run", "--all", "--shard", f"{part}/{PARTS}", "-n", "n", "--yes", *words).code


def test_parts_make_one_run_that_status_shows_whole(parted: FakeRegion, here: Here) -> None:
    for part in range(1, PARTS + 1):
        assert run_part(here, part) == Exit.OK
    done = here("status", "n", "--all", "-o", "json")
    assert done.code == Exit.OK
    assert done.json["counts"]["complete"] == parted.counts[CREATE] == len(parted.instance_ids)
    assert here("status", "n", "--expected", str(len(parted.instance_ids))).code == Exit.OK


def test_a_part_that_never_ran_is_missing_in_status(parted: FakeRegion, here: Here) -> None:
    for part in (1, 3):
        assert run_part(here, part) == Exit.OK
    missing = sum(shard_of(key, PARTS) == 2 for key in parted.instance_ids)
    done = here("status", "n", "--all", "-o", "json")
    assert done.code != Exit.OK
    assert done.json["counts"]["not_attempted"] == missing


def test_a_part_that_runs_again_creates_nothing_twice(parted: FakeRegion, here: Here) -> None:
    """R161: a host or a job may repeat a part that has just died, or has been done."""
    assert run_part(here, 1, "--no-wait") == Exit.OK
    before = changes(parted)
    assert run_part(here, 1, "--resume") == Exit.OK
    assert changes(parted) == before


def test_the_split_of_a_fleet_is_the_same_on_every_host_and_day() -> None:
    ids = [f"6ff83f68-797a-4b00-bd05-39cc127a6f{number:02x}" for number in range(8)]
    assert [shard_of(one, 4) for one in ids] == [3, 2, 4, 2, 2, 4, 3, 3]


def test_a_rate_holds_for_the_whole_command(parted: FakeRegion, here: Here) -> None:
    done = here("run", "--all", "-n", "n", "--yes", "--max-rate", "0", "-o", "json")
    assert done.code == Exit.USAGE
    assert "max-rate" in done.err
    assert changes(parted) == 0
    assert here("run", "--all", "-n", "n", "--yes", "--no-wait", "--max-rate", "4").code == Exit.OK
    first, *_, last = parted.requests
    assert parted.total > len(parted.instance_ids)
    assert (last.at - first.at) * HURRY > (parted.total - 2) / 4
