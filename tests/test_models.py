"""Records: frozen values whose few properties only rearrange what they hold."""

import copy
import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args, get_origin

import attrs
import pytest

from civo_snapshots import models, states
from civo_snapshots._codec import one
from civo_snapshots._http import Response
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import (
    Acknowledgement,
    Call,
    Extra,
    Instance,
    Page,
    Quota,
    Record,
    Region,
    Snapshot,
    SnapshotStatus,
    VolumeStatus,
    with_extra,
)
from civo_snapshots.states import State, Verdict

RECORDS: list[type[Any]] = [
    record for record in vars(models).values() if isinstance(record, type) and attrs.has(record)
]
SETTLING = Snapshot("s-1", status=SnapshotStatus("Complete", (VolumeStatus("v-1", "Sealed"),)))


def minimal(record: type[Any]) -> Any:
    """The record with nothing but what it requires."""
    required = [part for part in attrs.fields(record) if part.default is attrs.NOTHING]
    return record(**{part.name: () if part.name == "items" else "1" for part in required})


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_values(record: type[Any]) -> None:
    """Frozen, without room for anything else, equal by content, hashable, and easy to copy."""
    one, other = minimal(record), minimal(record)
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert not hasattr(one, "__dict__")
    for part in attrs.fields(record):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(one, part.name, "changed")


@pytest.mark.parametrize("record", RECORDS)
def test_no_record_has_a_field_for_a_secret(record: type[Any]) -> None:
    """X141."""
    names = {part.name for part in attrs.fields(record)}
    assert not names & {"initial_password", "rescue_password", "civostatsd_token", "script"}


@pytest.mark.parametrize(
    "record", [record for record in RECORDS if attrs.fields(record)[0].default is attrs.NOTHING]
)
def test_an_id_in_an_answer_is_never_empty(record: type[Any]) -> None:
    """B63: an empty id could not be asked for again, or would name the whole listing."""
    if record in (Page, Call):  # a number, and what was asked instead of answered
        return
    name = attrs.fields(record)[0].name
    assert name in ("id", "code")
    with pytest.raises(UnexpectedResponseError) as caught:
        one(record)(Response(200, {}, f'{{"{name}": ""}}'.encode()))
    assert caught.value.path == f"$.{name}"


def test_a_snapshot_shows_its_status() -> None:
    assert SETTLING.state == "Complete"
    assert SETTLING.volumes == (VolumeStatus("v-1", "Sealed"),)
    assert (Snapshot("s-1").state, Snapshot("s-1").volumes) == ("", ())


def test_a_snapshot_shows_what_the_server_says_of_it() -> None:
    """R199."""
    assert Snapshot("s-1", status=SnapshotStatus("Failed", message="full")).message == "full"
    assert Snapshot("s-1").message == ""


def test_a_snapshot_is_judged_by_the_table_it_is_given() -> None:
    assert SETTLING.verdict is Verdict.SETTLING
    assert SETTLING.judge(states.extended({"sealed": State.COMPLETE})) is Verdict.COMPLETE
    assert Snapshot("s-1").verdict is Verdict.PENDING


def test_a_snapshot_is_not_complete_while_a_volume_of_it_was_never_listed() -> None:
    """R178: the same rule as of a wait."""
    listed = SnapshotStatus("Sealed", (VolumeStatus("v-1", "Sealed"),))
    table = states.extended({"sealed": State.COMPLETE})
    for included, verdict in (
        (("v-1",), Verdict.COMPLETE),
        (("v-1", "v-2"), Verdict.SETTLING),
    ):
        snapshot = Snapshot("s-1", included_volumes=included, status=listed)
        assert snapshot.judge(table) is verdict
    summary = Snapshot("s-1", included_volumes=("v-1",), status=SnapshotStatus("Complete"))
    assert summary.verdict is Verdict.COMPLETE


@pytest.mark.parametrize(
    ("limit", "usage", "free"),
    [
        *[(48, 6, 42), (48, 48, 0), (48, 50, 0)],
        *[(None, 6, None), (48, None, None), (None, None, None), (-1, 6, None)],
    ],
)
def test_free_snapshots_are_what_the_quota_leaves(
    limit: int | None, usage: int | None, free: int | None
) -> None:
    """Usage above the limit happens after a limit was lowered."""
    assert Quota(limit, usage).free_snapshots == free
    assert Quota(limit, usage).is_unlimited is (limit == -1)


def test_regions_with_features_can_still_be_kept_in_sets() -> None:
    assert len({Region("LON1", features={"iaas": True}), Region("LON1", features={})}) == 2


def test_an_acknowledgement_is_a_success_of_this_call_unless_said_otherwise() -> None:
    """H30."""
    assert Acknowledgement() == Acknowledgement("success", already_gone=False)


TRAVELLING = [record for record in RECORDS if record is not Page]
"""A page belongs to one listing, and is not kept."""


def filled(hint: Any, number: int = 1) -> Any:
    """A value of this type with nothing left out, and with unknown fields where there may be."""
    parts = [part for part in get_args(hint) if part not in (type(None), ...)]
    if attrs.has(hint):
        fields = {part.name: filled(part.type, number) for part in attrs.fields(hint)}
        made = hint(**fields)
        more = {"later": [number, None, {"deep": True}]}
        return with_extra(made, more) if isinstance(made, Record) else made
    if hint in (str, int, float, bool, object):
        return {str: f"text \u00e9\n{number}", int: number, float: 0.1, bool: True}.get(hint)
    if hint is datetime:
        zone = UTC if number == 1 else timezone(timedelta(hours=-3.5))
        return datetime(2026, 11, 23, 4, 5, 6, 123_456, zone)
    if get_origin(hint) in (dict, Mapping):
        return {"a key": filled(parts[1], number)}
    if get_origin(hint) is tuple:
        kinds = parts if len(parts) > 1 else parts * 2
        return tuple(filled(kind, number) for number, kind in enumerate(kinds, 1))
    return filled(hint.__origin__ if hasattr(hint, "__metadata__") else parts[0], number)


def extras_of(record: Any) -> list[Extra]:
    """The unknown fields of a record and of everything in it."""
    if isinstance(record, tuple):
        return [extra for one in record for extra in extras_of(one)]
    if not isinstance(record, Record):
        return []
    kind: type[Any] = type(record)
    inner = [extras_of(getattr(record, part.name)) for part in attrs.fields(kind)]
    return [record.extra, *(extra for extras in inner for extra in extras)]


@pytest.mark.parametrize("record", TRAVELLING)
@pytest.mark.parametrize("make", [minimal, filled])
def test_records_are_equal_after_their_way_through_json(record: type[Any], make: Any) -> None:
    sent = make(record)
    back = record.from_dict(json.loads(json.dumps(sent.as_dict())))
    assert back == sent
    assert hash(back) == hash(sent)
    assert extras_of(back) == extras_of(sent)
    assert back.as_dict() == sent.as_dict()


def test_a_record_tells_json_types_alone() -> None:
    made = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert SETTLING.as_dict() == {
        "id": "s-1",
        "name": "",
        "description": "",
        "included_volumes": [],
        "status": {
            "state": "Complete",
            "volumes": [{"id": "v-1", "state": "Sealed"}],
            "message": "",
        },
        "created_at": None,
        "instance_id": "",
    }
    told = with_extra(Snapshot("s-1", created_at=made), {"size": "5 GB"}).as_dict()
    assert (told["created_at"], told["extra"]) == (made.isoformat(), {"size": "5 GB"})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "Snapshot: .*'id'"),
        ({"id": ""}, "Snapshot.id: "),
        ({"id": 5}, "Snapshot.id: "),
        ({"id": "s", "created_at": "2026-11-23T02:00:00"}, "Snapshot.created_at: "),
        ({"id": "s", "included_volumes": "v-1"}, "Snapshot.included_volumes: expected a list"),
        ({"id": "s", "status": []}, "Snapshot.status: expected an object"),
        ({"id": "s", "status": {"volumes": [{"id": 1}]}}, "VolumeStatus.id: "),
        ({"id": "s", "extra": []}, "object"),
    ],
)
def test_what_is_no_record_is_refused_with_the_field(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Snapshot.from_dict(told)


def test_an_instance_that_travels_has_no_secrets() -> None:
    read = one(Instance)(Response(200, {}, b'{"id": "i-1", "initial_password": "x", "new": 1}'))
    assert read.as_dict()["extra"] == {"new": 1}
    assert "initial_password" not in json.dumps(read.as_dict())
