"""The command line against a fake region over real HTTP: what it sends, prints and exits with."""

import asyncio
import json
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from civo_snapshots import __version__, cli
from civo_snapshots.cli import main, work
from civo_snapshots.cli._arguments import Options
from civo_snapshots.cli._screen import Screen
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

TOKEN = "s3cret-canary-token"
CREATE = "POST /v2/instances/{id}/snapshots"
RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"
PROGRAM = (sys.executable, "-m", "civo_snapshots")


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, duration: float) -> Generator[FakeRegion]:
    """Three instances, served by a thread of its own: `main()` brings its own loop."""
    served = FakeRegion(
        instances=3, token=TOKEN, duration=(duration, duration), restore_duration=(0, 0)
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(served.start(), loop).result(30)
        use(served, monkeypatch)
        yield served
        asyncio.run_coroutine_threadsafe(served.stop(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegion]:
    """A region whose snapshots are complete at once, found by `main()`."""
    with serving(monkeypatch, duration=0) as served:
        yield served


def use(region: FakeRegion, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find this region, the way people configure it."""
    monkeypatch.setenv("CIVO_TOKEN", region.token)
    monkeypatch.setenv("CIVO_REGION", region.region)
    monkeypatch.setenv("CIVO_API_URL", region.url)


def posts(region: FakeRegion) -> int:
    return sum(number for route, number in region.counts.items() if not route.startswith("GET "))


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as this is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in a server
            await asyncio.sleep(0.001)


class Paper:
    """A screen that is no terminal, and what was printed on it."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._out, self._err = StringIO(), StringIO()
        self.screen = Screen(
            as_json=as_json, out=Console(file=self._out, width=200), err=Console(file=self._err)
        )

    @property
    def out(self) -> str:
        return self._out.getvalue()

    @property
    def err(self) -> str:
        return self._err.getvalue()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


# A dry run


def test_without_yes_a_region_is_only_read(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*region.instance_ids, "--name", "nightly", "--restore", "copy"]) == 0
    printed = capsys.readouterr()
    assert posts(region) == 0
    assert region.counts["GET /v2/instances/{id}"] == 3
    assert "Would create 3 snapshots in LON1, 10000 left in the quota." in printed.out
    assert "Would then restore the first complete one to copy." in printed.out
    assert "Nothing was changed" in printed.out
    assert all(instance_id in printed.out for instance_id in region.instance_ids)
    assert TOKEN not in printed.out + printed.err


def test_a_dry_run_names_the_snapshots_as_the_run_then_does(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*region.instance_ids, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["dry_run"] is True
    assert main([*region.instance_ids, "--yes", "--name", plan["name"]]) == 0
    made = {snapshot.name for snapshot in region.state.snapshots.values()}
    assert made == {item["name"] for item in plan["instances"]}


def test_a_dry_run_tells_what_a_name_has_already(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    first = region.instance_ids[0]
    assert main([first, "--yes", "--name", "nightly"]) == 0
    capsys.readouterr()
    assert main([*region.instance_ids, "--name", "nightly", "--json"]) == 0
    actions = [item["action"] for item in json.loads(capsys.readouterr().out)["instances"]]
    assert actions == ["adopt", "create", "create"]


def test_a_dry_run_reports_instances_that_do_not_exist(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([region.instance_ids[0], "missing"]) == 1
    printed = capsys.readouterr().out
    assert "missing  the API answered 404" in printed
    assert "Would create 1 snapshots" in printed


async def test_a_dry_run_reports_a_quota_that_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeRegion(instances=3, snapshot_limit=2) as region:
        use(region, monkeypatch)
        paper = Paper()
        assert await work(Options(tuple(region.instance_ids)), paper.screen) == 1
        assert "Would create 3 snapshots in LON1, but ONLY 2 ARE LEFT in the quota." in paper.out


async def test_a_dry_run_tells_of_a_quota_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeRegion(instances=2, snapshot_limit=-1) as region:
        use(region, monkeypatch)
        paper = Paper()
        assert await work(Options(tuple(region.instance_ids)), paper.screen) == 0
        assert "Would create 2 snapshots in LON1, without a limit in the quota." in paper.out


async def test_a_dry_run_goes_on_when_the_quota_may_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeRegion(instances=1) as region:
        use(region, monkeypatch)
        region.fault("GET /v2/quota", Fault.status(403, {"code": "forbidden", "reason": "no"}))
        paper = Paper()
        assert await work(Options(tuple(region.instance_ids)), paper.screen) == 0
        assert "quota unknown" in paper.out


# A run


def test_with_yes_it_creates_waits_and_restores(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = region.instance_ids[:2]
    assert main([*chosen, "--yes", "--name", "nightly", "--restore", "copy-of-db1"]) == 0
    printed = capsys.readouterr()
    assert [snapshot.instance_id for snapshot in region.state.snapshots.values()] == chosen
    assert region.counts[CREATE] == 2
    assert region.counts[RESTORE] == 1
    assert "Restored to copy-of-db1" in printed.out
    assert f"Requests sent: {region.total}" in printed.out
    assert TOKEN not in printed.out + printed.err


def test_the_same_name_again_creates_nothing(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main([*region.instance_ids, "--yes", "--name", "nightly"]) == 0
    assert region.counts[CREATE] == 3
    assert "(existed before)" in capsys.readouterr().out


def test_options_may_stand_between_the_instances(region: FakeRegion) -> None:
    first, second, _ = region.instance_ids
    assert main([first, "--yes", second]) == 0
    assert region.counts[CREATE] == 2


def test_json_is_the_run_on_stdout_and_progress_goes_to_stderr(
    region: FakeRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = region.instance_ids
    region.refuse_create(chosen[1])
    assert main([*chosen, "--yes", "--json", "--restore", "copy"]) == 1
    printed = capsys.readouterr()
    run = json.loads(printed.out)
    assert run["counts"]["complete"] == 2
    assert run["counts"]["refused"] == 1
    assert [item["instance_id"] for item in run["outcomes"]] == chosen
    assert run["requests_sent"] == region.total
    assert run["restore"]["hostname"] == "copy"
    assert run["restore"]["instance_id"] in set(region.instance_ids) - set(chosen)
    assert "Run snap-" in printed.err
    assert TOKEN not in printed.out + printed.err


async def test_failures_are_told_with_their_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=3, clock=clock) as region:
        use(region, monkeypatch)
        region.fail_volume(region.instance_ids[0])
        region.refuse_create(region.instance_ids[1], reason="not today")
        paper = Paper()
        options = Options(tuple(region.instance_ids), yes=True)
        assert await work(options, paper.screen, clock) == 1
        assert f"failed  {region.instance_ids[0]}" in paper.out
        assert "not today" in paper.out
        assert "To continue" not in paper.out  # a refusal or a failure stands


async def test_a_run_whose_time_is_over_says_how_to_continue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=2, clock=clock, duration=(500, 900)) as region:
        use(region, monkeypatch)
        paper = Paper()
        options = Options(tuple(region.instance_ids), name="nightly", timeout=60, yes=True)
        assert await work(options, paper.screen, clock) == 1
        assert "timed_out        2" in paper.out
        assert "To continue, run the same again with --name nightly" in paper.out


async def test_a_restore_that_cannot_be_made_is_told_and_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region:
        use(region, monkeypatch)
        region.fault(RESTORE, Fault.status(409, {"code": "conflict", "reason": "busy"}))
        paper = Paper(as_json=True)
        options = Options(tuple(region.instance_ids), yes=True, json=True, restore="copy")
        assert await work(options, paper.screen, clock) == 1
        assert paper.json["counts"]["complete"] == 1
        assert "busy" in paper.json["restore"]["error"]


async def test_without_a_complete_snapshot_nothing_is_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region:
        use(region, monkeypatch)
        region.fail_volume(region.instance_ids[0])
        paper = Paper()
        options = Options(tuple(region.instance_ids), yes=True, restore="copy")
        assert await work(options, paper.screen, clock) == 1
        assert region.counts[RESTORE] == 0
        assert "Not restored to copy: no snapshot of this run is complete" in paper.out


async def test_further_snapshots_of_one_name_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """R159, R203: what was adopted and what there is beside it, with its id, time and state."""
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region:
        use(region, monkeypatch)
        options = Options(tuple(region.instance_ids), name="nightly", yes=True)
        assert await work(options, Paper().screen, clock) == 0
        first = next(iter(region.state.snapshots.values()))
        instance = region.state.instances[first.instance_id]
        region.state.create_snapshot(instance, first.name, "", clock.monotonic())
        paper = Paper()
        assert await work(options, paper.screen, clock) == 0
        printed = " ".join(paper.out.split())
        assert "1 existed before and were adopted, 1 further snapshots" in printed
        further = set(region.state.snapshots) - {first.id}
        assert f"a further snapshot of the name {first.name} on instance" in printed
        assert f"{further.pop()} (made 2026-01-01 00:00:" in printed
        assert f"state 'Pending'), beside {first.id} (made" in printed


# Interruptions


async def test_an_interrupted_run_tells_every_snapshot_it_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeRegion(instances=3, duration=(3600, 3600)) as region:
        use(region, monkeypatch)
        paper = Paper(as_json=True)
        options = Options(tuple(region.instance_ids), yes=True, json=True)
        job = asyncio.create_task(work(options, paper.screen))
        await until(lambda: region.statuses[201] == 3)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        told = {item["snapshot"]["id"] for item in paper.json["outcomes"] if item["snapshot"]}
        assert paper.json["partial"] is True
        assert told <= set(region.state.snapshots)
        # A create whose answer was on its way is told too, by its name.
        assert all(item["name"] for item in paper.json["outcomes"])


@pytest.mark.parametrize("answered", [True, False])
async def test_an_interrupted_restore_is_told(
    answered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeRegion(instances=1, duration=(0, 0), restore_duration=(3600, 3600)) as region:
        use(region, monkeypatch)
        if not answered:
            region.fault(RESTORE, Fault.stall(3600))
        paper = Paper()
        options = Options(tuple(region.instance_ids), yes=True, restore="copy")
        job = asyncio.create_task(work(options, paper.screen))
        # The instances are listed before the restore, and again to find the one it makes.
        route, times = ("GET /v2/instances", 2) if answered else (RESTORE, 1)
        await until(lambda: region.counts[route] >= times)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        goes_on = "The restore to copy was started and goes on" in paper.out
        unknown = "The restore to copy may have been started" in paper.out
        assert (goes_on, unknown) == (answered, not answered)


async def test_creates_on_their_way_at_an_interruption_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock(auto=False)
    async with FakeRegion(instances=3, clock=clock) as region:
        use(region, monkeypatch)
        region.fault(CREATE, Fault.stall(3600), times=None)
        paper = Paper()
        options = Options(tuple(region.instance_ids), name="nightly", yes=True)
        job = asyncio.create_task(work(options, paper.screen, clock))
        await until(lambda: region.counts[CREATE] == 3)
        job.cancel()
        while not job.done():
            clock.advance(0.5)
            await asyncio.sleep(0)
        assert job.cancelled()
        assert "asking what became of 3 creates" in paper.out
        assert "unknown          3" in paper.out
        for snapshot in region.state.snapshots.values():
            assert f"The interrupted create of {snapshot.name} is unknown" in paper.out


def test_control_c_prints_the_run_so_far_and_exits_with_130(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        serving(monkeypatch, duration=3600) as region,
        subprocess.Popen(
            [*PROGRAM, *region.instance_ids, "--yes", "--name", "nightly"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        give_up = time.monotonic() + 60
        while region.statuses[201] < 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 130
        assert "Interrupted." in err
        assert "pending          3" in out
        assert all(snapshot_id in out for snapshot_id in region.state.snapshots)
        assert "--name nightly" in out
        assert "Traceback" not in out + err
        assert TOKEN not in out + err


def test_an_interruption_before_anything_was_done_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "work", interrupted)
    assert main([]) == 130
    assert capsys.readouterr().out == ""


# Wrong use, and what else keeps it from working


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--yes"], "--yes: name the instances too"),
        (["--region", "LON1", "--restore", "x"], "--region, --restore: name the instances too"),
        (["../quota"], "INSTANCE must be"),
        ([""], "INSTANCE must be"),
        (["a", "--name", "Nightly"], "'nightly' would do"),
        (["a", "--name", "n" * 48], "1-47 lower-case letters"),
        (["a", "--timeout", "soon"], "a number of seconds"),
        (["a", "--timeout", "0"], "more than 0 seconds"),
        (["a", "--timeout", "nan"], "more than 0 seconds"),
        (["a", "--region", "LON 1"], "a region is a code"),
        (["a", "--restore", "no_host"], "hostname must be"),
        (["a", "--unheard-of"], "unknown options: --unheard-of"),
    ],
)
def test_wrong_use_is_explained_and_exits_with_2(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(argv)
    assert exited.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "spelling", [["--token=s3cret/+"], ["--token", "s3cret/+"], ["-ts3cret/+"]]
)
def test_a_token_on_the_command_line_is_refused_and_not_repeated(
    spelling: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["a", *spelling])
    assert exited.value.code == 2
    printed = capsys.readouterr().err
    assert "the token is taken from CIVO_TOKEN" in printed
    assert "s3cret" not in printed


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--help"])
    assert exited.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {code} " in printed for code in (0, 1, 2, 130))


@pytest.mark.parametrize("extra", [[], ["--yes"]])
def test_a_missing_token_exits_with_2(extra: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["some-instance", "--region", "LON1", *extra]) == 2
    assert "no API token" in capsys.readouterr().err


@pytest.mark.parametrize("extra", [[], ["--yes"]])
def test_a_missing_region_exits_with_2_and_sends_nothing(
    extra: list[str],
    region: FakeRegion,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CIVO_REGION")
    assert main([region.instance_ids[0], *extra]) == 2
    assert "no region" in capsys.readouterr().err
    assert region.total == 0


def test_a_refused_token_exits_with_1_and_is_not_printed(
    region: FakeRegion, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CIVO_TOKEN", "another-canary")
    assert main(region.instance_ids) == 1
    printed = capsys.readouterr()
    assert "check the token" in printed.err
    assert "canary" not in printed.out + printed.err


async def test_a_run_that_fails_before_its_first_create_is_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeRegion(instances=1) as region:
        use(region, monkeypatch)
        region.fault("GET /v2/resourcesnapshots", Fault.unauthorized(), times=None)
        paper = Paper()
        options = Options(tuple(region.instance_ids), name="nightly", yes=True)
        with pytest.raises(Exception, match="401"):
            await work(options, paper.screen)
        assert "not_attempted    1" in paper.out
        assert posts(region) == 0


def test_without_rich_it_says_what_to_install() -> None:
    code = (
        "import runpy, sys; sys.modules['rich'] = None; "
        "runpy.run_module('civo_snapshots', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "civo-snapshots[cli]" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_missing_module_is_not_mistaken_for_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "civo_snapshots.cli", None)
    with pytest.raises(ModuleNotFoundError, match=r"civo_snapshots\.cli"):
        runpy.run_module("civo_snapshots", run_name="__main__")


def test_the_package_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["civo_snapshots", "--version"])
    with pytest.raises(SystemExit) as exited:
        runpy.run_module("civo_snapshots", run_name="__main__")
    assert exited.value.code == 0
    assert capsys.readouterr().out.strip() == __version__
