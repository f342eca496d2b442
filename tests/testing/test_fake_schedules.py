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


async def test_a_schedule_takes_the_volumes_if_it_is_told_to() -> None:  # R151
    async with serving() as (call, _):
        key = call.region.instance_ids[0]
        volumes = list(call.region.state.instances[key].volume_ids)
        body = wish(
            call,
            instances=[{"instance_id": key, "include_volumes": True}],
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


@pytest.mark.parametrize("sent", [{}, {"include_volumes": False}, {"include_volumes": None}])
async def test_a_schedule_that_does_not_ask_for_volumes_leaves_them_out(  # R151
    sent: dict[str, object],
) -> None:
    async with serving() as (call, _):
        key = call.region.instance_ids[0]
        body = wish(call, instances=[{"instance_id": key, **sent}])
        made = (await call("POST", PATH, body)).json
        assert "included_volumes" not in made["instances"][0]
        call.region.run_schedule(made["id"])
        (record,) = call.region.state.snapshots.values()
        assert record.volumes == ()


@pytest.mark.parametrize("wrong", ["true", 1, ["v-1"], {"v-1": True}])
async def test_include_volumes_of_a_schedule_is_a_boolean(wrong: object) -> None:  # R151
    async with serving() as (call, _):
        item = {"instance_id": call.region.instance_ids[0], "include_volumes": wrong}
        reply = await call("POST", PATH, wish(call, instances=[item]))
        assert (reply.status, reply.code) == (400, "parameter_include_volumes_invalid")
        (refused,) = call.region.refused_fields
        assert (refused.route, refused.field) == (f"POST {PATH}", "include_volumes")
        assert refused.value == wrong


async def test_a_hostname_in_a_body_is_no_id() -> None:
    async with serving() as (call, _):
        body = wish(call, instances=[{"instance_id": "instance-1"}])
        assert (await call("POST", PATH, body)).code == "database_instance_find"


async def test_a_schedule_that_runs_keeps_so_many_snapshots_of_each_instance() -> None:
    async with serving() as (call, clock):
        instances = [
            {"instance_id": key, "include_volumes": True} for key in call.region.instance_ids[:2]
        ]
        retention = {"max_snapshots": 2}
        body = wish(call, instances=instances, retention=retention)
        path = f"{PATH}/{(await call('POST', PATH, body)).json['id']}"
        for _ in range(3):
            call.region.run_schedule("nightly")
            clock.advance(60)
        assert len((await call("GET", "/v2/resourcesnapshots")).json) == 4
        last = (await call("GET", path)).json["status"]["last_snapshot"]
        newest = list(call.region.state.snapshots.values())[-1]
        assert last == {"id": newest.id, "name": newest.name, "state": "Complete"}
        await call("PUT", path, {"paused": True})
        call.region.run_schedule("nightly")
        call.region.state.remove_instance(call.region.instance_ids[0])
        await call("PUT", path, {"paused": False})
        call.region.run_schedule("nightly")
        assert len(call.region.state.snapshots) == 7


async def test_a_missing_schedule_may_have_no_code() -> None:
    async with serving(schedule_codes=False) as (call, _):
        reply = await call("GET", f"{PATH}/none")
        assert (reply.status, reply.body) == (404, b"404 page not found\n")


RICH = ["@daily", "0 3 L * *", "0 3 ? * MON", "CRON_TZ=Europe/London 0 3 * * *", "0 3 * * fri#2"]


@pytest.mark.parametrize("cron", RICH)
async def test_the_server_may_take_more_than_five_plain_fields(cron: str) -> None:
    async with serving(rich_cron=True) as (call, _):
        assert (await call("POST", PATH, wish(call, cron_expression=cron))).status == 201
        bad = wish(call, cron_expression="@fortnightly")
        assert (await call("POST", PATH, bad)).code == "parameter_cron_expression_invalid"
    async with serving() as (call, _):
        reply = await call("POST", PATH, wish(call, cron_expression=cron))
        assert reply.code == "parameter_cron_expression_invalid"


@pytest.mark.parametrize(
    ("cron", "status"),
    [
        ("0,10 * * * *", 201),
        ("0,9 * * * *", 400),
        ("55,3 * * * *", 400),  # eight minutes over the hour
        ("55,3 */2 * * *", 201),
        ("0-59/10 * * * *", 201),
        ("50/5 * * * *", 400),
        ("*/0 * * * *", 400),
        ("60 * * * *", 400),
        ("0 24 * * *", 400),
        ("0 3 0 * *", 400),
        ("0 3 * 13 *", 400),
        ("0 3 * jan-mar sun", 201),
        ("0 3 * mar-jan *", 400),
        ("0 3 * * someday", 400),
        ("*-5 3 * * *", 400),
        ("0  3 * * *", 400),
        ("", 400),
    ],
)
async def test_runs_are_at_least_ten_minutes_apart(cron: str, status: int) -> None:
    async with serving() as (call, _):
        assert (await call("POST", PATH, wish(call, cron_expression=cron))).status == status


async def test_reads_of_schedules_lag_behind_too() -> None:
    async with serving(read_lag=5) as (call, clock):
        made = (await call("POST", PATH, wish(call))).json
        path = f"{PATH}/{made['id']}"
        seen = []
        for step in range(5):
            clock.advance(4)
            reply = await call("GET", path)
            listed = (await call("GET", PATH)).json
            assert len(listed) == (reply.status == 200)
            seen.append(reply.json.get("paused", reply.status))
            if step == 1:
                assert (await call("PUT", path, {"paused": True})).json["paused"]
            if step == 2:
                assert (await call("DELETE", path)).status == 200
                assert (await call("DELETE", path)).status == 404
        assert seen == [404, False, False, True, 404]
