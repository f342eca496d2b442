"""What may be repeated, and when: never twice what may have acted, never earlier than asked."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._http import Kind, too_large
from civo_snapshots._session import Deadline, LogicalCall, RetryPolicy, is_transient, policy_for
from civo_snapshots._session.outage import cost_of
from civo_snapshots._session.retry import NO_RETRIES, Waits, never_left
from civo_snapshots.errors import (
    ApiError,
    AuthenticationError,
    CivoError,
    ClientClosedError,
    ConflictError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidArgumentError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProxyError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    TLSError,
    TryLaterError,
    UnexpectedResponseError,
)
from civo_snapshots.testing import FakeClock

REPEATABLE = [kind for kind in Kind if kind in (Kind.SAFE, Kind.CONVERGENT)]
ONCE = [kind for kind in Kind if kind not in REPEATABLE]


def answered(status: int, cls: type[ApiError] = ApiError, **more: Any) -> ApiError:
    return cls(f"{status}", status=status, **more)


UNSENT = [ConnectFailedError("refused"), answered(429, RateLimitError)]
TRANSIENT = [
    ConnectionLostError("reset"),
    answered(408),
    answered(500, ServerError),
    answered(502, ServerError),
    answered(503, ServerError),
    answered(504, ServerError),
    UnexpectedResponseError("cut", status=200),
    UnexpectedResponseError("stray", status=201),
]
FINAL = [
    TLSError("expired"),
    ProxyError("407"),
    DeadlineExceededError("late", may_have_acted=True),
    ClientClosedError("closed"),
    OutcomeUnknownError("unknown"),
    InvalidArgumentError("bad"),
    too_large(1_000, 200),  # R196
    UnexpectedResponseError("choices", status=300),
    UnexpectedResponseError("redirected", status=302),
    UnexpectedResponseError("partial", status=304),
    UnexpectedResponseError("odd", status=799),
    answered(400, InvalidRequestError),
    answered(401, AuthenticationError),
    answered(403, PermissionDeniedError),
    answered(404, NotFoundError),
    answered(409, ConflictError),
    answered(402, QuotaExceededError),
    answered(503, QuotaExceededError),
    answered(503, ServiceDisabledError),
    answered(412),
    answered(501, ServerError),
    answered(505, ServerError),
    answered(525, ServerError),
]


def ids(error: CivoError) -> str:
    return f"{type(error).__name__}-{getattr(error, 'status', '')}"


# Whether


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("error", UNSENT, ids=ids)
def test_what_certainly_did_nothing_may_always_be_repeated(error: CivoError, kind: Kind) -> None:
    """T1, T2, H35."""
    assert RetryPolicy().allows(error, kind)


@pytest.mark.parametrize("error", TRANSIENT, ids=ids)
def test_after_anything_transient_only_what_is_harmless_is_repeated(error: CivoError) -> None:
    """T7-T9, T17, T19, H34, H41, S74, S76: what may have acted is never sent blindly again."""
    policy = RetryPolicy()
    assert all(policy.allows(error, kind) for kind in REPEATABLE)
    assert not any(policy.allows(error, kind) for kind in ONCE)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("error", FINAL, ids=ids)
def test_what_will_not_change_is_never_repeated(error: CivoError, kind: Kind) -> None:
    """T4, T22, H25-H27, H32, H33, H43, H44, S78, S79."""
    assert not RetryPolicy().allows(error, kind)


def pauses(policy: RetryPolicy, error: CivoError, kind: Kind, **more: Any) -> int:
    """How often a request that always ends so is repeated, a hundred times at most."""
    call = LogicalCall(Deadline(FakeClock(), 1e6), policy, **more)
    repeated = 0
    while repeated < 100:
        call.sends += 1
        if call.retry_pause(error, kind) is None:
            break
        repeated += 1
    return repeated


REFUSED = ConnectFailedError("refused")
BUSY = answered(409, TryLaterError, code="database_quota_lock_failed")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("error", [REFUSED, BUSY], ids=ids)
def test_attempts_are_counted(kind: Kind, error: CivoError) -> None:
    assert pauses(RetryPolicy(attempts=3), error, kind) == 2
    assert pauses(RetryPolicy(attempts=3), error, kind, is_patient=True) == 2


def test_without_a_number_of_attempts_time_bounds_them_and_eight_reads() -> None:
    """R170, R174, R152."""
    assert {pauses(RetryPolicy(), REFUSED, kind) for kind in set(Kind) - {Kind.CREATING}} == {7}
    assert pauses(RetryPolicy(), REFUSED, Kind.CREATING) == 100
    assert pauses(RetryPolicy(), REFUSED, Kind.SAFE, is_patient=True) == 100
    assert {pauses(RetryPolicy(), BUSY, kind) for kind in Kind} == {100}


def test_a_create_that_is_told_to_try_later_is_not_repeated_without_a_look() -> None:
    """R152: that may be the echo of its own lost request."""
    assert pauses(RetryPolicy(), BUSY, Kind.CREATING, looks_first=True) == 0
    call = LogicalCall(Deadline(FakeClock(), 100.0), RetryPolicy(), looks_first=True, sends=1)
    assert call.resend_pause(BUSY, Kind.CREATING) is not None


BUSY_INSTANCE = answered(409, TryLaterError, code="database_snapshot_create_already_in_process")


def busy_call(clock: FakeClock) -> LogicalCall:
    """A call whose instance may be busy for ten seconds."""
    policy = RetryPolicy(rate_limited_base=1.0, cap=1.0, busy_for=10.0)
    return LogicalCall(Deadline(clock, 1e6), policy)


def test_an_instance_may_be_busy_for_so_long_from_when_it_first_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R152: whatever the time of day, and a wait that ends just then is still made."""
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    clock = FakeClock(auto=False)
    clock.advance(1_000)
    call = busy_call(clock)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) == 1
    clock.advance(8)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) == 2  # until the tenth second
    clock.advance(1)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) is None


def test_another_error_in_between_begins_the_time_of_a_busy_instance_anew() -> None:
    """R152."""
    clock = FakeClock(auto=False)
    call = busy_call(clock)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) is not None
    clock.advance(5)
    assert call.retry_pause(REFUSED, Kind.CONVERGENT) is not None
    clock.advance(5)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) is not None
    clock.advance(5)
    assert call.retry_pause(BUSY_INSTANCE, Kind.CONVERGENT) is not None


# What a call and its looks share, and what an error tells of them


@pytest.mark.parametrize("patient", [True, False])
def test_a_look_on_the_way_shares_time_record_and_patience(patient: bool) -> None:
    """R169: a look within a run's step obeys a long Retry-After as the step does."""
    call = LogicalCall(Deadline(FakeClock(), 10.0), RetryPolicy(), is_patient=patient)
    look = call.subcall()
    assert (look.deadline, look.record) == (call.deadline, call.record)
    assert look.is_patient is patient
    assert look.policy is NO_RETRIES
    assert call.subcall(retried=True).policy is call.policy


def test_an_error_of_no_request_tells_of_none() -> None:
    call = LogicalCall(Deadline(FakeClock(), 10.0), RetryPolicy())
    assert call.summed_up(DeadlineExceededError("late")).call is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (answered(409, ConflictError, code="x" * 1_000), "409 xxx"),
        (ConnectionLostError("y" * 1_000), "yyy"),
    ],
    ids=ids,
)
def test_a_history_tells_each_failure_in_a_few_words(error: CivoError, told: str) -> None:
    """A server's long text does not stand there as often as it was sent."""
    call = LogicalCall(Deadline(FakeClock(), 10.0), RetryPolicy())
    call.record.note(error)
    (failure,) = call.record.failures
    assert failure.startswith(told)
    assert len(failure) < 150


@pytest.mark.parametrize("kind", Kind)
def test_no_retries_means_one_attempt(kind: Kind) -> None:
    for error in [*UNSENT, *TRANSIENT, BUSY]:
        assert pauses(NO_RETRIES, error, kind) == 0


@pytest.mark.parametrize(
    ("asked", "allowed"), [(None, True), (0.0, True), (60.0, True), (60.1, False), (86_400, False)]
)
@pytest.mark.parametrize("cls", [RateLimitError, ServerError, TryLaterError])
def test_a_wait_beyond_the_cap_ends_the_call(
    cls: type[ApiError], asked: float | None, allowed: bool
) -> None:
    """H39: neither sleeping for a day nor coming back early."""
    error = answered(503, cls, retry_after=asked)
    assert (pauses(RetryPolicy(), error, Kind.SAFE) > 0) is allowed
    assert pauses(RetryPolicy(), error, Kind.SAFE, is_patient=True) > 0  # R169: a run's step


@pytest.mark.parametrize("error", [*UNSENT, *TRANSIENT, *FINAL], ids=ids)
def test_only_transient_errors_are_called_so(error: CivoError) -> None:
    """A 429 is not among them: it says something about the client, not about the request."""
    expected = error in TRANSIENT or isinstance(error, ConnectFailedError)
    assert is_transient(error) is expected


@pytest.mark.parametrize(
    ("error", "acted", "sent"),
    [
        (ConnectFailedError("refused"), False, False),
        (TLSError("expired"), False, False),
        (ProxyError("407"), False, False),
        (InvalidArgumentError("bad"), False, False),
        (ClientClosedError("closed"), False, False),
        (ClientClosedError("closed", may_have_acted=True), True, True),
        (DeadlineExceededError("late"), False, False),
        (DeadlineExceededError("late", may_have_acted=True), True, True),
        (ConnectionLostError("reset"), True, True),
        (answered(408), True, True),
        (answered(500, ServerError), True, True),
        (answered(503, ServerError), True, True),
        (answered(400, InvalidRequestError), False, True),
        (answered(404, NotFoundError), False, True),
        (answered(409, ConflictError), False, True),
        (answered(429, RateLimitError), False, True),
        (answered(402, QuotaExceededError), False, True),
        (UnexpectedResponseError("cut", status=201), True, True),
        (UnexpectedResponseError("not HTTP"), True, True),
        (UnexpectedResponseError("odd", status=799), True, True),
        (UnexpectedResponseError("redirected", status=307), False, True),
    ],
    ids=lambda value: ids(value) if isinstance(value, CivoError) else str(value),
)
def test_what_may_have_acted_is_known(error: CivoError, acted: bool, sent: bool) -> None:
    """T3, T8-T22, H34, H41, H44: whether to send again or to search first."""
    assert error.may_have_acted is acted
    assert never_left(error) is not sent


@pytest.mark.parametrize("error", [*UNSENT, *TRANSIENT, *FINAL], ids=ids)
@pytest.mark.parametrize("kind", ONCE)
def test_what_may_have_acted_is_never_sent_again_blindly(error: CivoError, kind: Kind) -> None:
    """R1."""
    assert not (error.may_have_acted and RetryPolicy().allows(error, kind))


def test_what_is_not_answered_costs_most_and_an_answer_nothing() -> None:
    """F108, H35, R165."""
    assert cost_of(answered(429, RateLimitError)) == 5
    answers = [one for one in TRANSIENT if isinstance(one, UnexpectedResponseError)]
    assert {cost_of(error) for error in [REFUSED, *TRANSIENT] if error not in answers} == {10}
    assert {cost_of(error) for error in [*answers, BUSY, answered(500, ServerError, code="x")]} == {
        0
    }


# The policy itself


@pytest.mark.parametrize("attempts", [0, -1, 101, True, 1.0])
def test_attempts_that_make_no_sense_are_refused(attempts: Any) -> None:
    """C136."""
    with pytest.raises(InvalidArgumentError, match="attempts must be"):
        RetryPolicy(attempts=attempts)


@pytest.mark.parametrize("name", ["base", "rate_limited_base", "cap", "retry_after_cap"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, True, "1", None])
def test_times_that_make_no_sense_are_refused(name: str, value: Any) -> None:
    """C136."""
    with pytest.raises(InvalidArgumentError, match=f"{name} must be"):
        RetryPolicy(**{name: value})


def test_retries_are_switched_by_a_bool_or_a_policy() -> None:
    own = RetryPolicy(attempts=2)
    assert policy_for(own) is own
    assert policy_for(True) == RetryPolicy()
    assert policy_for(False).attempts == 1
    with pytest.raises(InvalidArgumentError, match="retries must be True or False"):
        policy_for(3)  # type: ignore[arg-type]


# When

policies = st.builds(
    RetryPolicy,
    base=st.floats(0.001, 30),
    rate_limited_base=st.floats(0.001, 30),
    cap=st.floats(0.001, 60),
)
failures = st.sampled_from([*UNSENT, *TRANSIENT])
asked_waits = st.floats(0, 60, exclude_min=True)


@settings(deadline=None)
@given(policies, st.lists(failures, min_size=1, max_size=12))
def test_waits_lie_between_a_doubling_bound_and_its_half(
    policy: RetryPolicy, errors: list[CivoError]
) -> None:
    """H36, H41: a 429 has a bound of its own, so neither kind inflates the other."""
    waits = Waits(policy)
    seen = {True: 0, False: 0}
    for error in errors:
        limited = isinstance(error, RateLimitError)
        base = policy.rate_limited_base if limited else policy.base
        cap = max(policy.cap, 15.0) if limited else policy.cap
        bound = min(cap, base * 2 ** seen[limited])
        seen[limited] += 1
        assert bound / 2 * (1 - 1e-9) <= waits.after(error) <= bound * (1 + 1e-9)


@settings(deadline=None)
@given(policies, st.lists(asked_waits, min_size=1, max_size=12), st.booleans())
def test_a_wait_is_never_shorter_than_what_the_server_asked_for(
    policy: RetryPolicy, asked: list[float], limited: bool
) -> None:
    """H35, H39: at least that long, and not all clients in the same moment."""
    waits = Waits(policy)
    cls = RateLimitError if limited else ServerError
    for seconds in asked:
        wait = waits.after(answered(503, cls, retry_after=seconds))
        assert seconds <= wait <= max(policy.cap, 15.0, seconds * 1.1) * (1 + 1e-9)


def test_waits_differ_so_that_clients_do_not_return_together() -> None:
    """H35: also when all were asked to wait for the same time."""
    usual = {Waits(RetryPolicy()).after(ConnectFailedError("refused")) for _ in range(20)}
    error = answered(429, RateLimitError, retry_after=30.0)
    asked = {Waits(RetryPolicy()).after(error) for _ in range(20)}
    assert len(usual) > 1
    assert len(asked) > 1


def test_a_retry_after_of_zero_is_an_ordinary_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """H40: no hot loop."""
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    waits = Waits(RetryPolicy())
    error = answered(429, RateLimitError, retry_after=0.0)
    assert [waits.after(error) for _ in range(5)] == [1.0, 2.0, 4.0, 8.0, 15.0]
    assert [waits.after(ConnectFailedError("refused")) for _ in range(3)] == [0.2, 0.4, 0.8]
