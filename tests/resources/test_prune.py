"""Retention against a region: what a plan reads, and what a prune looks at before it deletes."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import MakeRegion
from support.stubs import StubApi

from civo_snapshots import (
    CivoClient,
    CivoError,
    Instance,
    InvalidArgumentError,
    Listing,
    Page,
    PrunePlan,
    PruneReport,
    RegionSnapshot,
    RetentionPolicy,
    ServerError,
    Snapshot,
    SnapshotStatus,
    State,
)
from civo_snapshots._codec import ListingConsumer, items_of
from civo_snapshots._naming import name_for
from civo_snapshots._session import Within
from civo_snapshots.resources._prune_plan import plan_prune
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock, FakeRegion, Fault
from civo_snapshots.testing._snapshot_record import SnapshotRecord, VolumeFate

GET = "GET /v2/instances/{id}/snapshots/{sid}"
LIST = "GET /v2/instances/{id}/snapshots"
REGION = "GET /v2/resourcesnapshots"
INSTANCES = "GET /v2/instances"
DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"
DAY = 86_400.0
KEEP_TWO = RetentionPolicy(keep_last=2)


def client_of(region: FakeRegion, clock: FakeClock, **options: object) -> CivoClient:
    return CivoClient(
        region.token,
        region=region.region,
        api_url=region.url,
        clock=clock,
        **options,  # type: ignore[arg-type]
    )


def nightly(
    region: FakeRegion, instance_id: str, days: float, state: str = "complete", run: str = ""
) -> SnapshotRecord:
    """One that a run made of the instance so many days ago."""
    name = name_for(run or f"nightly-{days:g}", instance_id)
    return region.state.add_stranger(name, instance_id, age=days * DAY, state=state)


def past(region: FakeRegion, days: int = 5) -> None:
    """Nights of every instance, the oldest first."""
    for day in range(days, 0, -1):
        for instance_id in region.instance_ids:
            nightly(region, instance_id, day)


def left(region: FakeRegion, instance_id: str | None = None) -> set[str]:
    """The names of what is still there."""
    return {
        one.name
        for one in region.state.snapshots.values()
        if not one.deleted and instance_id in (None, one.instance_id)
    }


@pytest.mark.drawn
async def test_a_prune_deletes_what_the_plan_says_and_a_second_one_nothing(
    make_region: MakeRegion,
) -> None:
    clock = FakeClock()
    async with make_region(instances=3, clock=clock) as region, client_of(region, clock) as civo:
        past(region)
        await clock.sleep(60)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        dated = region.switches.created_at_form not in ("empty", "zero")
        report = await civo.snapshots.prune(plan)
        if dated and not region.switches.listing_gaps:
            assert report.counts == {"deleted": 9, "skipped": 0, "failed": 0}
            expected = {
                name_for(f"nightly-{day}", one) for day in (1, 2) for one in region.instance_ids
            }
            assert left(region) == expected
        elif not dated:
            assert report.outcomes == ()
        await clock.sleep(60)  # reads may lag behind
        again = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        assert (await civo.snapshots.prune(again)).outcomes == ()


async def test_a_plan_costs_one_listing_and_the_pages_of_the_instances() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=250, clock=clock) as region, client_of(region, clock) as civo:
        past(region, 3)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        assert len(plan.victims) == 250
        assert region.counts == {REGION: 1, INSTANCES: 3}
        plan = await civo.snapshots.plan_prune(
            "nightly", KEEP_TWO, instances=region.instance_ids[:2]
        )
        assert len(plan.victims) == 2
        assert plan.strangers == 0
        assert region.counts == {REGION: 2, INSTANCES: 3}


@pytest.mark.parametrize("ids", ["outer", "inner", "name"])
async def test_whatever_the_ids_of_the_listing_are_the_right_snapshots_go(ids: str) -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=2, clock=clock, region_ids=ids) as region,  # type: ignore[arg-type]
        client_of(region, clock) as civo,
    ):
        past(region, 4)
        report = await civo.snapshots.prune(await civo.snapshots.plan_prune("nightly", KEEP_TWO))
        assert report.counts["deleted"] == 4
        assert {name[:9] for name in left(region)} == {"nightly-1", "nightly-2"}


async def test_without_a_region_wide_listing_each_instance_is_asked() -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=2, clock=clock, region_listing=False) as region,
        client_of(region, clock) as civo,
    ):
        past(region, 3)
        region.state.add_stranger("nightly-by-hand", age=DAY)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        assert len(plan.victims) == 2
        assert plan.strangers == 1
        region.fault(LIST, Fault.status(500), times=None)
        with pytest.raises(ServerError):
            await civo.snapshots.plan_prune("nightly", KEEP_TWO, retries=False)


# Never somebody else's


async def test_only_names_that_a_run_made_for_that_instance_are_touched() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=3, clock=clock) as region, client_of(region, clock) as civo:
        one, two, removed = region.instance_ids
        nightly(region, one, 1)
        theirs = [
            region.state.add_stranger(name, one, age=9 * DAY)
            for name in (
                "nightly-by-hand",
                "nightly",
                name_for("nightly-9", two),  # named for another instance
                name_for("nightlyjobs-9", one),
                name_for("weekly-9", one),
                name_for("nightly-9", one).replace("-9-", "-9-x"),
            )
        ]
        orphan = nightly(region, removed, 9)
        region.state.remove_instance(removed)
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=1))
        assert plan.victims == ()
        assert plan.strangers == 5
        await civo.snapshots.prune(plan)
        assert not any(found.deleted for found in (*theirs, orphan))


@pytest.mark.parametrize("ids", ["outer", "inner"])
async def test_any_name_widens_it_to_the_prefix(ids: str) -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=2, clock=clock, region_ids=ids) as region,  # type: ignore[arg-type]
        client_of(region, clock) as civo,
    ):
        one, two = region.instance_ids
        nightly(region, one, 1)
        region.state.add_stranger("nightly-by-hand", one, age=9 * DAY)
        region.state.add_stranger("nightly", two, age=9 * DAY)
        other = region.state.add_stranger("nights-9", one, age=9 * DAY)
        plan = await civo.snapshots.plan_prune(
            "nightly-", RetentionPolicy(keep_last=1), any_name=True
        )
        assert [found.name for found in plan.victims] == ["nightly-by-hand"]
        await civo.snapshots.prune(plan)
        assert left(region, one) == {name_for("nightly-1", one), other.name}
        assert left(region, two) == {"nightly"}  # its last one


# Just before the DELETE


async def pruned_after(change: Callable[[FakeRegion, SnapshotRecord], None]) -> PruneReport:
    """Plan, let others act on the newest one of the first instance, and prune."""
    clock = FakeClock()
    async with FakeRegion(instances=2, clock=clock) as region, client_of(region, clock) as civo:
        records = [nightly(region, region.instance_ids[0], day) for day in (4, 3, 2, 1)]
        nightly(region, region.instance_ids[1], 2)
        nightly(region, region.instance_ids[1], 1)
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=1))
        assert len(plan.victims) == 4
        change(region, records[-1])
        report = await civo.snapshots.prune(plan)
        assert [one.decision for one in report] == list(plan.victims)
        assert not records[-1].deleted or region.counts[DELETE] == 1
        return report


def delete(region: FakeRegion, record: SnapshotRecord) -> None:
    region.state.table.begin_deletion(record, region.clock.monotonic())


def fail(region: FakeRegion, record: SnapshotRecord) -> None:
    record.volumes = (VolumeFate("v-1", record.created, True),)
    record.texts.clear()


@pytest.mark.parametrize("change", [delete, fail])
async def test_without_its_keeper_an_instance_is_left_as_it_is(
    change: Callable[[FakeRegion, SnapshotRecord], None],
) -> None:
    report = await pruned_after(change)
    assert report.counts == {"deleted": 1, "skipped": 3, "failed": 0}
    assert all(
        one.reason.startswith("the snapshot to be kept") for one in report if one.kind == "skipped"
    )


async def test_others_that_create_and_delete_meanwhile_do_no_harm() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        [instance_id] = region.instance_ids
        gone, renamed, kept, *_ = records = [
            nightly(region, instance_id, day) for day in (5, 4, 3, 2, 1)
        ]
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        made = nightly(region, instance_id, 0)
        namesake = region.state.add_stranger(kept.name, instance_id, age=DAY)
        delete(region, gone)
        renamed.rename("for-the-audit", "", clock.monotonic(), lag=0)
        report = await civo.snapshots.prune(plan)
        reasons = {one.decision.snapshot_id: one.reason for one in report}
        assert reasons == {
            gone.id: "is gone already",
            renamed.id: "is called for-the-audit now",
            kept.id: "no rule keeps it",
        }
        there = {one.id for one in region.state.snapshots.values() if not one.deleted}
        assert there == {renamed.id, *(one.id for one in records[3:]), made.id, namesake.id}


async def test_keeper_and_victim_are_read_by_their_own_get_right_before_each_delete() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        old, older, keeper = [nightly(region, region.instance_ids[0], day) for day in (3, 2, 1)]
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=1))
        before = len(region.requests)
        await civo.snapshots.prune(plan)
        sent = [(one.method, one.path.rsplit("/", 1)[1]) for one in region.requests[before:]]
        assert sent == [
            step
            for victim in (old, older)
            for step in (("GET", victim.id), ("GET", keeper.id), ("DELETE", victim.id))
        ]


async def test_a_victim_that_looks_otherwise_now_is_skipped() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        [instance_id] = region.instance_ids
        failed = nightly(region, instance_id, 3, state="failed")
        redated = nightly(region, instance_id, 2)
        nightly(region, instance_id, 1)
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=1), failed=True)
        assert len(plan.victims) == 2
        failed.volumes = (VolumeFate("v-1", failed.created, False),)
        failed.texts.clear()
        redated.created_at = failed.created_at
        redated.texts.clear()
        report = await civo.snapshots.prune(plan)
        assert [one.reason for one in report] == [
            "was made at another time than the plan says",
            "is 'Complete' now",
        ]
        assert region.counts[DELETE] == 0


# Sweeping


async def test_failed_and_duplicate_snapshots_are_swept_if_asked_for() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        [instance_id] = region.instance_ids
        failed = nightly(region, instance_id, 1, state="failed")
        nightly(region, instance_id, 2, state="pending")
        nightly(region, instance_id, 3)
        first = nightly(region, instance_id, 4.5, run="twice")
        second = nightly(region, instance_id, 4, run="twice")
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy())
        assert plan.victims == ()
        plan = await civo.snapshots.plan_prune("twice", RetentionPolicy(), duplicates=True)
        assert plan.victims == ()  # it is the newest that is complete
        nightly(region, instance_id, 3.5, run="twice-more")
        plan = await civo.snapshots.plan_prune(
            "twice", RetentionPolicy(), failed=True, duplicates=True
        )
        delete(region, first)
        skipped = await civo.snapshots.prune(plan)
        assert skipped.counts == {"deleted": 0, "skipped": 1, "failed": 0}
        assert not second.deleted
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(), failed=True)
        assert [one.snapshot_id for one in plan.victims] == [failed.id]
        assert (await civo.snapshots.prune(plan)).counts["deleted"] == 1


async def test_the_clients_own_states_decide_what_is_complete() -> None:
    clock = FakeClock()
    words = {"complete": "Sealed", "volume_complete": "Sealed"}
    async with FakeRegion(instances=1, clock=clock, states=words) as region:
        past(region, 3)
        async with client_of(region, clock) as civo:
            plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
            assert plan.victims == ()
        async with client_of(region, clock, states={"Sealed": State.COMPLETE}) as civo:
            plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
            assert len(plan.victims) == 1
        async with client_of(region, clock) as civo:  # which proves no keeper complete
            assert (await civo.snapshots.prune(plan)).counts["skipped"] == 1
        async with client_of(region, clock, states={"Sealed": State.COMPLETE}) as civo:
            assert (await civo.snapshots.prune(plan)).counts["deleted"] == 1


# How it ends


async def test_what_cannot_be_deleted_stops_no_other() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=2, clock=clock) as region, client_of(region, clock) as civo:
        past(region, 4)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        code = {"code": "database_snapshot_cannot_delete_in_use", "reason": "in use"}
        region.fault(DELETE, Fault.status(409, code))
        report = await civo.snapshots.prune(plan)
        assert report.counts == {"deleted": 3, "skipped": 0, "failed": 1}
        with pytest.raises(ExceptionGroup, match="1 of 4 snapshots not deleted") as caught:
            report.raise_for_failures()
        assert isinstance(caught.value.exceptions[0], CivoError)
        assert '"error_type": "ConflictError"' in report.to_json()
        assert repr(report) == (
            f"<PruneReport nightly in {region.region}: 3 deleted, 0 skipped, 1 failed>"
        )
        [table, row] = str(report).splitlines()
        assert table == f"nightly in {region.region}: 3 deleted, 0 skipped, 1 failed"
        assert row.startswith("failed  nightly-4-")
        assert len(report) == 4
        again = await civo.snapshots.prune(plan)
        assert again.counts == {"deleted": 1, "skipped": 3, "failed": 0}
        again.raise_for_failures()


async def test_a_lost_answer_to_a_delete_is_found_out() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        past(region, 3)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        region.fault(DELETE, Fault.drop_after_acting())
        assert (await civo.snapshots.prune(plan)).counts["deleted"] == 1


async def test_the_snapshots_of_an_instance_that_is_gone_stay() -> None:
    """R204: a 404 about the instance says nothing of its snapshots."""
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        past(region, 3)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        region.state.remove_instance(region.instance_ids[0])
        report = await civo.snapshots.prune(plan)
        assert report.counts == {"deleted": 0, "skipped": 0, "failed": 1}
        assert len(left(region)) == 3


async def test_a_refused_token_is_tried_once_and_not_for_every_snapshot() -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=1, clock=clock) as region,
        client_of(region, clock) as civo,
    ):
        past(region, 30)
        plan = await civo.snapshots.plan_prune("nightly", KEEP_TWO)
        region.token = "another"
        before = region.total
        report = await civo.snapshots.prune(plan)
        assert report.counts == {"deleted": 0, "skipped": 27, "failed": 1}
        assert region.total - before <= 4


async def test_a_plan_that_has_travelled_is_carried_out_in_its_own_region_alone() -> None:
    clock = FakeClock()
    async with (
        FakeRegion(instances=1, clock=clock, more_regions=("NYC1",)) as region,
        client_of(region, clock) as civo,
    ):
        past(region, 3)
        plan = PrunePlan.from_dict((await civo.snapshots.plan_prune("nightly", KEEP_TWO)).as_dict())
        with pytest.raises(InvalidArgumentError, match="region LON1, not NYC1"):
            await civo.in_region("NYC1").snapshots.prune(plan)
        assert (await civo.in_region("lon1").snapshots.prune(plan)).counts["deleted"] == 1


async def test_what_a_region_dates_in_the_future_or_not_at_all_stays() -> None:
    clock = FakeClock()
    async with FakeRegion(instances=1, clock=clock) as region, client_of(region, clock) as civo:
        [instance_id] = region.instance_ids
        for day, text in ((4, ""), (3, "0001-01-01T00:00:00Z"), (2, "2099-01-01T00:00:00Z")):
            nightly(region, instance_id, day).created_at = text
        nightly(region, instance_id, 1)
        plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=1))
        assert plan.victims == ()
        assert len(plan.keepers) == 4


async def test_min_age_is_measured_by_the_servers_clock() -> None:
    """R172: the two clocks may be hours apart."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=1, clock=clock, clock_skew=-6 * 3_600.0) as region,
        client_of(region, clock) as civo,
    ):
        past(region, 3)
        await civo.instances.list().collect()  # the client has met the server's clock
        policy = RetentionPolicy(keep_last=1, min_age=timedelta(days=2.1))
        plan = await civo.snapshots.plan_prune("nightly", policy)
        assert [one.name[:9] for one in plan.victims] == ["nightly-3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": ""},
        {"prefix": "Nightly"},
        {"prefix": 5},
        {"policy": "keep all"},
        {"any_name": "yes"},
        {"failed": 1},
        {"duplicates": None},
        {"instances": "i-1"},
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    wrong: dict[str, object],
) -> None:
    async with CivoClient("token", region="LON1", api_url="http://127.0.0.1:1") as civo:
        arguments: dict[str, object] = {"prefix": "nightly", "policy": KEEP_TWO, **wrong}
        with pytest.raises(InvalidArgumentError):
            await civo.snapshots.plan_prune(**arguments)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="dry_run"):
            await civo.snapshots.plan_prune("nightly", KEEP_TWO, dry_run=True)  # type: ignore[call-arg]
        with pytest.raises(InvalidArgumentError):
            await civo.snapshots.prune("plan")  # type: ignore[arg-type]
        assert civo.requests_sent == 0


# Whatever a region lists


IDS = ("i-1", "i-2", "i-3")
NAMES = st.one_of(
    st.builds(
        name_for,
        st.sampled_from(["nightly", "nightly-1", "nightly-2", "nightlyjobs", "weekly-nightly"]),
        st.sampled_from([*IDS, "i-9"]),
        st.integers(1, 3),
    ),
    st.sampled_from(["", "nightly", "nightly-by-hand", "nightly-0123456789ab", "weekly"]),
)
ITEMS = st.lists(
    st.builds(
        lambda name, inner, days, state: (name, inner, days, state),
        NAMES,
        st.sampled_from(["own", *IDS, "i-9", ""]),
        st.integers(0, 40),
        st.sampled_from(["Complete"] * 4 + ["Failed", "Pending"]),
    ),
    max_size=25,
)


class RegionApiOf(StubApi):
    """A region that lists these items."""

    def __init__(self, items: Sequence[RegionSnapshot]) -> None:
        super().__init__(FakeClock())
        self._items = items

    def list_instances(self, options: Within, *, per_page: int = 100) -> Listing[Instance]:
        async def page(number: int) -> Page[Instance]:
            return Page(number, tuple(Instance(id=one) for one in IDS))

        return Listing(page, lambda found: found.id)

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        consumer.begin(bytes)
        consumer.consume(items_of(self._items))
        return 0.0


async def planned(items: Sequence[RegionSnapshot]) -> PrunePlan:
    return await plan_prune(
        RegionApiOf(items),
        "nightly",
        KEEP_TWO,
        {"failed": True, "duplicates": True},
        states=DEFAULT_STATES,
        workers=4,
    )


@given(ITEMS, st.randoms())
def test_never_somebody_elses_and_the_same_plan_in_whatever_order(
    drawn: list[tuple[str, str, int, str]], dice: random.Random
) -> None:
    items: list[RegionSnapshot] = []
    for number, (name, inner, days, state) in enumerate(drawn):
        at = FakeClock().now() - timedelta(days=days, seconds=number)
        held = Snapshot(
            id=f"s-{number}" if inner == "own" else inner or "v-1", status=SnapshotStatus(state)
        )
        items.append(RegionSnapshot(id=f"l-{number}", name=name, created_at=at, instance=held))
    plan = asyncio.run(planned(items))
    by_time = {item.created_at: number for number, item in enumerate(items)}
    assert len({one.snapshot_id for one in plan.decisions}) == len(plan.decisions)
    for one in plan.decisions:
        name, inner, *_ = drawn[by_time[one.created_at]]
        assert name == one.name
        assert name.split("-r")[0] in {
            name_for(run, one.instance_id) for run in ("nightly", "nightly-1", "nightly-2")
        }
        assert inner not in IDS or inner == one.instance_id  # the listing itself does not deny it
    dice.shuffle(items)
    assert asyncio.run(planned(items)) == plan
