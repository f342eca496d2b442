"""A region served beside the test, and the script that uses it."""

from collections.abc import Iterator

import pytest
from support.command import Here, Host, Script, settings, small_region

from civo_snapshots.testing import FakeRegion


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    return Script(tmp_path_factory.mktemp("bin"))


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
    with host.serving(small_region()) as served:
        for name, value in settings(served).items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture(autouse=True)
def _no_options_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
