"""R183: SIGTERM and Ctrl-C at any moment of a run tell what was made, and the run can go on."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from attrs import define
from support.command import Host, Script, settings, small_region, until

from civo_snapshots.testing import FakeRegion

MOMENTS = int(os.environ.get("MOMENTS", "3"))
"""How many moments are drawn; more of them: MOMENTS=20."""

INSTANCES = 10
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")


@pytest.fixture
def busy(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegion]:
    """Ten instances whose snapshots take a while, behind a little latency."""
    region = small_region(instances=INSTANCES - 3, duration=(0.5, 2.0), latency=0.05)
    with host.serving(region) as served:
        for name, value in settings(served).items():
            monkeypatch.setenv(name, value)
        yield served


@define
class Interrupted:
    """A run that is to be interrupted when so many of its creates were accepted."""

    name: str
    signal: signal.Signals
    after: int
    delay: float
    running: subprocess.Popen[str]


def made_by(region: FakeRegion, name: str) -> set[str]:
    """The ids that the region accepted of a run."""
    return {one.id for one in [*region.state.snapshots.values()] if one.name.startswith(f"{name}-")}


def command(name: str) -> list[str]:
    return ["run", "--all", "--name", name, "--yes", "-o", "json"]


def test_an_interrupted_run_prints_every_id_and_goes_on_without_duplicates(
    busy: FakeRegion, script: Script
) -> None:
    """R183: each is interrupted after a drawn number of creates and a drawn time."""
    draw = random.SystemRandom()
    for begun in range(0, MOMENTS, 5):  # a few at a time: each is a process
        runs = [
            Interrupted(
                f"run{number}",
                [signal.SIGINT, signal.SIGTERM][number % 2],
                draw.randint(0, INSTANCES),
                draw.choice([0, draw.random() * 0.1, draw.random() * 2]),
                script.start(*command(f"run{number}")),
            )
            for number in range(begun, min(begun + 5, MOMENTS))
        ]
        for one in runs:
            until(lambda one=one: len(made_by(busy, one.name)) >= one.after)  # type: ignore[misc]
            time.sleep(one.delay)
            one.running.send_signal(one.signal)
        for one in runs:
            check_told(busy, one)
        again = [script.start(*command(one.name)) for one in runs]
        for one, running in zip(runs, again, strict=True):
            _, err = running.communicate(timeout=60)
            assert running.returncode == 0, err
            assert len(made_by(busy, one.name)) == INSTANCES, (one, err)


def check_told(region: FakeRegion, one: Interrupted) -> None:
    out, err = one.running.communicate(timeout=60)
    code = one.running.returncode
    told = set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", out + err))
    assert made_by(region, one.name) <= told, (one, out, err)
    if "Traceback" in err:  # Python was still importing: nothing of the command was there yet
        assert ", in main" not in err, err
        assert not made_by(region, one.name)
        return
    if code == -one.signal:  # before the command could know of it, and so before anything was sent
        assert not made_by(region, one.name)
    elif code != 0:  # else it had ended before the signal
        assert code == CODES[one.signal], (one, err)
        assert ("Interrupted" if one.signal is signal.SIGINT else "Terminated") in err
