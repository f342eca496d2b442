"""Codes that mean "not now", with whatever status: it is tried again, and nothing is doubled."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from support.regions import MakeRegion

from civo_snapshots import CivoClient, RetryScheduled, Snapshot, TryLaterError
from civo_snapshots.events import Event
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

SNAPSHOTS = "/v2/instances/{id}/snapshots"
CREATE, LIST = f"POST {SNAPSHOTS}", f"GET {SNAPSHOTS}"
IN_PROCESS = "database_snapshot_create_already_in_process"
BUSY_INSTANCE = "instance_state_must_be_active_or_shutoff"
CODES = (
    *("database_quota_lock_failed", "region_unavailable", "openstack_connection_failed"),
    *(IN_PROCESS, BUSY_INSTANCE),
)
STATUSES = (400, 403, 409, 500)

each_code = pytest.mark.parametrize("code", CODES)
each_status = pytest.mark.parametrize("status", STATUSES)


def client_of(
    region: FakeRegion, clock: FakeClock, told: Callable[[Event], None] | None = None
) -> CivoClient:
    return CivoClient(
        region.token, region=region.region, api_url=region.url, clock=clock, on_event=told
    )


def posts_by_instance(region: FakeRegion) -> list[int]:
    sent = [request.path for request in region.requests if request.route == CREATE]
    return [sum(instance_id in path for path in sent) for instance_id in region.instance_ids]


def snapshots_by_instance(region: FakeRegion) -> list[int]:
    made = [one.instance_id for one in region.state.snapshots.values()]
    return [made.count(instance_id) for instance_id in region.instance_ids]


@each_code
@each_status
async def test_a_run_whose_creates_are_refused_once_sends_each_twice(
    code: str, status: int
) -> None:
    """R152: 20 refused after 20 POSTs and 0.1 s. One look at the instance before each repeat."""
    clock, told = FakeClock(), list[Event]()
    async with FakeRegion(instances=20, clock=clock) as region:
        for instance_id in region.instance_ids:
            region.refuse_create(instance_id, code, status=status, times=1)
        async with client_of(region, clock, told.append) as civo:
            run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 20
        assert posts_by_instance(region) == [2] * 20
        assert region.counts[LIST] == 20
        assert snapshots_by_instance(region) == [1] * 20
        retries = [one for one in told if isinstance(one, RetryScheduled)]
        assert len(retries) == 20
        # Only a busy instance is asked whether it is broken.
        broken = 20 if code in (IN_PROCESS, BUSY_INSTANCE) else 0
        assert region.counts["GET /v2/instances/{id}"] == broken


@each_code
@each_status
async def test_a_run_outlasts_a_minute_of_refusals(code: str, status: int) -> None:
    """R152: the pauses grow to 15 s, so that a minute costs each instance about ten POSTs.

    Each pause is drawn from its half to its whole: at the very least 0.5, 1, 2, 4 and then 7.5 s,
    which are 12 POSTs in a minute, and the one that is accepted.
    """
    clock = FakeClock()
    async with FakeRegion(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        refused = region.fault(CREATE, Fault.code(code, status=status), times=None)

        async def over() -> None:
            await clock.sleep(60.0)
            region.clear_faults()

        end = asyncio.create_task(over())
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        await end
        assert run.counts["complete"] == 20
        posts = posts_by_instance(region)
        assert (min(posts) >= 6, max(posts) <= 13) == (True, True)
        assert sum(posts) <= 11 * 20  # of many draws
        assert sum(posts) == refused.fired + 20
        assert region.counts[LIST] == refused.fired  # one look before each repeat
        assert snapshots_by_instance(region) == [1] * 20


@each_status
@pytest.mark.parametrize("lost", [Fault.drop_after_acting(), Fault.late_commit(9.0)])
async def test_already_in_process_may_be_the_echo_of_a_lost_create(
    lost: Fault, status: int
) -> None:
    """R152, H31: what the first POST makes is found before the next one, also if it comes late."""
    clock = FakeClock()
    async with FakeRegion(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, lost, times=20)
        region.fault(CREATE, Fault.code(IN_PROCESS, status=status), after=20, times=20)
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 20
        assert snapshots_by_instance(region) == [1] * 20
        assert {one.snapshot.id for one in run if one.snapshot} == set(region.state.snapshots)


@each_status
async def test_what_another_process_of_the_run_makes_is_adopted_and_not_made_again(
    status: int,
) -> None:
    """R152, R161: `already_in_process` because of it; it is not this run's to roll back."""
    clock = FakeClock()
    async with FakeRegion(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        # It acts on behalf of the other process, whose snapshot bears the same name.
        region.fault(CREATE, Fault.code(IN_PROCESS, status=status, acts=True), times=20)
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 20
        assert len(run.adopted) == 20
        assert posts_by_instance(region) == [1] * 20
        assert snapshots_by_instance(region) == [1] * 20


@pytest.mark.drawn(
    one_at_a_time=True,
    quota_lock=0.2,
    failure_rate=0.0,
    snapshot_limit=-1,
    visible_after=0.0,
    read_lag=0.0,
)
async def test_a_region_that_makes_one_at_a_time_is_served(make_region: MakeRegion) -> None:
    """R152: a fan-out's own creates lock the quota, and each instance makes one at a time."""
    clock = FakeClock()
    async with make_region(instances=20, clock=clock) as region, client_of(region, clock) as civo:
        first = await civo.snapshots.create_many(region.instance_ids, name="a", timeout=3_600)
        second = await civo.snapshots.create_many(region.instance_ids, name="b", timeout=3_600)
        assert (first.counts["complete"], second.counts["complete"]) == (20, 20)
        own = [one for one in region.state.snapshots.values() if not one.is_strangers]
        assert len(own) == 40


Act = Callable[[CivoClient, Snapshot], Awaitable[object]]
CALLS: dict[str, Act] = {
    "PUT /v2/instances/{id}/snapshots/{sid}": (
        lambda civo, one: civo.snapshots.update(one, description="kept")
    ),
    "POST /v2/instances/{id}/snapshots/{sid}/restore": (
        lambda civo, one: civo.snapshots.restore(one, hostname="copy")
    ),
    "DELETE /v2/instances/{id}/snapshots/{sid}": lambda civo, one: civo.snapshots.delete(one),
}


@each_code
@each_status
async def test_an_update_a_restore_and_a_deletion_are_tried_again(code: str, status: int) -> None:
    """R152."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        snapshot = await civo.snapshots.wait_until_complete(snapshot)
        for route, act in CALLS.items():
            region.fault(route, Fault.code(code, status=status), times=3)
            await act(civo, snapshot)
            assert region.counts[route] == 4
            if not route.startswith("DELETE"):
                await clock.sleep(60.0)  # a snapshot that is being restored is in use
        assert len(region.state.restores) == 1


@pytest.mark.parametrize("route", CALLS)
async def test_without_retries_what_is_told_to_try_later_is_sent_once(route: str) -> None:
    """R152: `retries=False` on the client."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        async with client_of(region, clock) as civo:
            snapshot = await civo.snapshots.create(region.instance_ids[0])
            snapshot = await civo.snapshots.wait_until_complete(snapshot)
        async with CivoClient(
            region.token, region=region.region, api_url=region.url, clock=clock, retries=False
        ) as once:
            region.fault(route, Fault.code("database_quota_lock_failed", status=500), times=None)
            with pytest.raises(TryLaterError):
                await CALLS[route](once, snapshot)
            region.fault(CREATE, Fault.code(IN_PROCESS), times=None)
            with pytest.raises(TryLaterError):
                await once.snapshots.create(region.instance_ids[0], name="n")
        assert (region.counts[route], region.counts[CREATE]) == (1, 2)
