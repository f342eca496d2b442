"""The demo: the whole program on its embedded region, in no time."""

import json
from io import StringIO

import pytest
from rich.console import Console

from civo_snapshots.cli import work
from civo_snapshots.cli._arguments import Options
from civo_snapshots.cli._demo import Pace, populate
from civo_snapshots.cli._screen import Screen
from civo_snapshots.testing import FakeClock, FakeRegion

PACE = Pace(latency=0)


async def played(options: Options, *, terminal: bool = False) -> tuple[int, str, str]:
    """The exit code of a demo, and what it printed."""
    out, err = StringIO(), StringIO()
    screen = Screen(
        as_json=options.json,
        out=Console(file=out, force_terminal=terminal, width=100, height=40),
        err=Console(file=err),
    )
    code = await work(options, screen, FakeClock(), PACE)
    return code, out.getvalue(), err.getvalue()


async def test_the_demo_goes_as_staged_and_counts_each_request(nothing_left: None) -> None:
    code, out, _ = await played(Options())
    assert code == 0
    assert "page 1 of 3, 50" in out
    assert "page 3 of 3, 30" in out
    assert "snapshots of 50 instances" in out
    assert "complete         48" in out
    assert "failed           1" in out
    assert "refused          1" in out
    assert "(staged)" in out
    assert "Restored to restored-by-the-demo" in out
    assert "50    POST /v2/instances/{id}/snapshots " in out
    assert "All as staged" in out


async def test_the_demo_needs_no_settings_and_ignores_those_of_a_real_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CIVO_TOKEN", "real-canary")
    monkeypatch.setenv("CIVO_REGION", "NYC1")
    monkeypatch.setenv("CIVO_API_URL", "https://real.example")
    code, out, _ = await played(Options())
    assert code == 0
    assert "canary" not in out
    assert "real.example" not in out


async def test_the_demo_draws_on_a_terminal() -> None:
    code, out, _ = await played(Options(), terminal=True)
    assert code == 0
    assert "\x1b[" in out
    assert "50 of 50 ended" in out
    assert "volumes ended" not in out


async def test_the_demo_as_json(nothing_left: None) -> None:
    code, out, err = await played(Options(json=True, name="mine"))
    assert code == 0
    run = json.loads(out)
    assert run["name"] == "mine"
    assert run["counts"]["complete"] == 48
    assert "All as staged" in err


async def test_a_demo_that_goes_otherwise_exits_with_1() -> None:
    code, out, _ = await played(Options(timeout=2.0))
    assert code == 1
    assert "NOT as staged" in out


def test_fifty_instances_are_tagged_and_two_of_them_staged() -> None:
    region = FakeRegion(instances=0)
    stage = populate(region)
    tagged = [key for key, found in region.state.instances.items() if "prod" in found.tags]
    assert len(region.instance_ids) == 130
    assert len(tagged) == 50
    assert {stage.failing, stage.refused} < set(tagged)
