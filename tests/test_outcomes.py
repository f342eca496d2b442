"""What a fan-out tells: one outcome per input, counted, serialised, raised, found again."""

import asyncio
import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from civo_snapshots.errors import (
    CivoError,
    ConnectionLostError,
    InvalidArgumentError,
    OutcomeUnknownError,
    PollFailedError,
    QuotaExceededError,
    RateLimitError,
    SnapshotExistsError,
    SnapshotFailedError,
    UnexpectedResponseError,
    WaitTimeoutError,
)
from civo_snapshots.models import Call, Snapshot, SnapshotStatus, with_extra
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
        "pending": 0,
        "queued": 0,
    }
    assert list(run.counts) == [kind.value for kind in OutcomeKind]
    assert sum(run.counts.values()) == len(run) == 4


def test_a_run_is_iterated_in_input_order() -> None:
    assert list(FleetRun("nightly", (REFUSED, DONE, FAILED))) == [REFUSED, DONE, FAILED]


def test_failures_are_told_once_for_each_instance() -> None:
    """F109: an instance given twice has two outcomes, but failed once."""
    run = FleetRun("nightly", (FAILED, DONE, FAILED, REFUSED, LEFT))
    assert run.failures == (FAILED, REFUSED, LEFT)


def test_what_has_not_ended_is_no_failure_and_no_success() -> None:
    """R185: it is told apart, and raised for, because the run is not complete as a whole."""
    open_ones = (
        Outcome("i-5", "n-5", OutcomeKind.PENDING, Snapshot("s-5")),
        Outcome("i-6", "n-6", OutcomeKind.QUEUED),
    )
    run = FleetRun("nightly", (DONE, REFUSED, *open_ones, open_ones[0]), partial=True)
    assert run.failures == (REFUSED,)
    assert run.unfinished == open_ones
    with pytest.raises(ExceptionGroup) as caught:
        run.raise_for_failures()
    assert [str(error) for error in caught.value.exceptions[1:]] == ["i-5: pending", "i-6: queued"]


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


MOMENT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FULL = Outcome(
    "i-7",
    "n-7",
    OutcomeKind.COMPLETE,
    with_extra(Snapshot("s-7", "n-7", created_at=MOMENT, instance_id="i-7"), {"size": [1, None]}),
    region="LON1",
    hostname="db1",
    started_at=MOMENT,
    accepted_at=MOMENT + timedelta(seconds=1.5),
    ended_at=MOMENT + timedelta(minutes=3),
    attempts=2,
    quiesced=True,
)


def told_outcome(**more: object) -> dict[str, object]:
    """What an outcome tells that has nothing but what is given."""
    nothing: dict[str, object] = {
        "snapshot": None,
        "error": None,
        "adopted": False,
        "duplicates": [],
        "region": "",
        "hostname": "",
        "started_at": None,
        "accepted_at": None,
        "ended_at": None,
        "attempts": 0,
        "quiesced": None,
    }
    return nothing | more


def told_snapshot(snapshot_id: str, **more: object) -> dict[str, object]:
    nothing: dict[str, object] = {
        "id": snapshot_id,
        "name": "",
        "description": "",
        "included_volumes": [],
        "status": {"state": "", "volumes": [], "message": ""},
        "created_at": None,
        "instance_id": "",
    }
    return nothing | more


def test_a_run_is_plain_json() -> None:
    run = FleetRun("nightly", (FULL, evolve(FAILED, duplicates=()), LEFT), partial=True)
    assert json.loads(run.to_json()) == {
        "format": 1,
        "name": "nightly",
        "partial": True,
        "counts": dict(run.counts),
        "adopted": 1,
        "duplicates": 0,
        "outcomes": [
            told_outcome(
                instance_id="i-7",
                name="n-7",
                kind="complete",
                snapshot=told_snapshot(
                    "s-7",
                    name="n-7",
                    created_at="2026-11-23T02:00:00+00:00",
                    instance_id="i-7",
                    extra={"size": [1, None]},
                ),
                region="LON1",
                hostname="db1",
                started_at="2026-11-23T02:00:00+00:00",
                accepted_at="2026-11-23T02:00:01.500000+00:00",
                ended_at="2026-11-23T02:03:00+00:00",
                attempts=2,
                quiesced=True,
            ),
            told_outcome(
                instance_id="i-2",
                name="n-2",
                kind="failed",
                snapshot=told_snapshot(
                    "s-2", status={"state": "Failed", "volumes": [], "message": ""}
                ),
                error={
                    "kind": "SnapshotFailedError",
                    "message": "it \x1b[31mfailed",
                    "may_have_acted": False,
                    "call": None,
                    "snapshot": None,
                    "failed_volumes": [],
                },
                adopted=True,
            ),
            told_outcome(instance_id="i-4", name="n-4", kind="not_attempted"),
        ],
    }


SAME = Snapshot("s-8", status=SnapshotStatus("Failed"), instance_id="i-8")
ERRORS = (
    None,
    SnapshotFailedError("failed", snapshot=SAME),
    WaitTimeoutError("late", snapshot=Snapshot("s-9"), elapsed=3.5, polls=2),
    SnapshotExistsError("exists"),
    QuotaExceededError("x" * 6_000, status=402, code="quota", retry_after=1.5),
    OutcomeUnknownError(
        "?", instance_id="i-8", name="n", started_at=MOMENT, call=Call("POST", "/")
    ),
    ConnectionLostError("lost", call=Call("POST", "/v2", attempts=3, history=("a", "b"))),
    UnexpectedResponseError("odd", status=200, path="$.id"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_run_is_equal_after_its_way_through_json(error: CivoError | None) -> None:
    outcome = Outcome("i-8", "n-8", OutcomeKind.UNKNOWN, SAME, error, duplicates=(SAME,))
    run = FleetRun("nightly", (FULL, FAILED, REFUSED, LEFT, outcome), partial=True)
    back = FleetRun.from_json(run.to_json())
    assert back == run
    assert back.to_json() == run.to_json()
    assert hash(back) == hash(run)
    assert back.outcomes[0].snapshot is not None
    assert back.outcomes[0].snapshot.extra == {"size": [1, None]}
    got = back.outcomes[-1].error
    assert type(got) is type(error)
    assert str(got) == str(error)
    assert getattr(got, "snapshot", None) == getattr(error, "snapshot", None)
    unknown = UnresolvedCreate("i-8", "n-8", SAME, error)
    assert UnresolvedCreate.from_dict(json.loads(json.dumps(unknown.as_dict()))) == unknown


def test_what_an_error_tells_is_what_a_reader_acts_on() -> None:
    unknown = OutcomeUnknownError("?", name="n", started_at=MOMENT)
    unknown.candidates = (SAME,)
    blind = PollFailedError("blind")
    blind.error = RateLimitError("slow down", status=429, retry_after=7.0)
    for error in (unknown, blind):
        back = CivoError.from_dict(json.loads(json.dumps(error.as_dict())))
        assert type(back) is type(error)
        assert back.as_dict() == error.as_dict()
    assert unknown.as_dict()["candidates"] == [SAME.as_dict()]
    assert CivoError.from_dict(blind.as_dict()).error.retry_after == 7.0  # type: ignore[attr-defined]


def test_an_error_of_a_later_release_is_an_error_all_the_same() -> None:
    told = {"kind": "SnapshotMeltedError", "message": "too warm", "may_have_acted": True, "x": 1}
    error = CivoError.from_dict(told)
    assert (type(error), error.message, error.may_have_acted) == (CivoError, "too warm", True)


def test_errors_that_tell_the_same_make_equal_outcomes() -> None:
    one, other = (
        Outcome("i", "n", OutcomeKind.REFUSED, error=QuotaExceededError("full", status=402))
        for _ in range(2)
    )
    assert one == other
    assert one != evolve(other, error=QuotaExceededError("full", status=403))


def test_fields_of_a_later_release_are_passed_over() -> None:
    run = FleetRun("nightly", (FULL,))
    data = run.as_dict()
    data["colour"] = data["outcomes"][0]["colour"] = "blue"  # type: ignore[index]
    assert FleetRun.from_dict(data) == run


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", '{"format": 2, "name": "n"}', '{"format": 1}', "{", '{"format": 1, "name": 5}'],
)
def test_what_is_no_run_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        FleetRun.from_json(text)


@pytest.mark.parametrize(
    "wrong", [{"kind": "melted"}, {"started_at": "yesterday"}, {"error": {}}, {"error": "x"}]
)
def test_the_field_that_does_not_fit_is_named(wrong: dict[str, object]) -> None:
    told = FULL.as_dict() | wrong
    with pytest.raises(ValueError, match=f"Outcome.{next(iter(wrong))}: "):
        Outcome.from_dict(told)


def test_runs_of_several_regions_are_one() -> None:
    lon, nyc = FleetRun("nightly", (DONE,)), FleetRun("nightly", (REFUSED,), partial=True)
    both = FleetRun.merge(lon, nyc)
    assert both == FleetRun("nightly", (DONE, REFUSED), partial=True)
    assert FleetRun.merge(lon, FleetRun("weekly")).name == "nightly, weekly"
    assert FleetRun.merge(lon) == lon
    with pytest.raises(InvalidArgumentError):
        FleetRun.merge()


def test_a_run_prints_as_a_short_table() -> None:
    open_ = Outcome("i-5", "n-5", OutcomeKind.PENDING, Snapshot("s-5"))
    text = str(FleetRun("nightly", (FULL, FAILED, open_), partial=True))
    assert text.splitlines() == [
        "Run nightly: 3 instances, partial",
        "  complete           1",
        "  failed             1",
        "  pending            1",
        "  adopted            1",
        "  duplicates         2",
        "  failed i-2 s-2 (Failed): it \\x1b[31mfailed",
        "  pending i-5 s-5 ()",
    ]
    assert repr(FULL) == "<Outcome complete db1 s-7 ()>"


def test_a_large_run_is_printed_and_shown_in_a_few_lines() -> None:
    """R194: whatever a server calls its things."""
    huge = CivoError("x" * 5_000)
    wrong = [
        Outcome(f"i-{n}" * 400, "n", OutcomeKind.FAILED, Snapshot("s" * 9_999), huge, hostname="h")
        for n in range(1_000)
    ]
    run = FleetRun("nightly", (DONE, *wrong))
    assert len(str(run).splitlines()) <= 30
    assert str(run).endswith("... and 980 more")
    assert max(map(len, str(run).splitlines())) < 500
    assert repr(run) == "<FleetRun nightly: 1 complete, 1000 failed>"


def test_what_was_adopted_and_what_there_is_twice_is_told_once_each() -> None:
    """R159, R161: beside the kinds, also of an instance given twice; nothing refused is adopted."""
    exists = evolve(REFUSED, adopted=True, duplicates=FAILED.duplicates[:1])
    run = FleetRun("nightly", (FAILED, DONE, FAILED, exists))
    assert run.adopted == (FAILED,)
    assert run.duplicates == FAILED.duplicates


def test_a_run_is_the_same_after_pickling() -> None:
    run = FleetRun("nightly", (DONE, FAILED, LEFT), partial=True)
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
