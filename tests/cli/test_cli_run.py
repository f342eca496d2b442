"""Runs from the command line: what they plan, send, print, and end with."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.command import CREATE, TOKEN, Here, changes, has, ids, names, small_region
from support.env import client_of

from civo_snapshots import _naming
from civo_snapshots.cli import _app
from civo_snapshots.cli._choice import shard_of
from civo_snapshots.cli._exits import Exit
from civo_snapshots.cli._output import Output
from civo_snapshots.cli._session import Session
from civo_snapshots.cli.actions import runs
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

# A dry run, and choosing


def test_a_dry_run_names_the_snapshots_as_the_run_then_does(region: FakeRegion, here: Here) -> None:
    planned = here("run", "--all", "--name", "nightly", "--dry-run", "-o", "json")
    assert planned.code == 0
    assert changes(region) == 0
    assert "Create 3 snapshots in LON1 as nightly, 10,000 left in the quota" in planned.err
    assert here("run", "--all", "--name", "nightly", "--yes").code == 0
    made = {snapshot.name for snapshot in region.state.snapshots.values()}
    assert made == {item["name"] for item in planned.json}


def test_a_dry_run_tells_what_a_name_has_already(region: FakeRegion, here: Here) -> None:
    assert here("run", "web-1", "--name", "nightly", "--yes").code == 0
    done = here("run", "--all", "--name", "nightly", "--dry-run", "-o", "json")
    assert [(item["hostname"], item["action"]) for item in done.json] == [
        ("web-1", "adopt"),
        ("web-2", "create"),
        ("db-1", "create"),
    ]
    assert "Create 2 snapshots and take over 1" in done.err


@pytest.mark.parametrize(
    ("limit", "told"), [(2, "but ONLY 2 ARE LEFT in the quota"), (-1, "as n: nothing")]
)
def test_a_dry_run_tells_what_the_quota_says(
    limit: int, told: str, region: FakeRegion, here: Here
) -> None:
    object.__setattr__(region.switches, "snapshot_limit", limit)
    assert told in here("run", "--all", "--name", "n", "--dry-run").err


def test_a_quota_that_may_not_be_read_forbids_nothing(region: FakeRegion, here: Here) -> None:
    region.fault("GET /v2/quota", Fault.status(403, {"code": "forbidden", "reason": "no"}))
    done = here("run", "--all", "--name", "n", "--dry-run")
    assert done.code == 0
    assert "the quota is not known" in done.err


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["db", "web-1"], ["db-1", "web-1"]),
        (["--tag", "prod"], ["web-1", "web-2"]),
        (["--match", "*-1"], ["web-1", "db-1"]),
        (["--tag", "prod", "--match", "*-1"], ["web-1"]),
        (["db-1", "--tag", "prod"], ["db-1", "web-1", "web-2"]),
        (["--from", "hosts"], ["web-2", "db-1"]),
        (["--all"], ["web-1", "web-2", "db-1"]),
    ],
)
def test_instances_are_chosen_by_name_tag_pattern_or_file(
    words: list[str],
    chosen: list[str],
    region: FakeRegion,
    here: Here,
    tmp_path: Path,
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"web-2  # a comment\n\n{ids(region)['db-1']}\nweb-2\n")
    words = [str(hosts) if word == "hosts" else word for word in words]
    done = here("run", *words, "--dry-run", "-o", "json")
    assert [item["hostname"] for item in done.json] == chosen


def test_instances_are_read_from_stdin(region: FakeRegion, here: Here) -> None:
    done = here("run", "--from", "-", "--dry-run", "-o", "json", stdin="web-2\n")
    assert [item["hostname"] for item in done.json] == ["web-2"]


def test_each_instance_is_in_one_shard_and_an_empty_one_may_be_allowed(
    region: FakeRegion, here: Here
) -> None:
    planned: list[str] = []
    for part in (1, 2, 3):
        words = ["--shard", f"{part}/3", "--dry-run", "-o", "json", "--allow-empty"]
        planned += [item["hostname"] for item in here("run", "--all", *words).json]
    assert sorted(planned) == ["db-1", "web-1", "web-2"]
    empty = set(range(1, 8)) - {shard_of(key, 7) for key in region.instance_ids}
    words = ["run", "--all", "--shard", f"{min(empty)}/7", "--yes", "--name", "n"]
    assert here(*words).code == Exit.USAGE
    assert here(*words, "--allow-empty").code == Exit.OK
    assert changes(region) == 0


# A run


def test_a_run_prints_a_row_with_the_id_for_each_instance(region: FakeRegion, here: Here) -> None:
    done = here("run", "--tag", "prod", "--name", "nightly", "--yes")
    assert done.code == 0
    assert region.counts[CREATE] == 2
    assert all(key in done.out for key in region.state.snapshots)
    assert "web-1     complete  nightly-" in done.out
    assert "2/2  web-2  complete  2/2 volumes ended" in done.err
    assert f"s, {region.total} requests." in done.err
    assert TOKEN not in done.out + done.err


def test_the_same_name_again_creates_nothing(region: FakeRegion, here: Here) -> None:
    for _ in range(2):
        done = here("run", "--all", "--name", "nightly", "--yes")
        assert done.code == 0
    assert region.counts[CREATE] == 3
    assert "complete (existed before)" in done.out
    assert "3 snapshots existed before and were taken over." in done.err


def test_json_is_the_whole_run(region: FakeRegion, here: Here) -> None:
    region.refuse_create(ids(region)["web-2"], reason="not today")
    done = here("run", "--all", "--name", "nightly", "--yes", "-o", "json", "-q")
    assert done.code == 1
    run = done.json
    assert (run["name"], run["region"], run["partial"]) == ("nightly", "LON1", False)
    assert (run["counts"]["complete"], run["counts"]["refused"]) == (2, 1)
    assert [item["hostname"] for item in run["outcomes"]] == ["web-1", "web-2", "db-1"]
    assert run["requests_sent"] == region.total
    assert done.err == ""


def test_json_lines_come_as_outcomes_are_known(region: FakeRegion, here: Here) -> None:
    region.refuse_create(ids(region)["web-1"])
    done = here("run", "--all", "--yes", "-o", "jsonl")
    told = [json.loads(line) for line in done.lines]
    assert sorted(item["kind"] for item in told) == ["complete", "complete", "refused"]


@pytest.mark.parametrize("form", ["name", "id"])
def test_names_or_ids_alone_are_for_other_commands(
    form: str, region: FakeRegion, here: Here
) -> None:
    done = here("run", "--tag", "prod", "--name", "n", "--yes", "-o", form)
    made = region.state.snapshots.values()
    assert sorted(done.lines) == sorted(getattr(one, form) for one in made)


# On a clock that jumps


async def played(region: FakeRegion, clock: FakeClock, **given: Any) -> tuple[Exit, str, str]:
    """A run of all instances, its code, and what it printed; interrupts pass through."""
    out, err = StringIO(), StringIO()
    session = Session(Output(given.pop("output", "table"), out=out, err=err), yes=True, clock=clock)
    session.use(client_of(region, clock))
    found = _app.app.get_command(None, "run")  # type: ignore[arg-type]
    assert found is not None
    words = ["--all", "--yes", *(word for pair in given.items() for word in pair if word)]
    values = found.make_context("run", words).params
    for shared in ("yes", "dry_run", "output", "no_header", "quiet", "region", "profile"):
        values.pop(shared, None)
    for shared in ("api_url", "debug"):
        values.pop(shared, None)
    code = Exit.INTERRUPTED
    with suppress(asyncio.CancelledError):
        code = await runs.run(session, **values)
    return code, out.getvalue(), err.getvalue()


async def test_failures_are_told_with_their_reasons() -> None:
    clock = FakeClock()
    async with small_region(clock=clock, duration=(1, 5)) as region:
        region.fail_volume(ids(region)["web-1"])
        region.refuse_create(ids(region)["web-2"], reason="not today")
        code, out, err = await played(region, clock)
    assert code == Exit.FAILED
    assert "web-1     failed" in out
    assert "failed  web-1  1 volume failed: " in err
    assert "refused  web-2  not today (database_instance_snapshot_too_big)" in err
    assert "To continue" not in err  # a refusal or a failure stands


async def test_a_run_whose_time_is_over_says_how_to_continue_and_exits_with_3() -> None:
    clock = FakeClock()
    async with small_region(clock=clock, duration=(500, 900)) as region:
        code, out, err = await played(region, clock, **{"--name": "nightly", "--timeout": "1m"})
        assert code == Exit.TIMED_OUT
        assert all(key in out for key in region.state.snapshots)
    assert "3 timed out" in err
    assert "To continue: the same command again" in err


async def test_a_run_of_which_something_is_unknown_exits_with_4() -> None:
    clock = FakeClock()
    async with small_region(clock=clock) as region:
        region.fault(CREATE, Fault.drop_after_acting(), times=None)
        region.fault("GET /v2/instances/{id}/snapshots", Fault.gateway_html(), times=None)
        region.fault("GET /v2/resourcesnapshots", Fault.gateway_html(), times=None, after=1)
        code, _, err = await played(region, clock, **{"--timeout": "2m"})
    assert code == Exit.UNKNOWN
    assert "3 unknown" in err


async def test_further_snapshots_of_one_name_are_told() -> None:
    """R159, R203: what was adopted and what there is beside it, with its id, time and state."""
    clock = FakeClock()
    async with small_region(clock=clock) as region:
        first = _naming.name_for("nightly", ids(region)["web-1"])
        kept, further = has(region, "web-1", first, first)
        _, _, err = await played(region, clock, **{"--name": "nightly"})
    assert "1 snapshot existed before and were taken over" in err.replace("was taken", "were taken")
    assert f"a further snapshot of the name {first} on instance" in err
    assert kept in err
    assert further in err


async def test_creates_on_their_way_at_an_interruption_are_told() -> None:
    """R183."""
    clock = FakeClock(auto=False)
    async with small_region(clock=clock) as region:
        region.fault(CREATE, Fault.stall(3600), times=None)
        job = asyncio.create_task(played(region, clock, **{"--name": "nightly"}))
        await until(lambda: region.counts[CREATE] == 3)
        job.cancel()
        while not job.done():
            clock.advance(0.5)
            await asyncio.sleep(0)
        _, out, err = await job
        assert "asking what became of 3 creates" in err
        assert out.count("unknown") == 3
        for snapshot in region.state.snapshots.values():
            assert f"The interrupted create of {snapshot.name} is unknown" in err


async def test_an_interrupted_run_tells_every_snapshot_it_made() -> None:
    """R183."""
    clock = FakeClock(auto=False)
    async with small_region(clock=clock, duration=(3600, 3600)) as region:
        job = asyncio.create_task(played(region, clock, output="json"))
        await until(lambda: region.statuses[201] == 3)
        await asyncio.sleep(0.05)
        job.cancel()
        code, out, err = await job
        run = json.loads(out)
        assert code == Exit.INTERRUPTED
        assert run["partial"] is True
        assert {item["id"] for item in run["outcomes"]} == set(region.state.snapshots)
        assert "broken off" in err


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in a server
            await asyncio.sleep(0.001)


def test_a_run_that_fails_before_its_first_create_is_printed(
    region: FakeRegion, here: Here
) -> None:
    region.fault("GET /v2/resourcesnapshots", Fault.unauthorized(), times=None)
    done = here("run", "--all", "--name", "nightly", "--yes")
    assert done.code == Exit.FAILED
    assert done.out.count("not_attempted") == 3
    assert "check the token" in done.err
    assert names(region) == []
