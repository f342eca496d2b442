"""What a 404 and a 403 prove, and names where ids are due."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import support.env
from support.regions import MakeRegion

from civo_snapshots import (
    ConflictError,
    NotFoundError,
    OutcomeUnknownError,
    Snapshot,
    WaitTimeoutError,
)
from civo_snapshots.testing import FakeClock, Fault

ONE = "/v2/instances/{id}/snapshots/{sid}"
GET, DELETE, PUT = f"GET {ONE}", f"DELETE {ONE}", f"PUT {ONE}"
CREATE = "POST /v2/instances/{id}/snapshots"
SCHEDULE = "/v2/resourcesnapshotschedules/{id}"


class Env(support.env.Env):
    """A region, a client of it, and a snapshot that is complete."""

    async def snapshot(self, name: str = "kept") -> Snapshot:
        made = await self.civo.snapshots.create(self.region.instance_ids[0], name=name)
        return await self.civo.snapshots.wait_until_complete(made)


@pytest.fixture
async def env(make_region: MakeRegion) -> AsyncIterator[Env]:
    clock = FakeClock()
    async with Env.on(make_region(clock=clock), clock) as env:
        yield env


# R155: a 404 of a gateway proves nothing

GATEWAY = pytest.mark.parametrize(
    "fault",
    [
        Fault.gateway_html(404),
        Fault.status(404, b"not found"),
        Fault.status(404, b'{"code": "database_region_not_found", "reason": "?"}'),
    ],
    ids=["html", "text", "region"],
)


@GATEWAY
async def test_a_gateways_404_is_no_deletion(env: Env, fault: Fault) -> None:
    made = await env.snapshot()
    env.region.fault(DELETE, fault, times=None)
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made, missing_ok=True)
    assert made.id in env.region.state.snapshots


@GATEWAY
async def test_a_gateways_404_is_believed_if_the_listing_lacks_it_as_well(
    env: Env, fault: Fault
) -> None:
    made = await env.snapshot()
    await env.civo.snapshots.delete(made)
    env.region.fault(DELETE, fault, times=None)
    began = env.clock.monotonic()
    assert (await env.civo.snapshots.delete(made, missing_ok=True)).already_gone
    assert round(env.clock.monotonic() - began, 6) >= 5  # times are sums of floats
    assert env.region.counts["GET /v2/instances/{id}/snapshots"] == 2


@GATEWAY
@pytest.mark.drawn
async def test_gateways_404s_end_no_wait(env: Env, fault: Fault) -> None:
    made = await env.civo.snapshots.create(env.region.instance_ids[0])
    # R190: that there is no such region is believed when two more reads say so.
    env.region.fault(
        GET, fault, times=2 if fault.name not in ("gateway_html", "no_such_page") else 5
    )
    assert (await env.civo.snapshots.wait_until_complete(made)).id == made.id


@pytest.mark.drawn
async def test_a_gateways_404s_are_no_deletion_to_wait_for(env: Env) -> None:
    made = await env.snapshot()
    env.region.fault(GET, Fault.gateway_html(404), times=None)
    with pytest.raises(WaitTimeoutError):
        await env.civo.snapshots.wait_until_deleted(made, timeout=30)


async def test_a_deletion_that_only_the_listing_shows_is_believed_after_five_seconds(
    env: Env,
) -> None:
    made = await env.snapshot()
    await env.civo.snapshots.delete(made)
    env.region.fault(GET, Fault.gateway_html(404), times=None)
    began = env.clock.monotonic()
    await env.civo.snapshots.wait_until_deleted(made, timeout=60)
    assert 5 <= env.clock.monotonic() - began <= 10


@GATEWAY
async def test_a_schedule_is_not_deleted_by_a_gateway(env: Env, fault: Fault) -> None:
    made = await env.civo.schedules.create(
        "weekly",
        cron_expression="0 2 * * 0",
        max_snapshots=1,
        instances=env.region.instance_ids[:1],
    )
    env.region.fault(f"DELETE {SCHEDULE}", fault, times=None)
    with pytest.raises(NotFoundError):
        await env.civo.schedules.delete(made, missing_ok=True)


LIST = "GET /v2/instances/{id}/snapshots"


@pytest.mark.drawn
async def test_a_404_that_cannot_be_confirmed_is_no_deletion(env: Env) -> None:
    made = await env.snapshot()
    await env.civo.snapshots.delete(made)
    env.region.fault(DELETE, Fault.gateway_html(404), times=None)
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made, missing_ok=True, timeout=3)
    env.region.fault(LIST, Fault.gateway_html(404), times=None)
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made, missing_ok=True)


async def test_a_wait_goes_on_while_neither_the_snapshot_nor_its_listing_can_be_read(
    env: Env,
) -> None:
    made = await env.civo.snapshots.create(env.region.instance_ids[0])
    env.region.fault(GET, Fault.gateway_html(404), times=4)
    env.region.fault(LIST, Fault.gateway_html(), times=3)
    assert (await env.civo.snapshots.wait_until_complete(made)).id == made.id


# R154: a 403 about one object


@pytest.mark.drawn
async def test_a_403_about_one_instance_is_its_own_outcome(env: Env) -> None:
    ids = env.region.instance_ids
    env.region.refuse_create(ids[0], "authentication_access_denied", status=403)
    run = await env.civo.snapshots.create_many(ids, name="nightly", concurrency=1)
    assert [out.kind.value for out in run] == ["refused", "complete", "complete"]


# R157: a name where an id is due


@pytest.mark.drawn(names_as_ids=True, region_listing=True, listing_gaps=0.0)
async def test_a_name_does_where_an_id_is_due(env: Env) -> None:
    made = await env.snapshot()
    hostname = (await env.civo.instances.get(made.instance_id)).hostname
    assert (await env.civo.instances.get(hostname)).id == made.instance_id
    assert (await env.civo.snapshots.get(made.instance_id, "kept")).id == made.id
    assert (await env.civo.snapshots.get(hostname, "kept")).id == made.id
    changed = await env.civo.snapshots.update(made.instance_id, "kept", description="x")
    assert (changed.id, changed.description) == (made.id, "x")
    assert env.region.counts[PUT] == 1
    assert (await env.civo.region_snapshots.get("kept")).name == "kept"


@pytest.mark.drawn(names_as_ids=True, visible_after=0.0, read_lag=0.0)
async def test_a_wait_by_name_goes_on_with_the_id(env: Env) -> None:
    made = await env.civo.snapshots.create(env.region.instance_ids[0], name="kept")
    done = await env.civo.snapshots.wait_until_complete(made.instance_id, "kept")
    assert done.id == made.id
    paths = [sent.path for sent in env.region.requests if sent.route == GET]
    assert [path.rsplit("/", 1)[-1] for path in paths[:2]] == ["kept", made.id]


@pytest.mark.drawn(names_as_ids=True)
async def test_two_waits_by_one_name_go_on_with_the_id(env: Env) -> None:
    made = await env.civo.snapshots.create(env.region.instance_ids[0], name="kept")
    waits = [env.civo.snapshots.wait_until_complete(made.instance_id, "kept") for _ in range(2)]
    assert [done.id for done in await asyncio.gather(*waits)] == [made.id] * 2


async def test_a_region_wide_restore_of_what_cannot_be_read_back_is_unknown(env: Env) -> None:
    await env.snapshot()
    env.region.fault("GET /v2/resourcesnapshots/{id}", Fault.gateway_html(), times=None)
    with pytest.raises(OutcomeUnknownError):
        await env.civo.region_snapshots.restore("kept", hostname="copy")


@pytest.mark.drawn(names_as_ids=True, read_lag=0.0)
async def test_an_update_to_another_name_is_known_by_its_id(env: Env) -> None:
    made = await env.snapshot()
    renamed = await env.civo.snapshots.update(made.instance_id, "kept", name="renamed")
    assert (renamed.id, renamed.name) == (made.id, "renamed")


@pytest.mark.drawn(names_as_ids=True, read_lag=0.0)
async def test_deletes_work_by_name_and_their_waits_by_id(env: Env) -> None:
    made = await env.snapshot()
    await env.civo.snapshots.delete(made.instance_id, "kept")
    await env.civo.snapshots.wait_until_deleted(made.instance_id, made.id)
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.get(made)


@pytest.mark.drawn(names_as_ids=True, region_listing=True, listing_gaps=0.0)
async def test_restores_work_by_name(env: Env) -> None:
    made = await env.snapshot()
    restore = await env.civo.snapshots.restore(made.instance_id, "kept", hostname="copy")
    assert restore.from_snapshot == made.id
    again = await env.civo.region_snapshots.restore("kept", hostname="other")
    assert again.hostname == "other"
    assert env.region.counts[f"POST {ONE}/restore"] == 1


async def test_the_code_decides_whatever_the_status(env: Env) -> None:
    """R156: also in an answer with status 200."""
    code = "database_snapshot_cannot_delete_in_use"
    made = await env.snapshot()
    env.region.fault(DELETE, Fault.code(code, status=200), times=None)
    with pytest.raises(ConflictError) as caught:
        await env.civo.snapshots.delete(made)
    assert caught.value.code == code
