"""Clocks that differ, and reads that lag behind."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from fake_calls import Caller, serving

from civo_snapshots.testing import FakeClock, FakeRegion

START = datetime(2026, 1, 1, tzinfo=UTC)
LISTING = "/v2/resourcesnapshots"


async def test_the_gateway_and_the_backend_may_differ_in_time() -> None:  # R172
    async with serving(date_skew=-90, created_skew=30, clock_skew=3_600) as (call, _):
        reply = await call("POST", call.snapshots)
        assert parsedate_to_datetime(reply.headers["Date"]) == START + timedelta(seconds=3_510)
        assert reply.json["created_at"] == "2026-01-01T01:00:30Z"


async def test_a_new_instance_may_be_dated_before_its_restore() -> None:  # R177
    async with serving(instance_skew=-5) as (call, clock):
        snapshot = await call.create()
        clock.advance(20)
        path = f"{call.snapshots}/{snapshot['id']}/restore"
        restore = (await call("POST", path, {"hostname": "copy"})).json
        instance = (await call("GET", "/v2/instances/copy")).json
        assert restore["created_at"] == "2026-01-01T00:00:20Z"
        assert instance["created_at"] == "2026-01-01T00:00:15Z"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("Z", "2026-01-01T00:00:07Z"),
        ("offset", "2026-01-01T02:00:07+02:00"),
        ("fraction", "2026-01-01T00:00:07.250000Z"),
        ("nanoseconds", "2026-01-01T00:00:07.250000789Z"),
        ("empty", ""),
        ("zero", "0001-01-01T00:00:00Z"),
    ],
)
async def test_a_date_comes_in_every_form_that_has_been_seen(form: str, text: str) -> None:
    async with serving(created_at_form=form) as (call, clock):
        clock.advance(7.25)
        assert (await call.create())["created_at"] == text
        (item,) = (await call("GET", LISTING)).json
        assert (item["created_at"], item["instance"]["created_at"]) == (text, text)


async def test_reads_lag_behind_a_create() -> None:  # R201
    async with serving(read_lag=5) as (call, clock):
        snapshot = await call.create("mine")
        for key in (snapshot["id"], "mine"):
            reply = await call("GET", f"{call.snapshots}/{key}")
            assert (reply.status, reply.code) == (404, "database_snapshot_not_found")
        for path in (call.snapshots, LISTING):
            assert (await call("GET", path)).json == []
        clock.advance(5)
        for key in (snapshot["id"], "mine"):
            assert (await call("GET", f"{call.snapshots}/{key}")).status == 200
        for path in (call.snapshots, LISTING):
            assert len((await call("GET", path)).json) == 1


async def test_reads_lag_behind_a_deletion_but_writes_do_not() -> None:  # R159
    async with serving(read_lag=5) as (call, clock):
        first, second = await call.create("first"), await call.create("second")
        path = f"{call.snapshots}/{first['id']}"
        clock.advance(30)
        assert (await call("DELETE", path)).status == 200
        assert (await call("DELETE", path)).status == 404
        assert (await call("GET", path)).status == 200
        assert (await call("GET", f"{call.snapshots}/first")).status == 200
        assert (await call("GET", f"{LISTING}/{first['id']}")).status == 200
        names = [item["name"] for item in (await call("GET", call.snapshots)).json]
        assert names == ["first", "second"]
        assert (await call("GET", "/v2/quota")).json["disk_snapshot_count_usage"] == 1
        clock.advance(5)
        assert (await call("GET", path)).status == 404
        assert [item["id"] for item in (await call("GET", LISTING)).json] == [second["id"]]


async def test_reads_lag_behind_a_change_of_name() -> None:  # R176
    async with serving(read_lag=5) as (call, clock):
        path = f"{call.snapshots}/{(await call.create('old'))['id']}"
        clock.advance(30)
        await call("PUT", path, {"name": "new"})
        clock.advance(3)
        answer = (await call("PUT", path, {"description": "d"})).json
        assert (answer["name"], answer["description"]) == ("new", "d")
        seen = []
        for _ in range(3):
            shown = (await call("GET", path)).json
            seen.append((shown["name"], shown["description"]))
            clock.advance(2.5)
        assert seen == [("old", ""), ("new", ""), ("new", "d")]
        assert (await call("GET", f"{call.snapshots}/old")).status == 404


async def test_reads_lag_behind_progress_and_new_instances() -> None:
    async with serving(read_lag=5, duration=(10, 10), restore_duration=(1, 1)) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        clock.advance(12)
        assert (await call("GET", path)).json["status"]["state"] == "Pending"
        # A write is decided by what is, not by what reads show.
        assert (await call("POST", f"{path}/restore", {"hostname": "copy"})).status == 201
        assert (await call("GET", "/v2/instances/copy")).code == "database_instance_find"
        assert len((await call("GET", "/v2/instances")).json["items"]) == 3
        clock.advance(5)
        assert (await call("GET", path)).json["status"]["state"] == "Complete"
        assert (await call("GET", "/v2/instances/copy")).json["status"] == "BUILDING"
        assert len((await call("GET", "/v2/instances")).json["items"]) == 4


@pytest.mark.parametrize("options", [{"read_lag": 20.0}, {"visible_after": 20.0}])
async def test_a_new_client_sees_no_more_than_the_one_before(  # R161
    options: dict[str, float],
) -> None:
    clock = FakeClock(auto=False)
    async with FakeRegion(
        clock=clock,
        read_lag=0.0 if "visible_after" in options else 20.0,
        visible_after=options.get("visible_after", 0.0),
    ) as region:
        for expected in (0, 0, 1):
            async with aiohttp.ClientSession() as session:
                call = Caller(session, region)
                if not region.state.snapshots:
                    await call.create()
                assert len((await call("GET", call.snapshots)).json) == expected
            clock.advance(10)
        assert region.connections_opened == 3


async def test_some_reads_are_stale_and_others_fresh() -> None:
    async def story(seed: int) -> list[int]:
        async with serving(read_lag=60, stale_share=0.5, seed=seed) as (call, _):
            await call.create()
            return [len((await call("GET", call.snapshots)).json) for _ in range(40)]

    seen = await story(1)
    assert 8 < sum(seen) < 32
    assert seen == await story(1)


async def test_the_regions_listing_may_never_show_some() -> None:  # P102
    async with serving(listing_gaps=0.5, instances=1) as (call, _):
        made = [(await call.create())["id"] for _ in range(40)]
        listed = [item["id"] for item in (await call("GET", LISTING)).json]
        assert 8 < len(listed) < 32
        assert [item["id"] for item in (await call("GET", call.snapshots)).json] == made
        missing = next(key for key in made if key not in listed)
        assert (await call("GET", f"{LISTING}/{missing}")).status == 200
        record = call.region.state.snapshots[listed[0]]
        record.is_unlisted = True
        assert len((await call("GET", LISTING)).json) == len(listed) - 1


async def test_when_the_disks_were_captured_is_on_record() -> None:
    async with serving(capture_after=2) as (call, clock):
        clock.advance(1)
        await call.create()
        (record,) = call.region.state.snapshots.values()
        assert (record.created, record.captured_at) == (1, 3)


async def test_without_a_clock_the_region_goes_by_real_time() -> None:
    clock = FakeRegion().clock
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() > before
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
