"""Names: where they stand for ids, where they are unique, and snapshots of other people."""

import pytest
from fake_calls import serving

LISTING = "/v2/resourcesnapshots"


async def test_a_hostname_or_name_in_a_path_is_answered_with_the_real_id() -> None:  # R157
    async with serving() as (call, _):
        instance = (await call("GET", "/v2/instances/instance-1")).json
        assert instance["id"] == call.region.instance_ids[0]
        by_name = "/v2/instances/instance-1/snapshots"
        made = (await call("POST", by_name, {"name": "mine"})).json
        assert (await call("GET", by_name)).json == [made]
        assert (await call("GET", f"{by_name}/mine")).json == made
        assert (await call("PUT", f"{by_name}/mine", {"description": "d"})).json["id"] == made["id"]
        assert (await call("GET", f"{LISTING}/mine")).json["id"] == made["id"]
        assert (await call("DELETE", f"{by_name}/mine")).status == 200
        assert (await call("GET", call.snapshots)).json == []


async def test_names_need_not_stand_for_ids() -> None:  # R157
    async with serving(names_as_ids=False) as (call, _):
        made = await call.create("mine")
        for path in (
            "/v2/instances/instance-1",
            f"{call.snapshots}/mine",
            f"{LISTING}/mine",
            "/v2/resourcesnapshotschedules/nightly",
        ):
            assert (await call("GET", path)).status == 404
        reply = await call("POST", "/v2/instances/instance-1/snapshots")
        assert reply.code == "database_snapshot_create_instance_not_found"
        assert (await call("GET", f"{call.snapshots}/{made['id']}")).json == made


@pytest.mark.parametrize(("unique", "elsewhere"), [("instance", 201), ("region", 409)])
async def test_a_name_may_be_unique(unique: str, elsewhere: int) -> None:  # R173
    async with serving(unique_names=unique) as (call, _):
        made = await call.create("mine")
        other = await call.create("other")
        reply = await call("POST", call.snapshots, {"name": "mine"})
        assert (reply.status, reply.code) == (409, "database_snapshot_cannot_replace")
        second = f"/v2/instances/{call.region.instance_ids[1]}/snapshots"
        assert (await call("POST", second, {"name": "mine"})).status == elsewhere
        path = f"{call.snapshots}/{other['id']}"
        assert (await call("PUT", path, {"name": "mine"})).status == 409
        assert (await call("PUT", path, {"name": "other"})).status == 200
        assert (await call("POST", call.snapshots)).status == 201
        await call("DELETE", f"{call.snapshots}/{made['id']}")
        await call("DELETE", f"{second}/mine")
        assert (await call("POST", call.snapshots, {"name": "mine"})).status == 201


async def test_a_taken_name_has_the_code_it_is_told_to_have() -> None:
    async with serving(unique_names="region", taken_name_code="parameter_name_invalid") as (
        call,
        _,
    ):
        await call.create("mine")
        reply = await call("POST", call.snapshots, {"name": "mine"})
        assert (reply.status, reply.code) == (409, "parameter_name_invalid")


async def test_without_uniqueness_a_name_finds_the_oldest() -> None:
    async with serving() as (call, _):
        first, _second = await call.create("mine"), await call.create("mine")
        assert (await call("GET", f"{call.snapshots}/mine")).json["id"] == first["id"]


async def test_strangers_are_there_from_the_start() -> None:
    async with serving(strangers=4, instances=3) as (call, _):
        items = (await call("GET", LISTING)).json
        assert len(items) == 4
        assert {item["instance"]["id"] for item in items} == set(call.region.instance_ids)
        assert {item["instance"]["status"]["state"] for item in items} == {"Complete"}
        assert (await call("GET", "/v2/quota")).json["disk_snapshot_count_usage"] == 4
        await call.create()
        strangers = [one.is_strangers for one in call.region.state.snapshots.values()]
        assert strangers == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("state", "shown"), [("complete", "Complete"), ("failed", "Failed"), ("pending", "Pending")]
)
async def test_somebody_else_may_use_our_name_on_another_instance(  # R158
    state: str, shown: str
) -> None:
    async with serving() as (call, clock):
        clock.advance(100)
        second = call.region.instance_ids[1]
        stranger = call.region.state.add_stranger("ours", second, age=60, state=state)
        made = await call.create("ours")
        clock.advance(1_000)
        first, other = (await call("GET", LISTING)).json
        assert (first["id"], first["name"], first["instance"]["id"]) == (
            stranger.id,
            "ours",
            second,
        )
        assert first["instance"]["status"]["state"] == shown
        assert first["created_at"] == "2026-01-01T00:00:40Z"
        assert other["id"] == made["id"]
        assert (await call("GET", f"{call.snapshots}/ours")).json["id"] == made["id"]


async def test_a_stranger_needs_a_known_end_but_no_volume() -> None:
    async with serving(volumes=0) as (call, _):
        with pytest.raises(ValueError, match="not 'gone'"):
            call.region.state.add_stranger("x", state="gone")
        assert call.region.state.add_stranger("x", state="pending").state(1_000) == "Pending"


@pytest.mark.parametrize(
    ("case", "code"), [("given", "Lon1"), ("lower", "lon1"), ("upper", "LON1")]
)
async def test_a_regions_code_differs_in_case(case: str, code: str) -> None:
    async with serving(region="Lon1", code_case=case) as (call, _):
        (region,) = (await call("GET", "/v2/regions")).json
        instance = (await call("GET", "/v2/instances/instance-1", region="lON1")).json
        assert (region["code"], instance["region"]) == (code, code)
