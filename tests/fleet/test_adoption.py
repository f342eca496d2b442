"""Finding what a run of the same name has made before, with as few requests as that takes."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from support.stubs import StubApi, listing_of

from civo_snapshots import CivoClient, Listing, states
from civo_snapshots._codec import ListingConsumer, ListingItem, items_of
from civo_snapshots._fleet import adoption as adoption_module
from civo_snapshots._fleet.adoption import Adoption, best_of
from civo_snapshots._session import Within
from civo_snapshots.errors import (
    ApiError,
    CivoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
)
from civo_snapshots.models import RegionSnapshot, Snapshot, SnapshotStatus, VolumeStatus
from civo_snapshots.states import State
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


def own(number: int, name: str | None = None) -> Snapshot:
    name = name or f"run-{number}"
    return Snapshot(f"s-{number}", name, status=STATUS, instance_id=f"i-{number}")


def listed(snapshot: Snapshot, outer: str, inner: str | None) -> RegionSnapshot:
    body = None if inner is None else Snapshot(inner, snapshot.name, status=snapshot.status)
    return RegionSnapshot(outer, snapshot.name, instance=body)


async def prepared(region: Region) -> Adoption:
    adoption = Adoption(region)
    await adoption.prepare()
    return adoption


ONE, TWO = own(1), own(2)


async def test_what_the_listing_does_not_have_needs_no_further_request() -> None:
    """L115."""
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1")])
    assert await (await prepared(region)).find("i-9", "run-9") == []
    assert region.asked == ["region"]


async def test_outer_ids_are_proven_once() -> None:
    region = Region(ONE, TWO, listing=[listed(ONE, "s-1", "i-1"), listed(TWO, "s-2", "i-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "run-2") == [TWO]
    assert region.asked == ["region", "get i-1 s-1"]


async def test_inner_ids_are_proven_once() -> None:
    region = Region(ONE, TWO, listing=[listed(ONE, "x-1", "s-1"), listed(TWO, "x-2", "s-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "run-2") == [TWO]
    assert region.asked == ["region", "get i-1 x-1", "get i-1 s-1"]


@pytest.mark.parametrize("inner", ["i-1", None])
async def test_where_no_id_fits_the_instances_own_list_is_asked(inner: str | None) -> None:
    region = Region(ONE, TWO, listing=[listed(ONE, "x-1", inner), listed(TWO, "x-2", "i-2")])
    adoption = await prepared(region)
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "run-2") == [TWO]
    assert region.asked[0] == "region"
    assert region.asked[-2:] == ["list i-1", "list i-2"]
    assert len(region.asked) == 5


async def test_an_id_that_leads_to_another_name_is_no_proof() -> None:
    """T13: a stray answer would otherwise decide for the whole run."""
    stranger = Snapshot("x-1", "other", instance_id="i-1")
    region = Region(stranger, ONE, listing=[listed(ONE, "x-1", "s-1")])
    assert await (await prepared(region)).find("i-1", "run-1") == [ONE]
    assert region.asked[-1] == "get i-1 s-1"


async def test_many_who_ask_at_once_share_one_proof() -> None:
    snapshots = [own(number) for number in range(1, 20)]
    region = Region(*snapshots, listing=[listed(s, s.id, s.instance_id) for s in snapshots])
    adoption = await prepared(region)
    found = await asyncio.gather(*(adoption.find(s.instance_id, s.name) for s in snapshots))
    assert found == [[snapshot] for snapshot in snapshots]
    assert len(region.asked) == 2


async def test_a_proof_that_could_not_be_made_is_made_again() -> None:
    """P96: one bad answer must not cost a request for each instance of the run."""
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1")])
    adoption = await prepared(region)
    region.trouble = ServerError("503", status=503)
    with pytest.raises(ServerError):
        await adoption.find("i-1", "run-1")
    region.trouble = None
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert region.asked == ["region", "get i-1 s-1", "get i-1 s-1"]


async def test_every_snapshot_of_the_name_is_found() -> None:
    """L115: duplicates are reported, never hidden."""
    again = Snapshot("s-9", "run-1", status=STATUS, instance_id="i-1")
    region = Region(ONE, again, listing=[listed(ONE, "s-1", "i-1"), listed(again, "s-9", "i-1")])
    assert await (await prepared(region)).find("i-1", "run-1") == [ONE, again]


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
    region = Region(ONE, own(1, "other"))
    region.refusal = refusal
    adoption = await prepared(region)
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "run-2") == []
    assert region.asked == ["region", "list i-1", "list i-2"]


@pytest.mark.parametrize(
    "error", [ServerError("503", status=503), RateLimitError("429", status=429)], ids=str
)
async def test_a_listing_that_failed_is_not_taken_for_an_empty_one(error: CivoError) -> None:
    """L115: what exists would be created twice."""
    region = Region(ONE)
    region.refusal = error
    with pytest.raises(type(error)):
        await prepared(region)


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
        monkeypatch.setattr(adoption_module, "_MOST_KEPT", 10)
    adoption = await prepared(region)
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "run-2") == [TWO]
    assert region.asked == ["region", "list i-1", "list i-2"]


async def test_an_item_of_ours_that_does_not_fit_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """L115, B63."""
    region = Region(ONE)

    async def read(consumer: ListingConsumer, options: Within) -> float | None:
        consumer.consume(
            [ListingItem("s-1", "run-1", instance=msgspec.Raw(b'{"id":"i-1","status":5}'))]
        )
        return 0.0

    monkeypatch.setattr(region, "read_region_listing", read)
    adoption = Adoption(region, "run-")
    await adoption.prepare()
    assert await adoption.find("i-1", "run-1") == [ONE]
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


async def test_only_the_runs_own_names_are_kept() -> None:
    region = Region(ONE, listing=[listed(ONE, "s-1", "i-1"), listed(own(2, "other"), "s-2", "i")])
    adoption = Adoption(region, "run-")
    await adoption.prepare()
    assert await adoption.find("i-1", "run-1") == [ONE]
    assert await adoption.find("i-2", "other") == []


# Which one of several


def made(id_: str, state: str, at: datetime | None, *volumes: str) -> Snapshot:
    status = SnapshotStatus(state, tuple(VolumeStatus(text, text) for text in volumes))
    return Snapshot(id_, "run-1", status=status, created_at=at)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_most_advanced_snapshot_is_the_best() -> None:
    failed = made("failed", "Failed", NOON)
    pending = made("pending", "Pending", NOON + timedelta(hours=1))
    settling = made("settling", "Complete", NOON + timedelta(hours=2), "Pending")
    complete = made("complete", "Complete", NOON + timedelta(hours=3))
    ranked = sorted([failed, settling, pending, complete], key=best_of(states.DEFAULT_STATES))
    assert [snapshot.id for snapshot in ranked] == ["complete", "pending", "settling", "failed"]


def test_among_equals_the_oldest_is_the_best_in_whatever_zone_it_is_dated() -> None:
    east = timezone(timedelta(hours=2))
    first = made("first", "Pending", (NOON - timedelta(minutes=1)).astimezone(east))
    second = made("second", "Pending", NOON)
    third = made("third", "Pending", NOON + timedelta(milliseconds=500))
    undated = made("undated", "Pending", None)
    ranked = sorted([third, second, undated, first], key=best_of(states.DEFAULT_STATES))
    assert [snapshot.id for snapshot in ranked] == ["undated", "first", "second", "third"]


def test_the_clients_own_states_are_used() -> None:
    sealed, pending = made("sealed", "Sealed", NOON), made("pending", "Pending", NOON)
    key = best_of(states.extended({"sealed": State.COMPLETE}))
    assert min([pending, sealed], key=key) is sealed
