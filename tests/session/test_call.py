"""One call against a scripted transport: retries, pauses, deadlines and the call's record."""

import asyncio
import contextlib
import itertools
import json
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

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
    InvalidRequestError,
    NotFoundError,
    ProxyError,
    RateLimitError,
    RequestDone,
    RetryPolicy,
    RetryScheduled,
    ServerError,
    Snapshot,
    Throttled,
    Timeouts,
    TLSError,
    TryLaterError,
    UnexpectedResponseError,
)
from civo_snapshots._codec import one
from civo_snapshots._concurrency import Gate
from civo_snapshots._http import Kind, Request, Response, Secret, TokenSource, Transport
from civo_snapshots._session import Limiter, Session
from civo_snapshots._session.outage import RetryBudget
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
    content = b"" if body is None else json.dumps(body).encode()
    return Response(status, named, content)


def limited(retry_after: str | None = None, **headers: str) -> Response:
    if retry_after is not None:
        headers["retry_after"] = retry_after
    return said(429, {"code": "too_many_requests"}, **headers)


class Script:
    """Stands in for the transport: answers by script and notes when it was asked."""

    url = "http://127.0.0.1:1"

    def __init__(self, clock: FakeClock, *steps: Step) -> None:
        self._clock = clock
        self._steps = list(steps)
        self.sent: list[tuple[float, Request, float]] = []
        self.tokens = TokenSource("a test", Secret("token"))
        self.closed = False

    def then(self, *steps: Step) -> None:
        """Go on with these answers."""
        self._steps = list(steps)

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.sent]

    async def send(
        self, request: Request, timeout: float, sink: object = None
    ) -> Response | CivoError:
        self.sent.append((self._clock.monotonic(), request, timeout))
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        outcome = step if isinstance(step, Response | CivoError) else await step(timeout)
        return type(outcome)(outcome.message) if isinstance(outcome, CivoError) else outcome

    async def close(self) -> None:
        self.closed = True


class Bench:
    """A session over a scripted transport, and the events it told."""

    def __init__(
        self, *steps: Step, concurrency: int = 10, max_rate: float | None = None, **more: Any
    ) -> None:
        self.clock = FakeClock()
        self.script = Script(self.clock, *(steps or (OK,)))
        self.limiter = Limiter(concurrency, self.clock, max_rate)
        self.events: list[Event] = []
        self.done: list[RequestDone] = []
        options: dict[str, Any] = {
            "timeouts": Timeouts(),
            "policy": RetryPolicy(),
            "listeners": [self._heard],
            **more,
        }
        transport = cast("Transport", self.script)
        self.session = Session(transport, self.limiter, self.clock, **options)

    def _heard(self, event: Event) -> None:
        (self.done if isinstance(event, RequestDone) else self.events).append(event)  # type: ignore[arg-type]

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
    steps = LOST, said(503, {"code": "database_snapshots_list"}), UNSENT, said(500)
    bench = Bench(*steps, policy=RetryPolicy(attempts=4))
    error = await bench.fails(ServerError)
    call = error.call
    assert (call.method, call.path, call.region) == ("GET", GET.path, "LON1")
    assert call.attempts == 4
    assert call.history == ("lost", "503 database_snapshots_list", "refused")
    assert call.may_have_acted == 2
    assert call.elapsed == bench.clock.monotonic() > 0
    assert bench.session.requests_sent == 3  # one of the four never left
    assert "4 attempts" in str(error)


@pytest.mark.parametrize("retries", [False, RetryPolicy(attempts=1)], ids=["False", "policy"])
async def test_retries_can_be_switched_off_per_call(retries: bool | RetryPolicy) -> None:
    bench = Bench(LOST, OK)
    await bench.fails(ConnectionLostError, within=CallOptions(retries=retries))
    assert len(bench.script.sent) == 1


async def test_retries_can_be_switched_on_per_call() -> None:
    bench = Bench(LOST, policy=RetryPolicy(attempts=1))
    await bench.fails(ConnectionLostError)
    await bench.fails(ConnectionLostError, within=CallOptions(retries=True))
    await bench.fails(ConnectionLostError, within=CallOptions(retries=RetryPolicy(attempts=7)))
    assert len(bench.script.sent) == 1 + 8 + 7


async def test_a_bad_option_is_refused_before_anything_is_sent() -> None:  # C136
    bench = Bench()
    for bad in (CallOptions(timeout=float("nan")), CallOptions(retries=cast("bool", 1))):
        await bench.fails(InvalidArgumentError, within=bad)
    assert bench.script.sent == []


# How long is waited


async def test_waits_double_up_to_their_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    policy = RetryPolicy(attempts=7, base=1.0, cap=8.0)
    bench = Bench(LOST, policy=policy)
    await bench.fails(ConnectionLostError)
    assert bench.script.times == [0, 1, 3, 7, 15, 23, 31]


@pytest.mark.usefixtures("no_jitter")
async def test_half_of_each_wait_is_fixed() -> None:
    """R170: with full jitter, four attempts were over in a second of an outage of ten."""
    bench = Bench(LOST)
    await bench.fails(ConnectionLostError)
    assert len(bench.script.times) == 8
    assert bench.script.times[-1] == pytest.approx(0.1 * (1 + 2 + 4 + 8 + 16 + 32 + 40))


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
    error = await bench.fails(RateLimitError, within=CallOptions(timeout=49))
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
    await bench.fails(RateLimitError, within=CallOptions(retries=False))
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


async def test_a_429_that_tells_of_no_requests_left_still_lowers_the_concurrency() -> None:
    """R170: the pause that its X-RateLimit-Remaining asks for is its own, told once."""
    spent = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "12"}
    bench = Bench(limited("3", **spent), OK)
    await bench.call()
    assert bench.script.times == [0, 12]
    assert bench.limiter.concurrency == 7
    assert [one.cause for one in bench.events if isinstance(one, Throttled)] == ["rate_limited"]


async def test_polls_make_a_rate_limit_last_until_it_begins_anew() -> None:
    bench = Bench(said(200, {"id": "s-1"}, x_ratelimit_remaining="4", x_ratelimit_reset="12"))
    await bench.call()
    assert bench.session.rate_limit_interval() == 3
    await bench.call()
    assert bench.script.times == [0, 0]  # others are not held back


async def test_a_pause_is_as_long_as_asked_for_and_other_calls_fail_at_once() -> None:
    """R169: after a minute of five the client asked again."""
    bench = Bench(limited("300"), OK)
    await bench.fails(RateLimitError)
    error = await bench.fails(RateLimitError, DELETE)
    assert error.retry_after == 300
    assert (error.call.attempts, bench.clock.monotonic()) == (0, 0)
    await bench.clock.sleep(300)
    await bench.call()
    assert bench.script.times == [0, 300]


async def test_a_call_that_waits_for_its_slot_learns_of_a_pause_that_is_too_long() -> None:
    bench = Bench(slow(1, limited("300"), lambda: bench.clock), OK, concurrency=1)
    results = await asyncio.gather(*(bench.call() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [RateLimitError] * 3
    assert (len(bench.script.sent), bench.clock.monotonic()) == (1, 1)


# Outages


class Down:
    """A server that answers nothing until a moment, at once or after a silence."""

    def __init__(self, until: float, *, silence: float = 0.0) -> None:
        self.until, self.silence = until, silence
        self.bench: Bench

    async def __call__(self, timeout: float) -> Outcome:
        if self.bench.clock.monotonic() < self.until:
            await self.bench.clock.sleep(min(self.silence, timeout))
            return LOST
        await self.bench.clock.sleep(0.01)
        return OK


def down(until: float, *, silence: float = 0.0, **more: Any) -> Bench:
    server = Down(until, silence=silence)
    bench = server.bench = Bench(server, **more)
    return bench


async def test_ten_seconds_without_an_answer_cost_little_and_no_call() -> None:
    """R170: a bar of the design: 200 calls with defaults, 1.3 requests each in all."""
    bench = down(10)
    results = await asyncio.gather(*(bench.call() for _ in range(200)))
    assert [found.id for found in results] == ["s-1"] * 200
    assert len(bench.script.sent) <= 1.3 * 200
    assert bench.limiter.budget.tokens > 350


async def test_in_an_outage_one_request_at_a_time_asks_whether_it_is_over() -> None:
    bench = down(100, concurrency=100)
    calls = [asyncio.create_task(bench.call()) for _ in range(200)]
    await asyncio.wait(calls)
    assert len([at for at in bench.script.times if at < 1]) <= 60
    lasting = [at for at in bench.script.times if 1 <= at < 90]
    assert lasting == pytest.approx(sorted(lasting))
    pauses = [later - before for before, later in itertools.pairwise(lasting)]
    assert all(pause >= 1 for pause in pauses)
    assert all(pause <= 15.1 for pause in pauses)
    ends = [task.exception() for task in calls]
    assert all(isinstance(end, (ConnectionLostError, DeadlineExceededError)) for end in ends)
    assert bench.clock.monotonic() <= 90.1  # each within its own time, though nobody set one


async def test_a_call_in_an_outage_ends_at_its_own_time() -> None:
    bench = down(1000)
    late = [asyncio.create_task(bench.call(within={"timeout": 5})) for _ in range(60)]
    ends = await asyncio.gather(*late, return_exceptions=True)
    assert all(isinstance(end, (ConnectionLostError, DeadlineExceededError)) for end in ends)
    assert bench.clock.monotonic() <= 5.01


@pytest.mark.parametrize("answer", [OK, said(409, {"code": "database_snapshot_cannot_replace"})])
async def test_the_first_answer_of_the_api_ends_an_outage(answer: Response) -> None:
    """R164: an outage an hour ago made the next 429 final."""
    bench = Bench(*[LOST] * 45, answer, OK)
    await asyncio.gather(*(bench.call() for _ in range(51)), return_exceptions=True)
    assert not bench.limiter.outage.lasts
    await bench.clock.sleep(3600)
    bench.script.then(limited("1"), OK)
    await bench.call()


async def test_a_gateways_answer_ends_no_outage() -> None:
    bench = Bench(LOST)
    bench.limiter.outage.begin(0)
    bench.script.then(Response(404, {}, b"<html>"), OK)
    await bench.fails(NotFoundError)
    assert bench.limiter.outage.lasts
    await bench.call()
    assert not bench.limiter.outage.lasts


async def test_an_answer_that_does_not_fit_is_no_outage() -> None:
    """R165: a mistake of the caller, or a stray answer."""
    bench = Bench(said(200, {"id": "s-9"}))
    for _ in range(20):
        await bench.fails(UnexpectedResponseError, is_ours=lambda found: found.id == "s-1")
    assert bench.limiter.budget.tokens == 400
    assert not bench.limiter.outage.lasts


async def test_a_429_is_no_outage() -> None:
    bench = Bench(limited("1"))
    ends = await asyncio.gather(*(bench.call() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(end, RateLimitError) for end in ends)
    assert not bench.limiter.outage.lasts


# Try later


LATER = {"code": "database_quota_lock_failed"}
BUSY = {"code": "database_snapshot_create_already_in_process"}


@pytest.mark.parametrize("status", [200, 400, 403, 408, 409, 500])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.method)
async def test_what_is_told_to_try_later_did_nothing_and_is_repeated(
    status: int, request_: Request
) -> None:
    """R152: by its code, whatever the status."""
    bench = Bench(*[said(status, LATER)] * 9, OK)
    assert (await bench.call(request_)).id == "s-1"
    assert [event.cause.split()[-1] for event in bench.events if isinstance(event, RetryScheduled)]
    assert len(bench.events) == 9
    assert not bench.limiter.outage.lasts
    pauses = [later - before for before, later in itertools.pairwise(bench.script.times)]
    assert pauses[-1] > pauses[0]
    bench = Bench(said(status, LATER), OK)
    error = await bench.fails(TryLaterError, request_, within={"retries": False})
    assert not error.may_have_acted


async def test_an_instance_may_be_busy_for_a_quarter_of_an_hour() -> None:
    bench = Bench(said(409, BUSY), timeouts=Timeouts(call=7200))
    error = await bench.fails(TryLaterError)
    assert 860 < bench.clock.monotonic() <= 900
    assert error.call.attempts == len(bench.script.sent) > 50
    bench = Bench(said(409, LATER), timeouts=Timeouts(call=7200))
    await bench.fails(TryLaterError)
    assert bench.clock.monotonic() > 7100  # what is about the account has the call's whole time


# A rate


async def test_no_more_requests_a_second_than_allowed() -> None:
    bench = Bench(max_rate=4.0)
    await asyncio.gather(*(bench.call() for _ in range(9)), bench.call(poll=True))
    assert bench.script.times == pytest.approx([0.25 * number for number in range(10)])


# The budget


async def test_successes_bring_the_budget_back() -> None:
    bench = Bench(LOST, LOST, OK)
    await bench.call()
    assert bench.limiter.budget.tokens == 400
    budget = RetryBudget(10)
    assert budget.take(10)
    assert not budget.take(5)
    budget.refund(0)
    assert budget.tokens == 1
    budget.refund(50)
    assert budget.tokens == 10


async def test_a_429_costs_half_of_a_lost_answer() -> None:
    bench = Bench(limited("1"))
    await bench.fails(RateLimitError, within={"retries": RetryPolicy(attempts=4)})
    assert bench.limiter.budget.tokens == 400 - 3 * 5


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


async def test_waiting_for_a_slot_does_not_count_as_time_of_the_work() -> None:  # T23
    bench = Bench(slow(10, OK, lambda: bench.clock), concurrency=1, timeouts=Timeouts(call=11))
    results = await asyncio.gather(*(bench.call() for _ in range(5)))
    assert [found.id for found in results] == ["s-1"] * 5
    assert bench.clock.monotonic() == 50


async def test_a_timeout_bounds_the_wait_for_a_slot_too() -> None:
    """R166: twenty seconds for a call of two."""
    bench = Bench(slow(10, OK, lambda: bench.clock), concurrency=1)
    first = asyncio.create_task(bench.call())
    await asyncio.sleep(0)
    error = await bench.fails(DeadlineExceededError, within={"timeout": 2})
    assert (error.call.attempts, error.may_have_acted, bench.clock.monotonic()) == (0, False, 2)
    await first
    assert len(bench.script.sent) == 1


async def test_the_earlier_of_two_ends_counts() -> None:
    bench = Bench(slow(999, OK, lambda: bench.clock), timeouts=Timeouts(call=5))
    await bench.fails(DeadlineExceededError, within={"timeout": 60})
    assert bench.clock.monotonic() == pytest.approx(5)


async def test_a_thousand_calls_end_in_time_and_send_nothing_after_it() -> None:
    """R166: with a server that throttles, stalls and refuses, over ten slots."""
    dice = random.Random(166)
    random.seed(166)  # the jitter of pauses, without which some runs send too little

    async def moody(timeout: float) -> Outcome:
        mood = dice.random()
        if mood < 0.02:
            return limited(str(dice.randint(1, 3)))
        if mood < 0.1:
            await bench.clock.sleep(timeout)
            return LOST
        if mood < 0.2:
            return UNSENT
        await bench.clock.sleep(dice.uniform(0, 0.2))
        return OK

    async def one_call() -> None:
        await bench.clock.sleep(dice.uniform(0, 60))
        timeout = dice.uniform(0.5, 5)
        ends = bench.clock.monotonic() + timeout
        path = f"/v2/instances/i-1/snapshots/{ends!r}"
        with contextlib.suppress(CivoError):
            await bench.call(replace(GET, path=path), within={"timeout": timeout})
        assert bench.clock.monotonic() <= ends + 0.25

    bench = Bench(moody)
    await asyncio.gather(*(one_call() for _ in range(1000)))
    assert all(at <= float(request.path.rpartition("/")[2]) for at, request, _ in bench.script.sent)
    assert len(bench.script.sent) > 500


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
    error = await bench.fails(DeadlineExceededError, within=CallOptions(timeout=40))
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
    begin = bench.session.begin
    assert begin(Kind.CREATING, {}).deadline.left() == 120
    assert begin(Kind.COMPARED, {}).deadline.left() == 90
    assert begin(Kind.SAFE, {"timeout": 3}).deadline.left() == pytest.approx(3)


async def test_no_attempt_is_started_that_cannot_finish() -> None:
    bench = Bench(slow(4.995, LOST, lambda: bench.clock), OK)
    error = await bench.fails(DeadlineExceededError, within=CallOptions(timeout=5))
    assert len(bench.script.sent) == 1
    assert error.call.history == ("lost",)


@pytest.mark.usefixtures("no_jitter")
async def test_a_pause_of_others_does_not_stretch_a_call_beyond_its_deadline() -> None:  # R3
    """One learns of a pause of 60 s; the other, in the middle of its retries, has 5 s left."""
    bench = Bench(UNSENT, limited("60"), OK)
    late = asyncio.create_task(bench.fails(RateLimitError, within={"timeout": 5}))
    await asyncio.sleep(0)
    await bench.fails(RateLimitError, DELETE, within={"retries": False})
    error = await late
    assert bench.clock.monotonic() < 5
    assert error.retry_after > 55
    assert not error.may_have_acted
    assert error.call.attempts == 1


async def test_a_429_that_uses_the_last_of_the_time_stays_a_429() -> None:
    bench = Bench(slow(5, limited("1"), lambda: bench.clock))
    error = await bench.fails(RateLimitError, within=CallOptions(timeout=5))
    assert (error.retry_after, len(bench.script.sent)) == (1, 1)


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
    first, throttled, second = bench.events
    assert throttled == Throttled("rate_limited", 5.0, 7)
    assert isinstance(first, RetryScheduled)
    assert isinstance(second, RetryScheduled)
    assert (first.method, first.path, first.attempt, first.cause) == ("GET", GET.path, 1, "lost")
    assert (second.attempt, second.cause) == (2, "429 too_many_requests")
    assert 5 <= second.delay <= 5.5


async def test_a_listener_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise ValueError("listener")

    bench = Bench(LOST, OK, listeners=[broken])
    assert (await bench.call()).id == "s-1"
    assert "on_event callback raised" in caplog.text


async def test_without_a_listener_retries_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "civo_snapshots")
    bench = Bench(LOST, OK, listeners=())
    await bench.call()
    assert f"GET {GET.path}: attempt 1 failed (lost), again in" in caplog.text


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


async def test_the_requests_of_a_logical_call_share_its_time_and_its_record() -> None:
    bench = Bench(LOST, LOST, said(400))
    call = bench.session.begin(Kind.CREATING, {"timeout": 50})
    error = await bench.fails(ConnectionLostError, POST, within=call)
    assert (call.may_have_acted, error.call.attempts) == (True, 1)
    bench.clock.advance(10)
    error = await bench.fails(ConnectionLostError, GET, within=call.subcall())
    assert (call.sends, error.call.attempts, error.call.history) == (1, 2, ("lost",))
    error = await bench.fails(InvalidRequestError, POST, within=call)
    assert (call.sends, error.call.attempts, call.may_have_acted) == (2, 3, False)
    assert error.call.history == ("lost", "lost")
    assert error.call.may_have_acted == 2
    bench.clock.advance(100)
    await bench.fails(DeadlineExceededError, GET, within=call.subcall())
    assert len(bench.script.sent) == 3


async def test_a_step_of_a_run_has_the_runs_patience() -> None:
    """R162: neither eight attempts, nor ninety seconds, nor a long Retry-After end it."""
    bench = down(900)
    step = bench.session.begin_step(7200.0)
    assert (await bench.call(within=step)).id == "s-1"
    bench = Bench(limited("600"), OK)
    await bench.call(within=bench.session.begin_step(7200.0))
    assert 600 <= bench.script.times[1] <= 660
    bench = Bench(limited("600"), OK, policy=RetryPolicy(attempts=1))
    await bench.fails(RateLimitError, within=bench.session.begin_step(7200.0))


async def test_nothing_more_is_sent_for_a_cancelled_call() -> None:
    bench = Bench()
    call = bench.session.begin(Kind.CREATING, {})
    call.cancelled = True
    error = await bench.fails(CivoError, POST, within=call)
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
    await bench.fails(RateLimitError, within=CallOptions(retries=False))
    paused = asyncio.create_task(bench.call())
    await asyncio.sleep(0)
    paused.cancel()
    with pytest.raises(asyncio.CancelledError):
        await paused
    assert (await bench.call()).id == "s-1"
    assert bench.script.times == [0, 60]


async def test_a_cancelled_retry_is_not_sent() -> None:  # L121
    bench = Bench(LOST, policy=RetryPolicy(base=60, cap=60))
    task = asyncio.create_task(bench.call())
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
