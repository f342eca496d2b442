"""The command line as people run it: the installed script in a process of its own, and a region."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from civo_snapshots._clock import SystemClock
from civo_snapshots.cli import main
from civo_snapshots.testing import FakeRegion

ROOT = Path(__file__).parents[2]
TOKEN = "s3cret-canary-token"
_NO_CACHE = "PYTHONDONTWRITEBYTECODE"
CREATE = "POST /v2/instances/{id}/snapshots"

# What an installer writes for an entry of [project.scripts].
_SCRIPT = """\
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.argv[0] = "civo-snapshots"
    sys.exit({function}())
"""


@frozen
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Script:
    """The installed script; without an installation, what one would write."""

    def __init__(self, folder: Path, cache: Path) -> None:
        installed = Path(sys.executable).with_name("civo-snapshots")
        self.argv = [str(installed)]
        self._cache = str(cache)
        if not installed.exists():
            scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
            module, _, function = scripts["civo-snapshots"].partition(":")
            written = folder / "civo-snapshots"
            written.write_text(_SCRIPT.format(module=module, function=function))
            self.argv = [sys.executable, str(written)]

    @property
    def environment(self) -> Mapping[str, str]:
        """The test's own, with compiled modules kept: to compile costs more than a command."""
        kept = {key: value for key, value in os.environ.items() if key != _NO_CACHE}
        return {**kept, "PYTHONPYCACHEPREFIX": self._cache}

    def __call__(self, *words: str, stdin: str = "") -> Done:
        """Run it to its end; without a terminal, and with nothing on stdin unless it is given."""
        done = subprocess.run(
            [*self.argv, *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **how: Any) -> subprocess.Popen[str]:
        """Run it beside the test."""
        return subprocess.Popen(
            [*self.argv, *words],
            **{
                "env": self.environment,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                **how,
            },
        )


_HURRY = 20
"""How many of the command's seconds pass in one."""


@contextmanager
def hurry() -> Generator[None]:
    """Let the time of commands that run in this process pass faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SystemClock, "monotonic", lambda _: time.monotonic() * _HURRY)
        patch.setattr(SystemClock, "sleep", lambda _, span: asyncio.sleep(span / _HURRY))
        yield


class Here:
    """The same within the test's own process, which costs a hundredth; its time hurries."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *words: str, stdin: str = "") -> Done:
        self._monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        self._capsys.readouterr()
        with hurry():
            code = main(words)
        printed = self._capsys.readouterr()
        return Done(code, printed.out, printed.err)


class Host:
    """A thread that serves regions, so that a test may block on a command."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    @contextmanager
    def serving(self, region: FakeRegion) -> Generator[FakeRegion]:
        """Serve it until the end."""
        asyncio.run_coroutine_threadsafe(region.start(), self._loop).result(30)
        try:
            yield region
        finally:
            asyncio.run_coroutine_threadsafe(region.stop(), self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def small_region(**options: Any) -> FakeRegion:
    """web-1 and web-2, tagged prod, and db-1; what is made there is complete at once."""
    region = FakeRegion(
        **{
            "instances": 0,
            "token": TOKEN,
            "duration": (0, 0),
            "restore_duration": (0, 0),
            "messages": True,
            **options,
        }
    )
    for hostname, tags in (("web-1", ["prod"]), ("web-2", ["prod"]), ("db-1", [])):
        region.add_instance(hostname, tags=tags)
    return region


def has(region: FakeRegion, hostname: str, *names: str) -> list[str]:
    """Let an instance have snapshots of these names, and return their ids."""
    instance = region.state.instances[ids(region)[hostname]]
    at = region.clock.monotonic()
    return [region.state.create_snapshot(instance, name, "", at).id for name in names]


def ids(region: FakeRegion) -> dict[str, str]:
    """The ids of the instances by hostname."""
    return {found.hostname: key for key, found in region.state.instances.items()}


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does to a region."""
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def names(region: FakeRegion) -> list[str]:
    """The snapshots that are there, as INSTANCE/NAME."""
    return [
        f"{region.state.instances[one.instance_id].hostname}/{one.name}"
        for one in region.state.snapshots.values()
        if not one.deleted
    ]


def changes(region: FakeRegion) -> int:
    """How many requests were sent that change something."""
    return sum(number for route, number in region.counts.items() if not route.startswith("GET "))


def settings(region: FakeRegion) -> Mapping[str, str]:
    """The environment in which commands use this region."""
    return {
        "CIVO_TOKEN": region.token,
        "CIVO_REGION": region.region,
        "CIVO_API_URL": region.url,
    }


# Fixtures


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    folder = tmp_path_factory.getbasetemp().parent  # of all workers of a parallel run
    return Script(tmp_path_factory.mktemp("bin"), cache=folder / "pycache")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(capsys, monkeypatch)


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


@pytest.fixture
def region(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegion]:
    """web-1, web-2 and db-1, found by a command through its environment."""
    for name in ("NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    with host.serving(small_region()) as served:
        for name, value in settings(served).items():
            monkeypatch.setenv(name, value)
        yield served
