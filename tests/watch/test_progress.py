"""One wait for one snapshot: what polls show, and when that ends the wait."""

import math
from typing import Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots import states
from civo_snapshots._codec import ListedStatus
from civo_snapshots._watch import CompletionWait, PollPolicy
from civo_snapshots.errors import (
    AuthenticationError,
    CivoError,
    ConnectionLostError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    PollFailedError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    SnapshotVanishedError,
    UnexpectedResponseError,
    WaitTimeoutError,
)
from civo_snapshots.events import Transition
from civo_snapshots.models import Call, Snapshot, SnapshotStatus, VolumeStatus
from civo_snapshots.states import DEFAULT_STATES, State

CALL = Call("GET", "/v2/instances/i-1/snapshots/s-1", "LON1")
GONE = NotFoundError("404", status=404, code="database_snapshot_not_found", call=CALL)
BROKEN = ConnectionLostError("reset", call=CALL)
START = 1_000.0


def snapshot(state: str, *volumes: str, included: int = 0) -> Snapshot:
    """A snapshot whose volumes are v-1, v-2, ... in these states, and that includes so many."""
    listed = tuple(VolumeStatus(f"v-{n}", text) for n, text in enumerate(volumes, 1))
    return Snapshot(
        "s-1",
        "n",
        included_volumes=tuple(f"v-{n}" for n in range(1, included + 1)),
        status=SnapshotStatus(state, listed),
        instance_id="i-1",
    )


def waiting(policy: PollPolicy | None = None, **more: Any) -> CompletionWait:
    return CompletionWait("i-1", "s-1", policy or PollPolicy(), DEFAULT_STATES, START, **more)


def ended(progress: CompletionWait, kind: type[CivoError]) -> Any:
    assert type(progress.outcome) is kind
    return progress.outcome


# What a poll shows


@pytest.mark.parametrize(
    "state", ["Complete", "complete", "Completed", "COMPLETE ", "Ready", "available"]
)
def test_a_complete_snapshot_ends_the_wait(state: str) -> None:
    """P86."""
    progress = waiting()
    done = snapshot(state, "Completed", "complete")
    progress.observe(done, START + 1)
    assert progress.outcome is progress.last is done
    assert progress.polls == 1


@pytest.mark.parametrize("state", ["Pending", "", "Copying", "in_progress"])
def test_a_pending_snapshot_does_not(state: str) -> None:
    """P87, P91."""
    progress = waiting()
    for second in range(10_000):
        progress.observe(snapshot(state), START + second)
    assert progress.outcome is None
    assert progress.polls == 10_000


def test_a_failed_volume_fails_the_snapshot() -> None:
    """P89."""
    progress = waiting()
    seen = snapshot("Pending", "Completed", "Failed", "Pending", "error")
    progress.observe(seen, START + 5)
    error = ended(progress, SnapshotFailedError)
    assert error.failed_volumes == ("v-2", "v-4")
    assert (error.snapshot, error.elapsed, error.polls) == (seen, 5.0, 1)
    assert str(error) == "snapshot s-1 (n) of instance i-1 failed; volumes: v-2, v-4"


def saying(message: str, state: str = "Failed", *volumes: VolumeStatus) -> Snapshot:
    return Snapshot("s-1", status=SnapshotStatus(state, volumes, message), instance_id="i-1")


def test_why_a_snapshot_failed_is_part_of_the_error() -> None:
    """R199."""
    progress = waiting()
    progress.observe(saying(" no space left ", "Pending", VolumeStatus("v-1", "Failed")), START)
    error = ended(progress, SnapshotFailedError)
    assert error.snapshot.message == " no space left "
    assert str(error) == "snapshot s-1 of instance i-1 failed; volumes: v-1: no space left"


@pytest.mark.parametrize("message", ["x" * 1_000_000, "\x1b[31m\n" * 100_000])
def test_a_message_is_cut_and_printable_in_the_error(message: str) -> None:
    # R194, R199: a server may say a stack trace, or a terminal's codes.
    progress = waiting()
    progress.observe(saying(message), START)
    text = str(ended(progress, SnapshotFailedError))
    assert len(text) < 2_500
    assert text.isprintable()


def test_a_failed_snapshot_with_good_volumes_failed() -> None:
    """P90."""
    progress = waiting()
    progress.observe(snapshot("Failed", "Complete"), START)
    error = ended(progress, SnapshotFailedError)
    assert error.failed_volumes == ()
    assert str(error) == "snapshot s-1 (n) of instance i-1 failed"


def test_a_nameless_snapshot_is_named_by_its_ids() -> None:
    progress = waiting()
    progress.observe(Snapshot("s-1", status=SnapshotStatus("Failed")), START)
    assert str(progress.outcome) == "snapshot s-1 of instance i-1 failed"


def test_a_deployments_own_states_are_used() -> None:
    table = states.extended({"sealed": State.COMPLETE, "torn": State.FAILED})
    progress = CompletionWait("i-1", "s-1", PollPolicy(), table, START)
    progress.observe(snapshot("Sealed", "Torn"), START)
    assert ended(progress, SnapshotFailedError).failed_volumes == ("v-1",)


def test_a_volume_that_drops_out_of_the_list_is_not_finished() -> None:
    """P92."""
    progress = waiting()
    progress.observe(snapshot("Pending", "Pending"), START)
    progress.observe(snapshot("Complete"), START + 1)
    assert progress.outcome is None
    progress.observe(snapshot("Complete", "Complete"), START + 2)
    assert isinstance(progress.outcome, Snapshot)


def test_a_volume_that_drops_out_of_a_change_that_nobody_hears_is_not_finished() -> None:
    """P92: such a change is kept as the listing told it."""
    progress = waiting()
    progress.seed(snapshot("Pending"), is_fresh=True)
    for volumes in ("one", "two"), ("two",):
        listed = [f'{{"id":"{one}","state":"Pending"}}' for one in volumes]
        status = f'{{"state":"Pending","volumes":[{",".join(listed)}]}}'
        shown = msgspec.json.decode(status, type=ListedStatus)
        progress.observe_pending(shown)
        assert progress.last is not None
        assert [one.id for one in progress.last.volumes] == list(volumes)
    done = SnapshotStatus("Complete", (VolumeStatus("two", "Complete"),))
    progress.observe(evolve(snapshot("Complete"), status=done), START + 1)
    assert progress.outcome is None
    progress.expire(START + 2)
    assert "unfinished volumes: one" in str(progress.outcome)


def test_a_volume_that_appears_late_counts() -> None:
    """P92."""
    progress = waiting()
    progress.observe(snapshot("Pending", "Complete"), START)
    progress.observe(snapshot("Pending", "Complete", "Failed"), START + 1)
    assert ended(progress, SnapshotFailedError).failed_volumes == ("v-2",)


ENDS: list[Any] = [
    pytest.param(lambda p, at: p.observe(snapshot("Failed"), at), id="failed"),
    pytest.param(lambda p, at: p.observe(snapshot("Pending"), at), id="pending-again"),
    pytest.param(lambda p, at: p.observe(snapshot("Complete"), at), id="complete-again"),
    pytest.param(lambda p, at: [p.on_not_found(GONE, at) for _ in range(9)], id="gone"),
    pytest.param(lambda p, at: p.on_refused(AuthenticationError("401"), at), id="refused"),
    pytest.param(lambda p, at: p.expire(at), id="expired"),
]


@pytest.mark.parametrize("later", ENDS)
@pytest.mark.parametrize("first", ["Complete", "Failed"])
def test_the_first_terminal_verdict_stands(first: str, later: Any) -> None:
    """P93: an older answer that comes late moves nothing back."""
    progress = waiting()
    progress.observe(snapshot(first), START + 1)
    outcome = progress.outcome
    assert outcome is not None
    later(progress, START + 500)
    assert progress.outcome is outcome


# Complete, but not all of it


def test_a_complete_snapshot_with_pending_volumes_is_unsettled_after_the_volume_grace() -> None:
    """P88, R178: nothing was seen failing, so that it is no failure."""
    progress = waiting(PollPolicy(volume_grace=60))
    for second in (10, 40, 69.9):
        progress.observe(snapshot("Complete", "Complete", "Pending", "Copying"), START + second)
        assert progress.outcome is None
    progress.observe(snapshot("Complete", "Complete", "Pending", "Copying"), START + 70)
    error = ended(progress, SnapshotUnsettledError)
    assert error.unfinished_volumes == ("v-2", "v-3")
    assert (error.snapshot, error.elapsed, error.polls) == (progress.last, 70.0, 4)
    assert str(error) == (
        "snapshot s-1 (n) of instance i-1 says complete, but for 60 s not all of its volumes did; "
        "unfinished: v-2, v-3; it may be fine, wait again"
    )


def test_a_complete_snapshot_is_unsettled_while_a_volume_was_never_listed() -> None:
    """R178."""
    progress = waiting(PollPolicy(volume_grace=60))
    for second in (0, 59):
        progress.observe(snapshot("Complete", "Completed", included=3), START + second)
        assert progress.outcome is None
        assert not progress.is_pending  # the same again may end it
    progress.observe(snapshot("Complete", "Completed", included=3), START + 60)
    assert ended(progress, SnapshotUnsettledError).unfinished_volumes == ("v-2", "v-3")


def test_volumes_that_are_listed_within_the_volume_grace_are_a_success() -> None:
    """R178."""
    progress = waiting()
    progress.observe(snapshot("Complete", "Completed", included=2), START)
    done = snapshot("Complete", "Completed", "Completed", included=2)
    progress.observe(done, START + 59)
    assert progress.outcome is done


def test_a_server_that_lists_no_volume_is_believed() -> None:
    """R178."""
    progress = waiting()
    progress.observe(snapshot("Pending", included=2), START)
    done = snapshot("Complete", included=2)
    progress.observe(done, START + 1)
    assert progress.outcome is done


def test_an_answer_without_the_included_volumes_does_not_make_it_complete() -> None:
    """R178: the region-wide listing may tell less than the snapshot's own GET."""
    progress = waiting()
    progress.observe(snapshot("Pending", "Completed", included=2), START)
    progress.observe(snapshot("Complete", "Completed"), START + 1)
    assert progress.outcome is None
    other = waiting()
    other.seed(snapshot("Pending", included=2), is_fresh=False)
    other.observe(snapshot("Complete", "Completed"), START + 1)
    assert other.outcome is None


def test_a_timeout_tells_which_volumes_are_not_finished() -> None:
    """R178: that it says complete and is not finished would puzzle whoever reads it."""
    progress = waiting()
    progress.observe(snapshot("Complete", "Completed", "Pending", included=3), START)
    progress.expire(START + 30)
    error = ended(progress, WaitTimeoutError)
    assert "(state 'Complete', unfinished volumes: v-2, v-3, 1 polls)" in str(error)


def test_why_it_does_not_settle_is_part_of_the_error() -> None:
    """R178, R199."""
    progress = waiting(PollPolicy(volume_grace=0))
    progress.observe(saying("1 of 2", "Complete", VolumeStatus("v-1", "Pending")), START)
    assert "unfinished: v-1: 1 of 2; it may be fine" in str(progress.outcome)


def test_a_complete_snapshot_with_pending_volumes_is_returned_on_request() -> None:
    """P88."""
    progress = waiting(PollPolicy(volume_grace=0, on_unsettled="return"))
    seen = snapshot("Complete", "Pending")
    progress.observe(seen, START)
    assert progress.outcome is seen


def test_volumes_that_complete_within_the_volume_grace_are_a_success() -> None:
    progress = waiting()
    progress.observe(snapshot("Complete", "Pending"), START)
    done = snapshot("Complete", "Completed")
    progress.observe(done, START + 59)
    assert progress.outcome is done


def test_the_volume_grace_begins_anew_when_the_snapshot_is_pending_again() -> None:
    progress = waiting(PollPolicy(volume_grace=60))
    progress.observe(snapshot("Complete", "Pending"), START)
    progress.observe(snapshot("Pending", "Pending"), START + 50)
    progress.observe(snapshot("Complete", "Pending"), START + 70)
    assert progress.outcome is None
    progress.observe(snapshot("Complete", "Pending"), START + 130)
    ended(progress, SnapshotUnsettledError)


# Changes


def test_every_change_is_told_once() -> None:
    progress = waiting()
    first = snapshot("Pending", "Pending")
    assert list(progress.observe(first, START)) == [
        Transition(first, None, None, "Pending"),
        Transition(first, "v-1", None, "Pending"),
    ]
    assert list(progress.observe(first, START + 1)) == []
    second = snapshot("Pending", "Completed", "new")
    assert list(progress.observe(second, START + 2)) == [
        Transition(second, "v-1", "Pending", "Completed"),
        Transition(second, "v-2", None, "new"),
    ]
    third = snapshot("Complete", "Completed", "Completed")
    assert list(progress.observe(third, START + 3)) == [
        Transition(third, None, "Pending", "Complete"),
        Transition(third, "v-2", "new", "Completed"),
    ]


def test_the_state_is_told_as_it_was_spelled() -> None:
    progress = waiting()
    progress.observe(snapshot("pending"), START)
    (change,) = progress.observe(snapshot("Pending"), START)
    assert (change.before, change.after) == ("pending", "Pending")


# What the caller had already


@pytest.mark.parametrize("state", ["Complete", "Failed"])
def test_what_the_caller_has_is_a_hint(state: str) -> None:
    """R168: only what the server shows during the wait, or just before, ends it."""
    progress = waiting()
    progress.seed(known := snapshot(state), is_fresh=False)
    assert progress.outcome is None
    assert progress.last is known
    assert not progress.is_pending
    assert list(progress.observe(snapshot("Pending"), START + 1)) != []
    assert progress.is_pending


def test_what_the_server_has_just_shown_may_be_the_end() -> None:
    progress = waiting()
    done = snapshot("Complete")
    progress.seed(done, is_fresh=True)
    assert progress.outcome is done
    assert progress.polls == 0


def test_what_the_caller_has_is_compared_with_but_is_no_poll() -> None:
    """P94: a 404 after it may still be mere delay."""
    progress = waiting()
    known = snapshot("Pending", "Pending")
    progress.seed(known, is_fresh=True)
    for _ in range(5):
        progress.on_not_found(GONE, START + 59)
    assert progress.outcome is None
    assert progress.last is known
    (change,) = progress.observe(snapshot("Pending", "Completed"), START + 60)
    assert (change.volume_id, change.before) == ("v-1", "Pending")


def test_a_volume_that_only_the_caller_saw_counts() -> None:
    """P92."""
    progress = waiting()
    progress.seed(snapshot("Pending", "Pending"), is_fresh=True)
    progress.observe(snapshot("Complete"), START)
    assert progress.outcome is None


# Missing


def test_a_snapshot_may_be_late_to_appear() -> None:
    """P94."""
    progress = waiting()
    for second in range(60):
        progress.on_not_found(GONE, START + second)
    assert progress.outcome is None
    progress.observe(snapshot("Pending"), START + 59.5)
    assert progress.outcome is None


def test_a_snapshot_that_never_appears_has_vanished() -> None:
    """P94."""
    progress = waiting()
    progress.on_not_found(GONE, START + 60)
    error = ended(progress, SnapshotVanishedError)
    assert str(error).startswith("snapshot s-1 of instance i-1 did not show up within 60 s; look")
    stub = Snapshot("s-1", instance_id="i-1")
    assert (error.snapshot, error.elapsed, error.polls, error.call) == (stub, 60.0, 1, CALL)


def test_a_snapshot_that_was_seen_is_gone_after_three_polls_and_five_seconds() -> None:
    """P95, R201: longer than a replica lags behind, and before the time it had to appear."""
    progress = waiting()
    seen = snapshot("Pending")
    progress.observe(seen, START)
    for second in (1, 2, 3, 5):
        progress.on_not_found(GONE, START + second)
        assert progress.outcome is None
    progress.on_not_found(GONE, START + 6)
    error = ended(progress, SnapshotVanishedError)
    assert "snapshot s-1 (n) of instance i-1 is gone" in str(error)
    assert (error.snapshot, error.polls) == (seen, 6)
    rarely_polled = waiting()
    rarely_polled.observe(seen, START)
    for second in (10, 20):
        rarely_polled.on_not_found(GONE, START + second)
        assert rarely_polled.outcome is None
    rarely_polled.on_not_found(GONE, START + 30)
    assert isinstance(rarely_polled.outcome, SnapshotVanishedError)


def test_only_404s_in_a_row_count() -> None:
    """P95: replicas may lag."""
    progress = waiting()
    for second in range(0, 100, 3):
        progress.observe(snapshot("Pending"), START + second)
        progress.on_not_found(GONE, START + second + 1)
        progress.on_not_found(GONE, START + second + 2)
    assert progress.outcome is None


@pytest.mark.parametrize(
    "code", ["database_instance_find", "database_snapshot_create_instance_not_found"]
)
def test_a_vanished_instance_is_not_taken_for_a_vanished_snapshot(code: str) -> None:
    """S80."""
    error = NotFoundError("404", status=404, code=code)
    progress = waiting()
    progress.observe(snapshot("Pending"), START)
    for second in (1, 3, 6):
        assert progress.outcome is None
        progress.on_not_found(error, START + second)
    assert ended(progress, NotFoundError) is error


# Polls that fail


@pytest.mark.parametrize(
    "error",
    [BROKEN, ServerError("503", status=503), UnexpectedResponseError("cut", status=200)],
    ids=lambda error: type(error).__name__,
)
def test_failed_polls_are_tolerated_for_a_minute_and_ten_times(error: CivoError) -> None:
    """P96: whichever is later."""
    progress = waiting(PollPolicy(tolerate=60))
    progress.observe(seen := snapshot("Pending"), START)
    for second in range(9):
        progress.on_error(error, START + 10 * second)
    assert progress.outcome is None, "a minute is over, ten faults are not"
    progress.on_error(error, START + 90)
    failed = ended(progress, PollFailedError)
    assert failed.error is error
    assert (failed.snapshot, failed.elapsed, failed.call) == (seen, 90.0, error.call)
    assert f"failed for 90 s: {error.message}; it may be fine, wait again" in str(failed)


def test_many_failed_polls_within_a_minute_are_tolerated() -> None:
    """P96."""
    progress = waiting(PollPolicy(tolerate=60))
    for n in range(600):
        progress.on_error(BROKEN, START + n / 10)
    assert progress.outcome is None
    progress.on_error(BROKEN, START + 60)
    ended(progress, PollFailedError)


@pytest.mark.parametrize("recovery", ["see", "miss", "recover"])
def test_only_failed_polls_in_a_row_count(recovery: str) -> None:
    """P96: a 404 is an answer too."""
    progress = waiting(PollPolicy(appear=10_000, tolerate=60))
    for round_ in range(20):
        for second in range(9):
            progress.on_error(BROKEN, START + round_ * 100 + second * 10)
        now = START + round_ * 100 + 95
        if recovery == "see":
            progress.observe(snapshot("Pending"), now)
        elif recovery == "miss":
            progress.on_not_found(GONE, now)
        else:
            progress.recover()
    assert progress.outcome is None


def test_failed_polls_are_tolerated_without_end_by_default() -> None:
    """R162."""
    progress = waiting()
    for second in range(7_200):
        progress.on_error(BROKEN, START + second)
    assert progress.outcome is None
    progress.expire(START + 7_200)
    assert "0 polls); the last poll failed: reset; it goes on" in str(progress.outcome)


@pytest.mark.parametrize("proven", [True, False])
def test_a_refusal_ends_the_wait_when_it_is_proven(proven: bool) -> None:
    """P97, R153; a service that is not offered needs no proof."""
    progress = waiting()
    error: CivoError = AuthenticationError("401", status=401)
    if proven:
        progress.on_refused(error, START + 1)
    else:
        for second in range(100):
            progress.on_error(error, START + second)
        assert progress.outcome is None
        progress.on_error(error := ServiceDisabledError("disabled"), START + 100)
    failed = ended(progress, PollFailedError)
    assert failed.error is error
    assert "was refused" in str(failed)


DENIED = PermissionDeniedError("403", status=403, code="authentication_access_denied")


def test_a_snapshot_that_may_not_be_read_is_believed_after_three_polls() -> None:
    """R154."""
    progress = waiting()
    for second in (0, 1, 2, 3, 4):
        progress.on_error(DENIED, START + second)
    assert progress.outcome is None, "it has to last for five seconds too"
    progress.on_error(DENIED, START + 5)
    assert ended(progress, PollFailedError).error is DENIED
    progress = waiting()
    for second in (0, 10):
        progress.on_error(DENIED, START + second)
    assert progress.outcome is None


@pytest.mark.parametrize("between", ["see", "miss", "fault"])
def test_only_denials_in_a_row_are_believed(between: str) -> None:
    """R154, R153."""
    progress = waiting(PollPolicy(appear=10_000))
    for second in range(0, 1_000, 10):
        progress.on_error(DENIED, START + second)
        progress.on_error(DENIED, START + second + 6)
        if between == "see":
            progress.observe(snapshot("Pending"), START + second + 7)
        elif between == "miss" and second == 0:
            progress.on_not_found(GONE, START + second + 7)
        else:
            progress.on_error(BROKEN, START + second + 7)
    assert progress.outcome is None


def test_a_rate_limit_is_never_a_failure_of_a_wait() -> None:
    """P98."""
    progress = waiting()
    for second in range(10_000):
        progress.on_error(RateLimitError("429", status=429), START + second)
    assert progress.outcome is None


# Out of time


def test_an_expired_wait_tells_what_was_seen_last() -> None:
    """P99."""
    progress = waiting()
    progress.observe(seen := snapshot("Pending"), START)
    progress.expire(START + 30.04)
    error = ended(progress, WaitTimeoutError)
    assert (error.snapshot, error.elapsed, error.polls) == (seen, pytest.approx(30.04), 1)
    assert str(error) == (
        "snapshot s-1 (n) of instance i-1 was not finished after 30.0 s "
        "(state 'Pending', 1 polls); it goes on, wait again"
    )


def test_an_expired_wait_that_saw_nothing_says_so() -> None:
    progress = waiting()
    progress.expire(START)
    assert "(state not seen, 0 polls)" in str(progress.outcome)


# The policy


@pytest.mark.parametrize("name", ["floor", "ceiling"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "1", None])
def test_pauses_that_make_no_sense_are_refused(name: str, value: Any) -> None:
    """C136."""
    with pytest.raises(InvalidArgumentError, match=f"{name} must be more than 0 seconds"):
        PollPolicy(**{name: value})


@pytest.mark.parametrize("name", ["growth", "jitter", "volume_grace", "appear", "tolerate"])
def test_times_may_be_zero_but_not_less(name: str) -> None:
    """C136; None is a time that has no end (R162)."""
    assert getattr(PollPolicy(**{name: 0}), name) == 0  # type: ignore[arg-type]
    for value in (-0.1, math.nan, math.inf, *([] if name == "tolerate" else [None])):
        with pytest.raises(InvalidArgumentError, match=f"{name} must be 0 or more seconds"):
            PollPolicy(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["ignore", "", None, True])
def test_on_unsettled_is_raise_or_return_and_nothing_else(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="on_unsettled must be one of raise, return"):
        PollPolicy(on_unsettled=value)


def test_pauses_grow_with_the_time_waited() -> None:
    policy = PollPolicy(jitter=0)
    pauses = [policy.pause(waited) for waited in (0, 5, 10, 50, 100, 3_600)]
    assert pauses == [1.0, 1.0, 1.0, 5.0, 10.0, 10.0]


@settings(deadline=None)
@given(
    policy=st.builds(
        PollPolicy,
        floor=st.floats(0.01, 100),
        ceiling=st.floats(0.01, 1_000),
        growth=st.floats(0, 5),
        jitter=st.floats(0, 2),
    ),
    waited=st.floats(0, 10**7),
)
def test_a_pause_lies_between_its_bounds(policy: PollPolicy, waited: float) -> None:
    """The jitter only ever adds, so that many waits drift apart."""
    least = min(policy.floor, policy.ceiling)
    assert least <= policy.pause(waited) <= policy.ceiling * (1 + policy.jitter) * (1 + 1e-9)


# Any sequence

polls = st.tuples(
    st.sampled_from(["Complete", "Failed", "Pending", "Copying"]),
    st.lists(st.sampled_from(["Complete", "Failed", "Pending"]), max_size=3),
    st.integers(0, 4),
)


@settings(deadline=None)
@given(st.lists(polls, min_size=1, max_size=8))
def test_a_wait_succeeds_only_if_everything_ever_listed_or_included_is_complete(
    script: list[tuple[str, list[str], int]],
) -> None:
    """P86-P93, R178, against a formulation over the union of all volumes."""
    progress = waiting()
    volumes: dict[int, str] = {}
    includes = 0
    expected: type | None = None
    for state, listed, included in script:
        progress.observe(snapshot(state, *listed, included=included), START)
        volumes |= dict(enumerate(listed))
        includes = included or includes
        if expected is None:
            every = [state, *volumes.values()]
            if 0 < len(volumes) < includes:
                every.append("unlisted")
            if "Failed" in every:
                expected = SnapshotFailedError
            elif set(every) == {"Complete"}:
                expected = Snapshot
    assert (type(progress.outcome) if progress.outcome is not None else None) is expected
