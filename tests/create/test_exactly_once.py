"""No create is lost and none is made twice: counted on the server's side."""

import asyncio

import pytest
from support.regions import MakeRegion

from civo_snapshots import CivoClient, Schedule, Snapshot
from civo_snapshots.errors import (
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    OutcomeUnknownError,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
SNAPSHOT = "/v2/instances/{id}/snapshots/{sid}"


def client_of(region: FakeRegion, clock: FakeClock, concurrency: int = 32) -> CivoClient:
    return CivoClient(
        region.token, region=region.region, api_url=region.url, clock=clock, concurrency=concurrency
    )


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.drop_before_acting(), Fault.drop_after_acting()],
        [Fault.drop_before_acting(reset=True), Fault.drop_after_acting(reset=True)],
        [Fault.late_commit(0.3), Fault.cut_body()],
        [Fault.gateway_html(502), Fault.gateway_html(504, acts=True)],
        [Fault.rate_limited("1"), Fault.malformed_json()],
    ],
    ids=["close", "reset", "late-and-cut", "gateway", "limited-and-malformed"],
)
async def test_a_thousand_creates_over_a_bad_network_make_a_thousand_snapshots(
    faults: list[Fault], nothing_left: None
) -> None:
    """T8 to T12, T19, H35, H41."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=100, clock=clock) as region,
        client_of(region, clock) as civo,
    ):
        for fault in faults:
            region.fault(CREATE, fault, times=None, probability=0.05)

        async def one(number: int) -> Snapshot:
            return await civo.snapshots.create(
                region.instance_ids[number % 100], name=f"job-{number}"
            )

        made = await asyncio.gather(*(one(number) for number in range(1_000)))
        await civo.close()
        table = region.state.snapshots
        assert {snapshot.id: snapshot.instance_id for snapshot in made} == {
            key: found.instance_id for key, found in table.items()
        }
        assert len({snapshot.id for snapshot in made}) == 1_000
        assert sorted(found.name for found in table.values()) == sorted(
            f"job-{number}" for number in range(1_000)
        )
        assert civo.requests_sent == region.total


@pytest.mark.drawn(created_at_form="Z", unique_names="free")
async def test_creates_of_one_name_need_no_second_slot_to_go_on(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """S71: the one that waits for the other must not hold the only slot that the other needs."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock, 1) as civo:
        region.fault(CREATE, Fault.drop_before_acting())
        instance = region.instance_ids[0]
        async with asyncio.timeout(20):
            made = await asyncio.gather(
                *(civo.snapshots.create(instance, name="same") for _ in range(3))
            )
        assert {snapshot.id for snapshot in made} == set(region.state.snapshots)
        assert len(region.state.snapshots) == 3


@pytest.mark.drawn
async def test_a_cancelled_create_releases_its_slot(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """L120, F106."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock, 1) as civo:
        instance = region.instance_ids[0]
        region.fault(CREATE, Fault.stall(0.05))
        tasks = [asyncio.create_task(civo.snapshots.create(instance)) for _ in range(4)]
        await asyncio.sleep(0)
        for task in tasks[1:3]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, Snapshot) for result in results] == [True, False, False, True]
        assert civo.unresolved.creates == ()  # nothing was sent for the two
        assert len(region.state.snapshots) == 2
        with pytest.raises(InvalidArgumentError):
            await civo.snapshots.create(instance, timeout=-1)
        await civo.snapshots.create(instance)


@pytest.mark.drawn(visible_after=0.0, read_lag=0.0)
async def test_an_update_whose_answer_was_lost_is_not_sent_again_if_it_acted(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """S76."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        region.fault(f"PUT {SNAPSHOT}", Fault.drop_after_acting())
        changed = await civo.snapshots.update(snapshot, description="kept")
        assert changed.description == "kept"
        assert region.counts[f"PUT {SNAPSHOT}"] == 1


@pytest.mark.drawn(visible_after=0.0, read_lag=0.0)
async def test_an_update_that_did_nothing_is_sent_again(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        region.fault(f"PUT {SNAPSHOT}", Fault.drop_before_acting())
        changed = await civo.snapshots.update(snapshot, name="kept")
        assert changed.name == "kept"
        assert region.counts[f"PUT {SNAPSHOT}"] == 2


@pytest.mark.drawn(visible_after=0.0, read_lag=0.0)
async def test_an_update_gives_up_when_it_cannot_compare(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        region.fault(f"PUT {SNAPSHOT}", Fault.drop_before_acting(), times=None)
        before = region.total
        with pytest.raises(CivoError) as caught:
            await civo.snapshots.update(snapshot, name="kept")
        assert region.counts[f"PUT {SNAPSHOT}"] == 8
        assert caught.value.call is not None
        assert caught.value.call.attempts == region.total - before
        region.fault(f"GET {SNAPSHOT}", Fault.unauthorized())
        with pytest.raises(CivoError):
            await civo.snapshots.update(snapshot, name="kept")
        assert region.counts[f"PUT {SNAPSHOT}"] == 9


@pytest.mark.drawn(delete_pending=True, delete_takes=0.0)
async def test_a_delete_whose_answer_was_lost_succeeds_and_says_so(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """H29, H30."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        region.fault(f"DELETE {SNAPSHOT}", Fault.drop_after_acting())
        assert (await civo.snapshots.delete(snapshot)).already_gone
        with pytest.raises(NotFoundError):
            await civo.snapshots.delete(snapshot)
        assert (await civo.snapshots.delete(snapshot, missing_ok=True)).already_gone


@pytest.mark.drawn
async def test_a_restore_or_schedule_whose_answer_was_lost_is_never_sent_again(
    nothing_left: None, make_region: MakeRegion
) -> None:
    """S74."""
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        snapshot = await civo.snapshots.wait_until_complete(snapshot)
        region.fault("*", Fault.drop_after_acting(), times=None)

        async def schedule() -> Schedule:
            return await civo.schedules.create(
                "nightly",
                cron_expression="0 2 * * *",
                max_snapshots=3,
                instances=region.instance_ids,
            )

        before = region.total - region.counts["GET /v2/instances"]
        with pytest.raises(OutcomeUnknownError) as caught:
            await civo.snapshots.restore(snapshot, hostname="copy")
        assert caught.value.instance_id == snapshot.instance_id
        with pytest.raises(OutcomeUnknownError):
            await schedule()
        with pytest.raises(OutcomeUnknownError):
            await civo.region_snapshots.restore(snapshot.id, hostname="copy2")
        assert region.total - region.counts["GET /v2/instances"] - before == 3


async def test_a_create_that_no_listing_shows_yet_keeps_its_id(nothing_left: None) -> None:
    """S69: an answered create is not searched for, and its wait outlasts the listing's delay."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=3, clock=clock, visible_after=20.0, duration=(30, 40)) as region,
        client_of(region, clock) as civo,
    ):
        run = await civo.snapshots.create_many(region.instance_ids)
        assert run.counts["complete"] == 3
        assert region.counts[CREATE] == 3
        assert {out.snapshot.id for out in run if out.snapshot} == set(region.state.snapshots)
