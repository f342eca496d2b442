"""Schedules: kept, checked, never run."""

from typing import Any

import pytest
from fake_calls import Caller, serving

PATH = "/v2/resourcesnapshotschedules"


def wish(call: Caller, **changes: object) -> dict[str, Any]:
    return {
        "name": "nightly",
        "cron_expression": "0 3 * * *",
        "retention": {"max_snapshots": 3},
        "instances": [{"instance_id": call.region.instance_ids[0]}],
        **changes,
    }


async def test_a_schedule_is_created_read_changed_and_deleted() -> None:
    async with serving() as (call, _):
        created = await call("POST", PATH, wish(call, description="d"))
        assert created.status == 201
        schedule = created.json
        assert schedule == {
            "id": schedule["id"],
            "name": "nightly",
            "description": "d",
            "cron_expression": "0 3 * * *",
            "paused": False,
            "retention": {"max_snapshots": 3},
            "instances": [{"id": call.region.instance_ids[0], "size": "g4s.small"}],
            "status": {
                "state": "active",
                "last_snapshot": {"id": "", "name": "", "state": ""},
            },
            "created_at": "2026-01-01T00:00:00Z",
        }
        path = f"{PATH}/{schedule['id']}"
        assert (await call("GET", PATH)).json == [schedule]
        assert (await call("GET", path)).json == schedule
        assert (await call("GET", f"{PATH}/nightly")).json == schedule
        assert (await call("PUT", path, {})).json == schedule
        paused = (await call("PUT", path, {"paused": True, "name": "b", "description": ""})).json
        assert (paused["paused"], paused["name"], paused["description"]) == (True, "b", "")
        assert paused["status"]["state"] == "paused"
        assert (await call("DELETE", path)).json == {"result": "success"}
        assert (await call("GET", path)).code == "database_resource_snapshot_schedule_not_found"
        assert (await call("GET", PATH)).json == []


async def test_volumes_and_a_period_are_kept() -> None:
    async with serving() as (call, _):
        key = call.region.instance_ids[0]
        volumes = list(call.region.state.instances[key].volume_ids[:1])
        body = wish(
            call,
            instances=[{"instance_id": key, "include_volumes": volumes}],
            retention={"max_snapshots": 10, "period": "48h"},
        )
        schedule = (await call("POST", PATH, body)).json
        assert schedule["retention"] == {"max_snapshots": 10, "period": "48h"}
        assert schedule["instances"][0]["included_volumes"] == volumes
        call.region.state.remove_instance(key)
        shown = (await call("GET", f"{PATH}/{schedule['id']}")).json
        assert shown["instances"][0]["size"] == ""


@pytest.mark.parametrize("cron", ["*/10 * * * *", "0,30 * * * MON-FRI", "5 */2 1 * *"])
async def test_a_cron_expression_of_five_fields_is_accepted(cron: str) -> None:
    async with serving() as (call, _):
        assert (await call("POST", PATH, wish(call, cron_expression=cron))).status == 201


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": None}, "parameter_name_invalid"),
        ({"name": "A"}, "parameter_name_invalid"),
        ({"cron_expression": None}, "parameter_cron_expression_invalid"),
        ({"cron_expression": "0 3 * *"}, "parameter_cron_expression_invalid"),
        ({"cron_expression": "0 3 * * * *"}, "parameter_cron_expression_invalid"),
        ({"cron_expression": "* 3 * * *"}, "parameter_cron_expression_invalid"),
        ({"cron_expression": "*/9 * * * *"}, "parameter_cron_expression_invalid"),
        ({"retention": None}, "parameter_retention_invalid"),
        ({"retention": {}}, "parameter_retention_invalid"),
        ({"retention": {"max_snapshots": 0}}, "parameter_retention_invalid"),
        ({"retention": {"max_snapshots": 11}}, "parameter_retention_invalid"),
        ({"retention": {"max_snapshots": True}}, "parameter_max_snapshots_invalid"),
        ({"retention": {"max_snapshots": 1, "period": "two days"}}, "parameter_retention_invalid"),
        ({"instances": None}, "parameter_instances_invalid"),
        ({"instances": []}, "parameter_instances_invalid"),
        ({"instances": ["x"]}, "parameter_instances_invalid"),
        ({"instances": [{}]}, "parameter_id_missing"),
        ({"instances": [{"instance_id": "none"}]}, "database_instance_find"),
    ],
)
async def test_a_schedule_is_checked(changes: dict[str, object], code: str) -> None:
    async with serving() as (call, _):
        assert (await call("POST", PATH, wish(call, **changes))).code == code
        assert not call.region.state.schedules


async def test_volumes_must_be_the_instances_own() -> None:
    async with serving() as (call, _):
        first, second, _third = call.region.instance_ids
        foreign = call.region.state.instances[second].volume_ids[0]
        item = {"instance_id": first, "include_volumes": [foreign]}
        reply = await call("POST", PATH, wish(call, instances=[item]))
        assert reply.code == "parameter_include_volumes_invalid"
