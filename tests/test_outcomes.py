"""What a fan-out tells: one outcome per input, counted, serialised, raised, found again."""

import asyncio
import json
import pickle
from datetime import UTC, datetime

import pytest
from attrs import evolve

from civo_snapshots.errors import (
    CivoError,
    QuotaExceededError,
    SnapshotFailedError,
    WaitTimeoutError,
)
from civo_snapshots.models import Snapshot, SnapshotStatus
from civo_snapshots.outcomes import FleetRun, Outcome, OutcomeKind, UnresolvedCreate

DONE = Outcome(
    "i-1", "n-1", OutcomeKind.COMPLETE, Snapshot("s-1", status=SnapshotStatus("Complete"))
)
FAILED = Outcome(
    "i-2",
    "n-2",
    OutcomeKind.FAILED,
    Snapshot("s-2", status=SnapshotStatus("Failed")),
    SnapshotFailedError("it \x1b[31mfailed"),
    adopted=True,
    duplicates=(
        Snapshot("s-3", "n-2", created_at=datetime(2026, 11, 23, tzinfo=UTC), instance_id="i-2"),
        Snapshot("s-4", "n-2", status=SnapshotStatus("Failed"), instance_id="i-2"),
    ),
)
REFUSED = Outcome("i-3", "n-3", OutcomeKind.REFUSED, error=QuotaExceededError("full", status=402))
LEFT = Outcome("i-4", "n-4", OutcomeKind.NOT_ATTEMPTED)


def test_every_kind_is_counted_also_those_that_did_not_happen() -> None:
    run = FleetRun("nightly", (DONE, FAILED, DONE, REFUSED))
    assert run.counts == {
        "complete": 2,
        "failed": 1,
        "timed_out": 0,
        "unknown": 0,
        "refused": 1,
        "not_attempted": 0,
    }
    assert list(run.counts) == [kind.value for kind in OutcomeKind]
    assert sum(run.counts.values()) == len(run) == 4


def test_a_run_is_iterated_in_input_order() -> None:
    assert list(FleetRun("nightly", (REFUSED, DONE, FAILED))) == [REFUSED, DONE, FAILED]


def test_failures_are_told_once_for_each_instance() -> None:
    """F109: an instance given twice has two outcomes, but failed once."""
    run = FleetRun("nightly", (FAILED, DONE, FAILED, REFUSED, LEFT))
    assert run.failures == (FAILED, REFUSED, LEFT)


@pytest.mark.parametrize("outcomes", [(), (DONE, DONE)], ids=["nothing", "all-complete"])
def test_without_failures_nothing_is_raised(outcomes: tuple[Outcome, ...]) -> None:
    run = FleetRun("nightly", outcomes)
    run.raise_for_failures()
    assert run.failures == ()


def test_failures_are_raised_as_a_group_of_their_typed_errors() -> None:
    """F105."""
    run = FleetRun("nightly", (DONE, FAILED, FAILED, REFUSED, LEFT))
    with pytest.raises(ExceptionGroup) as caught:
        run.raise_for_failures()
    assert caught.value.message == "3 of 4 snapshots of run nightly are not complete"
    assert caught.value.exceptions[:2] == (FAILED.error, REFUSED.error)
    assert isinstance(caught.value.exceptions[2], CivoError)
    assert str(caught.value.exceptions[2]) == "i-4: not_attempted"


def test_a_run_is_plain_json() -> None:
    run = FleetRun("nightly", (DONE, FAILED, LEFT), partial=True)
    assert json.loads(run.to_json()) == {
        "name": "nightly",
        "partial": True,
        "counts": dict(run.counts),
        "adopted": 1,
        "duplicates": 2,
        "outcomes": [
            {
                "instance_id": "i-1",
                "name": "n-1",
                "kind": "complete",
                "snapshot_id": "s-1",
                "state": "Complete",
                "message": "",
                "adopted": False,
                "duplicates": [],
                "error": None,
                "error_type": None,
            },
            {
                "instance_id": "i-2",
                "name": "n-2",
                "kind": "failed",
                "snapshot_id": "s-2",
                "state": "Failed",
                "message": "",
                "adopted": True,
                "duplicates": [
                    {
                        "snapshot_id": "s-3",
                        "name": "n-2",
                        "state": "",
                        "created_at": "2026-11-23T00:00:00+00:00",
                    },
                    {
                        "snapshot_id": "s-4",
                        "name": "n-2",
                        "state": "Failed",
                        "created_at": None,
                    },
                ],
                "error": "it \\x1b[31mfailed",
                "error_type": "SnapshotFailedError",
            },
            {
                "instance_id": "i-4",
                "name": "n-4",
                "kind": "not_attempted",
                "snapshot_id": None,
                "state": None,
                "message": None,
                "adopted": False,
                "duplicates": [],
                "error": None,
                "error_type": None,
            },
        ],
    }


def test_what_was_adopted_and_what_there_is_twice_is_told_once_each() -> None:
    """R159, R161: beside the kinds, also of an instance given twice; nothing refused is adopted."""
    exists = evolve(REFUSED, adopted=True, duplicates=FAILED.duplicates[:1])
    run = FleetRun("nightly", (FAILED, DONE, FAILED, exists))
    assert run.adopted == (FAILED,)
    assert run.duplicates == FAILED.duplicates


def test_a_run_is_the_same_after_pickling() -> None:
    run = FleetRun("nightly", (DONE, evolve(FAILED, error=None), LEFT), partial=True)
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_run_is_found_on_the_exception_it_was_left_on() -> None:
    """F106."""
    run = FleetRun("nightly", (DONE,), partial=True)
    error = asyncio.CancelledError()
    run.attach_to(error)
    assert FleetRun.of(error) is run


def test_a_run_is_found_behind_a_timeout_of_the_caller() -> None:
    """F106, L121: `asyncio.timeout()` puts its own error in front."""
    run = FleetRun("nightly")
    inner = asyncio.CancelledError()
    run.attach_to(inner)
    outer = TimeoutError()
    outer.__cause__ = inner
    assert FleetRun.of(outer) is run
    outermost = RuntimeError()
    outermost.__context__ = outer
    assert FleetRun.of(outermost) is run


def test_a_run_is_found_inside_a_group() -> None:
    """R182: a task group raises what its tasks did, also within another group."""
    run, other = (FleetRun(name, partial=True) for name in ("nightly", "weekly"))
    error, second, behind = ValueError("input"), KeyError("input"), TypeError("caller")
    run.attach_to(error)
    other.attach_to(second)
    group = BaseExceptionGroup("outer", [OSError(), ExceptionGroup("inner", [error]), second])
    assert FleetRun.of(ExceptionGroup("one", [ExceptionGroup("inner", [error])])) is run
    assert FleetRun.of(group) in (run, other)
    behind.__context__ = ExceptionGroup("inner", [error])
    assert FleetRun.of(behind) is run
    assert FleetRun.of(ExceptionGroup("none", [OSError()])) is None


async def test_a_run_is_found_behind_a_real_timeout() -> None:
    """F106, L121."""
    run = FleetRun("nightly")

    async def cancelled_run() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            run.attach_to(error)
            raise

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0):
            await cancelled_run()
    assert FleetRun.of(caught.value) is run


def test_other_exceptions_hold_no_run() -> None:
    assert FleetRun.of(ValueError("no")) is None
    stranger = ValueError("no")
    vars(stranger)["run"] = "somebody else's attribute"
    assert FleetRun.of(stranger) is None


def test_a_circle_of_exceptions_is_searched_once() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert FleetRun.of(one) is None


def test_a_create_in_flight_is_unresolved_until_it_is_known() -> None:
    """F106."""
    open_ = UnresolvedCreate("i-1", "n-1")
    assert (open_.snapshot, open_.error) == (None, None)
    late = WaitTimeoutError("late")
    assert UnresolvedCreate("i-1", "n-1", error=late) != open_
