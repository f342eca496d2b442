"""Each fault does to a request what its name says, and nothing else."""

import asyncio
import errno
import json
from typing import Any

import aiohttp
import pytest
from fake_calls import Caller, serving, until

from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
LIST = "GET /v2/instances/{id}/snapshots"


async def test_a_drop_before_acting_creates_nothing() -> None:
    async with serving() as (call, _):
        scheduled = call.region.fault(CREATE, Fault.drop_before_acting())
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call("POST", call.snapshots)
        assert not call.region.state.snapshots
        assert (scheduled.fired, call.region.requests[0].status) == (1, None)
        assert not call.region.statuses
        await call.create()


async def test_a_drop_after_acting_creates() -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, Fault.drop_after_acting())
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call("POST", call.snapshots)
        assert len(call.region.state.snapshots) == 1


@pytest.mark.parametrize(
    ("fault", "acted"),
    [(Fault.drop_before_acting(reset=True), 0), (Fault.drop_after_acting(reset=True), 1)],
)
async def test_a_reset_is_seen_as_one(fault: Fault, acted: int) -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, fault)
        with pytest.raises(aiohttp.ClientOSError) as caught:
            await call("POST", call.snapshots)
        assert caught.value.errno == errno.ECONNRESET
        assert len(call.region.state.snapshots) == acted


@pytest.mark.parametrize("reset", [False, True])
async def test_a_late_commit_acts_at_its_own_time(reset: bool) -> None:
    async with serving(duration=(5, 5)) as (call, clock):
        call.region.fault(CREATE, Fault.late_commit(10, reset=reset))
        with pytest.raises(aiohttp.ClientOSError if reset else aiohttp.ServerDisconnectedError):
            await call("POST", call.snapshots, {"name": "late"})
        clock.advance(9)
        assert (await call("GET", call.snapshots)).json == []
        assert not call.region.state.snapshots
        clock.advance(8)
        (snapshot,) = (await call("GET", call.snapshots)).json
        assert snapshot["created_at"] == "2026-01-01T00:00:10Z"
        assert snapshot["status"]["state"] == "Complete"


async def test_a_stall_acts_and_answers_late() -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, Fault.stall(0.02))
        task = asyncio.create_task(call("POST", call.snapshots))
        await until(lambda: bool(call.region.state.snapshots))
        assert not task.done()
        assert (await task).status == 201


async def test_a_stall_without_acting_ends_in_a_drop() -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, Fault.stall(0.001, acts=False))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call("POST", call.snapshots)
        assert not call.region.state.snapshots


async def test_a_client_that_leaves_during_a_stall_does_no_harm() -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, Fault.stall(60, acts=False))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call("POST", call.snapshots), 0.1)
        await call.create()


async def test_a_cut_body_promises_more_than_it_sends() -> None:
    async with serving(empty_delete=True) as (call, _):
        call.region.fault(CREATE, Fault.cut_body())
        with pytest.raises(aiohttp.ClientPayloadError):
            await call("POST", call.snapshots)
        (key,) = call.region.state.snapshots
        call.region.fault("*", Fault.cut_body())
        with pytest.raises(aiohttp.ClientPayloadError):
            await call("DELETE", f"{call.snapshots}/{key}")


async def test_malformed_json_is_whole_as_far_as_http_can_tell() -> None:
    async with serving() as (call, _):
        call.region.fault("*", Fault.malformed_json(), times=2)
        for method, status in (("POST", 201), ("GET", 200)):
            reply = await call(method, call.snapshots)
            assert reply.status == status
            with pytest.raises(json.JSONDecodeError):
                _ = reply.json
        assert len(call.region.state.snapshots) == 1


@pytest.mark.parametrize(
    ("fault", "status", "body", "acted"),
    [
        (Fault.json({"id": None}), 200, b'{"id":null}', 0),
        (Fault.json([], status=201, acts=True), 201, b"[]", 1),
        (Fault.status(500), 500, b"", 0),
        (Fault.status(500, {"status": 500}), 500, b'{"status":500}', 0),
        (Fault.status(503, b"raw", acts=True), 503, b"raw", 1),
        (Fault.unauthorized(), 401, b'{"result":"requires_authentication"}', 0),
    ],
)
async def test_an_answer_can_be_replaced(
    fault: Fault, status: int, body: bytes, acted: int
) -> None:
    async with serving() as (call, _):
        call.region.fault(CREATE, fault)
        reply = await call("POST", call.snapshots)
        assert (reply.status, reply.body) == (status, body)
        assert len(call.region.state.snapshots) == acted


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.gateway_html(), 502), (Fault.gateway_html(504), 504), (Fault.outage(), 503)],
)
async def test_a_gateway_answers_html(fault: Fault, status: int) -> None:
    async with serving() as (call, _):
        call.region.fault("*", fault)
        reply = await call("GET", call.snapshots)
        assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html")
        assert b"<html>" in reply.body


@pytest.mark.parametrize("retry_after", ["1", "nan", None])
async def test_a_rate_limit_may_say_how_long(retry_after: str | None) -> None:
    async with serving() as (call, _):
        call.region.fault("*", Fault.rate_limited(retry_after))
        reply = await call("GET", call.snapshots)
        assert (reply.status, reply.headers.get("Retry-After")) == (429, retry_after)


async def test_headers_can_be_set_even_the_servers_own() -> None:
    async with serving() as (call, _):
        call.region.fault("*", Fault.status(400, {}, {"X-Odd": "1", "Date": "never"}))
        reply = await call("GET", call.snapshots)
        assert (reply.headers["X-Odd"], reply.headers["Date"]) == ("1", "never")


async def statuses(call: Caller, count: int) -> list[int]:
    return [(await call("GET", call.snapshots)).status for _ in range(count)]


async def test_faults_of_a_route_fire_in_the_order_they_were_scheduled() -> None:
    async with serving() as (call, _):
        call.region.fault(LIST, Fault.status(500), times=2)
        call.region.fault("*", Fault.status(501))
        call.region.fault(CREATE, Fault.status(502))
        assert await statuses(call, 4) == [500, 500, 501, 200]


async def test_a_fault_can_spare_the_first_requests_and_last_for_ever() -> None:
    async with serving() as (call, _):
        call.region.fault(LIST, Fault.status(500), times=None, after=2)
        assert await statuses(call, 5) == [200, 200, 500, 500, 500]
        call.region.clear_faults()
        assert await statuses(call, 1) == [200]


async def test_a_probable_fault_repeats_with_its_seed() -> None:
    async def story(seed: int) -> list[int]:
        async with serving(seed=seed) as (call, _):
            call.region.fault("*", Fault.status(500), times=None, probability=0.3)
            return await statuses(call, 40)

    first = await story(1)
    assert first == await story(1)
    assert first != await story(2)
    assert 3 < first.count(500) < 25


async def test_an_outage_is_a_window_on_the_clock() -> None:
    async with serving() as (call, clock):
        call.region.outage(10, after=5)
        seen = []
        for _ in range(4):
            seen += await statuses(call, 1)
            clock.advance(5)
        assert seen == [200, 503, 503, 200]


async def test_a_route_that_is_not_served_cannot_fail() -> None:
    with pytest.raises(ValueError, match="no route 'GET /v2/snapshots'"):
        FakeRegion().fault("GET /v2/snapshots", Fault.outage())


async def test_latency_delays_every_answer_but_not_a_fake_clock() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock, latency=0.005) as region, aiohttp.ClientSession() as web:
        call = Caller(web, region)

        async def timed() -> Any:
            task = asyncio.create_task(clock.sleep(3_600))
            await asyncio.sleep(0)
            with clock.hold():
                assert (await call("GET", call.snapshots)).status == 200
                assert clock.monotonic() == 0
            await task

        started = asyncio.get_running_loop().time()
        await timed()
        assert asyncio.get_running_loop().time() - started >= 0.005
