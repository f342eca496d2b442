"""The demo and the simulated region."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from support.command import Script

from civo_snapshots.cli._demo import Pace, populate
from civo_snapshots.cli._exits import Exit
from civo_snapshots.cli._output import Output
from civo_snapshots.cli._session import Session
from civo_snapshots.cli.actions.trying import demo
from civo_snapshots.testing import FakeClock, FakeRegion


async def played(form: str = "table", timeout: float = 7_200) -> tuple[Exit, str, str]:
    """The exit code of a demo, and what it printed."""
    out, err = StringIO(), StringIO()
    session = Session(Output(form, out=out, err=err), clock=FakeClock())
    code = await demo(session, keep=False, name="demo", timeout=timeout, pace=Pace(latency=0))
    return code, out.getvalue(), err.getvalue()


async def test_the_demo_goes_as_staged_and_counts_each_request(nothing_left: None) -> None:
    code, out, err = await played()
    assert code == 0
    assert "50 of 130 instances are tagged prod." in err
    assert "48 complete, 1 failed, 1 refused" in err
    assert "(staged)" in err
    assert "Restored to restored-by-the-demo" in err
    sent, received = re.findall(r"Requests: (\d+) sent, (\d+) received", err)[0]
    assert sent == received
    assert "All as staged" in err
    assert "`civo-snapshots demo --keep`" in err
    assert out.count("complete") == 48


async def test_the_demo_needs_no_settings_and_ignores_those_of_a_real_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CIVO_TOKEN", "real-canary")
    monkeypatch.setenv("CIVO_REGION", "NYC1")
    monkeypatch.setenv("CIVO_API_URL", "https://real.example")
    code, out, err = await played("json")
    assert code == 0
    assert json.loads(out)["counts"]["complete"] == 48
    assert "canary" not in out + err
    assert "real.example" not in out + err


async def test_a_demo_that_goes_otherwise_exits_with_1() -> None:
    code, _, err = await played(timeout=2.0)
    assert code == Exit.FAILED
    assert "NOT as staged" in err


def test_fifty_instances_are_tagged_and_two_of_them_staged() -> None:
    region = FakeRegion(instances=0)
    stage = populate(region)
    tagged = [key for key, found in region.state.instances.items() if "prod" in found.tags]
    assert len(region.instance_ids) == 130
    assert len(tagged) == 50
    assert {stage.failing, stage.refused} < set(tagged)


@contextmanager
def simulating(script: Script, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with script.start("simulate", *words) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline()
        finally:
            running.kill()


def test_a_simulated_region_is_used_by_the_line_that_it_prints(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulating(script, "--hostname", "web-7", "--token", "abc") as (running, line):
        for name, value in re.findall(r"(CIVO_\w+)=(\S+)", line):
            monkeypatch.setenv(name, value)
        assert "web-7" in script("instances", "-o", "name").lines
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "civo-snapshots create" in err
    assert "Traceback" not in err


def test_a_switch_of_a_simulated_region_that_there_is_not_is_wrong_use(script: Script) -> None:
    done = script("simulate", "--no-such-switch")
    assert done.code == 2
    assert "civo-snapshots simulate: error" in done.err
