"""Calls of the API: each attempt has a slot, a time, a record, and an answer that is looked at.

The decisions are those of `LogicalCall` and `retry`; sending once is the transport's.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from math import inf
from typing import Generic, TypeVar

from msgspec import Struct

from .._clock import Clock
from .._http import (
    SUCCESSES,
    Kind,
    Reader,
    Request,
    Response,
    Sink,
    Transport,
    failure_of,
    http_date,
    is_success,
    rate_window,
)
from .._validation import seconds
from ..errors import (
    CivoError,
    DeadlineExceededError,
    RateLimitError,
    UnexpectedResponseError,
    short,
)
from ..events import Listener, RequestDone, RetryScheduled, Throttled
from ..models import Call
from .confirmation import Confirmation
from .deadline import LEAST_ATTEMPT, Deadline
from .limiter import Limiter
from .logical_call import LogicalCall, brief
from .options import CallOptions, Timeouts
from .retry import RetryPolicy, never_left, policy_for
from .telling import EventTeller

T = TypeVar("T")
Within = CallOptions | LogicalCall
"""What bounds a call: a user's options, or the logical call that it is a part of."""


class _Asked(Struct, Generic[T], eq=False):
    """What a call asks, and how it takes the answer."""

    request: Request
    read: Reader[T]
    known: Callable[[bytes], T | None] | None
    is_ours: Callable[[T], bool] | None
    sink: Sink | None
    poll: bool


_SAFE, _CREATING = Kind.SAFE, Kind.CREATING
"""On CPython 3.11 each look-up on the class takes as long as a coroutine."""

_HELD_BACK = CivoError("a pause has begun")
"""In place of an outcome: nothing was sent, and it waits for a slot again."""


class Session:
    """Calls the API on behalf of one client and all its views on other regions."""

    def __init__(
        self,
        transport: Transport,
        limiter: Limiter,
        clock: Clock,
        *,
        timeouts: Timeouts,
        policy: RetryPolicy,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self._transport = transport
        self._limiter = limiter
        self.clock = clock
        self.timeouts = timeouts
        self._policy = policy
        self._teller = EventTeller(listeners)
        self.is_heard = self._teller.is_heard
        self.tell = self._teller.tell
        self.confirmation = Confirmation(clock, self.pause)
        self.requests_sent = 0
        self.polls_done: Counter[str] = Counter()
        """How many polls were attempted in each region."""
        self.clock_skew: timedelta | None = None
        """How far the server's clock is ahead of ours, by its last Date header."""
        self._dated = ""
        self._pauses: set[asyncio.Future[None]] = set()
        self._is_closed = False

    def begin(self, kind: Kind, options: CallOptions) -> LogicalCall:
        """A logical call whose requests share the time and the retries that its caller chose.

        An argument `timeout` bounds all of it, the queue included; `Timeouts` its work.
        """
        ends_at = inf
        if "timeout" in options:
            ends_at = self.clock.monotonic() + seconds(options["timeout"], "timeout")
        work = self.timeouts.create if kind is _CREATING else self.timeouts.call
        policy = policy_for(options["retries"]) if "retries" in options else self._policy
        return LogicalCall(Deadline(self.clock, work, ends_at), policy)

    def begin_step(self, ends_at: float) -> LogicalCall:
        """A step of a run, which has the run's patience: time until that moment on the clock."""
        return LogicalCall(Deadline(self.clock, inf, ends_at), self._policy, is_patient=True)

    async def call(
        self,
        request: Request,
        read: Reader[T],
        *,
        known: Callable[[bytes], T | None] | None = None,
        is_ours: Callable[[T], bool] | None = None,
        sink: Sink | None = None,
        poll: bool = False,
        within: Within | None = None,
    ) -> T:
        """Send until an answer is read, a final error is met, or attempts or time run out.

        `known` reads a body that can be nothing but such an answer, and leaves others to `read`.
        `is_ours` tells whether an answer belongs to this request: a stray one is never returned.
        A large body goes to `sink` as it comes. Polls have slots of their own.
        """
        call = within if isinstance(within, LogicalCall) else self.begin(request.kind, within or {})
        asked = _Asked(request, read, known, is_ours, sink, poll)
        attempt = 0 if request.kind is _SAFE else call.sends
        while True:
            attempt += 1
            try:
                outcome = await self._attempt(call, asked, attempt)
            finally:
                call.release_slot()
            if not isinstance(outcome, CivoError):
                self._limiter.succeeded(call)
                self.confirmation.succeeded(request.region)
                return outcome
            call.record.note(outcome)
            self._limiter.failed(outcome)
            renews = self._transport.tokens.can_renew and call.renews_token(outcome)
            pause = 0.0 if renews else call.retry_pause(outcome, request.kind)
            if pause is None:
                raise call.summed_up(call.or_deadline(outcome), request)
            if self._limiter.pay(call, outcome):
                probe_in = self._limiter.outage.probe_at - self.clock.monotonic()
                self._tell_throttled("outage", probe_in)
            call.summed_up(outcome, request)
            self.tell_retry(call, outcome, pause)
            await self.pause(pause)

    async def pause(self, seconds: float) -> None:
        """Sleep between two requests; closing the client cuts it short."""
        sleep = asyncio.ensure_future(self.clock.sleep(0.0 if self._is_closed else seconds))
        self._pauses.add(sleep)
        try:
            await asyncio.wait({sleep})
        finally:
            self._pauses.discard(sleep)
            sleep.cancel()
        if not sleep.cancelled():
            sleep.result()  # a clock may fail

    async def enter(self, call: LogicalCall) -> None:
        """Wait for a slot for the call's first request, before anything is made for it."""
        slot = await self._limiter.enter(call)
        if isinstance(slot, CivoError):
            raise slot
        call.slot = slot

    def paused_for(self) -> float:
        """Seconds until anything may be sent again, after a 429."""
        return self._limiter.paused_for()

    def rate_limit_interval(self) -> float:
        """Seconds between polls with which a rate limit lasts until it is reset."""
        return self._limiter.rate_limit_interval()

    def tell_retry(self, call: LogicalCall, error: CivoError, pause: float) -> None:
        """Tell that a request will be repeated which ended with this error."""
        if self.is_heard(RetryScheduled):
            asked, attempt = error.call or Call("", ""), call.record.attempts
            self.tell(RetryScheduled(asked.method, asked.path, attempt, pause, brief(error)))

    def _tell_throttled(self, cause: str, seconds: float) -> None:
        if self.is_heard(Throttled):
            self.tell(Throttled(cause, seconds, self._limiter.concurrency))

    def _tell_done(
        self,
        asked: _Asked[T],
        attempt: int,
        began: float,
        response: Response | None,
        outcome: object,
    ) -> None:
        """Tell what one request came to."""
        request = asked.request
        if asked.poll:
            self.polls_done[request.region.upper()] += 1
        if not self.is_heard(RequestDone):
            return
        failed = isinstance(outcome, BaseException)
        unsent = response is None and isinstance(outcome, CivoError) and never_left(outcome)
        self.tell(
            RequestDone(
                request.method,
                self._transport.url,
                request.path,
                request.region,
                response.status if response else 0,
                type(outcome).__name__ if failed else "",
                self.clock.monotonic() - began,
                attempt,
                short(response.headers.get("x-request-id", "")) if response else "",
                asked.poll,
                not unsent,
            )
        )

    async def close(self) -> None:
        """Close the transport; calls in flight or waiting end with `ClientClosedError`."""
        self._is_closed = True
        for pause in self._pauses:
            pause.cancel()
        try:
            await self._transport.close()
        finally:
            await self._limiter.close()

    def _attempt(
        self, call: LogicalCall, asked: _Asked[T], attempt: int
    ) -> Awaitable[T | CivoError]:
        """One request, mostly sent at once: then no coroutine stands around another one.

        Errors are returned, so that they are raised with none in their context.
        """
        if call.slot is None:
            call.slot = self._limiter.enter_at_once(poll=asked.poll)
        token = call.token = self._transport.tokens.present
        if call.slot is None or call.hold is not None or token is None or token is call.refused:
            return self._attempt_later(call, asked, attempt)
        return self._exchange(call, asked, attempt)

    async def _attempt_later(
        self, call: LogicalCall, asked: _Asked[T], attempt: int
    ) -> T | CivoError:
        outcome: T | CivoError = _HELD_BACK
        while outcome is _HELD_BACK:
            slot = call.slot or await self._limiter.enter(call, poll=asked.poll)
            if isinstance(slot, CivoError):
                return slot
            call.slot = slot
            try:
                outcome = await self._send_prepared(call, asked, attempt)
            finally:
                call.release_slot()
        return outcome

    async def _send_prepared(
        self, call: LogicalCall, asked: _Asked[T], attempt: int
    ) -> T | CivoError:
        """Send it with a token that has to be asked for, or while something is held for it."""
        call.deadline.begin()
        call.token = self._transport.tokens.present
        if call.token is None or call.token is call.refused:
            renewed = await self._transport.tokens.renew(call.deadline.left())
            if isinstance(renewed, CivoError):
                return renewed
            call.token = renewed
        hold = call.hold
        if hold is None or self._is_closed:
            return await self._exchange(call, asked, attempt)
        if self._limiter.paused_for() > 0:
            return _HELD_BACK
        try:
            refusal = await hold.enter(call.deadline.left() - call.reserve)
            if refusal is not None:
                return refusal
            if self._limiter.paused_for() > 0:  # one that began meanwhile is not held through
                return _HELD_BACK
            outcome = await self._exchange(call, asked, attempt)
            if not isinstance(outcome, CivoError):
                hold.answered()
            return outcome
        finally:
            await hold.leave()

    async def _exchange(self, call: LogicalCall, asked: _Asked[T], attempt: int) -> T | CivoError:
        began = call.deadline.begin()
        left, most = call.deadline.ends_at - began - call.reserve, self.timeouts.attempt
        timeout = left if left < most else most
        if timeout < LEAST_ATTEMPT:
            return DeadlineExceededError("the call's time ran out before it could be sent again")
        if call.cancelled:
            return CivoError("the caller was cancelled before this was sent")
        if call.started_at is None and asked.request.kind is _CREATING:
            call.started_at = self.clock.now()
        call.sends += 1
        call.record.attempts += 1
        self.requests_sent += 1
        call.may_have_acted = True
        response: Response | None = None
        try:
            sent = await self._transport.send(asked.request, timeout, asked.sink)
        except BaseException as error:  # its caller was cancelled: the server may have counted it
            self._tell_done(asked, attempt, began, None, error)
            raise
        if isinstance(sent, CivoError):
            self.requests_sent -= never_left(sent)
            outcome: T | CivoError = sent
        else:
            response = sent
            outcome = self._interpret(asked, response)
        if isinstance(outcome, CivoError):
            call.may_have_acted = outcome.may_have_acted
        if asked.poll or self.is_heard(RequestDone):
            self._tell_done(asked, attempt, began, response, outcome)
        return outcome

    def _interpret(self, asked: _Asked[T], response: Response) -> T | CivoError:
        sent = response.sent
        if (date := sent.get("date", "")) != self._dated:
            self._note_date(date)
        answer = None
        if asked.known is not None and response.status in SUCCESSES:
            answer = asked.known(response.body)
        failure = None if answer is not None else self._failure_of(asked, response)
        if "x-ratelimit-remaining" in sent:
            self._note_window(response.headers)
        if failure is not None:
            if response.status == 408:
                response.discard()  # said on an idle connection, it may not be about us at all
            return failure
        if answer is None:
            try:
                answer = asked.read(response)
            except UnexpectedResponseError as error:
                response.discard()  # perhaps the answer to another request
                return error
        if asked.is_ours is not None and not asked.is_ours(answer):
            response.discard()
            return UnexpectedResponseError(
                "the answer belongs to another request; its connection was dropped",
                status=response.status,
            )
        return answer

    def _failure_of(self, asked: _Asked[T], response: Response) -> CivoError | None:
        """The error that an answer stands for; a 429 holds all requests back."""
        if is_success(response):
            return None
        now, origin = self.clock.now(), self._transport.tokens.origin
        failure = failure_of(asked.request, response, now, origin)
        if isinstance(failure, RateLimitError):
            after = failure.retry_after
            pause = self._policy.rate_limited_base if after is None else after
            if self._limiter.rate_limited(pause):
                self._tell_throttled("rate_limited", pause)
        return failure

    def _note_date(self, text: str) -> None:
        if (told := http_date(text)) is not None:
            self._dated = text
            self.clock_skew = told - self.clock.now()

    def _note_window(self, headers: Mapping[str, str]) -> None:
        if (window := rate_window(headers, self.clock.now())) and (
            pause := self._limiter.note_window(*window)
        ):
            self._tell_throttled("rate_limit_used_up", pause)
