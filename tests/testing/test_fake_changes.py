"""Creates that must wait, deletions that take their time, restores in all their endings."""

from typing import Any

import pytest
from fake_calls import Caller, serving

from civo_snapshots.testing import FakeClock

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


async def restored(call: Caller, clock: FakeClock, **wish: Any) -> dict[str, Any]:
    """The answer of a restore from a new snapshot of the first instance."""
    path = f"{call.snapshots}/{(await call.create())['id']}/restore"
    clock.advance(20)
    reply = await call("POST", path, wish)
    assert reply.status in (200, 201)
    answer: dict[str, Any] = reply.json
    return answer


async def test_a_restore_may_queue_before_a_new_instance_shows() -> None:  # R177
    async with serving(restore_queue=60, restore_duration=(5, 5)) as (call, clock):
        await restored(call, clock, hostname="copy")
        seen = []
        for _ in range(3):
            reply = await call("GET", "/v2/instances/copy")
            seen.append(reply.json.get("status", reply.status))
            clock.advance(60 if len(seen) == 1 else 5)
        assert seen == [404, "BUILDING", "ACTIVE"]


@pytest.mark.parametrize("before", ["ACTIVE", "SHUTOFF", "ERROR"])
async def test_a_restore_may_queue_before_the_old_instance_is_touched(before: str) -> None:  # R177
    async with serving(restore_queue=60, restore_duration=(5, 5)) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        clock.advance(20)
        instance = call.region.state.instances[call.region.instance_ids[0]]
        instance.settled_status = before
        await call("POST", f"{path}/restore", {"overwrite_existing": True})
        seen = []
        for wait in (59, 1, 4, 1):
            seen.append((await call("GET", "/v2/instances/instance-1")).json["status"])
            clock.advance(wait)
        seen.append((await call("GET", "/v2/instances/instance-1")).json["status"])
        assert seen == [before, before, "RESTORING", "RESTORING", "ACTIVE"]
        assert (await call("DELETE", path)).status == 200


@pytest.mark.parametrize("end", ["ACTIVE", "SHUTOFF", "ERROR"])
@pytest.mark.parametrize("wish", [{"hostname": "copy"}, {"overwrite_existing": True}])
async def test_a_restore_may_end_in_another_state(end: str, wish: dict[str, Any]) -> None:  # R177
    async with serving(restore_ends=end) as (call, clock):
        await restored(call, clock, **wish)
        clock.advance(5)
        name = wish.get("hostname", "instance-1")
        assert (await call("GET", f"/v2/instances/{name}")).json["status"] == end


@pytest.mark.parametrize("shows", ["no", "snapshot_id", "source_id", "both"])
async def test_a_new_instance_may_name_what_it_was_made_from(shows: str) -> None:  # R177
    async with serving(shows_source=shows) as (call, clock):
        restore = await restored(call, clock, hostname="copy")
        instance = (await call("GET", "/v2/instances/copy")).json
        key = restore["from_snapshot"]
        assert (instance["snapshot_id"] == key) is (shows in {"snapshot_id", "both"})
        assert (instance["source_id"] == key) is (shows in {"source_id", "both"})
        assert (instance["source_type"] == "snapshot") is (shows in {"source_id", "both"})


async def test_a_hostname_may_come_back_with_a_domain() -> None:  # R177
    async with serving(domain="fleet.example") as (call, clock):
        restore = await restored(call, clock, hostname="copy")
        assert restore["hostname"] == "copy"
        *_, newest = (await call("GET", "/v2/instances")).json["items"]
        assert newest["hostname"] == "copy.fleet.example"
        assert (await call("GET", "/v2/instances/copy.fleet.example")).status == 200


@pytest.mark.parametrize(
    ("wrapping", "own", "region"),
    [("documented", False, True), ("always", True, True), ("never", False, False)],
)
async def test_restores_are_wrapped_or_bare(wrapping: str, own: bool, region: bool) -> None:
    async with serving(restore_wrapping=wrapping, restore_status=200) as (call, clock):
        answer = await restored(call, clock, hostname="first")
        assert ("resource_type" in answer) is own
        key = next(iter(call.region.state.snapshots))
        body = {"instance": {"hostname": "second"}}
        reply = await call("POST", f"{LISTING}/{key}/restore", body)
        assert (reply.status, "resource_type" in reply.json) == (200, region)


async def test_a_restore_of_no_time_is_answered_complete() -> None:
    async with serving(restore_duration=(0, 0)) as (call, clock):
        answer = await restored(call, clock, hostname="copy")
        assert answer["status"] == {"state": "complete"}
        assert answer["completed_at"] == answer["created_at"]
