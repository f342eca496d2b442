"""JSON to records: the exact record of every documented and every odd shape, or a typed error."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._convert import one, structure, unstructure
from civo_snapshots._pages import page
from civo_snapshots._protocol import JSON, Response
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import (
    Instance,
    LastSnapshot,
    Page,
    Quota,
    Region,
    RegionSnapshot,
    Restore,
    RestoreStatus,
    Retention,
    Schedule,
    ScheduledInstance,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
    Volume,
    VolumeStatus,
)
from civo_snapshots.resources.region_snapshots import _RestoreAnswer

PAYLOADS = Path(__file__).parent / "payloads"


def answer(name: str, status: int = 200) -> Response:
    return Response(status, {}, (PAYLOADS / f"{name}.json").read_bytes())


AT = datetime(2025, 4, 1, 9, 11, 14, tzinfo=UTC)
TWO_HOURS_EAST = timezone(timedelta(hours=2))


def status(state: str, *volumes: tuple[str, str]) -> SnapshotStatus:
    return SnapshotStatus(state, tuple(VolumeStatus(*volume) for volume in volumes))


DOCUMENTED = Snapshot(
    id="snapshot-uuid",
    name="instance-snapshot-name",
    description="before the upgrade",
    included_volumes=("volume_uuid_1", "volume_uuid_2"),
    status=status("Pending", ("volume_uuid_1", "Completed"), ("volume_uuid_2", "Pending")),
    created_at=AT,
)
RESTORE = Restore(
    id="restore-123",
    name="restore-operation-123",
    hostname="my-new-instance-hostname",
    description="copy",
    from_snapshot="snapshot-123",
    private_ipv4="10.0.0.1",
    overwrite_existing=False,
    status=RestoreStatus("complete"),
    created_at=datetime(2022, 1, 1, 12, 0, tzinfo=UTC),
    completed_at=datetime(2022, 1, 1, 12, 5, tzinfo=UTC),
)
SCHEDULE = Schedule(
    id="schedule-1",
    name="nightly",
    description="every night",
    cron_expression="0 2 * * *",
    paused=False,
    retention=Retention(7),
    instances=(
        ScheduledInstance("i-1", "g3.small", ("v-1",)),
        ScheduledInstance("i-2", "g3.medium"),
    ),
    status=ScheduleStatus("active", LastSnapshot("s-1", "nightly-1", "Complete")),
    created_at=AT,
)
INSTANCE = Instance(
    id="i-1",
    hostname="db1",
    status="ACTIVE",
    region="LON1",
    network_id="net-1",
    private_ip="10.0.0.4",
    public_ip="203.0.113.9",
    size="g3.small",
    tags=("prod", "db"),
    attached_volumes=(Volume("v-1"),),
    created_at=AT,
)
INNER = Snapshot(
    id="s-1",
    name="nightly-0123456789ab",
    description="d",
    included_volumes=("v-1",),
    status=status("Complete", ("v-1", "Complete")),
    created_at=AT,
)
ITEM = RegionSnapshot("outer-1", "nightly-0123456789ab", "d", "instance", AT, INNER)


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
    "region_restore": _RestoreAnswer(RESTORE, "instance"),
    "schedule_active": SCHEDULE,
    "schedule_before_its_first_run": evolve(
        SCHEDULE, status=ScheduleStatus("active", LastSnapshot())
    ),
    "schedule_last_snapshot_null": evolve(SCHEDULE, status=ScheduleStatus("active")),
    "schedule_paused_with_period": evolve(SCHEDULE, paused=True, retention=Retention(10, "48h")),
    "schedule_status_empty_text": Schedule("schedule-1"),
    "instance_with_secrets": INSTANCE,
    "instance_null_parts": Instance("i-1"),
    "quota": Quota(48, 6),
    "quota_numbers_as_text": Quota(48, 50),
    "quota_without_snapshots": Quota(),
    "quota_null": Quota(None, 6),
}

STATES = [
    "Complete",
    "Completed",
    "complete",
    "completed",
    "COMPLETE ",
    "Failed",
    "error",
    "Pending",
    "pending",
    "available",
    "in_progress",
    "in-progress",
    "new",
    "Ready",
    "",
    "Copying",
]

# What was asked for is page 7 throughout: an echo is the server's word, not ours.
PAGES: dict[str, Page[Any]] = {
    "snapshots_bare": Page(7, (DOCUMENTED, Snapshot("s-2"))),
    "snapshots_wrapped": Page(7, (DOCUMENTED, Snapshot("s-2"))),
    "snapshots_empty": Page(7, ()),
    "snapshots_null": Page(7, ()),
    "snapshots_wrapped_null": Page(7, ()),
    "snapshots_every_state": Page(
        7, tuple(Snapshot(f"s-{n}", status=status(text)) for n, text in enumerate(STATES, 1))
    ),
    "region_snapshots_inner_is_the_snapshot": Page(7, (ITEM,)),
    "region_snapshots_inner_is_the_instance": Page(
        7,
        (
            RegionSnapshot(
                "s-1",
                "nightly-0123456789ab",
                "d",
                "instance",
                AT,
                Snapshot("i-1", "db1", "d", ("v-1",), INNER.status, AT),
            ),
        ),
    ),
    "region_snapshots_without_inner": Page(
        7, (RegionSnapshot("s-1", "n", resource_type="volume"),)
    ),
    "region_snapshots_inner_null": Page(7, (RegionSnapshot("s-1", "n", "", "instance"),)),
    "region_snapshots_named_inside": Page(
        7, (RegionSnapshot("s-1", instance=Snapshot("s-1", "n", created_at=AT)),)
    ),
    "region_snapshots_wrapped": Page(7, (ITEM,)),
    "schedules_bare": Page(7, (SCHEDULE,)),
    "instances_page": Page(7, (INSTANCE,), 2, 3, 20),
    "instances_per_page_null": Page(7, (INSTANCE,), 1, 1, None),
    "instances_numbers_as_text": Page(7, (INSTANCE,), 2, 3, 20),
    "instances_pages_zero": Page(7, ()),
    "instances_counts_are_no_numbers": Page(7, ()),
    "regions": Page(
        7,
        (
            Region(
                "LON1",
                "London 1",
                "public",
                "uk",
                "United Kingdom",
                False,
                True,
                {"iaas": True, "kubernetes": False},
            ),
            Region("lon1-private", type="private"),
        ),
    ),
}

ARRAYS: dict[str, Any] = {
    "snapshots": tuple[Snapshot, ...],
    "region_snapshots": tuple[RegionSnapshot, ...],
    "schedules": tuple[Schedule, ...],
    "instances": tuple[Instance, ...],
    "regions": tuple[Region, ...],
}
SINGLES: dict[str, Any] = {"snapshot": Snapshot, "restore": Restore, "schedule": Schedule}


def array_for(name: str) -> Any:
    return next(array for kind, array in ARRAYS.items() if name.startswith(kind))


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
    "misfit_snapshots_object": ("$", "expected a list, got dict"),
    "misfit_snapshots_items_object": ("$", "expected a list, got dict"),
    "misfit_snapshots_text_inside": ("$[1]", "expected an object, got str"),
    "misfit_snapshots_text": ("$", "expected a list, got str"),
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
    "misfit_regions_features_list": ("$[0].features", "expected an object, got list"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_becomes_exactly_this_record(name: str) -> None:
    """B64-B66, B86: what is missing, null or empty has its default, what is unknown is ignored."""
    expected = OBJECTS[name]
    record = one(type(expected))(answer(name))
    assert record == expected
    if isinstance(record, Snapshot) and isinstance(expected, Snapshot):
        # Two moments are equal in any zone; the zone is kept as sent all the same.
        assert str(record.created_at) in (
            str(expected.created_at),
            str(expected.created_at and expected.created_at.astimezone(WEST)),
        )


WEST = timezone(-timedelta(hours=5, minutes=30))


@pytest.mark.parametrize("name", PAGES)
def test_a_list_becomes_exactly_this_page(name: str) -> None:
    """B62: bare or wrapped in `items`; null is how Go writes an empty list."""
    assert page(array_for(name), 7)(answer(name)) == PAGES[name]


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named_by_its_path(name: str) -> None:
    """B62, B63: nothing becomes the text "None", and nothing is indexed into on trust."""
    kind = name.split("_")[1]
    path, said = MISFITS[name]
    read: Any = one(SINGLES[kind]) if kind in SINGLES else page(array_for(kind), 1)
    with pytest.raises(UnexpectedResponseError) as caught:
        read(answer(name, 201))
    assert (caught.value.path, caught.value.status) == (path, 201)
    assert caught.value.message.startswith(f"the body does not fit: {said}")
    assert caught.value.message.endswith(f" at {path}")
    # cattrs' own error holds the whole body, secrets included.
    assert caught.value.__context__ is None


def test_every_payload_is_read_by_a_test() -> None:
    known = {*OBJECTS, *PAGES, *MISFITS}
    stored = {path.stem for path in PAYLOADS.iterdir() if not path.name.startswith("error_")}
    assert stored == known


def test_secrets_of_an_instance_are_never_read() -> None:
    """X141."""
    response = answer("instance_with_secrets")
    assert b"canary" in response.body
    assert "canary" not in repr(one(Instance)(response))


@pytest.mark.parametrize("read", [one(Snapshot), page(tuple[Snapshot, ...], 1)])
def test_an_empty_body_is_never_data(read: Any) -> None:
    """B50: neither no record nor the empty list."""
    with pytest.raises(UnexpectedResponseError, match="it is empty"):
        read(Response(200, {}, b""))


def test_an_unreadable_body_keeps_its_status() -> None:
    with pytest.raises(UnexpectedResponseError) as caught:
        one(Snapshot)(Response(201, {}, b"<html>"))
    assert caught.value.status == 201


@pytest.mark.parametrize(
    ("value", "number"), [("007", 7), ("0", 0), (0, 0), (-5, -5), (10**30, 10**30)]
)
def test_whole_numbers_may_be_text(value: int | str, number: int) -> None:
    assert structure({"disk_snapshot_count_limit": value}, Quota) == Quota(number)


@pytest.mark.parametrize("value", ["", " 7", "+7", "-7", "1_000", "7.0", "٣", "9" * 19, "nan", 7.0])
def test_what_is_no_whole_number_is_none(value: object) -> None:
    with pytest.raises(UnexpectedResponseError):
        structure({"disk_snapshot_count_limit": value}, Quota)  # type: ignore[dict-item]


@pytest.mark.parametrize("record", [DOCUMENTED, RESTORE, SCHEDULE, INSTANCE, ITEM], ids=repr)
def test_records_survive_the_way_to_json_and_back(record: object) -> None:
    text = json.dumps(unstructure(record))
    assert structure(json.loads(text), type(record)) == record


RECORDS: list[type[Any]] = [Snapshot, RegionSnapshot, Restore, Instance, Schedule, Region, Quota]
KEYS = sorted({part.name for record in RECORDS for part in fields(record)} | {"items", "page"})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(data=json_values, target=st.sampled_from(RECORDS))
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
@given(data=json_values, array=st.sampled_from([*ARRAYS.values()]))
def test_any_json_is_a_page_or_an_unexpected_response(data: Any, array: Any) -> None:
    body = json.dumps(data, allow_nan=True).encode()
    try:
        result = page(array, 3)(Response(200, {}, body))
    except UnexpectedResponseError:
        return
    assert result.number == 3
    assert all(hint is None or hint > 0 for hint in (result.echoed, result.pages, result.per_page))


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
