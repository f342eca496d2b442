"""The regions that the other tests draw: repeatable, and told on failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.regions import SEED, MakeRegion


@pytest.mark.drawn(page_cap=33, restore_queue=1.0)
def test_what_a_test_needs_is_set_whatever_is_drawn(make_region: MakeRegion) -> None:
    assert make_region().switches.page_cap == 33
    assert make_region(page_cap=5, instances=4).switches.page_cap == 5
    assert make_region().switches.restore_queue == 1.0


def test_a_failure_tells_the_seed_and_the_seed_repeats_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.mark.drawn\n"
        "def test_it(make_region):\n"
        "    assert make_region().switches.page_cap == 1\n"
    )
    tests = Path(__file__).parents[1]
    told: list[list[str]] = []
    for workers in ("0", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "support.regions"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}", SEED: "7"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "4 failed" in done.stdout, done.stdout + done.stderr
        assert done.stdout.count(f"\n{SEED}=7\n") == 3
        lines = done.stdout.splitlines()
        told.append(sorted(line for line in lines if line.startswith("FakeRegion(")))
    assert len(set(told[0])) == 3
    assert told[0] == told[1]
