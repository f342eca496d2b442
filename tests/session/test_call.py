"""One call against a scripted transport: retries, pauses, deadlines and the call's record."""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast

import pytest

from civo_snapshots import (
    AuthenticationError,
    CallOptions,
    CivoError,
    ClientClosedError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    Event,
    InvalidArgumentError,
    NotFoundError,
    ProxyError,
    RateLimitError,
    RetryPolicy,
    RetryScheduled,
    ServerError,
    Snapshot,
    Timeouts,
    TLSError,
    UnexpectedResponseError,
)
from civo_snapshots._codec import one
from civo_snapshots._concurrency import Gate
from civo_snapshots._http import Kind, Request, Response, Transport
from civo_snapshots._session import Limiter, Session
from civo_snapshots._session.limiter import RetryBudget
from civo_snapshots.testing import FakeClock

pytestmark = pytest.mark.usefixtures("nothing_left")

Outcome = Response | CivoError
Step = Outcome | Callable[[float], Awaitable[Outcome]]

GET = Request("GET", "/v2/instances/i-1/snapshots/s-1", Kind.SAFE, "LON1")
PUT = Request("PUT", "/v2/instances/i-1/snapshots/s-1", Kind.COMPARED, "LON1", body=b"{}")
DELETE = Request("DELETE", "/v2/instances/i-1/snapshots/s-1", Kind.CONVERGENT, "LON1")
POST = Request("POST", "/v2/instances/i-1/snapshots", Kind.CREATING, "LON1", body=b"{}")
REQUESTS = (GET, DELETE, PUT, POST)

OK = Response(200, {}, b'{"id": "s-1"}')
LOST = ConnectionLostError("lost")
UNSENT = ConnectFailedError("refused")


def said(status: int, body: object = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, b"" if body is None else json.dumps(body).encode())


def limited(retry_after: str | None = None, **headers: str) -> Response:
    if retry_after is not None:
        headers["retry_after"] = retry_after
    return said(429, {"code": "too_many_requests"}, **headers)


class Script:
    """Stands in for the transport: answers by script and notes when it was asked."""

    def __init__(self, clock: FakeClock, *steps: Step) -> None:
        self._clock = clock
        self._steps = list(steps)
        self.sent: list[tuple[float, Request, float]] = []
        self.closed = False

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.sent]

    async def send(self, request: Request, timeout: float, sink: object = None) -> Response:
        self.sent.append((self._clock.monotonic(), request, timeout))
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        outcome = step if isinstance(step, Response | CivoError) else await step(timeout)
        if isinstance(outcome, CivoError):
            raise type(outcome)(outcome.message)
        return outcome

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A session over a scripted transport, and the events it told."""

    def __init__(self, *steps: Step, concurrency: int = 10, **more: Any) -> None:
        self.clock = FakeClock()
        self.script = Script(self.clock, *(steps or (OK,)))
        self.limiter = Limiter(concurrency, self.clock)
        self.events: list[Event] = []
        options: dict[str, Any] = {
            "timeouts": Timeouts(),
            "policy": RetryPolicy(),
            "listener": self.events.append,
            **more,
        }
        transport = cast("Transport", self.script)
        self.session = Session(transport, self.limiter, self.clock, **options)

    async def call(self, request: Request = GET, **more: Any) -> Snapshot:
        return await self.session.call(request, one(Snapshot), **more)

    async def fails(self, kind: type[CivoError], request: Request = GET, **more: Any) -> Any:
        with pytest.raises(kind) as caught:
            await self.call(request, **more)
        assert type(caught.value) is kind
        assert caught.value.__context__ is None
        return caught.value


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jitter at its lowest, so that every wait is exactly what was asked for."""
    monkeypatch.setattr(random, "uniform", lambda low, high: low)


def slow(seconds: float, outcome: Outcome, clock: Callable[[], FakeClock]) -> Step:
    """An answer that takes its time, but no more than the attempt has."""

    async def step(timeout: float) -> Outcome:
        await clock().sleep(min(seconds, timeout))
        return outcome if seconds <= timeout else LOST

    return step


# What is repeated


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
async def test_a_good_answer_is_returned_at_once(request_: Request) -> None:
    bench = Bench(OK)
    assert (await bench.call(request_)).id == "s-1"
    assert bench.session.requests_sent == len(bench.script.sent) == 1
    assert bench.events == []
    assert bench.clock.monotonic() == 0


TRANSIENT: dict[str, Outcome] = {
    "lost": LOST,
    "408": said(408),
    "500": said(500),
    "502": Response(502, {}, b"<html>"),
    "503": said(503),
    "504": said(504),
    "not JSON": Response(200, {}, b"{"),
    "no object": Response(200, {}, b"[]"),
    "empty": Response(200, {}, b""),
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
async def test_only_what_cannot_do_harm_is_repeated(fault: Outcome, request_: Request) -> None:
    """T7-T9, H34, H41: a blind repetition of a POST duplicates, of a PUT undoes newer edits."""
    bench = Bench(fault, OK)
    if request_ in (GET, DELETE):
        assert (await bench.call(request_)).id == "s-1"
        assert len(bench.script.sent) == 2
    else:
        with pytest.raises(CivoError):
            await bench.call(request_)
        assert len(bench.script.sent) == 1


@pytest.mark.parametrize("fault", [UNSENT, limited()], ids=["unsent", "429"])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
async def test_what_certainly_did_nothing_is_repeated_always(  # T1-T3, H36
    fault: Outcome, request_: Request
) -> None:
    bench = Bench(fault, fault, fault, OK)
    assert (await bench.call(request_)).id == "s-1"
    assert len(bench.script.sent) == 4


FINAL: dict[str, Outcome] = {
    "400": said(400),
    "401": said(401),
    "403": said(403),
    "404": said(404),
    "405": said(405),
    "409": said(409),
    "410": said(410),
    "412": said(412),
    "418": said(418),
    "422": said(422),
    "501": said(501),
    "505": said(505),
    "503 with quota": said(503, {"code": "quota_limit_reached"}),
    "200 unauthenticated": said(200, {"result": "requires_authentication"}),
    "302": said(302, location="http://x/"),
    "304": said(304),
    "799": said(799),
    "TLS": TLSError("no"),
    "proxy": ProxyError("no"),
    "closed": ClientClosedError("no"),
}


@pytest.mark.parametrize("fault", FINAL.values(), ids=FINAL)
async def test_what_is_final_is_not_repeated(fault: Outcome) -> None:  # H25-H33, H43-H45, T4
    for request in REQUESTS:
        bench = Bench(fault, OK)
        with pytest.raises(CivoError) as caught:
            await bench.call(request)
        assert len(bench.script.sent) == 1
        assert caught.value.call is not None
        assert caught.value.call.attempts == 1


async def test_attempts_are_bounded_and_their_history_is_told() -> None:
    bench = Bench(LOST, said(503, {"code": "region_unavailable"}), UNSENT, said(500))
    error = await bench.fails(ServerError)
    call = error.call
    assert (call.method, call.path, call.region) == ("GET", GET.path, "LON1")
    assert call.attempts == 4
    assert call.history == ("lost", "503 region_unavailable", "refused")
    assert call.may_have_acted == 2
    assert call.elapsed == bench.clock.monotonic() > 0
    assert bench.session.requests_sent == 3  # one of the four never left
    assert "4 attempts" in str(error)


@pytest.mark.parametrize("retries", [False, RetryPolicy(attempts=1)], ids=["False", "policy"])
async def test_retries_can_be_switched_off_per_call(retries: bool | RetryPolicy) -> None:
    bench = Bench(LOST, OK)
    await bench.fails(ConnectionLostError, options=CallOptions(retries=retries))
    assert len(bench.script.sent) == 1


async def test_retries_can_be_switched_on_per_call() -> None:
    bench = Bench(LOST, policy=RetryPolicy(attempts=1))
    await bench.fails(ConnectionLostError)
    await bench.fails(ConnectionLostError, options=CallOptions(retries=True))
    await bench.fails(ConnectionLostError, options=CallOptions(retries=RetryPolicy(attempts=7)))
    assert len(bench.script.sent) == 1 + 4 + 7


async def test_a_bad_option_is_refused_before_anything_is_sent() -> None:  # C136
    bench = Bench()
    for bad in (CallOptions(timeout=float("nan")), CallOptions(retries=cast("bool", 1))):
        await bench.fails(InvalidArgumentError, options=bad)
    assert bench.script.sent == []


# How long is waited


async def test_waits_double_up_to_their_cap_with_full_jitter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    policy = RetryPolicy(attempts=7, base=1.0, cap=8.0)
    bench = Bench(LOST, policy=policy)
    await bench.fails(ConnectionLostError, options=CallOptions(timeout=1000))
    assert bench.script.times == [0, 1, 3, 7, 15, 23, 31]


async def test_a_retry_after_is_never_undercut_and_only_a_little_overdone() -> None:  # H35
    for _ in range(20):
        bench = Bench(limited("30"), OK)
        await bench.call(POST)
        assert 30 <= bench.script.times[1] <= 33


NOW = datetime(2026, 1, 1, tzinfo=UTC)  # when a fake clock begins


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("20", None),
        (format_datetime(NOW + timedelta(seconds=20), usegmt=True), None),
        ("Thursday, 01-Jan-26 00:00:20 GMT", None),
        ("Thu Jan  1 00:00:20 2026", None),
        ("Thu, 01 Jan 2026 01:00:20 GMT", "Thu, 01 Jan 2026 01:00:00 GMT"),  # an hour ahead
    ],
)
@pytest.mark.usefixtures("no_jitter")
async def test_every_form_of_retry_after_is_obeyed(text: str, date: str | None) -> None:  # H37
    headers = {} if date is None else {"date": date}
    bench = Bench(limited(text, **headers), OK)
    await bench.call()
    assert bench.script.times == [0, 20]


@pytest.mark.parametrize("text", ["nan", "inf", "-5", "1e3", "+5", "1_000", "\u0665", "", "5, 6"])
async def test_a_senseless_retry_after_counts_as_none(text: str) -> None:  # H38
    bench = Bench(limited(text), OK)
    await bench.call()
    assert 1 <= bench.script.times[1] <= 1.1  # the pause after a 429 that names no time


async def test_a_retry_after_of_zero_is_no_hot_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)  # H40
    bench = Bench(limited("0"), OK)
    await bench.call()
    assert bench.script.times == [0, 1]


async def test_a_retry_after_above_the_cap_ends_the_call_at_once() -> None:  # H39
    bench = Bench(limited("61"), OK)
    error = await bench.fails(RateLimitError)
    assert error.retry_after == 61
    assert (len(bench.script.sent), bench.clock.monotonic()) == (1, 0)


async def test_a_retry_after_beyond_the_deadline_ends_the_call_at_once() -> None:  # H39
    bench = Bench(limited("50"), OK)
    error = await bench.fails(RateLimitError, options=CallOptions(timeout=49))
    assert error.retry_after == 50
    assert (len(bench.script.sent), bench.clock.monotonic()) == (1, 0)


async def test_a_503_may_ask_for_time_too() -> None:
    bench = Bench(said(503, retry_after="7"), OK)
    await bench.call()
    assert 7 <= bench.script.times[1] <= 7.8


# The whole client


async def test_a_429_pauses_everybody_and_lowers_what_is_allowed_at_once() -> None:  # H35, F107
    bench = Bench(limited("10"), OK)
    await asyncio.gather(*(bench.call() for _ in range(5)))
    first, *rest = sorted(bench.script.times)
    assert first == 0
    late = [at for at in rest if at > 0]
    assert len(late) >= 1
    assert all(at >= 10 for at in late)
    assert bench.limiter.concurrency == 7
    await bench.call(poll=True)
    assert bench.limiter.concurrency == 7


async def test_nothing_starts_during_a_pause_whoever_learned_of_it() -> None:  # H35, P98
    bench = Bench(limited("30"), OK)
    await bench.fails(RateLimitError, options=CallOptions(retries=False))
    await asyncio.gather(bench.call(), bench.call(POST), bench.call(poll=True))
    assert bench.script.times == [0, 30, 30, 30]


async def test_many_429_at_once_lower_the_limit_once() -> None:
    late = slow(1, limited("5"), lambda: bench.clock)
    bench = Bench(late, late, late, OK)
    await asyncio.gather(*(bench.call() for _ in range(3)))
    assert len(bench.script.sent) == 6
    assert bench.limiter.concurrency == 7


async def test_a_series_of_successes_raises_the_limit_again() -> None:
    bench = Bench(limited("1"), OK)
    for _ in range(20 * 3 + 1):
        await bench.call()
    assert bench.limiter.concurrency == 10
    for _ in range(50):
        await bench.call()
    assert bench.limiter.concurrency == 10


async def test_an_exhausted_rate_pauses_before_a_429_is_needed() -> None:
    bench = Bench(said(200, {"id": "s-1"}, x_ratelimit_remaining="0", x_ratelimit_reset="12"), OK)
    await bench.call()
    await bench.call()
    assert bench.script.times == [0, 12]


async def test_polls_make_a_rate_limit_last_until_it_begins_anew() -> None:
    bench = Bench(said(200, {"id": "s-1"}, x_ratelimit_remaining="4", x_ratelimit_reset="12"))
    await bench.call()
    assert bench.session.rate_limit_interval() == 3
    await bench.call()
    assert bench.script.times == [0, 0]  # others are not held back


async def test_no_pause_is_longer_than_a_minute() -> None:
    bench = Bench(limited("86400"), OK)
    await bench.fails(RateLimitError)
    await bench.call()
    assert bench.script.times == [0, 60]


async def test_in_an_outage_the_budget_empties_and_calls_fail_fast() -> None:  # F108
    bench = Bench(LOST, concurrency=100)
    results = await asyncio.gather(*(bench.call() for _ in range(200)), return_exceptions=True)
    assert all(isinstance(result, ConnectionLostError) for result in results)
    assert len(bench.script.sent) == 200 + 500 // 10
    told = [error for error in results if "retry budget is used up" in str(error)]
    assert len(told) >= 150
    assert bench.limiter.budget.tokens == 0


LONGEST_WAIT = 0.2 + 0.4 + 0.8
"""Seconds, of all waits of a call by the default policy."""


async def test_in_an_outage_longer_than_a_calls_waits_calls_are_sent_once() -> None:  # F108
    bench = Bench(LOST)
    assert RetryPolicy().longest_wait == pytest.approx(LONGEST_WAIT)
    error = await bench.fails(ConnectionLostError)
    assert error.call.attempts == 4
    await bench.clock.sleep(LONGEST_WAIT)
    for _ in range(3):
        error = await bench.fails(ConnectionLostError)
        assert error.call.attempts == 1
        assert "not retried, because others were repeated in vain" in str(error)
    assert len(bench.script.sent) == 4 + 3
    assert bench.limiter.budget.tokens == 500 - 3 * 10


async def test_calls_that_began_with_an_outage_keep_their_retries() -> None:
    """Even if another call has used up its retries early."""
    bench = Bench(LOST)
    results = await asyncio.gather(*(bench.call() for _ in range(10)), return_exceptions=True)
    assert [isinstance(result, ConnectionLostError) for result in results] == [True] * 10
    assert len(bench.script.sent) == 10 * 4


async def test_a_call_whose_waits_are_longer_than_the_outage_is_repeated() -> None:
    bench = Bench(LOST)
    await bench.fails(ConnectionLostError)
    await bench.clock.sleep(LONGEST_WAIT)
    patient = RetryPolicy(attempts=10)
    error = await bench.fails(ConnectionLostError, options={"retries": patient})
    assert error.call.attempts > 1


@pytest.mark.parametrize("answer", [OK, said(404, {"code": "database_snapshot_not_found"})])
async def test_any_answer_ends_an_outage(answer: Response) -> None:
    bench = Bench(*[LOST] * 5, answer, LOST, OK)
    await bench.fails(ConnectionLostError)
    await bench.clock.sleep(LONGEST_WAIT)
    await bench.fails(ConnectionLostError)
    if answer is OK:
        await bench.call()
    else:
        await bench.fails(NotFoundError)
    await bench.call()
    assert len(bench.script.sent) == 8


async def test_calls_that_were_not_repeated_or_were_answered_in_between_make_no_outage() -> None:
    bench = Bench(*[LOST] * 3, *[LOST] * 4, OK, LOST, OK)
    for _ in range(3):
        await bench.fails(ConnectionLostError, options={"retries": False})
        await bench.clock.sleep(LONGEST_WAIT)
    assert (await bench.fails(ConnectionLostError)).call.attempts == 4
    await bench.call()
    await bench.call()
    assert len(bench.script.sent) == 10


async def test_a_call_that_ran_out_of_time_was_repeated_in_vain_too() -> None:
    def clock() -> FakeClock:
        return bench.clock

    bench = Bench(slow(60, LOST, clock))
    assert (await bench.fails(DeadlineExceededError)).call.attempts > 1
    assert (await bench.fails(ConnectionLostError)).call.attempts == 1


async def test_an_outage_is_forgotten_when_nothing_was_tried_for_a_minute() -> None:
    bench = Bench(*[LOST] * 5, LOST, OK)
    await bench.fails(ConnectionLostError)
    await bench.clock.sleep(LONGEST_WAIT)
    await bench.fails(ConnectionLostError)
    await bench.clock.sleep(61)
    await bench.call()
    assert len(bench.script.sent) == 7


async def test_successes_bring_the_budget_back() -> None:
    bench = Bench(LOST, LOST, OK)
    await bench.call()
    assert bench.limiter.budget.tokens == 500
    budget = RetryBudget(10)
    assert budget.take(10)
    assert not budget.take(5)
    budget.refund(0)
    assert budget.tokens == 1
    budget.refund(50)
    assert budget.tokens == 10


async def test_a_429_costs_half_of_a_lost_answer() -> None:
    bench = Bench(limited("1"))
    await bench.fails(RateLimitError)
    assert bench.limiter.budget.tokens == 500 - 3 * 5


async def test_requests_at_once_are_bounded_and_polls_have_slots_of_their_own() -> None:  # T23
    in_flight, most = 0, 0

    async def hold(_: float) -> Outcome:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await bench.clock.sleep(1)
        in_flight -= 1
        return OK

    bench = Bench(hold, concurrency=3)
    await asyncio.gather(*(bench.call(POST) for _ in range(12)))
    assert most == 3
    assert bench.clock.monotonic() == 4
    most = 0
    await asyncio.gather(
        *(bench.call(POST) for _ in range(3)), *(bench.call(poll=True) for _ in range(3))
    )
    assert most == 5


async def test_waiting_for_a_slot_does_not_count_as_time_of_the_call() -> None:  # T23
    bench = Bench(slow(10, OK, lambda: bench.clock), concurrency=1)
    options = CallOptions(timeout=11)
    results = await asyncio.gather(*(bench.call(options=options) for _ in range(5)))
    assert [found.id for found in results] == ["s-1"] * 5
    assert bench.clock.monotonic() == 50


async def test_a_call_that_comes_again_does_not_queue_again() -> None:
    order: list[str] = []

    def note(name: str, outcome: Outcome) -> Step:
        async def step(_: float) -> Outcome:
            order.append(name)
            await bench.clock.sleep(1)
            return outcome

        return step

    bench = Bench(
        note("first", LOST),
        *(note("other", OK) for _ in range(2)),
        note("again?", OK),
        concurrency=1,
        policy=RetryPolicy(base=0.001),
    )
    await asyncio.gather(*(bench.call() for _ in range(6)))
    assert bench.events  # one retry
    assert len(order) == 7


# Time


async def test_no_attempt_has_more_time_than_is_left() -> None:
    bench = Bench(slow(99, OK, lambda: bench.clock))
    error = await bench.fails(DeadlineExceededError, options=CallOptions(timeout=40))
    (_, _, first), (_, _, second) = bench.script.sent
    assert first == 30
    assert second <= 10
    assert bench.clock.monotonic() == pytest.approx(40)
    assert error.may_have_acted
    assert error.call.history == ("lost", "lost")
    assert isinstance(error, TimeoutError)


@pytest.mark.parametrize(
    ("request_", "limit"), [(GET, 90), (DELETE, 90), (PUT, 30), (POST, 30)], ids=str
)
async def test_each_kind_of_call_has_its_limit(request_: Request, limit: float) -> None:
    bench = Bench(slow(999, OK, lambda: bench.clock), policy=RetryPolicy(attempts=99))
    with pytest.raises(CivoError):
        await bench.call(request_)
    assert bench.clock.monotonic() == pytest.approx(limit, abs=1)
    assert bench.session.deadline(Kind.CREATING, {}).left() == 120
    assert bench.session.deadline(Kind.COMPARED, {}).left() == 90
    assert bench.session.deadline(Kind.SAFE, {"timeout": 3}).left() == 3


async def test_no_attempt_is_started_that_cannot_finish() -> None:
    bench = Bench(slow(4.995, LOST, lambda: bench.clock), OK)
    error = await bench.fails(DeadlineExceededError, options=CallOptions(timeout=5))
    assert len(bench.script.sent) == 1
    assert error.call.history == ("lost",)


@pytest.mark.usefixtures("no_jitter")
async def test_a_pause_of_others_does_not_stretch_a_call_beyond_its_deadline() -> None:  # R3
    """One learns of a pause of 60 s; the other, in the middle of its retries, has 5 s left."""
    bench = Bench(UNSENT, limited("60"), OK)
    late = asyncio.create_task(bench.fails(DeadlineExceededError, options={"timeout": 5}))
    await asyncio.sleep(0)
    await bench.fails(RateLimitError, DELETE, options={"retries": False})
    error = await late
    assert bench.clock.monotonic() == 5
    assert not error.may_have_acted
    assert error.call.attempts == 1


async def test_a_429_that_uses_the_last_of_the_time_stays_a_429() -> None:
    bench = Bench(slow(5, limited("1"), lambda: bench.clock))
    await bench.fails(RateLimitError, options=CallOptions(timeout=5))


# Whose answer it is


async def test_a_stray_answer_is_discarded_and_asked_for_again() -> None:  # T13
    dropped: list[int] = []
    stray = Response(200, {}, b'{"id": "s-9"}', lambda: dropped.append(1))
    mine: Any = {"is_ours": lambda found: found.id == "s-1"}
    bench = Bench(stray, stray, OK)
    assert (await bench.call(**mine)).id == "s-1"
    assert len(dropped) == 2
    for request in (PUT, POST):
        bench = Bench(stray, OK)
        error = await bench.fails(UnexpectedResponseError, request, **mine)
        assert "belongs to another request" in error.message
        assert len(bench.script.sent) == 1


@pytest.mark.parametrize("body", [b"[]", b"", b"<html>", b'{"id": null}'])
async def test_an_answer_that_cannot_be_read_costs_its_connection(body: bytes) -> None:  # T13
    dropped: list[int] = []
    bench = Bench(Response(200, {}, body, lambda: dropped.append(1)), OK)
    await bench.call()
    assert len(dropped) == 1


async def test_a_408_costs_its_connection() -> None:  # T14
    dropped: list[int] = []
    bench = Bench(Response(408, {}, b"", lambda: dropped.append(1)), OK)
    await bench.call()
    assert len(dropped) == 1


async def test_other_refusals_keep_their_connection() -> None:
    dropped: list[int] = []
    bench = Bench(Response(404, {}, b"", lambda: dropped.append(1)))
    await bench.fails(NotFoundError)
    assert dropped == []


# What is told


async def test_each_retry_is_told_with_its_cause_and_its_wait() -> None:
    bench = Bench(LOST, limited("5"), OK)
    await bench.call()
    first, second = bench.events
    assert isinstance(first, RetryScheduled)
    assert isinstance(second, RetryScheduled)
    assert (first.method, first.path, first.attempt, first.cause) == ("GET", GET.path, 1, "lost")
    assert (second.attempt, second.cause) == (2, "429 too_many_requests")
    assert 5 <= second.delay <= 5.5


async def test_a_listener_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise ValueError("listener")

    bench = Bench(LOST, OK, listener=broken)
    assert (await bench.call()).id == "s-1"
    assert "on_event callback raised" in caplog.text


async def test_without_a_listener_retries_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "civo_snapshots")
    bench = Bench(LOST, OK, listener=None)
    await bench.call()
    assert "RetryScheduled" in caplog.text


async def test_the_servers_clock_is_learned_from_its_dates() -> None:  # S85
    bench = Bench(
        said(200, {"id": "s-1"}, date="Thu, 01 Jan 2026 02:00:00 GMT"),
        said(200, {"id": "s-1"}, date="never"),
        said(404, date="Thu, 01 Jan 2026 00:00:07 GMT"),
    )
    assert bench.session.clock_skew is None
    await bench.call()
    assert bench.session.clock_skew == timedelta(hours=2)
    await bench.call()
    assert bench.session.clock_skew == timedelta(hours=2)
    await bench.fails(NotFoundError)
    assert bench.session.clock_skew == timedelta(seconds=7)


async def test_closing_closes_the_transport() -> None:
    bench = Bench()
    await bench.session.close()
    assert bench.script.closed


# A logical call of several requests


async def test_a_deadline_knows_whether_its_call_may_have_acted_and_the_time_left() -> None:
    bench = Bench(UNSENT, LOST, said(400), OK)
    deadline = bench.session.deadline(Kind.CREATING, {"timeout": 50})
    assert (deadline.left(), deadline.may_have_acted) == (50, False)
    once = CallOptions(retries=False)
    for kind, acted in ((ConnectFailedError, False), (ConnectionLostError, True)):
        await bench.fails(kind, POST, deadline=deadline, options=deadline.options(once))
        assert deadline.may_have_acted is acted
    bench.clock.advance(10)
    assert deadline.left() == 40
    assert deadline.options({}) == {"timeout": 40}
    bench.clock.advance(100)
    assert deadline.options({})["timeout"] > 0
    with pytest.raises(CivoError):
        await bench.call(POST, deadline=deadline)
    assert deadline.may_have_acted is False
    await bench.call(POST, deadline=deadline)
    assert deadline.may_have_acted


async def test_nothing_more_is_sent_for_a_cancelled_deadline() -> None:
    bench = Bench()
    deadline = bench.session.deadline(Kind.CREATING, {})
    deadline.cancelled = True
    error = await bench.fails(CivoError, POST, deadline=deadline)
    assert "before this was sent" in error.message
    assert bench.script.sent == []


# Cancellation


async def test_a_cancelled_call_releases_its_slot() -> None:  # L120
    bench = Bench(slow(1000, OK, lambda: bench.clock), OK, concurrency=1)
    in_flight = asyncio.create_task(bench.call())
    queued = asyncio.create_task(bench.call())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(bench.script.sent) == 1
    for task in (queued, in_flight):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await bench.call()).id == "s-1"


async def test_a_call_cancelled_during_a_pause_releases_its_slot() -> None:
    bench = Bench(limited("60"), OK, concurrency=1)
    await bench.fails(RateLimitError, options=CallOptions(retries=False))
    paused = asyncio.create_task(bench.call())
    await asyncio.sleep(0)
    paused.cancel()
    with pytest.raises(asyncio.CancelledError):
        await paused
    assert (await bench.call()).id == "s-1"
    assert bench.script.times == [0, 60]


async def test_a_cancelled_retry_is_not_sent() -> None:  # L121
    bench = Bench(LOST, policy=RetryPolicy(base=1000, cap=1000))
    bench.clock = FakeClock(auto=False)
    bench.session.clock = bench.clock
    task = asyncio.create_task(bench.call(options={"timeout": 9999}))
    while not bench.events:  # noqa: ASYNC110 - the session has no event for this
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bench.script.sent) == 1


async def test_a_foreign_error_passes_through_and_releases_the_slot() -> None:
    async def defect(_: float) -> Outcome:
        raise ZeroDivisionError

    bench = Bench(defect, OK, concurrency=1)
    with pytest.raises(ZeroDivisionError):
        await bench.call()
    assert (await bench.call()).id == "s-1"


# The gate


async def wait_at(gate: Gate, order: list[int], number: int) -> None:
    await gate.acquire()
    order.append(number)


async def test_a_gate_lets_waiters_pass_in_the_order_of_arrival() -> None:  # F113
    gate, order = Gate(1), list[int]()
    await gate.acquire()
    waiting = [asyncio.create_task(wait_at(gate, order, number)) for number in range(5)]
    for _ in waiting:
        await asyncio.sleep(0)
        gate.release()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3, 4]
    assert gate.used == 1


async def test_a_waiter_cancelled_as_it_is_let_in_passes_its_slot_on() -> None:
    gate, order = Gate(1), list[int]()
    await gate.acquire()
    first, second = (asyncio.create_task(wait_at(gate, order, number)) for number in range(2))
    await asyncio.sleep(0)
    gate.release()  # hands over to the first,
    first.cancel()  # which is cancelled before it runs
    await second
    assert (order, gate.used) == ([1], 1)
    assert first.cancelled()


async def test_a_waiter_cancelled_before_a_release_stays_cancelled() -> None:
    gate, order = Gate(1), list[int]()
    await gate.acquire()
    first, second = (asyncio.create_task(wait_at(gate, order, number)) for number in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.release()  # passes it over, before it could leave the queue itself
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (order, gate.used) == ([1], 1)


async def test_a_gate_with_a_lowered_limit_lets_nobody_pass_until_enough_slots_are_free() -> None:
    gate, order = Gate(2), list[int]()
    await gate.acquire()
    await gate.acquire()
    gate.limit = 1
    task = asyncio.create_task(wait_at(gate, order, 1))
    await asyncio.sleep(0)
    gate.release()
    await asyncio.sleep(0)
    assert order == []
    gate.release()
    await task
    assert order == [1]


async def test_a_refused_token_is_not_tried_again() -> None:  # H26
    bench = Bench(said(401, {"code": "authentication_failed"}), OK)
    error = await bench.fails(AuthenticationError)
    assert "check the token" in error.message
    assert len(bench.script.sent) == 1
