"""Restores: what is asked, what becomes of the instance, and all their endings."""

from typing import Any

import pytest
from fake_calls import Caller, serving

from civo_snapshots.testing import FakeClock

LISTING = "/v2/resourcesnapshots"


async def restorable(call: Any, clock: FakeClock) -> str:
    """The path of a snapshot that is complete."""
    path = f"{call.snapshots}/{(await call.create('full'))['id']}"
    clock.advance(20)
    return path


async def test_a_restore_builds_a_new_instance_which_becomes_active() -> None:
    async with serving(restore_duration=(3, 3)) as (call, clock):
        path = await restorable(call, clock)
        wish = {"hostname": "copy.example", "description": "d", "private_ip": "10.9.8.7"}
        reply = await call("POST", f"{path}/restore", {**wish, "private_ipv4": "10.9.8.7"})
        assert reply.status == 201
        restore = next(iter(call.region.state.restores.values()))
        assert reply.json == {
            "id": restore.id,
            "name": restore.name,
            "hostname": "copy.example",
            "description": "d",
            "from_snapshot": path.rpartition("/")[2],
            "private_ipv4": "10.9.8.7",
            "overwrite_existing": False,
            "status": {"state": "in_progress"},
            "created_at": "2026-01-01T00:00:20Z",
            "completed_at": None,
        }
        *_, newest = (await call("GET", "/v2/instances")).json["items"]
        assert (newest["hostname"], newest["status"]) == ("copy.example", "BUILDING")
        clock.advance(3)
        newest = (await call("GET", f"/v2/instances/{restore.instance_id}")).json
        assert (newest["status"], newest["private_ip"]) == ("ACTIVE", "10.9.8.7")


async def test_a_restore_may_overwrite_the_instance_meanwhile_the_snapshot_is_in_use() -> None:
    async with serving(restore_duration=(3, 3)) as (call, clock):
        path = await restorable(call, clock)
        form = {"overwrite_existing": "true"}
        assert (await call("POST", f"{path}/restore", form=form)).json["overwrite_existing"]
        instance = f"/v2/instances/{call.region.instance_ids[0]}"
        assert (await call("GET", instance)).json["status"] == "RESTORING"
        refused = await call("POST", call.snapshots)
        assert refused.code == "instance_state_must_be_active_or_shutoff"
        refused = await call("DELETE", path)
        assert (refused.status, refused.code) == (409, "database_snapshot_cannot_delete_in_use")
        clock.advance(3)
        assert (await call("GET", instance)).json["status"] == "ACTIVE"
        assert (await call("DELETE", path)).status == 200


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"overwrite_existing": True, "hostname": "a"}, "parameter_hostname_invalid"),
        ({"overwrite_existing": "true"}, "parameter_overwrite_existing_invalid"),
        ({"hostname": "a..b"}, "parameter_hostname_invalid"),
        ({"hostname": "A"}, "parameter_hostname_invalid"),
        ({"private_ip": "10.0.0.256"}, "parameter_private_ip_invalid"),
        ({"private_ip": "10.0.0.1", "private_ipv4": "10.0.0.2"}, "parameter_private_ip_invalid"),
        ({"description": 1}, "parameter_description_invalid"),
    ],
)
async def test_a_restore_is_checked(wish: dict[str, object], code: str) -> None:
    async with serving() as (call, clock):
        path = await restorable(call, clock)
        reply = await call("POST", f"{path}/restore", wish)
        assert (reply.status, reply.code) == (400, code)
        assert not call.region.state.restores


async def test_only_a_complete_snapshot_can_be_restored() -> None:
    async with serving() as (call, _):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        reply = await call("POST", f"{path}/restore", {"hostname": "a"})
        assert (reply.status, reply.code) == (409, "database_snapshot_not_complete")


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


@pytest.mark.parametrize("tells", [True, False])
async def test_a_restore_may_tell_an_address_that_nobody_asked_for(tells: bool) -> None:  # R177
    async with serving(restore_address=tells) as (call, clock):
        restore = await restored(call, clock, hostname="copy")
        instance = (await call("GET", "/v2/instances/copy")).json
        assert restore["private_ipv4"] == (instance["private_ip"] if tells else "")


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
