"""JSON to records: the exact record of every documented and every odd shape, or a typed error."""

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support.payloads import (
    AT,
    DOCUMENTED,
    INSTANCE,
    ITEM,
    JSON_VALUES,
    RECORDS,
    RESTORE,
    SCHEDULE,
    answer,
    names,
    status,
)

from civo_snapshots._api.restores import restore_of
from civo_snapshots._codec import one
from civo_snapshots._codec.records import structure, unstructure
from civo_snapshots._http import JSON, Response
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import (
    Extra,
    Instance,
    LastSnapshot,
    Quota,
    Region,
    RegionSnapshot,
    Restore,
    RestoreStatus,
    Retention,
    Schedule,
    ScheduleStatus,
    Snapshot,
    Subnet,
)

TWO_HOURS_EAST = timezone(timedelta(hours=2))


def created(moment: datetime | None) -> Snapshot:
    return Snapshot("s-1", created_at=moment)


OBJECTS: dict[str, object] = {
    "snapshot_documented": DOCUMENTED,
    "snapshot_only_an_id": Snapshot("s-1"),
    "snapshot_status_empty_object": Snapshot("s-1", "n"),
    "snapshot_status_null": Snapshot("s-1", "n"),
    "snapshot_status_empty_text": Snapshot("s-1", "n"),
    "snapshot_null_parts": Snapshot("s-1"),
    "snapshot_empty_parts": Snapshot("s-1"),
    "snapshot_unknown_fields": Snapshot("s-1", "n", status=status("Pending", ("v-1", "Pending"))),
    "snapshot_volume_without_state": Snapshot("s-1", status=status("Pending", ("v-1", ""))),
    "snapshot_complete": Snapshot(
        "s-1", "n", "", ("v-1",), status("Complete", ("v-1", "Completed"))
    ),
    "snapshot_complete_without_volumes": Snapshot("s-1", "n", status=status("Complete")),
    "snapshot_volume_failed": Snapshot(
        "s-1", "n", status=status("Pending", ("v-1", "Failed"), ("v-2", "Completed"))
    ),
    "snapshot_settling": Snapshot("s-1", "n", status=status("Complete", ("v-1", "Pending"))),
    "snapshot_unicode_description": Snapshot(
        "s-1", description="café \N{FLOPPY DISK}\nline two\x1b[31m"
    ),
    "created_at_z": created(AT),
    "created_at_offset": created(AT.astimezone(TWO_HOURS_EAST)),
    "created_at_west": created(AT),
    "created_at_milliseconds": created(AT.replace(microsecond=500_000)),
    "created_at_microseconds": created(AT.replace(microsecond=123_456)),
    # Nanoseconds are cut, not rounded: a moment never lies later than the server said.
    "created_at_nanoseconds": created(AT.replace(microsecond=123_456)),
    "created_at_nanoseconds_offset": created(
        datetime(2025, 4, 1, 9, 11, 14, 123_456, TWO_HOURS_EAST)
    ),
    "created_at_no_zone": created(AT),
    "created_at_spaces": created(AT),
    "created_at_empty": created(None),
    "created_at_null": created(None),
    "created_at_go_zero": created(None),
    "created_at_go_zero_elsewhere": created(None),
    "created_at_garbage": created(None),
    "created_at_leap_second": created(None),
    "created_at_year_10000": created(None),
    "restore_documented": RESTORE,
    "restore_running": Restore(
        "restore-123",
        "restore-operation-123",
        "my-new-instance-hostname",
        "copy",
        "snapshot-123",
        "10.0.0.1",
        False,
        RestoreStatus("in_progress"),
        datetime(2022, 1, 1, 12, 0, tzinfo=UTC),
        None,
    ),
    "restore_overwriting": Restore(
        "restore-123", from_snapshot="snapshot-123", overwrite_existing=True
    ),
    "restore_only_an_id": Restore("restore-123"),
    "region_restore": RESTORE,
    "schedule_active": SCHEDULE,
    "schedule_before_its_first_run": evolve(
        SCHEDULE, status=ScheduleStatus("active", LastSnapshot())
    ),
    "schedule_last_snapshot_null": evolve(SCHEDULE, status=ScheduleStatus("active")),
    "schedule_paused_with_period": evolve(SCHEDULE, paused=True, retention=Retention(10, "48h")),
    "schedule_status_empty_text": Schedule("schedule-1"),
    "instance_with_secrets": INSTANCE,
    "instance_null_parts": Instance("i-1"),
    "instance_documented": Instance(
        "i-2",
        "db2.example",
        firewall_id="fw-1",
        notes="the second",
        cpu_cores=2,
        ram_mb=4096,
        disk_gb=50,
        source_type="snapshot",
        source_id="snap-1",
        snapshot_id="snap-1",
        volume_type="standard",
        subnets=(Subnet("sub-1", "left"), Subnet("sub-2")),
        reserved_ip="203.0.113.7",
        reverse_dns="db2.example",
    ),
    "quota": Quota(48, 6, {"instance_count": (16, 6), "disk_snapshot_count": (48, 6)}),
    "quota_numbers_as_text": Quota(48, 50, {"disk_snapshot_count": (48, 50)}),
    "quota_without_snapshots": Quota(pairs={"instance_count": (16, None)}),
    "quota_null": Quota(None, 6, {"disk_snapshot_count": (None, 6)}),
    "quota_odd_numbers": Quota(
        10_000,
        12,
        {
            "disk_snapshot_count": (10_000, 12),
            "disk_gb": (-1, None),
            "ram_mb": (None, None),
            "gpu_count": (4, None),
        },
    ),
}

SINGLES: dict[str, Any] = {"snapshot": Snapshot, "restore": Restore, "schedule": Schedule}


MISFITS: dict[str, tuple[str, str]] = {
    "misfit_snapshot_id_missing": ("$.id", "a required field is missing"),
    "misfit_snapshot_id_null": ("$.id", "a required field is missing"),
    "misfit_snapshot_id_empty": ("$.id", "expected an id, got an empty text"),
    "misfit_snapshot_id_number": ("$.id", "expected text, got int"),
    "misfit_snapshot_id_object": ("$.id", "expected text, got dict"),
    "misfit_snapshot_name_list": ("$.name", "expected text, got list"),
    "misfit_snapshot_state_object": ("$.status.state", "expected text, got dict"),
    "misfit_snapshot_status_text": ("$.status", "expected an object, got str"),
    "misfit_snapshot_volumes_object": ("$.status.volumes", "expected a list, got dict"),
    "misfit_snapshot_volumes_text": ("$.included_volumes", "expected a list, got str"),
    "misfit_snapshot_volume_id_number": ("$.status.volumes[1].id", "expected text, got int"),
    "misfit_snapshot_volume_null": ("$.included_volumes[1]", "expected text, got NoneType"),
    "misfit_snapshot_created_at_number": ("$.created_at", "expected a time, got int"),
    "misfit_snapshot_list": ("$", "expected an object, got list"),
    "misfit_snapshot_null": ("$", "expected an object, got NoneType"),
    "misfit_snapshot_text": ("$", "expected an object, got str"),
    "misfit_restore_flag_text": ("$.overwrite_existing", "expected true or false, got str"),
    "misfit_schedule_count_float": (
        "$.retention.max_snapshots",
        "expected a whole number, got float",
    ),
    "misfit_schedule_count_true": (
        "$.retention.max_snapshots",
        "expected a whole number, got bool",
    ),
    "misfit_schedule_count_text": (
        "$.retention.max_snapshots",
        "expected a whole number, got str",
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_becomes_exactly_this_record(name: str) -> None:
    """B64-B66, B86: what is missing, null or empty has its default, what is unknown is ignored."""
    expected = OBJECTS[name]
    read = restore_of if isinstance(expected, Restore) else one(type(expected))
    record = read(answer(name))
    assert record == expected
    if isinstance(record, Snapshot) and isinstance(expected, Snapshot):
        # Two moments are equal in any zone; the zone is kept as sent all the same.
        assert str(record.created_at) in (
            str(expected.created_at),
            str(expected.created_at and expected.created_at.astimezone(WEST)),
        )


WEST = timezone(-timedelta(hours=5, minutes=30))


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named_by_its_path(name: str) -> None:
    """B62, B63: nothing becomes the text "None", and nothing is indexed into on trust."""
    path, said = MISFITS[name]
    with pytest.raises(UnexpectedResponseError) as caught:
        one(SINGLES[name.split("_")[1]])(answer(name, 201))
    assert (caught.value.path, caught.value.status) == (path, 201)
    assert caught.value.message.startswith(f"the body does not fit: {said}")
    assert caught.value.message.endswith(f" at {path}")
    # cattrs' own error holds the whole body, secrets included.
    assert caught.value.__context__ is None


def test_every_recorded_object_is_read_by_a_test() -> None:
    assert names(lists=False) == {*OBJECTS, *MISFITS}


def test_secrets_of_an_instance_are_never_read() -> None:
    """X141."""
    response = answer("instance_with_secrets")
    assert b"canary" in response.body
    assert "canary" not in repr(one(Instance)(response))


def test_an_empty_body_is_no_record() -> None:
    """B50."""
    with pytest.raises(UnexpectedResponseError, match="it is empty"):
        one(Snapshot)(Response(200, {}, b""))


def test_an_unreadable_body_keeps_its_status() -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        one(Snapshot)(Response(201, {}, b"<html>"))
    assert caught.value.status == 201


@pytest.mark.parametrize(
    ("value", "number"), [("007", 7), ("0", 0), (0, 0), (-5, -5), (10**30, 10**30)]
)
def test_whole_numbers_may_be_text(value: int | str, number: int) -> None:
    limit = structure({"disk_snapshot_count_limit": value}, Quota).disk_snapshot_count_limit
    assert limit == number


@pytest.mark.parametrize(
    ("value", "number"), [(7.0, 7), ("7.0", 7), ("7.", 7), ("-1", -1), (-1.0, -1), (1e15, 10**15)]
)
def test_numbers_of_quotas_and_instances_may_be_floats_too(value: JSON, number: int) -> None:
    quota = structure({"disk_snapshot_count_usage": value, "x_limit": value}, Quota)
    assert quota.disk_snapshot_count_usage == number
    assert quota.pairs["x"] == (number, None)
    assert structure({"id": "i-1", "ram_mb": value}, Instance).ram_mb == number


NO_NUMBERS = ["", " 7", "+7", "7.5", 7.5, "1_000", "٣", "9" * 19, "nan", True, [], float("inf")]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_whole_number_is_none(value: Any) -> None:
    """It makes a quota unreadable only where snapshots are counted."""
    with pytest.raises(UnexpectedResponseError):
        structure({"disk_snapshot_count_limit": value}, Quota)
    assert structure({"ram_mb_limit": value}, Quota) == Quota(pairs={"ram_mb": (None, None)})


@pytest.mark.parametrize("value", ["-7", 7.0, "7.0"])
def test_other_numbers_are_whole_as_they_come(value: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        structure({"id": "x", "retention": {"max_snapshots": value}}, Schedule)


@pytest.mark.parametrize("record", [DOCUMENTED, RESTORE, SCHEDULE, INSTANCE, ITEM], ids=repr)
def test_records_survive_the_way_to_json_and_back(record: object) -> None:
    text = json.dumps(unstructure(record))
    assert structure(json.loads(text), type(record)) == record


@settings(deadline=None)
@given(data=JSON_VALUES, target=st.sampled_from(RECORDS))
def test_any_json_is_a_record_or_an_unexpected_response(data: Any, target: type[Any]) -> None:
    """B62-B67, X150."""
    result: Any
    try:
        result = structure(data, target, 201)
    except UnexpectedResponseError as error:
        result = error
    if isinstance(result, UnexpectedResponseError):
        assert result.status == 201
        assert result.path.startswith("$")
        assert str(result).isprintable()
    else:
        assert type(result) is target
        assert getattr(result, "id", "-") != ""


@settings(deadline=None)
@given(st.text(max_size=40) | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_any_created_at_is_a_usable_moment_or_none(text: str) -> None:
    """B66: a moment of the year 1 cannot be compared or moved to another zone."""
    moment = structure({"id": "s-1", "created_at": text}, Snapshot).created_at
    if moment is not None:
        assert moment.tzinfo is not None
        assert moment.year > 1
        assert isinstance(moment > AT, bool)


def test_a_feature_that_is_no_switch_is_left_out() -> None:
    body: JSON = {"code": "LON1", "features": {"iaas": True, "kfaas": None, "note": "x"}}
    assert structure(body, Region).features == {"iaas": True}
    with pytest.raises(UnexpectedResponseError) as caught:
        structure({"code": "LON1", "features": ["iaas"]}, Region)
    assert caught.value.path == "$.features"


# What a server sends beyond the known fields


@pytest.mark.parametrize(
    ("target", "body", "path", "expected"),
    [
        (Snapshot, {"id": "s-1", "size_gb": 5}, "", {"size_gb": 5}),
        (Snapshot, {"id": "s-1", "extra": {"a": 1}}, "", {"extra": {"a": 1}}),
        (Snapshot, {"id": "s-1", "state": "misplaced"}, "", {"state": "misplaced"}),
        (Snapshot, {"id": "s-1", "nothing": None}, "", {"nothing": None}),
        (Snapshot, {"id": "s-1", "status": {"progress": 0.5}}, "status", {"progress": 0.5}),
        (Instance, {"id": "i-1", "script": "x", "pseudo_ip": ""}, "", {"pseudo_ip": ""}),
        (
            Restore,
            {"id": "r-1", "new": [{"id": "i-2", "initial_password": "x"}]},
            "",
            {"new": [{"id": "i-2"}]},
        ),
        (RegionSnapshot, {"id": "o-1", "instance": {"id": "s", "x": 1}}, "instance", {"x": 1}),
        (Schedule, {"id": "x", "status": {"next": "soon"}}, "status", {"next": "soon"}),
        (Region, {"code": "LON1", "x": []}, "", {"x": []}),
        (Quota, {"id": "q", "ram_mb_limit": 5}, "", {"id": "q"}),
    ],
)
def test_unknown_fields_stay_reachable(
    target: type[Any], body: Any, path: str, expected: object
) -> None:
    found = one(target)(Response(200, {}, json.dumps(body).encode()))
    part = getattr(found, path) if path else found
    assert part.extra == expected
    assert unstructure(part).items() >= expected.items()  # type: ignore[union-attr,attr-defined]
    # Neither equality nor what a log shows depends on it.
    bare = evolve(part)
    assert (part, hash(part), repr(part)) == (bare, hash(bare), repr(bare))
    assert bare.extra == {}
    assert pickle.loads(pickle.dumps(part)).extra == copy.deepcopy(part).extra == expected


def test_unknown_fields_of_a_volume_stay_reachable() -> None:
    body = {"id": "s-1", "status": {"volumes": [{"id": "v-1", "size": 3}, {"id": "v-2"}]}}
    found = one(Snapshot)(Response(200, {}, json.dumps(body).encode()))
    assert [dict(volume.extra) for volume in found.volumes] == [{"size": 3}, {}]


@pytest.mark.parametrize(
    "name",
    ["snapshot_documented", "restore_documented", "instance_with_secrets", "schedule_active"],
)
def test_a_documented_body_leaves_nothing_over(name: str) -> None:
    """X141: an instance's secrets are known, and not kept."""
    assert one(type(OBJECTS[name]))(answer(name)).extra == {}  # type: ignore[attr-defined]


def test_what_is_over_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        Extra({"a": 1})["a"] = 2  # type: ignore[index]
    assert repr(Extra({"a": 1})) == "Extra({'a': 1})"


@pytest.mark.parametrize("depth", [40, 300, 900])
def test_what_is_nested_too_deeply_to_be_searched_for_secrets_is_left_out(depth: int) -> None:
    """X141, X150."""
    body = b'{"id":"s-1","x":' + b"[" * depth + b'{"script":"canary"}' + b"]" * depth + b"}"
    found = one(Snapshot)(Response(200, {}, body))
    assert "canary" not in repr(found.extra)
    assert "x" in found.extra
