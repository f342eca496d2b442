"""Event records: values that are safe to keep, log and send elsewhere."""

import pickle
from datetime import UTC, datetime
from typing import Any, get_args

import attrs
import pytest

from civo_snapshots import events
from civo_snapshots.events import ExtraSnapshot, Transition, UnknownState
from civo_snapshots.models import Snapshot, SnapshotStatus

SNAPSHOT = Snapshot("s-1", "n", instance_id="i-1")
KINDS: list[type[Any]] = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and kind.__module__ == events.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_frozen_values_without_a_request_in_them(kind: type[Any]) -> None:
    """X141, X146: nothing but records, texts and numbers, so that no header can get in."""
    allowed = {Snapshot, Snapshot | None, str, int, float, str | None}
    assert {part.type for part in attrs.fields(kind)} <= allowed
    event = kind(*[part.name for part in attrs.fields(kind)])
    assert pickle.loads(pickle.dumps(event)) == event
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(event, attrs.fields(kind)[0].name, "changed")


def test_a_listener_may_be_given_every_event_but_transitions() -> None:
    """Transitions belong to one wait and go to its own callback."""
    assert set(get_args(events.Event)) == set(KINDS) - {Transition}


def test_a_first_observation_differs_from_a_change() -> None:
    assert Transition(SNAPSHOT, None, None, "Pending") != Transition(SNAPSHOT, None, "", "Pending")
    assert len({UnknownState(SNAPSHOT, "Copying"), UnknownState(SNAPSHOT, "Copying")}) == 1


def test_a_further_snapshot_is_told_with_both_ids_times_and_states() -> None:
    """R203: whose it is stays open; it may be another client's only complete one."""
    made = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
    further = Snapshot("s-2", "n", "", (), SnapshotStatus("Complete"), made, "i-1")
    told = str(ExtraSnapshot(SNAPSHOT, further))
    assert "a further snapshot of the name n on instance i-1" in told
    assert "s-2 (made 2026-11-23 04:05:06, state 'Complete')" in told
    assert "s-1 (made at no known time, state '')" in told
    assert "whose it is is not known" in told
    assert "delete" not in told
