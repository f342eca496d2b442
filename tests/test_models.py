"""Records: frozen values whose few properties only rearrange what they hold."""

import copy
import pickle
from typing import Any

import attrs
import pytest

from civo_snapshots import models, states
from civo_snapshots._codec import one
from civo_snapshots._http import Response
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import (
    Acknowledgement,
    Call,
    Page,
    Quota,
    Region,
    Snapshot,
    SnapshotStatus,
    VolumeStatus,
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
