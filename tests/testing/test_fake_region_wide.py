"""The region-wide routes: snapshots, instances, regions, and the pages of a list."""

import pytest
from fake_calls import serving

from civo_snapshots.testing import SECRET_CANARIES

LISTING = "/v2/resourcesnapshots"


async def test_the_listing_holds_every_snapshot_of_the_region() -> None:
    async with serving() as (call, _):
        first, second = await call.create("a"), await call.create("b", instance=1)
        items = (await call("GET", LISTING)).json
        assert [item["name"] for item in items] == ["a", "b"]
        assert items[0] == {
            "id": first["id"],
            "name": "a",
            "description": "",
            "resource_type": "instance",
            "created_at": first["created_at"],
            "instance": {
                "id": call.region.instance_ids[0],
                "name": "instance-1",
                "description": "",
                "included_volumes": first["included_volumes"],
                "status": first["status"],
                "created_at": first["created_at"],
            },
        }
        assert items[1]["id"] == second["id"]


@pytest.mark.parametrize("mode", ["outer", "inner", "name"])
async def test_the_snapshot_id_is_where_the_option_says(mode: str) -> None:
    async with serving(region_ids=mode) as (call, _):
        snapshot = await call.create("mine")
        (item,) = (await call("GET", LISTING)).json
        assert (item["id"] == snapshot["id"]) is (mode == "outer")
        assert (item["instance"]["id"] == snapshot["id"]) is (mode == "inner")
        assert item["name"] == "mine"
        by_id = await call("GET", f"{LISTING}/{item['id']}")
        by_name = await call("GET", f"{LISTING}/mine")
        assert by_id.json == by_name.json == item


async def test_a_listing_follows_the_life_of_its_snapshots() -> None:
    async with serving(duration=(5, 5)) as (call, clock):
        await call.create()
        clock.advance(5)
        (item,) = (await call("GET", LISTING)).json
        assert item["instance"]["status"]["state"] == "Complete"


async def test_a_snapshot_can_be_changed_and_deleted_region_wide() -> None:
    async with serving(region_ids="name") as (call, _):
        snapshot = await call.create()
        (item,) = (await call("GET", LISTING)).json
        path = f"{LISTING}/{item['id']}"
        changed = await call("PUT", path, {"name": "b", "description": "d"})
        assert (changed.status, changed.json["name"]) == (200, "b")
        own = (await call("GET", f"{call.snapshots}/{snapshot['id']}")).json
        assert (own["name"], own["description"]) == ("b", "d")
        assert (await call("DELETE", path)).json == {"result": "success"}
        assert (await call("GET", path)).code == "database_snapshot_not_found"
        assert (await call("GET", LISTING)).json == []


async def test_a_region_wide_restore_is_asked_for_and_answered_inside_an_object() -> None:
    async with serving() as (call, clock):
        snapshot = await call.create()
        clock.advance(20)
        path = f"{LISTING}/{snapshot['id']}/restore"
        wish = {"hostname": "copy", "private_ipv4": "10.9.8.7", "include_volumes": True}
        reply = await call("POST", path, {"instance": wish})
        assert (reply.status, reply.json["resource_type"]) == (201, "instance")
        assert reply.json["instance"]["hostname"] == "copy"
        assert reply.json["instance"]["private_ipv4"] == "10.9.8.7"
        for bad in ({}, {"instance": "x"}):
            assert (await call("POST", path, bad)).code == "parameter_instance_invalid"


async def test_overwriting_a_removed_instance_is_refused() -> None:
    async with serving() as (call, clock):
        snapshot = await call.create()
        clock.advance(20)
        call.region.state.remove_instance(call.region.instance_ids[0])
        path = f"{LISTING}/{snapshot['id']}/restore"
        reply = await call("POST", path, {"instance": {"overwrite_existing": True}})
        assert (reply.status, reply.code) == (404, "database_instance_find")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LISTING),
        ("GET", f"{LISTING}/x"),
        ("PUT", f"{LISTING}/x"),
        ("DELETE", f"{LISTING}/x"),
        ("POST", f"{LISTING}/x/restore"),
    ],
)
async def test_a_region_without_the_listing_has_none_of_its_routes(method: str, path: str) -> None:
    async with serving(region_listing=False) as (call, _):
        reply = await call(method, path)
        assert (reply.status, reply.body) == (404, b"404 page not found\n")
        assert reply.headers["Content-Type"].startswith("text/plain")


async def test_instances_come_in_pages() -> None:
    async with serving(instances=45) as (call, _):
        seen = []
        for page, count in ((1, 20), (2, 20), (3, 5), (4, 0)):
            body = (await call("GET", f"/v2/instances?page={page}")).json
            assert (body["page"], body["per_page"], body["pages"]) == (page, 20, 3)
            assert len(body["items"]) == count
            seen += [item["id"] for item in body["items"]]
        assert seen == call.region.instance_ids


async def test_a_page_holds_a_hundred_at_most() -> None:
    async with serving(instances=120) as (call, _):
        body = (await call("GET", "/v2/instances?per_page=500")).json
        assert (body["per_page"], body["pages"], len(body["items"])) == (100, 2, 100)
        for query in ("page=0", "page=x", "page=-1", "per_page=", "per_page=0"):
            reply = await call("GET", f"/v2/instances?{query}")
            assert (reply.status, reply.code) == (400, f"parameter_{query.split('=')[0]}_invalid")


async def test_pages_may_be_off_and_per_page_null() -> None:
    async with serving(pages_off_by=-1, null_per_page=True, instances=21) as (call, _):
        body = (await call("GET", "/v2/instances")).json
        assert (body["pages"], body["per_page"], len(body["items"])) == (1, None, 20)


async def test_an_instance_carries_what_must_never_be_shown() -> None:
    async with serving() as (call, _):
        key = call.region.add_instance(hostname="db1", volumes=3, tags=("prod",))
        body = (await call("GET", f"/v2/instances/{key}")).json
        assert body.items() >= SECRET_CANARIES.items()
        assert (body["hostname"], body["status"], body["tags"]) == ("db1", "ACTIVE", ["prod"])
        assert (body["region"], len(body["attached_volumes"])) == ("LON1", 3)
        reply = await call("GET", "/v2/instances/none")
        assert (reply.status, reply.code) == (404, "database_instance_find")


async def test_each_region_has_a_state_of_its_own() -> None:
    async with serving(more_regions=["NYC1"]) as (call, _):
        await call.create()
        assert len((await call("GET", LISTING, region="lon1")).json) == 1
        assert (await call("GET", LISTING, region="nyc1")).json == []
        theirs = list(call.region.in_region("nyc1").instances)
        assert not set(theirs) & set(call.region.instance_ids)
        items = (await call("GET", "/v2/instances", region="NYC1")).json["items"]
        assert {item["region"] for item in items} == {"NYC1"}


@pytest.mark.parametrize("region", [None, "LON1", "any"])
async def test_regions_are_listed_whatever_the_region(region: str | None) -> None:
    async with serving(more_regions=["NYC1"]) as (call, _):
        regions = (await call("GET", "/v2/regions", region=region)).json
        assert [(r["code"], r["default"]) for r in regions] == [("LON1", True), ("NYC1", False)]


async def test_twenty_thousand_snapshots_are_listed_from_ready_texts() -> None:
    async with serving(instances=100, snapshot_limit=20_000) as (call, clock):
        state = call.region.state
        for number in range(20_000):
            instance = state.instances[call.region.instance_ids[number % 100]]
            state.create_snapshot(instance, None, "", 0)
        clock.advance(20)
        first = await call("GET", LISTING)
        second = await call("GET", LISTING)
        assert first.body == second.body
        assert len(second.json) == 20_000
