"""Deletes and roll-backs: which 404 means that there is nothing left to delete."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import support.env

from civo_snapshots import FleetRun, NotFoundError, Outcome, OutcomeKind, Snapshot
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

ONE = "/v2/instances/{id}/snapshots/{sid}"
DELETE, DELETE_WIDE = f"DELETE {ONE}", "DELETE /v2/resourcesnapshots/{id}"
LIST = "GET /v2/instances/{id}/snapshots"
NOT_YET = Fault.code("database_snapshot_not_found")


class Env(support.env.Env):
    """A region, a client of it, and their clock."""

    async def made(self) -> Snapshot:
        return await self.civo.snapshots.create(self.region.instance_ids[0])

    def is_deleted(self, made: Snapshot) -> bool:
        return self.region.state.snapshots[made.id].deleted


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"strangers": 3, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


# R201: a moment after our own create


@pytest.mark.parametrize("missing_ok", [True, False])
async def test_a_404_a_moment_after_our_create_is_asked_again(env: Env, missing_ok: bool) -> None:
    """R201."""
    made = await env.made()
    env.region.fault(DELETE, NOT_YET, times=3)
    told = await env.civo.snapshots.delete(made, missing_ok=missing_ok)
    assert not told.already_gone
    assert env.is_deleted(made)
    assert env.region.counts[DELETE] == 4


async def test_a_404_a_moment_after_our_create_is_asked_again_region_wide(env: Env) -> None:
    """R201."""
    made = await env.made()
    env.region.fault(DELETE_WIDE, NOT_YET, times=3)
    assert not (await env.civo.region_snapshots.delete(made.id, missing_ok=True)).already_gone
    assert env.is_deleted(made)


async def test_a_404_is_believed_when_the_window_has_passed(env: Env) -> None:
    """R201: eight seconds after the create, and at once for what was not made here."""
    made = await env.made()
    env.region.fault(DELETE, NOT_YET, times=None)
    began = env.clock.monotonic()
    assert (await env.civo.snapshots.delete(made, missing_ok=True)).already_gone
    assert env.clock.monotonic() - began == pytest.approx(8.0)
    spent = env.region.total
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made)
    theirs = env.region.state.add_stranger("theirs", made.instance_id)
    told = await env.civo.snapshots.delete(made.instance_id, theirs.id, missing_ok=True)
    assert told.already_gone
    assert env.region.total == spent + 2


async def test_a_404_that_cannot_be_asked_again_in_time_is_an_error(env: Env) -> None:
    """R201: rather than "missing is ok"."""
    made = await env.made()
    env.region.fault(DELETE, NOT_YET, times=None)
    with pytest.raises(NotFoundError, match="a moment ago"):
        await env.civo.snapshots.delete(made, missing_ok=True, timeout=3)


async def test_a_roll_back_a_moment_after_the_creates_deletes_all(env: Env) -> None:
    """R201: never "rolled back" with a snapshot that shows up a second later."""
    made = await env.made()
    outcome = Outcome(made.instance_id, made.name, OutcomeKind.COMPLETE, made)
    env.region.fault(DELETE, NOT_YET, times=2)
    await env.civo.snapshots.roll_back(FleetRun("nightly", (outcome,)))
    assert env.is_deleted(made)


async def test_a_listing_a_moment_after_our_create_proves_no_absence(env: Env) -> None:
    """R155, R201: it lags behind like any other read."""
    made = await env.made()
    await env.clock.sleep(2)
    env.region.fault(DELETE, Fault.gateway_html(404), times=None)
    env.region.fault(LIST, Fault.json([]), times=None)
    assert (await env.civo.snapshots.delete(made, missing_ok=True)).already_gone
    assert env.clock.monotonic() >= 8


# R204: the instance is gone


@pytest.mark.parametrize("env", [{}, {"region_ids": "inner"}], indirect=True)
@pytest.mark.parametrize("missing_ok", [True, False])
async def test_a_snapshot_is_deleted_after_its_instance_has_gone(
    env: Env, missing_ok: bool
) -> None:
    """R204: by the region-wide endpoint, under whatever id it has there."""
    made = await env.made()
    env.region.state.remove_instance(made.instance_id)
    await env.civo.snapshots.delete(made, missing_ok=missing_ok)
    assert env.is_deleted(made)
    assert env.region.counts[DELETE_WIDE] == 1


@pytest.mark.parametrize("env", [{"region_ids": "name"}, {"region_listing": False}], indirect=True)
async def test_a_404_about_the_instance_alone_is_no_deletion(env: Env) -> None:
    """R204: where the region cannot tell either, that is an error."""
    made = await env.made()
    env.region.state.remove_instance(made.instance_id)
    with pytest.raises(NotFoundError, match="whether its snapshot is gone") as caught:
        await env.civo.snapshots.delete(made, missing_ok=True)
    assert caught.value.code == "database_instance_find"
    assert not env.is_deleted(made)


async def test_what_is_gone_with_its_instance_is_gone(env: Env) -> None:
    """R204: the region says so; right after the create not even that is proof (R201)."""
    made = await env.made()
    await env.civo.snapshots.delete(made)
    env.region.state.remove_instance(made.instance_id)
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made, missing_ok=True)
    await env.clock.sleep(10)
    assert (await env.civo.snapshots.delete(made, missing_ok=True)).already_gone
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.delete(made)


async def test_a_namesake_of_another_instance_is_never_deleted(env: Env) -> None:
    """R204, R157: the region knows many snapshots of one name."""
    ids = env.region.instance_ids
    await env.civo.snapshots.create(ids[0], name="kept")
    other = await env.civo.snapshots.create(ids[1], name="kept")
    env.region.state.remove_instance(ids[0])
    for name in ("kept", "somebodys-2"):
        with pytest.raises(NotFoundError):
            await env.civo.snapshots.delete(ids[0], name, missing_ok=True)
    assert not env.is_deleted(other)
    assert not any(one.deleted for one in env.region.state.snapshots.values())


async def test_a_roll_back_reaches_what_has_outlived_its_instance(env: Env) -> None:
    """R204."""
    run = await env.civo.snapshots.create_many(env.region.instance_ids, name="nightly")
    env.region.state.remove_instance(env.region.instance_ids[0])
    await env.civo.snapshots.roll_back(run)
    for outcome in run:
        assert outcome.snapshot is not None
        assert env.is_deleted(outcome.snapshot)
