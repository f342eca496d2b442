"""An instance's snapshots: life cycle, checks, quota, deletion and consistency."""

from typing import Any

import pytest
from fake_calls import serving

CREATE = "POST /v2/instances/{id}/snapshots"


async def test_a_create_answers_a_pending_snapshot_of_every_volume() -> None:
    async with serving(volumes=2) as (call, _):
        reply = await call("POST", call.snapshots, {"name": "nightly", "description": "d"})
        assert reply.status == 201
        volume_ids = list(call.region.state.instances[call.region.instance_ids[0]].volume_ids)
        snapshot_id = next(iter(call.region.state.snapshots))
        assert reply.json == {
            "id": snapshot_id,
            "name": "nightly",
            "description": "d",
            "included_volumes": volume_ids,
            "status": {
                "state": "Pending",
                "volumes": [{"id": key, "state": "Pending"} for key in volume_ids],
            },
            "created_at": "2026-01-01T00:00:00Z",
        }


async def test_forms_are_read_like_json_and_a_name_is_made_up_if_none_is_sent() -> None:
    async with serving() as (call, _):
        form = await call("POST", call.snapshots, form={"name": "by-form", "description": ""})
        assert (form.status, form.json["name"]) == (201, "by-form")
        assert (await call.create())["name"].startswith("snapshot-")
        null = await call("POST", call.snapshots, {"name": None, "description": None})
        assert null.json["name"].startswith("snapshot-")


async def test_volumes_complete_one_by_one() -> None:
    async with serving(volumes=3, duration=(5, 20)) as (call, clock):
        snapshot = await call.create()
        path = f"{call.snapshots}/{snapshot['id']}"
        seen = []
        for _ in range(21):
            status = (await call("GET", path)).json["status"]
            states = [volume["state"] for volume in status["volumes"]]
            seen.append((status["state"], states.count("Completed")))
            clock.advance(1)
        assert list(dict.fromkeys(seen)) == [
            ("Pending", 0),
            ("Pending", 1),
            ("Pending", 2),
            ("Complete", 3),
        ]


async def test_a_snapshot_of_no_volumes_is_complete_at_once() -> None:
    async with serving(volumes=0) as (call, _):
        assert (await call.create())["status"] == {"state": "Complete", "volumes": []}


@pytest.mark.parametrize(("leave_pending", "state"), [(False, "Failed"), (True, "Pending")])
async def test_a_failing_volume_shows_when_all_have_ended(leave_pending: bool, state: str) -> None:
    async with serving(duration=(5, 5)) as (call, clock):
        key = call.region.instance_ids[0]
        call.region.fail_volume(key, 1, leave_pending=leave_pending)
        await call.create()
        call.region.heal(key)
        await call.create()
        clock.advance(5)
        failed, healed = (item["status"] for item in (await call("GET", call.snapshots)).json)
        assert failed["state"] == state
        assert [volume["state"] for volume in failed["volumes"]] == ["Completed", "Failed"]
        assert healed["state"] == "Complete"
        with pytest.raises(IndexError):
            call.region.fail_volume(key, 2)


async def test_equal_seeds_give_equal_regions() -> None:
    async def story(seed: int) -> Any:
        async with serving(seed=seed, more_regions=["NYC1"]) as (call, clock):
            await call.create("a")
            clock.advance(10)
            ids = call.region.instance_ids, list(call.region.in_region("NYC1").instances)
            return ids, (await call("GET", call.snapshots)).json

    assert await story(1) == await story(1)
    assert await story(1) != await story(2)


async def test_a_snapshot_is_found_by_id_or_by_name_under_its_own_instance_only() -> None:
    async with serving() as (call, _):
        snapshot = await call.create("mine")
        by_id = await call("GET", f"{call.snapshots}/{snapshot['id']}")
        assert (await call("GET", f"{call.snapshots}/mine")).json == by_id.json == snapshot
        other = f"/v2/instances/{call.region.instance_ids[1]}/snapshots/{snapshot['id']}"
        reply = await call("GET", other)
        assert (reply.status, reply.code) == (404, "database_snapshot_not_found")
        reply = await call("GET", f"/v2/instances/none/snapshots/{snapshot['id']}")
        assert (reply.status, reply.code) == (404, "database_instance_find")


async def test_an_update_leaves_alone_what_it_does_not_name() -> None:
    async with serving() as (call, _):
        path = f"{call.snapshots}/{(await call.create('old'))['id']}"
        described = (await call("PUT", path, {"description": "new"})).json
        assert (described["name"], described["description"]) == ("old", "new")
        await call("PUT", path, {"name": "renamed"})
        shown = (await call("GET", path)).json
        assert (shown["name"], shown["description"]) == ("renamed", "new")


@pytest.mark.parametrize("empty", [False, True])
async def test_a_deleted_snapshot_is_gone_and_stays_on_record(empty: bool) -> None:
    async with serving(empty_delete=empty) as (call, _):
        snapshot = await call.create()
        path = f"{call.snapshots}/{snapshot['id']}"
        reply = await call("DELETE", path)
        assert (reply.status, reply.body) == (200, b"" if empty else b'{"result":"success"}')
        assert (await call("DELETE", path)).code == "database_snapshot_not_found"
        assert (await call("GET", path)).status == 404
        assert (await call("GET", call.snapshots)).json == []
        assert call.region.state.snapshots[snapshot["id"]].deleted


async def test_a_deletion_takes_its_time_and_frees_the_quota_at_the_end() -> None:
    async with serving(delete_takes=10, snapshot_limit=1) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        assert (await call("DELETE", path)).status == 200
        clock.advance(9)
        assert (await call("GET", path)).status == 200
        assert (await call("DELETE", path)).status == 200
        assert (await call("POST", call.snapshots)).code == "quota_limit_reached"
        clock.advance(1)
        assert (await call("GET", path)).status == 404
        await call.create()


async def test_the_quota_counts_what_there_is() -> None:
    async with serving(instances=2, snapshot_limit=2) as (call, _):
        for _ in range(2):
            await call.create()
        reply = await call("POST", call.snapshots)
        assert (reply.status, reply.code) == (403, "quota_limit_reached")
        quota = (await call("GET", "/v2/quota")).json
        assert quota["disk_snapshot_count_limit"] == quota["disk_snapshot_count_usage"] == 2
        assert quota["instance_count_usage"] == 2
        assert quota["disk_volume_count_usage"] == 4


async def test_a_new_snapshot_may_take_a_while_to_show_but_can_be_changed() -> None:
    async with serving(visible_after=3) as (call, clock):
        snapshot = await call.create()
        path = f"{call.snapshots}/{snapshot['id']}"
        assert (await call("GET", path)).status == 404
        assert (await call("GET", call.snapshots)).json == []
        assert (await call("GET", "/v2/resourcesnapshots")).json == []
        assert (await call("PUT", path, {"description": "d"})).status == 200
        assert (await call("GET", "/v2/quota")).json["disk_snapshot_count_usage"] == 1
        clock.advance(3)
        assert (await call("GET", path)).status == 200
        assert len((await call("GET", call.snapshots)).json) == 1


@pytest.mark.parametrize(
    "name", ["Upper", "-a", "a-", "a_b", "a.b", "", "ä", "a" * 64, "a\n", 7, ["a"]]
)
async def test_a_name_that_is_no_label_is_refused(name: object) -> None:
    async with serving() as (call, _):
        snapshot = await call.create("a" * 63)
        for method, path in (
            ("POST", call.snapshots),
            ("PUT", f"{call.snapshots}/{snapshot['id']}"),
        ):
            reply = await call(method, path, {"name": name})
            assert (reply.status, reply.code) == (400, "parameter_name_invalid")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (("application/json", b"{"), 400),
        (("application/json", b"[]"), 400),
        (("application/json", b"\xff"), 400),
        (("application/json", b"[" * 100_000), 400),
        (("application/x-www-form-urlencoded", b"name"), 400),
        (("text/plain", b"{}"), 415),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(raw: tuple[str, bytes], status: int) -> None:
    async with serving() as (call, _):
        assert (await call("POST", call.snapshots, raw=raw)).status == status
        assert not call.region.state.snapshots


async def test_creates_are_refused_as_arranged() -> None:
    async with serving() as (call, _):
        first, second, third = call.region.instance_ids
        call.region.refuse_create(first)
        call.region.refuse_create(second, "odd", status=409, reason="why", times=1)
        call.region.refuse_create(third)
        call.region.heal(third)
        for _ in range(2):
            reply = await call("POST", call.snapshots)
            assert (reply.status, reply.code) == (400, "database_instance_snapshot_too_big")
        reply = await call("POST", f"/v2/instances/{second}/snapshots")
        assert (reply.status, reply.json) == (409, {"code": "odd", "reason": "why"})
        await call.create(instance=1)
        await call.create(instance=2)


async def test_an_instance_must_exist_and_be_at_rest_to_be_snapshotted() -> None:
    async with serving() as (call, _):
        reply = await call("POST", "/v2/instances/none/snapshots")
        expected = 404, "database_snapshot_create_instance_not_found"
        assert (reply.status, reply.code) == expected
        for status, answer in {"SHUTOFF": 201, "BUILDING": 409}.items():
            key = call.region.add_instance(status=status)
            assert (await call("POST", f"/v2/instances/{key}/snapshots")).status == answer


async def test_a_removed_instance_takes_its_routes_with_it() -> None:
    async with serving() as (call, _):
        await call.create()
        path = call.snapshots
        call.region.state.remove_instance(call.region.instance_ids[0])
        assert (await call("GET", path)).code == "database_instance_find"
        assert len((await call("GET", "/v2/resourcesnapshots")).json) == 1


async def test_a_late_visible_snapshot_is_hidden_from_reads_by_name_too() -> None:
    async with serving(visible_after=1) as (call, _):
        await call.create("soon")
        assert (await call("GET", f"{call.snapshots}/soon")).status == 404
        assert (await call("DELETE", f"{call.snapshots}/soon")).status == 200
        assert call.region.counts[CREATE] == 1
