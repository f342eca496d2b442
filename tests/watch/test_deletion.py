"""Waiting for a snapshot to be gone: what is believed, and what is told meanwhile."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import pytest
import support.env

from civo_snapshots import (
    CivoClient,
    CivoError,
    ClientClosedError,
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PollFailedError,
    Snapshot,
    SnapshotStatus,
    Timeouts,
    VolumeStatus,
    WaitTimeoutError,
)
from civo_snapshots._watch import DeletionWait, PollPolicy
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

ONE = "/v2/instances/{id}/snapshots/{sid}"
LIST = "GET /v2/instances/{id}/snapshots"
REGION_WIDE = "/v2/resourcesnapshots"
GONE = NotFoundError("404", status=404, code="database_snapshot_not_found")
NO_INSTANCE = NotFoundError("404", status=404, code="database_instance_find")
START = 1_000.0


# What a poll shows


def waiting(believed_from: float = -inf) -> DeletionWait:
    progress = DeletionWait("i-1", "s-1", PollPolicy(), DEFAULT_STATES, START)
    progress.believed_from = believed_from
    return progress


def snapshot(state: str, *volumes: str) -> Snapshot:
    listed = tuple(VolumeStatus(f"v-{n}", text) for n, text in enumerate(volumes, 1))
    return Snapshot("s-1", "n", status=SnapshotStatus(state, listed), instance_id="i-1")


@pytest.mark.parametrize("state", ["Complete", "Failed", "Pending", "deleting"])
def test_a_deletion_is_over_when_the_snapshot_is_missing(state: str) -> None:
    progress = waiting()
    changed = list(progress.observe(seen := snapshot(state), START))
    assert [change.after for change in changed] == [state]
    progress.on_not_found(GONE, START + 1)
    assert progress.outcome is seen
    assert progress.polls == 2


def test_no_state_ends_the_wait_for_a_deletion() -> None:
    progress = waiting()
    for state in ("Complete", "Failed", "Pending", "deleting"):
        progress.observe(snapshot(state, "Failed"), START)
    assert progress.outcome is None


def test_a_deletion_that_saw_nothing_ends_with_the_ids() -> None:
    progress = waiting()
    progress.on_not_found(GONE, START)
    assert progress.outcome == Snapshot("s-1", instance_id="i-1")


def test_a_deletion_ends_once() -> None:
    progress = waiting()
    progress.expire(START)
    outcome = progress.outcome
    progress.on_not_found(GONE, START)
    assert progress.outcome is outcome


def test_a_404_within_the_window_of_a_create_ends_nothing() -> None:
    """R201."""
    progress = waiting(START + 8)
    for now in (0.0, 4.0, 7.9):
        progress.on_not_found(GONE, START + now)
    assert progress.outcome is None
    progress.on_not_found(GONE, START + 8)
    assert progress.outcome == Snapshot("s-1", instance_id="i-1")


def test_a_404_about_the_instance_is_no_deletion() -> None:
    """R204."""
    progress = waiting()
    progress.on_not_found(NO_INSTANCE, START)
    assert progress.outcome is NO_INSTANCE


# Over the wire


class Env(support.env.Env):
    """A region, a client of it, and their clock."""

    async def made(self, name: str | None = None) -> Snapshot:
        return await self.civo.snapshots.create(self.region.instance_ids[0], name=name)

    async def gone(self, made: Snapshot, **options: Any) -> None:
        await self.civo.snapshots.wait_until_deleted(made, **options)


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"instances": 3, "strangers": 3, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


@pytest.mark.parametrize("env", [{"delete_takes": 20.0, "shows_deleting": True}], indirect=True)
async def test_each_change_is_told_until_it_is_gone(env: Env) -> None:
    """R201: a slow deletion says "deleting", which is not the end of it."""
    made = await env.made()
    await env.civo.snapshots.delete(made)
    told: list[str] = []
    began = env.clock.monotonic()
    await env.gone(made, on_change=lambda change: told.append(change.after))
    assert "deleting" in told
    assert 20 <= env.clock.monotonic() - began <= 25


async def test_an_error_of_the_callback_is_its_callers(env: Env) -> None:
    made = await env.made()

    async def tell(change: object) -> None:
        raise NO_INSTANCE

    with pytest.raises(NotFoundError) as caught:
        await env.gone(made, on_change=tell)
    assert caught.value is NO_INSTANCE
    assert env.region.counts[f"GET {REGION_WIDE}/{{id}}"] == 0


@pytest.mark.parametrize("env", [{"visible_after": 5.0}], indirect=True)
async def test_a_create_that_reads_do_not_show_yet_is_not_deleted(env: Env) -> None:
    """R201."""
    made = await env.made()
    with pytest.raises(WaitTimeoutError):
        await env.gone(Snapshot(made.id, instance_id=made.instance_id), timeout=60)
    assert env.region.statuses[404] > 0


@pytest.mark.parametrize("env", [{"visible_after": 5.0}], indirect=True)
@pytest.mark.parametrize("has_date", [True, False])
async def test_what_another_client_has_just_made_is_not_deleted(env: Env, has_date: bool) -> None:
    """R201: whoever made it, reads lag behind."""
    made = await env.made()
    passed = made if has_date else Snapshot(made.id, instance_id=made.instance_id)
    async with support.env.client_of(env.region, env.clock) as other:
        with pytest.raises(WaitTimeoutError):
            await other.snapshots.wait_until_deleted(passed, timeout=60)
    assert env.region.statuses[404] > 0


@pytest.mark.parametrize(("age", "takes"), [(3_600.0, 0), (60.0, 8)])
async def test_how_long_a_404_is_doubted_depends_on_what_is_known_of_the_age(
    env: Env, age: float, takes: int
) -> None:
    """R201, R172: two clocks may differ by minutes, but not by an hour."""
    record = env.region.state.add_stranger("old", age=age)
    key = record.instance_id, record.id
    passed = await env.civo.snapshots.get(*key)
    async with support.env.client_of(env.region, env.clock) as other:
        await other.snapshots.delete(*key)
        began = env.clock.monotonic()
        await other.snapshots.wait_until_deleted(passed)
        assert takes <= env.clock.monotonic() - began <= takes * 2
        # A create of its own shows what the backend's clock is.
        await other.snapshots.create(env.region.instance_ids[0])
        began = env.clock.monotonic()
        await other.snapshots.wait_until_deleted(passed)
        assert env.clock.monotonic() - began < 1


@pytest.mark.parametrize("env", [{}, {"region_ids": "inner"}], indirect=True)
async def test_a_snapshot_that_outlives_its_instance_is_not_gone(env: Env) -> None:
    """R204: the region-wide endpoint is asked, under whatever id it has there."""
    made = await env.made()
    await env.clock.sleep(30)
    env.region.state.remove_instance(made.instance_id)
    with pytest.raises(WaitTimeoutError) as caught:
        await env.gone(made, timeout=60)
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.id == made.id
    (item,) = [
        one for one in await env.civo.region_snapshots.list().collect() if one.name == made.name
    ]
    await env.civo.region_snapshots.delete(item)
    if env.region.switches.region_ids == "outer":
        await env.gone(made)


@pytest.mark.parametrize("env", [{"region_ids": "name"}, {"region_listing": False}], indirect=True)
@pytest.mark.parametrize("deleted", [True, False])
async def test_where_nothing_tells_whether_it_outlives_its_instance_that_is_said(
    env: Env, deleted: bool
) -> None:
    """R204: neither "deleted" nor half an hour of waiting."""
    made = await env.made()
    await env.clock.sleep(30)
    if deleted:
        await env.civo.snapshots.delete(made)
    env.region.state.remove_instance(made.instance_id)
    with pytest.raises(NotFoundError) as caught:
        await env.gone(made)
    assert caught.value.code == "database_instance_find"
    assert "whether its snapshot is gone as well cannot be told" in str(caught.value)


async def test_a_region_with_nothing_left_has_not_this_either(env: Env) -> None:
    """R204: instance and snapshot are gone, and there is nothing to compare ids with."""
    made = await env.made()
    await env.clock.sleep(30)
    env.region.state.remove_instance(made.instance_id)
    for item in await env.civo.region_snapshots.list().collect():
        await env.civo.region_snapshots.delete(item)
    await env.gone(made)
    assert env.region.state.snapshots[made.id].deleted


@pytest.mark.parametrize("tolerate", [5.0, 60.0])
async def test_an_outage_while_the_region_is_asked_is_tolerated(env: Env, tolerate: float) -> None:
    """R204, P96."""
    made = await env.made()
    await env.clock.sleep(30)
    env.region.state.remove_instance(made.instance_id)
    await env.civo.region_snapshots.delete(made.id)
    env.region.fault(f"GET {REGION_WIDE}/{{id}}", Fault.gateway_html(), times=25)
    wait = env.gone(made, poll=PollPolicy(tolerate=tolerate), timeout=600)
    if tolerate == 60.0:
        await wait
    else:
        with pytest.raises(PollFailedError):
            await wait


async def test_closing_the_client_ends_the_question_to_the_region(env: Env) -> None:
    """R204, L117."""
    made = await env.made()
    await env.clock.sleep(30)
    env.region.state.remove_instance(made.instance_id)
    wait = asyncio.create_task(env.gone(made))
    await env.clock.sleep(10)
    await env.civo.close()
    with pytest.raises(ClientClosedError):
        await wait


@pytest.mark.parametrize("env", [{}, {"names_as_ids": False}], indirect=True)
async def test_a_name_is_refused_where_an_id_is_due(env: Env) -> None:
    """R157: nothing would be known by it once the snapshot is gone."""
    made = await env.made("kept")
    with pytest.raises(InvalidArgumentError, match=f"not its id.*{made.id}"):
        await env.civo.snapshots.wait_until_deleted(made.instance_id, "kept")
    await env.civo.snapshots.delete(made)
    await env.civo.snapshots.wait_until_deleted(made.instance_id, made.id)


@pytest.mark.parametrize("env", [{}, {"names_as_ids": False}], indirect=True)
async def test_a_name_is_refused_where_an_instance_would_be_overwritten(env: Env) -> None:
    """R157: another snapshot of that name would do as well."""
    made = await env.civo.snapshots.wait_until_complete(await env.made("kept"))
    with pytest.raises(InvalidArgumentError, match=f"not its id.*{made.id}"):
        await env.civo.snapshots.restore(made.instance_id, "kept", overwrite_existing=True)
    assert not env.region.state.restores
    await env.civo.snapshots.restore(made.instance_id, made.id, overwrite_existing=True)


async def test_a_text_that_may_be_an_id_is_one_if_nothing_bears_it_as_name(env: Env) -> None:
    """R157: also where the instance is gone."""
    instance_id = env.region.instance_ids[0]
    await env.civo.snapshots.wait_until_deleted(instance_id, "s-1")
    with pytest.raises(NotFoundError):
        await env.civo.snapshots.restore("i-1", "s-1", overwrite_existing=True)


# Any region


@pytest.mark.parametrize("seed", range(60))
async def test_what_is_told_to_be_deleted_is_gone(seed: int) -> None:
    """R155, R201, R204: in any region, as its own state says at the moment of the telling."""
    rng, clock = random.Random(seed), FakeClock()
    async with (
        FakeRegion.any(seed, clock=clock, strangers=5) as region,
        CivoClient(
            region.token,
            region="LON1",
            api_url=region.url,
            clock=clock,
            timeouts=Timeouts(reconcile_window=11),  # as long as this region's reads may lag
        ) as civo,
    ):
        instance_id = region.instance_ids[0]
        made = await civo.snapshots.create(instance_id)
        record = region.state.snapshots[made.id]

        def is_gone() -> bool:
            return record.gone_at <= clock.monotonic()

        await clock.sleep(rng.choice([0.0, 0.5, 3.0, 40.0]))
        is_deleted = rng.random() < 0.5
        if is_deleted:
            try:
                await civo.snapshots.delete(made)
            except ConflictError:  # it is pending
                is_deleted = False
        if orphaned := rng.random() < 0.4:
            region.state.remove_instance(instance_id)
        for route in (f"GET {ONE}", LIST, f"DELETE {ONE}"):
            region.fault(route, Fault.gateway_html(404), times=6, probability=rng.choice([0, 0.4]))
        ended: CivoError | None = None
        try:
            await civo.snapshots.wait_until_deleted(made, timeout=120)
            assert is_gone(), region
        except CivoError as error:
            ended = error
        if not orphaned:
            assert (type(ended) is WaitTimeoutError) is not is_deleted, region
        with contextlib.suppress(CivoError):  # which tells nothing
            told = await civo.snapshots.delete(made, missing_ok=True)
            assert is_gone() if told.already_gone else record.deleted, region
