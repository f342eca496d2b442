"""The forms in which a snapshot comes: its words, its volumes, and what is left out."""

from typing import Any

import pytest
from fake_calls import serving

from civo_snapshots.testing._snapshot_record import COMPLETE_WORDS, PENDING_WORDS

LISTING = "/v2/resourcesnapshots"


async def test_the_words_can_be_set() -> None:  # P86
    words = {"pending": "", "complete": "Ready", "volume_complete": "available"}
    async with serving(states=words, duration=(5, 5)) as (call, clock):
        made = await call.create()
        assert made["status"]["state"] == ""
        assert made["status"]["volumes"][0]["state"] == "Pending"
        clock.advance(5)
        status = (await call("GET", f"{call.snapshots}/{made['id']}")).json["status"]
        assert (status["state"], status["volumes"][0]["state"]) == ("Ready", "available")


async def test_the_words_can_be_drawn() -> None:  # P86
    async with serving(states="drawn", instances=1) as (call, clock):
        begun = {(await call.create())["status"]["state"] for _ in range(60)}
        clock.advance(20)
        items = (await call("GET", call.snapshots)).json
        ended = {item["status"]["state"] for item in items}
        volumes = {volume["state"] for item in items for volume in item["status"]["volumes"]}
    assert begun == set(PENDING_WORDS)
    assert ended == volumes == set(COMPLETE_WORDS)


async def volumes_seen(listing: str) -> list[tuple[str, Any]]:
    """The state and the listed volumes, each second until all is long over."""
    async with serving(volume_listing=listing, volumes=3, duration=(10, 20)) as (call, clock):
        path = f"{call.snapshots}/{(await call.create())['id']}"
        seen: list[tuple[str, Any]] = []
        for _ in range(25):
            status = (await call("GET", path)).json["status"]
            listed = status.get("volumes")
            seen.append((status["state"], None if listed is None else len(listed)))
            clock.advance(1)
        return list(dict.fromkeys(seen))


async def test_volumes_may_appear_late() -> None:  # P92
    assert await volumes_seen("late") == [
        *(("Pending", count) for count in range(4)),
        ("Complete", 3),
    ]


@pytest.mark.parametrize(("listing", "count"), [("partial", 2), ("none", 0), ("summary", None)])
async def test_volumes_may_never_be_listed(listing: str, count: int | None) -> None:  # R178
    assert await volumes_seen(listing) == [("Pending", count), ("Complete", count)]


async def test_a_snapshot_may_say_complete_before_its_volumes_do() -> None:  # P88
    async with serving(complete_early=3, duration=(10, 10)) as (call, clock):
        made = await call.create()
        seen = []
        for _ in range(5):
            clock.advance(3)
            status = (await call("GET", f"{call.snapshots}/{made['id']}")).json["status"]
            seen.append((status["state"], status["volumes"][0]["state"]))
        assert list(dict.fromkeys(seen)) == [
            ("Pending", "Pending"),
            ("Complete", "Pending"),
            ("Complete", "Completed"),
        ]


@pytest.mark.parametrize("form", ["empty", "null", "missing"])
async def test_included_volumes_may_not_be_told(form: str) -> None:
    async with serving(included_volumes=form) as (call, _):
        made = await call.create()
        (item,) = (await call("GET", LISTING)).json
        for body in (made, item["instance"]):
            if form == "missing":
                assert "included_volumes" not in body
            else:
                assert body["included_volumes"] == {"empty": [], "null": None}[form]
            assert len(body["status"]["volumes"]) == 2


@pytest.mark.parametrize("form", ["empty", "null", "missing"])
async def test_what_is_blank_may_be_null_or_missing(form: str) -> None:
    async with serving(blank=form, volumes=0) as (call, _):
        made = await call.create()
        (item,) = (await call("GET", LISTING)).json
        blanks = [
            *((body, "description", "") for body in (made, item, item["instance"])),
            (made, "included_volumes", []),
            (made["status"], "volumes", []),
        ]
        for body, field, empty in blanks:
            if form == "missing":
                assert field not in body
            else:
                assert body[field] == (empty if form == "empty" else None)
        full = (await call("POST", call.snapshots, {"description": "d"})).json
        assert full["description"] == "d"


async def test_a_new_snapshot_may_have_an_empty_status() -> None:
    async with serving(empty_status=3) as (call, clock):
        made = await call.create()
        assert made["status"] == {}
        clock.advance(3)
        shown = (await call("GET", f"{call.snapshots}/{made['id']}")).json
        assert shown["status"]["state"] == "Pending"


async def test_a_message_tells_what_goes_on_and_why_it_failed() -> None:  # R199
    async with serving(messages=True, duration=(5, 5), shows_deleting=True, delete_takes=5) as (
        call,
        clock,
    ):
        key = call.region.instance_ids[0]
        call.region.fail_volume(key, 1)
        made = await call.create()
        assert made["status"]["message"] == "0 of 2 volumes have been copied"
        assert (await call.create(instance=1))["status"]["message"]
        clock.advance(5)
        (failed,) = (await call("GET", call.snapshots)).json
        bad = call.region.state.instances[key].volume_ids[1]
        assert failed["status"]["message"] == f"volume {bad} could not be copied"
        good = (await call("GET", LISTING)).json[1]["instance"]
        assert good["status"]["message"] == ""
        await call("DELETE", f"{call.snapshots}/{made['id']}")
        (going,) = (await call("GET", call.snapshots)).json
        assert going["status"]["message"] == "being deleted"


async def test_every_list_of_snapshots_schedules_or_regions_may_be_wrapped() -> None:
    async with serving(wrapped_lists=True) as (call, _):
        made = await call.create()
        assert (await call("GET", call.snapshots)).json == {"items": [made]}
        assert len((await call("GET", LISTING)).json["items"]) == 1
        assert (await call("GET", "/v2/resourcesnapshotschedules")).json == {"items": []}
        assert (await call("GET", "/v2/regions")).json["items"][0]["code"] == "LON1"


async def test_a_share_of_volumes_may_fail() -> None:
    async with serving(failure_rate=0.5, instances=1, volumes=1) as (call, clock):
        for _ in range(40):
            await call.create()
        clock.advance(20)
        states = [item["status"]["state"] for item in (await call("GET", call.snapshots)).json]
        assert 8 < states.count("Failed") < 32
