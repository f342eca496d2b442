"""Fixtures of all tests: no settings of the machine are used, and nothing is left behind."""

import asyncio
import gc
import inspect
import os
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

# A search for new counterexamples belongs on a desk; a check of a change has to be repeatable.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")

pytest_plugins = ["civo_snapshots.testing.plugin", "support.command", "support.regions"]


def pytest_collection_finish() -> None:
    """What collecting has loaded stays: no search for what a test left need go through it."""
    gc.collect()
    gc.freeze()


_SETTINGS = ("CIVO_TOKEN", "CIVO_REGION", "CIVO_API_URL", "CIVO_CONFIG", "CIVO_CREDENTIAL_FILE")


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _own_surroundings(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, _empty_home: str
) -> Iterator[None]:
    """No test sees a real token, and what a coroutine leaves unclosed warns within its test."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", _empty_home)
    yield
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        gc.collect()


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """The test ends with no task of its own still running, and with no unhandled error."""
    before = asyncio.all_tasks()
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: said.append(told["message"]))
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left
    gc.collect()
    assert not [one for one in said if "never retrieved" in one]
