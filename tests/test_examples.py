"""The examples that serve until they are stopped: nightly_aiohttp, nightly_fastapi and
sigterm_and_resume; those that end by themselves are run with the pages."""

import asyncio
import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime, tzinfo
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from civo_snapshots import FleetRun
from civo_snapshots.testing import FakeRegion

EXAMPLES = Path(__file__).parents[1] / "examples"
HASTY = """
import runpy, sys
from functools import partial
from civo_snapshots import _client

_client.Timeouts = partial(_client.Timeouts, reconcile_window=0.5)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program, which waits for what lags behind half a second instead of eight."""

CREATE = "POST /v2/instances/{id}/snapshots"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def region(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeRegion]:
    """Two instances are tagged, two are not."""
    async with FakeRegion(instances=2, region="LON1", duration=(0.1, 0.2)) as region:
        for hostname in ("db1", "web1"):
            region.add_instance(hostname=hostname, tags=("prod",))
        monkeypatch.setenv("CIVO_TOKEN", region.token)
        monkeypatch.setenv("CIVO_API_URL", region.url)
        monkeypatch.setenv("CIVO_REGION", "LON1")
        yield region


async def finished(ask: Any) -> FleetRun:
    """Ask a service for its run until nothing of that is pending."""
    while True:
        run = FleetRun.from_dict(await ask())
        if not run.unfinished:
            return run
        await asyncio.sleep(0.02)


async def test_the_aiohttp_service_starts_a_run_and_tells_how_far_it_is(
    region: FakeRegion, nothing_left: None
) -> None:
    async with TestClient(TestServer(example("nightly_aiohttp").app)) as client:
        answer = await client.post("/runs/Upgrade of 23 November")
        assert answer.status == 202
        assert FleetRun.from_dict(await answer.json()).counts["pending"] == 2

        async def ask() -> Any:
            return await (await client.get("/runs/Upgrade of 23 November?expected=2")).json()

        run = await finished(ask)
        assert run.counts["complete"] == len(run) == 2
        assert {out.instance_id for out in run} == set(region.instance_ids[2:])


async def test_the_aiohttp_service_snapshots_every_night(
    region: FakeRegion, nothing_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Almost(datetime):
        """A clock that has stopped a moment before two o'clock."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Almost":
            return cls(2026, 11, 23, 1, 59, 59, 990_000, tz)

    module = example("nightly_aiohttp")
    monkeypatch.setattr(module, "datetime", Almost)
    region.outage(0.05)  # the first night fails
    async with TestClient(TestServer(module.app)) as client:

        async def ask() -> Any:
            return await (await client.get("/runs/nightly-20261123?expected=2")).json()

        while region.counts[CREATE] < 2:  # noqa: ASYNC110 - the region does not signal
            await asyncio.sleep(0.01)
        assert (await finished(ask)).counts["complete"] == 2


async def test_the_fastapi_service_starts_a_run_and_tells_how_far_it_is(
    region: FakeRegion, nothing_left: None
) -> None:
    app = example("nightly_fastapi").app
    async with app.router.lifespan_context(app):
        status, told = await asgi(app, "POST", "/runs/nightly")
        assert status == 202
        assert FleetRun.from_dict(told).counts["pending"] == 2

        async def ask() -> Any:
            return (await asgi(app, "GET", "/runs/nightly", b"expected=2"))[1]

        run = await finished(ask)
        assert run.counts["complete"] == 2
        fewer = FleetRun.from_dict((await asgi(app, "GET", "/runs/nightly", b"expected=3"))[1])
        assert fewer.counts["not_attempted"] == 1
        assert (await asgi(app, "GET", "/runs/nightly"))[0] == 422  # it must say how many


async def asgi(app: Any, method: str, path: str, query: bytes = b"") -> tuple[int, Any]:
    """One request to an ASGI application, without a server; its status and JSON."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


async def test_a_run_that_sigterm_ended_goes_on_with_the_next_start(
    region: FakeRegion, tmp_path: Path
) -> None:
    """L115, R161: nothing is made twice, and the file tells what was there in between."""
    for number in range(20):
        region.add_instance(hostname=f"more{number}")
    instances = len(region.instance_ids)

    async def begin() -> asyncio.subprocess.Process:
        program = str(EXAMPLES / "sigterm_and_resume.py")
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HASTY, program, "nightly"),
            stdout=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env=os.environ.copy(),
        )

    first = await begin()
    while region.statuses[201] < 3:  # noqa: ASYNC110 - the region does not signal
        await asyncio.sleep(0)
    first.send_signal(signal.SIGTERM)
    out, _ = await first.communicate()
    assert first.returncode == 143
    assert b"Run nightly: " in out
    so_far = FleetRun.from_json((tmp_path / "nightly.json").read_text())
    assert so_far.partial
    known = {outcome.snapshot.id for outcome in so_far if outcome.snapshot}
    assert known <= set(region.state.snapshots)
    assert len(known) + so_far.counts["unknown"] >= 3

    second = await begin()
    out, _ = await second.communicate()
    assert second.returncode == 0
    assert f"complete          {instances:>2}".encode() in out
    assert len(region.state.snapshots) == region.counts[CREATE] == instances
    again = FleetRun.from_json((tmp_path / "nightly.json").read_text())
    assert known <= {outcome.snapshot.id for outcome in again if outcome.snapshot}
