"""The server: who is let in, what is counted, and that nothing is left behind."""

import asyncio
import gc
import json
import signal
import socket
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from fake_calls import Caller, serving, until

from civo_snapshots.testing import FakeClock, FakeRegion, Fault, __main__


@pytest.mark.parametrize(
    "authorization", ["bearer fake-token", "Bearer fake-token", "BEARER fake-token"]
)
async def test_the_right_token_is_let_in(authorization: str) -> None:
    async with serving() as (call, _):
        assert (await call("GET", "/v2/quota", authorization=authorization)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "fake-token",
        "basic fake-token",
        "bearer",
        "bearer  fake-token",
        "bearer é",
        "bearer Fake-Token",
    ],
)
async def test_no_other_token_is(authorization: str | None) -> None:
    async with serving() as (call, _):
        reply = await call("GET", "/v2/quota", authorization=authorization)
        assert (reply.status, reply.json) == (401, {"result": "requires_authentication"})


@pytest.mark.parametrize("region", [None, "", "NYC1"])
async def test_the_region_must_be_sent_and_known(region: str | None) -> None:
    async with serving() as (call, _):
        reply = await call("GET", "/v2/quota", region=region)
        assert (reply.status, reply.code) == (404, "database_region_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2/snapshots"),
        ("GET", "/v2/instances/"),
        ("GET", "/v2/instances//snapshots"),
        ("DELETE", "/v2/instances/x"),
        ("PATCH", "/v2/quota"),
        ("GET", "/_fake/stats"),
    ],
)
async def test_what_is_not_served_is_not_found(method: str, path: str) -> None:
    async with serving() as (call, _):
        reply = await call(method, path, authorization=None)
        assert (reply.status, reply.body) == (404, b"404 page not found\n")
        assert call.region.counts == {f"{method} (unknown)": 1}


async def test_a_path_is_taken_as_it_came() -> None:
    async with serving() as (call, _):
        reader, writer = await asyncio.open_connection(*call.region.url[7:].split(":"))
        path = b"/v2/instances/%2e%2e/snapshots/../x%2Fy?region=LON1"
        writer.write(b"DELETE " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"404" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert call.region.requests[0].path == "/v2/instances/%2e%2e/snapshots/../x%2Fy"
        assert call.region.counts == {"DELETE (unknown)": 1}


async def test_every_request_is_recorded_as_it_came() -> None:
    async with serving() as (call, clock):
        clock.advance(7)
        await call("POST", f"{call.snapshots}?odd=1", {"name": "a", "more": 2})
        await call("GET", f"{call.snapshots}/none")
        create, get = call.region.requests
        assert (create.method, create.path) == ("POST", call.snapshots)
        assert create.route == "POST /v2/instances/{id}/snapshots"
        assert create.query == {"odd": "1", "region": "LON1"}
        assert create.headers["authorization"] == "bearer fake-token"
        assert create.json() == {"name": "a", "more": 2}
        assert (create.status, get.status, get.at) == (400, 404, 7)
        assert call.region.counts == {
            "POST /v2/instances/{id}/snapshots": 1,
            "GET /v2/instances/{id}/snapshots/{sid}": 1,
        }
        assert call.region.statuses == {400: 1, 404: 1}
        assert call.region.total == 2


async def test_requests_need_not_be_kept() -> None:
    async with serving(keep_requests=False) as (call, _):
        await call.create()
        assert (call.region.requests, call.region.total) == ([], 1)


async def test_connections_are_counted() -> None:
    async with serving() as (call, _):
        assert (call.region.connections_opened, call.region.open_connections) == (0, 0)
        for _ in range(3):
            await call("GET", call.snapshots)
        assert (call.region.connections_opened, call.region.open_connections) == (1, 1)


async def test_answers_carry_the_servers_own_time_and_an_id() -> None:
    async with serving(clock_skew=3_600) as (call, clock):
        ids = set()
        for expected in (datetime(2026, 1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)):
            for _ in range(2):
                reply = await call("GET", "/v2/quota")
                assert parsedate_to_datetime(reply.headers["Date"]) == expected
                ids.add(reply.headers["X-Request-Id"])
            clock.advance(3_600)
        assert ids == {request.request_id for request in call.region.requests}
        assert len(ids) == 4
        assert (await call.create())["created_at"] == "2026-01-01T03:00:00Z"


@pytest.mark.usefixtures("nothing_left")
async def test_stopping_closes_idle_and_busy_connections_alike() -> None:
    clock = FakeClock()
    async with aiohttp.ClientSession() as session:
        async with FakeRegion(clock=clock) as region:
            call = Caller(session, region)
            await asyncio.gather(*(call("GET", call.snapshots) for _ in range(5)))
            region.fault("*", Fault.stall(60))
            stalled = asyncio.create_task(call("POST", call.snapshots))
            await until(lambda: region.total == 6)
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 1
        with pytest.raises(aiohttp.ClientError):
            await stalled
        assert region.open_connections == 0
        await region.stop()  # once more does nothing
        with pytest.raises(aiohttp.ClientConnectorError):
            await call("GET", call.snapshots)
        assert region.total == 6
    gc.collect()  # a socket or a task left open would warn here


@pytest.mark.usefixtures("nothing_left")
async def test_a_client_that_does_not_read_cannot_hold_up_the_end() -> None:
    async with FakeRegion() as region:
        region.fault("*", Fault.json("x" * (16 << 20)))
        with socket.create_connection(("127.0.0.1", int(region.url.rpartition(":")[2]))) as deaf:
            deaf.sendall(b"GET /v2/quota HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: bool(region.statuses))
            await asyncio.sleep(0.01)
            async with asyncio.timeout(2):
                await region.stop()
            assert region.open_connections == 0
    gc.collect()


async def test_counters_and_tables_can_be_had_from_outside() -> None:
    async with serving(expose_stats=True, instances=1, duration=(5, 5)) as (call, clock):
        snapshot = await call.create("a")
        clock.advance(5)
        await call("POST", f"{call.snapshots}/a/restore", {"hostname": "copy"})
        stats = (await call("GET", "/_fake/stats", region=None, authorization=None)).json
        restore = next(iter(call.region.state.restores.values()))
        assert stats["total"] == 2
        assert stats["counts"] == dict(call.region.counts)
        assert stats["statuses"] == {"201": 2}
        assert stats["connections_opened"] == 1
        assert stats["regions"] == {
            "LON1": {
                "instances": [
                    {
                        "id": call.region.instance_ids[0],
                        "hostname": "instance-1",
                        "status": "ACTIVE",
                    },
                    {"id": restore.instance_id, "hostname": "copy", "status": "BUILDING"},
                ],
                "snapshots": [
                    {
                        "id": snapshot["id"],
                        "instance_id": call.region.instance_ids[0],
                        "name": "a",
                        "created_at": snapshot["created_at"],
                        "state": "Complete",
                        "deleted": False,
                    }
                ],
                "restores": [
                    {
                        "id": restore.id,
                        "instance_id": restore.instance_id,
                        "snapshot_id": snapshot["id"],
                    }
                ],
                "schedules": [],
            }
        }


async def test_the_fixture_is_a_running_region(civo_region: FakeRegion) -> None:
    async with aiohttp.ClientSession() as session:
        call = Caller(session, civo_region)
        await call.create()
        async with asyncio.timeout(60):
            while (await call("GET", call.snapshots)).json[0]["status"]["state"] != "Complete":  # noqa: ASYNC110 - no signal
                await asyncio.sleep(0)


@pytest.mark.civo_region(instances=7, region="NYC1")
async def test_a_mark_gives_the_fixture_its_options(civo_region: FakeRegion) -> None:
    assert (len(civo_region.instance_ids), civo_region.region) == (7, "NYC1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_serves_until_it_is_interrupted(number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "civo_snapshots.testing"),
        *("--instances", "2", "--region", "NYC1", "--token", "t", "--duration", "1", "2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    about = json.loads(await process.stdout.readline())
    assert (about["token"], about["region"], len(about["instances"])) == ("t", "NYC1", 2)
    async with aiohttp.ClientSession() as session:
        url = f"{about['url']}/v2/instances?region=NYC1"
        async with session.get(url, headers={"Authorization": "bearer t"}) as response:
            items = (await response.json())["items"]
        assert [item["id"] for item in items] == about["instances"]
        async with session.get(f"{about['url']}/_fake/stats") as response:
            assert (await response.json())["total"] == 1
    process.send_signal(number)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


def test_the_command_ends_well(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio.Event, "wait", interrupted)
    assert __main__.main(["--instances", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["url"].startswith("http://127.0.0.1:")
