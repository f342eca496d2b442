"""Creates that must wait, and deletions that take their time."""

import pytest
from fake_calls import serving

LISTING = "/v2/resourcesnapshots"


async def test_a_second_create_of_an_instance_may_have_to_wait() -> None:  # R152
    async with serving(one_at_a_time=True, duration=(5, 5)) as (call, clock):
        await call.create()
        reply = await call("POST", call.snapshots)
        assert (reply.status, reply.code) == (409, "database_snapshot_create_already_in_process")
        await call.create(instance=1)
        clock.advance(5)
        await call.create()


async def test_a_create_may_lock_the_quota_for_the_others() -> None:  # R152
    async with serving(quota_lock=2) as (call, clock):
        await call.create()
        reply = await call("POST", f"/v2/instances/{call.region.instance_ids[1]}/snapshots")
        assert (reply.status, reply.code) == (409, "database_quota_lock_failed")
        clock.advance(2)
        await call.create(instance=1)


async def test_a_quota_of_minus_one_is_none() -> None:
    async with serving(snapshot_limit=-1) as (call, _):
        await call.create()
        assert (await call("GET", "/v2/quota")).json["disk_snapshot_count_limit"] == -1


async def test_a_refusal_has_the_usual_status_of_its_code() -> None:
    async with serving() as (call, _):
        key = call.region.instance_ids[0]
        call.region.refuse_create(key, "database_quota_lock_failed")
        assert (await call("POST", call.snapshots)).status == 409
        with pytest.raises(ValueError, match="'odd' is not among ERROR_CODES"):
            call.region.refuse_create(key, "odd")


async def test_what_is_being_deleted_may_say_so() -> None:  # R159
    async with serving(shows_deleting=True, delete_takes=10, duration=(5, 5)) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        clock.advance(5)
        assert (await call("DELETE", path)).status == 200
        assert (await call("GET", path)).json["status"]["state"] == "deleting"
        (item,) = (await call("GET", LISTING)).json
        assert item["instance"]["status"]["state"] == "deleting"
        assert (await call("POST", f"{path}/restore")).code == "database_snapshot_not_complete"
        clock.advance(10)
        assert (await call("GET", path)).status == 404


async def test_what_is_being_made_may_be_in_use() -> None:  # S77
    async with serving(delete_pending=False, duration=(5, 5)) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        reply = await call("DELETE", path)
        assert (reply.status, reply.code) == (409, "database_snapshot_cannot_delete_in_use")
        clock.advance(5)
        assert (await call("DELETE", path)).status == 200


@pytest.mark.parametrize("form", ["result", "full", "empty"])
async def test_a_deletion_is_acknowledged_in_three_forms(form: str) -> None:
    async with serving(acknowledgement=form) as (call, _):
        key = (await call.create())["id"]
        reply = await call("DELETE", f"{call.snapshots}/{key}")
        full = {"id": key, "result": "success", "code": "", "reason": "", "details": ""}
        if form == "empty":
            assert reply.body == b""
        else:
            assert reply.json == (full if form == "full" else {"result": "success"})
