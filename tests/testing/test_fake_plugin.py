"""The pytest plugin: a region, a client of it and a clock, for whoever names it."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from civo_snapshots import CivoClient
from civo_snapshots.testing import FakeClock, FakeRegion


async def test_the_client_belongs_to_the_region(
    civo_client: CivoClient, civo_region: FakeRegion
) -> None:
    made = await civo_client.snapshots.create(civo_region.instance_ids[0], name="mine")
    done = await civo_client.snapshots.wait_until_complete(made)
    assert set(civo_region.state.snapshots) == {done.id}


async def test_with_the_clock_an_hour_takes_moments(
    civo_client: CivoClient, civo_region: FakeRegion, civo_clock: FakeClock
) -> None:
    assert civo_region.clock is civo_clock
    started = time.perf_counter()
    await civo_clock.sleep(3_600)
    made = await civo_client.snapshots.create(civo_region.instance_ids[0], name="mine")
    await civo_client.snapshots.wait_until_complete(made)
    assert civo_clock.monotonic() >= 3_605
    assert time.perf_counter() - started < 5


@pytest.mark.civo_region(any=3, instances=2)
async def test_a_mark_can_draw_the_region(civo_region: FakeRegion) -> None:
    assert (
        civo_region.switches
        == FakeRegion.any(3, duration=(0.0, 0.05), restore_duration=(0.0, 0.05)).switches
    )
    assert len(civo_region.instance_ids) == 2


@pytest.mark.civo_client(retries=False)
@pytest.mark.civo_region(token="another")
async def test_a_mark_gives_the_client_its_options(
    civo_client: CivoClient, civo_region: FakeRegion
) -> None:
    await civo_client.instances.get(civo_region.instance_ids[0])
    assert civo_region.requests[0].headers["authorization"] == "bearer another"


def test_naming_the_plugin_is_enough(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["civo_snapshots.testing.plugin"]\n')
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(ini)
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent(
            """
            import pytest

            @pytest.mark.asyncio
            @pytest.mark.civo_region(instances=5, read_lag=0.01)
            async def test_mine(civo_region, civo_client):
                run = await civo_client.snapshots.create_many(
                    civo_region.instance_ids, name="nightly"
                )
                assert run.counts["complete"] == 5
                assert not civo_region.refused_fields
            """
        )
    )
    root = Path(sys.modules["civo_snapshots"].__file__ or "").parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--strict-markers", "-W", "error", "-q", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
