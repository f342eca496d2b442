"""Every field is of exactly its type, and what is not described is refused and told."""

from typing import Any

import pytest
from fake_calls import Caller, serving

from civo_snapshots.testing import FakeClock

LISTING = "/v2/resourcesnapshots"


async def complete(call: Caller, clock: FakeClock) -> str:
    """The id of a snapshot that is complete."""
    snapshot = await call.create()
    clock.advance(20)
    key: str = snapshot["id"]
    return key


@pytest.mark.parametrize("wrong", ["true", "false", 1, 0, [], ["v-1"], {}])
async def test_include_volumes_of_a_restore_is_a_boolean(wrong: object) -> None:  # R151
    async with serving() as (call, clock):
        path = f"{LISTING}/{await complete(call, clock)}/restore"
        reply = await call("POST", path, {"instance": {"include_volumes": wrong}})
        assert (reply.status, reply.code) == (400, "parameter_include_volumes_invalid")
        (refused,) = call.region.refused_fields
        assert refused.route == "POST /v2/resourcesnapshots/{id}/restore"
        assert (refused.field, refused.value) == ("include_volumes", wrong)
        assert not call.region.state.restores


@pytest.mark.parametrize(
    ("sent", "volumes"),
    [
        ({"include_volumes": True}, 2),
        ({"include_volumes": False}, 0),
        ({"include_volumes": None}, 0),
        ({}, 0),
    ],
)
async def test_a_restore_that_does_not_ask_for_volumes_leaves_them_out(  # R151
    sent: dict[str, Any], volumes: int
) -> None:
    async with serving() as (call, clock):
        path = f"{LISTING}/{await complete(call, clock)}/restore"
        assert (await call("POST", path, {"instance": {"hostname": "copy", **sent}})).status == 201
        instance = (await call("GET", "/v2/instances/copy")).json
        assert len(instance["attached_volumes"]) == volumes
        (restore,) = call.region.state.restores.values()
        assert restore.includes_volumes is bool(volumes)


async def test_an_instances_own_restore_takes_the_volumes_and_cannot_be_told_otherwise() -> None:
    async with serving() as (call, clock):
        path = f"{call.snapshots}/{await complete(call, clock)}/restore"
        reply = await call("POST", path, {"hostname": "copy", "include_volumes": True})
        assert (reply.status, reply.code) == (400, "parameter_include_volumes_unknown")
        assert (await call("POST", path, {"hostname": "copy"})).status == 201
        instance = (await call("GET", "/v2/instances/copy")).json
        assert len(instance["attached_volumes"]) == 2


async def test_the_region_wide_restore_knows_one_spelling_of_the_address() -> None:
    async with serving() as (call, clock):
        path = f"{LISTING}/{await complete(call, clock)}/restore"
        reply = await call("POST", path, {"instance": {"private_ip": "10.0.0.1"}})
        assert reply.code == "parameter_private_ip_unknown"


@pytest.mark.parametrize("place", ["create", "update", "restore", "region", "schedule", "pause"])
async def test_an_unknown_field_is_refused_and_told(place: str) -> None:
    async with serving() as (call, clock):
        key = await complete(call, clock)
        plan: dict[str, Any] = {
            "name": "nightly",
            "cron_expression": "0 3 * * *",
            "retention": {"max_snapshots": 3},
            "instances": [{"instance_id": call.region.instance_ids[0]}],
        }
        schedules = "/v2/resourcesnapshotschedules"
        schedule = (await call("POST", schedules, plan)).json["id"]
        odd: dict[str, Any] = {"X Y": 1}
        method, path, body = {
            "create": ("POST", call.snapshots, odd),
            "update": ("PUT", f"{call.snapshots}/{key}", {"name": "renamed", **odd}),
            "restore": ("POST", f"{call.snapshots}/{key}/restore", odd),
            "region": ("POST", f"{LISTING}/{key}/restore", {"instance": odd}),
            "schedule": ("POST", schedules, {**plan, "retention": {"max_snapshots": 1, **odd}}),
            "pause": ("PUT", f"{schedules}/{schedule}", {"paused": True, **odd}),
        }[place]
        reply = await call(method, path, body)
        assert (reply.status, reply.code) == (400, "parameter_x_y_unknown")
        (refused,) = call.region.refused_fields
        assert (refused.field, refused.value, refused.route.split()[0]) == ("X Y", 1, method)
        # Nothing was done.
        state = call.region.state
        assert (len(state.snapshots), len(state.restores), len(state.schedules)) == (1, 0, 1)
        assert state.snapshots[key].name != "renamed"
        assert not state.schedules[schedule].paused


async def test_unknown_fields_can_be_let_through() -> None:
    async with serving(refuse_unknown=False) as (call, _):
        assert (await call("POST", call.snapshots, {"odd": 1})).status == 201
        assert not call.region.refused_fields


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"description": 7}, "description"),
        ({"description": ["d"]}, "description"),
        ({"name": True}, "name"),
    ],
)
async def test_texts_are_texts(body: dict[str, object], field: str) -> None:
    async with serving() as (call, _):
        reply = await call("POST", call.snapshots, body)
        assert reply.code == f"parameter_{field}_invalid"
        assert call.region.refused_fields[0].value == body[field]


async def test_a_form_spells_booleans_and_numbers_out() -> None:
    async with serving() as (call, clock):
        path = f"{call.snapshots}/{await complete(call, clock)}/restore"
        bad = await call("POST", path, form={"overwrite_existing": "yes"})
        assert bad.code == "parameter_overwrite_existing_invalid"
        good = await call("POST", path, form={"overwrite_existing": "false", "hostname": "copy"})
        assert good.status == 201


async def test_a_body_that_cannot_be_read_is_told_of_too() -> None:
    async with serving() as (call, _):
        await call("POST", call.snapshots, raw=("application/json", b"{"))
        (refused,) = call.region.refused_fields
        assert (refused.field, refused.value) == ("body", b"{")


async def test_of_what_was_refused_the_latest_thousand_is_kept() -> None:  # R180
    async with serving() as (call, _):
        refused = call.region.refused_fields
        await call("POST", call.snapshots, {"first": 1})
        refused *= 1_000
        await call("POST", call.snapshots, {"last": 1})
        assert len(call.region.refused_fields) == 1_000
        assert call.region.refused_fields[-1].field == "last"
