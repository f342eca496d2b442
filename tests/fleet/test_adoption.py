"""Finding what a run of the same name has made before, with as few requests as that takes."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest
from attrs import evolve
from support.stubs import StubApi, listing_of

from civo_snapshots import CivoClient, Listing
from civo_snapshots._codec import ListingConsumer, ListingItem, items_of
from civo_snapshots._fleet import namesakes
from civo_snapshots._fleet.adoption import Adoption
from civo_snapshots._naming import name_for
from civo_snapshots._session import LogicalCall, Within
from civo_snapshots.errors import (
    ApiError,
    CivoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
)
from civo_snapshots.models import RegionSnapshot, Snapshot, SnapshotStatus
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

STATUS = SnapshotStatus("Pending")


class Region(StubApi):
    """A region whose listing shows some id for each snapshot, and which counts the requests."""

    def __init__(self, *own: Snapshot, listing: Sequence[RegionSnapshot] = ()) -> None:
        super().__init__(FakeClock())
        self.own = own
        self.listing = listing
        self.refusal: CivoError | None = None
        self.trouble: CivoError | None = None
        self.left_out = 0
        self.whole = True
        self.asked: list[str] = []

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        self.asked.append(f"get {instance_id} {snapshot_id}")
        await asyncio.sleep(0)
        if self.trouble is not None:
            raise self.trouble
        for snapshot in self.own:
            if (snapshot.instance_id, snapshot.id) == (instance_id, snapshot_id):
                return snapshot
        raise NotFoundError("404", status=404)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        async def listed() -> Sequence[Snapshot]:
            self.asked.append(f"list {instance_id}")
            return [snapshot for snapshot in self.own if snapshot.instance_id == instance_id]

        return listing_of(listed)

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        self.asked.append("region")
        if self.refusal is not None:
            raise self.refusal
        consumer.consume(items_of(self.listing), self.left_out)
        return 0.0 if self.whole else None


RUN = "nightly"
MADE = FakeClock().now() - timedelta(hours=1)


def own(number: int, key: str = "", repeat: int = 1) -> Snapshot:
    instance = f"i-{number}"
    name = name_for(RUN, instance, repeat)
    return Snapshot(
        key or f"s-{number}", name, status=STATUS, created_at=MADE, instance_id=instance
    )


def listed(snapshot: Snapshot, outer: str, inner: str | None) -> RegionSnapshot:
    body = None if inner is None else Snapshot(inner, snapshot.name, status=snapshot.status)
    return RegionSnapshot(outer, snapshot.name, created_at=snapshot.created_at, instance=body)


def adoption_of(region: Region, *, resume: bool = False) -> Adoption:
    clock = region.session.clock
    return Adoption(region, RUN, lambda: 600 - clock.monotonic(), resume=resume)


async def prepared(region: Region) -> Adoption:
    adoption = adoption_of(region)
    await adoption.prepare()
    return adoption


ONE, TWO = own(1), own(2)


async def test_what_the_listing_does_not_have_needs_no_further_request() -> None:
    """L115."""
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1")])
    assert await (await prepared(region)).find("i-9") == []
    assert region.asked == ["region"]


async def test_each_item_is_proven_by_its_own_instance_with_one_request() -> None:
    """R158."""
    region = Region(ONE, TWO, listing=[listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", "i-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == [TWO]
    assert region.asked == ["region", "get i-1 s-1", "get i-2 s-2"]


async def test_which_id_is_the_snapshots_is_found_out_once() -> None:
    """R158."""
    region = Region(ONE, TWO, listing=[listed(ONE, "x-1", "s-1"), listed(TWO, "x-2", "s-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == [TWO]
    assert region.asked == ["region", "get i-1 x-1", "list i-1", "get i-2 s-2"]


@pytest.mark.parametrize("inner", ["i-1", None])
async def test_where_no_id_fits_the_instances_own_list_is_asked(inner: str | None) -> None:
    region = Region(ONE, TWO, listing=[listed(ONE, "x-1", inner), listed(TWO, "x-2", "i-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == [TWO]
    assert region.asked == ["region", "get i-1 x-1", "list i-1", "list i-2"]


async def test_a_name_on_another_instance_is_not_adopted_after_the_first_was_proven() -> None:
    """R158: the listing shows our name, and the instance has nothing."""
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", "i-7")])
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == []
    assert region.asked[2:] == ["get i-2 s-2", "list i-2"]


async def test_what_the_instance_shows_counts_and_not_the_older_listing() -> None:
    """R159: it has failed since, or is being deleted."""
    since = evolve(ONE, status=SnapshotStatus("Failed"))
    region = Region(since, listing=[listed(ONE, "s-1", "i-1")])
    assert await (await prepared(region)).find("i-1") == [since]


async def test_what_was_deleted_since_the_listing_is_not_adopted() -> None:
    """R159."""
    region = Region(listing=[listed(ONE, "s-1", "i-1")])
    assert await (await prepared(region)).find("i-1") == []


async def test_an_id_that_leads_to_another_name_is_no_proof() -> None:
    """T13: a stray answer would otherwise be adopted."""
    stranger = Snapshot("x-1", "other", instance_id="i-1")
    region = Region(stranger, ONE, listing=[listed(ONE, "x-1", "s-1")])
    assert await (await prepared(region)).find("i-1") == [ONE]
    assert region.asked[-1] == "list i-1"


async def test_many_who_ask_at_once_find_the_right_id_out_together() -> None:
    snapshots = [own(number) for number in range(1, 20)]
    region = Region(*snapshots, listing=[listed(one, "x", one.id) for one in snapshots])
    adoption = await prepared(region)
    found = await asyncio.gather(*(adoption.find(s.instance_id) for s in snapshots))
    assert found == [[snapshot] for snapshot in snapshots]
    assert len(region.asked) == 1 + 19 + 1


async def test_a_proof_that_could_not_be_made_is_made_again() -> None:
    """P96: one bad answer must not cost a request more for each instance of the run."""
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1")])
    adoption = await prepared(region)
    region.trouble = PermissionDeniedError("403", status=403)
    with pytest.raises(PermissionDeniedError):
        await adoption.find("i-1")
    region.trouble = None
    assert await adoption.find("i-1") == [ONE]
    assert region.asked == ["region", "get i-1 s-1", "get i-1 s-1"]


async def test_every_snapshot_of_the_name_is_found_by_the_instances_list() -> None:
    """L115, R160: duplicates and repeats are reported, never hidden."""
    again, repeat = own(1, "s-9"), own(1, "s-8", repeat=2)
    items = [listed(one, one.id, "i-1") for one in (ONE, again, repeat)]
    region = Region(ONE, again, repeat, Snapshot("s-7", "nightly", instance_id="i-1"))
    region.listing = items
    assert await (await prepared(region)).find("i-1") == [ONE, again, repeat]
    assert region.asked == ["region", "list i-1"]


# Reads that lag behind


def young(snapshot: Snapshot, age: float) -> Snapshot:
    return evolve(snapshot, created_at=FakeClock().now() - timedelta(seconds=age))


async def test_what_seems_missing_is_looked_for_again_when_an_attempt_may_have_just_died() -> None:
    """R161: resume=True."""
    region = Region(ONE)
    adoption = adoption_of(region, resume=True)
    await adoption.prepare()
    region.listing = [listed(ONE, "s-1", "i-1")]
    found = await asyncio.gather(*(adoption.find(f"i-{number}") for number in (1, 2, 3)))
    assert found == [[ONE], [], []]
    assert region.session.clock.monotonic() == region.session.timeouts.reconcile_window
    assert region.asked == ["region", "region", "get i-1 s-1"]


@pytest.mark.parametrize(("age", "waits"), [(4.0, True), (60.0, False), (None, True)])
async def test_a_young_snapshot_of_the_run_tells_that_others_may_not_show_yet(
    age: float | None, waits: bool
) -> None:
    """R161: the default; one without a date may be young."""
    first = evolve(ONE, created_at=None) if age is None else young(ONE, age)
    region = Region(first, TWO, listing=[listed(first, "s-1", "i-1")])
    adoption = await prepared(region)
    region.listing = [*region.listing, listed(TWO, "s-2", "i-2")]
    assert await adoption.find("i-1") == [first]
    assert region.session.clock.monotonic() == 0  # what is there needs no patience
    assert await adoption.find("i-2") == ([TWO] if waits else [])
    assert (region.session.clock.monotonic() > 0) is waits


async def test_a_young_snapshot_of_another_run_is_no_reason_to_wait() -> None:
    """R161."""
    other = evolve(young(ONE, 1), name=name_for("nightly-2", "i-1"))
    region = Region(other, listing=[listed(other, "s-1", "i-1")])
    assert await (await prepared(region)).find("i-1") == []
    assert region.session.clock.monotonic() == 0


@pytest.mark.parametrize(("spent", "waited"), [(0.0, 1.0), (0.25, 0.75), (5.0, 0.0)])
async def test_only_what_is_left_of_the_window_since_the_reading_is_waited(
    spent: float, waited: float
) -> None:
    """R161: in parts of the reconcile window, whatever the clock showed at first."""
    region = Region(ONE)
    clock, window = region.session.clock, region.session.timeouts.reconcile_window
    await clock.sleep(100)
    adoption = adoption_of(region, resume=True)
    await adoption.prepare()
    await clock.sleep(spent * window)
    before = clock.monotonic()
    assert await adoption.find("i-1") == []
    assert clock.monotonic() - before == pytest.approx(waited * window)


@pytest.mark.parametrize(("more", "waits"), [(1.0, True), (3.0, False)])
@pytest.mark.parametrize("ahead", [-600, 0, 600])
async def test_young_is_what_is_hardly_older_than_the_window_by_the_servers_clock(
    more: float, waits: bool, ahead: int
) -> None:
    """R161, S85: dates have whole seconds, so two more count."""
    region = Region()
    region.session.clock_skew = skew = timedelta(seconds=ahead)
    window = region.session.timeouts.reconcile_window
    first = evolve(ONE, created_at=FakeClock().now() + skew - timedelta(seconds=window + more))
    region.listing = [listed(first, "s-1", "i-1")]
    adoption = await prepared(region)
    assert await adoption.find("i-9") == []
    assert (region.session.clock.monotonic() > 0) is waits


@pytest.mark.parametrize(("body", "waits"), [("old", False), ("young", True), (None, True)])
async def test_an_item_without_a_date_is_as_old_as_what_stands_in_it(
    body: str | None, waits: bool
) -> None:
    """R161."""
    made = {"old": MADE, "young": FakeClock().now()}
    inner = None if body is None else Snapshot("i-1", ONE.name, created_at=made[body])
    region = Region(listing=[RegionSnapshot("s-1", ONE.name, instance=inner)])
    assert await (await prepared(region)).find("i-9") == []
    assert (region.session.clock.monotonic() > 0) is waits


async def test_each_request_has_a_runs_patience_and_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R162: the region may be down for a quarter of an hour while a run finds what it has."""
    region = Region(ONE, listing=[listed(ONE, "x-1", "s-9")])
    steps: list[LogicalCall] = []
    get, of_instance = region.get_snapshot, region.list_snapshots

    async def get_snapshot(instance_id: str, snapshot_id: str, options: Within) -> Snapshot:
        assert isinstance(options, LogicalCall)
        steps.append(options)
        return await get(instance_id, snapshot_id, options)

    def list_snapshots(instance_id: str, options: Within) -> Listing[Snapshot]:
        assert isinstance(options, LogicalCall)
        steps.append(options)
        return of_instance(instance_id, options)

    monkeypatch.setattr(region, "get_snapshot", get_snapshot)
    monkeypatch.setattr(region, "list_snapshots", list_snapshots)
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert len(steps) == 2
    assert all(step.is_patient and step.deadline.ends_at == 600 for step in steps)


# What the listing shows, without proof


@pytest.mark.parametrize(("outer", "inner"), [("s-1", "i-1"), ("x-1", "s-1")])
async def test_what_is_shown_bears_the_snapshots_own_id_once_that_is_known(
    outer: str, inner: str
) -> None:
    """R158: until a proof has shown which id it is, the outer one is taken."""
    region = Region(ONE, listing=[listed(ONE, outer, inner)])
    adoption = adoption_of(region)
    assert adoption.shown("i-1") is None
    await adoption.prepare()
    for known in (False, True):
        shown = adoption.shown("i-1")
        assert shown is not None
        assert [one.id for one in shown] == ["s-1" if known else outer]
        assert {(one.name, one.instance_id) for one in shown} == {(ONE.name, "i-1")}
        await adoption.find("i-1")
    assert adoption.shown("i-9") == []


async def test_the_listing_names_an_instance_only_where_each_item_does() -> None:
    """R158."""
    other = own(2, "s-9")
    items = [listed(TWO, "s-2", "i-2"), listed(other, "s-9", "i-7"), listed(ONE, "s-1", "i-1")]
    adoption = await prepared(Region(listing=[*items, listed(own(3), "s-3", None)]))
    assert adoption.names_instance("i-1")
    assert not adoption.names_instance("i-2")
    assert not adoption.names_instance("i-3")
    assert adoption.names_instance("i-9")  # of which it shows nothing


async def test_all_is_told_by_a_listing_with_outer_ids_that_names_its_instances() -> None:
    """R185: a look at a run then needs no further request."""
    region = Region(ONE, TWO, listing=[listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", None)])
    adoption = await prepared(region)
    assert not adoption.is_told("i-1")  # under which id is not known yet
    await adoption.find("i-1")
    assert adoption.is_told("i-1")
    assert not adoption.is_told("i-2")
    inner = await prepared(Region(ONE, listing=[listed(ONE, "outer", "s-1")]))
    await inner.find("i-1")
    assert not inner.is_told("i-1")


async def test_the_instances_of_a_run_are_those_that_its_names_prove() -> None:
    """R185: a look at a run by its name alone."""
    items = [listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", "i-2")]
    adoption = adoption_of(Region(listing=items))
    assert adoption.instances_shown() is None
    assert adoption.instances_among(["i-1", "i-9"]) == ["i-1", "i-9"]
    await adoption.prepare()
    assert sorted(adoption.instances_shown() or ()) == ["i-1", "i-2"]
    assert adoption.instances_among(["i-1", "i-9"]) == ["i-1"]


@pytest.mark.parametrize("named", [None, "i-7"])
async def test_an_item_that_does_not_prove_its_instance_leaves_them_untold(
    named: str | None,
) -> None:
    """R185: nobody can tell whose it is."""
    items = [listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", named)]
    assert (await prepared(Region(listing=items))).instances_shown() is None


# Without a listing of the region, or not the whole of it


@pytest.mark.parametrize(
    "refusal",
    [
        NotFoundError("404", status=404),
        PermissionDeniedError("403", status=403),
        ServiceDisabledError("disabled", status=400),
        ApiError("405", status=405),
        ServerError("501", status=501),
    ],
    ids=str,
)
async def test_where_there_is_no_region_wide_listing_each_instance_is_asked(
    refusal: CivoError,
) -> None:
    """S79."""
    region = Region(ONE, Snapshot("s-5", "other", instance_id="i-1"))
    region.refusal = refusal
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == []
    assert region.asked == ["region", "list i-1", "list i-2"]


@pytest.mark.parametrize(
    "error", [ServerError("503", status=503), RateLimitError("429", status=429)], ids=str
)
async def test_a_listing_that_failed_is_not_taken_for_an_empty_one(error: CivoError) -> None:
    """L115: nothing is made twice; the session has asked for as long as the run's time lasts."""
    region = Region(ONE)
    region.refusal = error
    with pytest.raises(type(error)):
        await prepared(region)
    assert region.asked == ["region"]


@pytest.mark.parametrize("trouble", ["broken off", "left out", "too much"])
async def test_what_may_be_missing_from_the_listing_is_asked_for(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L115: what exists would be created twice."""
    region = Region(ONE, TWO, listing=[listed(TWO, "s-2", "i-2")])
    if trouble == "broken off":
        region.whole = False
    elif trouble == "left out":
        region.left_out = 1
    else:
        monkeypatch.setattr(namesakes, "_MOST_KEPT", 10)
    adoption = await prepared(region)
    assert await adoption.find("i-1") == [ONE]
    assert await adoption.find("i-2") == [TWO]
    assert region.asked == ["region", "list i-1", "list i-2"]


async def test_an_item_of_ours_that_does_not_fit_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """L115, B63."""
    region = Region(ONE)

    async def read(consumer: ListingConsumer, options: Within) -> float | None:
        consumer.consume(
            [ListingItem("s-1", ONE.name, instance=msgspec.Raw(b'{"id":"i-1","status":5}'))]
        )
        return 0.0

    monkeypatch.setattr(region, "read_region_listing", read)
    assert await (await prepared(region)).find("i-1") == [ONE]
    assert region.asked == ["list i-1"]


async def test_a_run_goes_on_where_an_item_of_a_large_region_is_no_text() -> None:
    """L115, B52: what that item is cannot be told, so each instance is asked."""
    clock = FakeClock()
    async with (
        FakeRegion(instances=3, clock=clock) as region,
        CivoClient(region.token, region=region.region, api_url=region.url, clock=clock) as civo,
    ):
        await civo.snapshots.create_many(region.instance_ids[:1], name="nightly")
        others = [{"id": f"x-{number}", "description": "x" * 300} for number in range(2_000)]
        others[1_000]["name"] = "\ud800"
        listing = Fault.status(200, json.dumps(others).encode())
        region.fault("GET /v2/resourcesnapshots", listing, times=None)
        run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        assert run.counts["complete"] == 3
        assert region.counts["POST /v2/instances/{id}/snapshots"] == 3
