"""Closing a client: whatever is in flight or waits ends, and nothing is left half closed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from support.env import client_of
from support.scene import turn

from civo_snapshots import CivoClient, CivoError, ClientClosedError, FleetRun, Restore
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"
CREATE = "POST /v2/instances/{id}/snapshots"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nobody signals it
            await asyncio.sleep(0)


async def test_closing_ends_a_call_in_flight_over_a_lent_session() -> None:
    """R181: the session stays open, so its connections would have gone on with the call."""
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as lent,
        FakeRegion() as region,
    ):
        region.fault("*", Fault.stall(3_600))
        civo = CivoClient(region.token, region=region.region, api_url=region.url, http_session=lent)
        calls = [asyncio.create_task(civo.instances.get(one)) for one in region.instance_ids[:3]]
        await until(lambda: region.total == 3)
        await civo.close()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(end) for end in ends] == [ClientClosedError] * 3
        assert not lent.closed


@pytest.mark.parametrize(
    "fault", [Fault.gateway_html(503), Fault.rate_limited("30")], ids=["backoff", "429"]
)
async def test_closing_ends_calls_that_wait_for_a_pause(fault: Fault) -> None:
    """R181: also those that came during a pause, which nobody would ever have let in."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock) as region:
        region.fault("*", fault, times=None)
        civo = client_of(region, clock)
        first = asyncio.create_task(civo.instances.get(region.instance_ids[0]))
        await until(lambda: clock.sleepers)
        later = asyncio.create_task(civo.instances.get(region.instance_ids[1]))
        await turn(5)
        await civo.close()
        ends = await asyncio.gather(first, later, return_exceptions=True)
        assert [type(end) for end in ends] == [ClientClosedError] * 2
        assert clock.monotonic() == 0


async def test_closing_ends_a_create_that_is_searched_for() -> None:
    """R181: with what is known, and not a reconcile window later."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.drop_after_acting())
        civo = client_of(region, clock)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], name="n"))
        await until(lambda: clock.sleepers)
        await civo.close()
        [end] = await asyncio.gather(job, return_exceptions=True)
        assert getattr(end, "name", "") == "n"
        assert clock.monotonic() == 0


@pytest.mark.parametrize("name", ["a stray refusal", "a 404", "a restore", "a run"])
async def test_closing_ends_every_pause_between_requests(name: str) -> None:
    """R181: what comes next is refused at once."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock) as region:
        instance_id = region.instance_ids[0]
        civo = client_of(region, clock)
        made = await civo.snapshots.create(instance_id, name="n")
        job: Coroutine[Any, Any, object]
        if name == "a stray refusal":
            region.fault(CREATE, Fault.unauthorized())
            job = civo.snapshots.create_many([instance_id], name="nightly")
        elif name == "a 404":
            await civo.snapshots.delete(made)
            region.fault(DELETE, Fault.gateway_html(404), times=None)
            job = civo.snapshots.delete(made, missing_ok=True)
        elif name == "a restore":
            restore = Restore("r-1", hostname="copy", instance_id=instance_id, namesakes=())
            job = civo.snapshots.wait_until_restored(restore)
        else:
            job = civo.snapshots.create_many([instance_id], name="nightly", resume=True)
        task = asyncio.ensure_future(job)
        await until(lambda: clock.sleepers)
        await civo.close()
        async with asyncio.timeout(30):
            [end] = await asyncio.gather(task, return_exceptions=True)
        told = end.outcomes[0].error if isinstance(end, FleetRun) else end
        assert isinstance(told, CivoError)
        assert clock.monotonic() == 0


async def test_a_close_that_is_cancelled_closes_everything_all_the_same() -> None:
    """R181: it only waits no longer for a create whose caller is gone."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.stall(3_600))
        civo = client_of(region, clock)
        wait = asyncio.create_task(
            civo.snapshots.wait_until_complete(region.instance_ids[0], "no-such-snapshot")
        )
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], name="n"))
        await until(lambda: region.counts[CREATE])
        job.cancel()
        closing = asyncio.create_task(civo.close())
        await turn(5)
        assert not closing.done()
        closing.cancel()
        ends = await asyncio.gather(job, closing, wait, return_exceptions=True)
        assert [type(end) for end in ends] == [
            asyncio.CancelledError,
            asyncio.CancelledError,
            ClientClosedError,
        ]
        [left] = civo.unresolved.creates
        assert (left.name, left.snapshot is None, left.error is None) == ("n", True, False)
        with pytest.raises(ClientClosedError):
            await civo.instances.get(region.instance_ids[0])
        await until(lambda: not region.open_connections)


async def test_a_part_that_fails_to_close_leaves_no_connection_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R181."""
    async with FakeRegion() as region:
        civo = client_of(region)
        await civo.instances.get(region.instance_ids[0])

        async def fails() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(civo._state.creates, "close", fails)
        with pytest.raises(ZeroDivisionError):
            await civo.close()
        await until(lambda: not region.open_connections)
