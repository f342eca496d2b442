"""One logical call: a slot, a deadline, retries, a record, and what its answer means.

The decisions are pure functions of `retry`; sending once is the transport's.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import inf
from typing import TypeVar

from .._clock import Clock
from .._concurrency import Gate
from .._http import (
    Kind,
    Reader,
    Request,
    Response,
    Sink,
    Transport,
    failure_of,
    http_date,
    rate_window,
)
from .._validation import seconds
from ..errors import (
    ApiError,
    CivoError,
    DeadlineExceededError,
    RateLimitError,
    UnexpectedResponseError,
)
from ..events import Event, Listener, RetryScheduled
from .confirmation import Confirmation
from .deadline import LEAST_ATTEMPT, CallRecord, Deadline, brief
from .limiter import Limiter
from .options import CallOptions, Timeouts
from .retry import RetryPolicy, Waits, cost_of, is_transient, never_left, policy_for

T = TypeVar("T")
logger = logging.getLogger("civo_snapshots")


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
        listener: Listener | None,
    ) -> None:
        self._transport = transport
        self._limiter = limiter
        self.clock = clock
        self.timeouts = timeouts
        self._policy = policy
        self._listener = listener
        self.confirmation = Confirmation(clock)
        self.requests_sent = 0
        self.clock_skew: timedelta | None = None
        """How far the server's clock is ahead of ours, by its last Date header."""
        self._dated = ""

    async def call(
        self,
        request: Request,
        read: Reader[T],
        *,
        is_ours: Callable[[T], bool] | None = None,
        sink: Sink | None = None,
        poll: bool = False,
        options: CallOptions | None = None,
        deadline: Deadline | None = None,
    ) -> T:
        """Send until an answer is read, a final error is met, or attempts or time run out.

        `is_ours` tells whether an answer belongs to this request: a stray one is never returned.
        A large body goes to `sink` as it comes. Polls have slots of their own.
        """
        chosen: CallOptions = options or {}
        limit = deadline.time() if deadline else self._limit(request.kind, chosen)
        record = CallRecord(request, self.clock, limit)
        policy = policy_for(chosen["retries"]) if "retries" in chosen else self._policy
        waits: Waits | None = None
        spent = 0
        while True:
            gate = deadline.take_slot() if deadline else None
            if gate is None:
                again = record.attempts > 0
                within = record.left() if again else inf
                gate = await self._limiter.enter(poll=poll, again=again, within=within)
            try:
                outcome = await self._attempt(
                    request, read, is_ours, sink, record=record, deadline=deadline
                )
            finally:
                gate.release()
            if not isinstance(outcome, CivoError):
                self._limiter.budget.refund(spent)
                self._limiter.succeeded()
                self.confirmation.succeeded(request.region)
                return outcome
            transient = is_transient(outcome)
            if transient:
                self._limiter.outage.failed()
            elif isinstance(outcome, ApiError):
                self._limiter.outage.answered()
            outcome = self._or_deadline(outcome, record)
            outcome.call = record.report()
            waits = waits or Waits(policy)
            delay = waits.after(outcome)
            allowed = policy.allows(outcome, request.kind, record.attempts)
            if not allowed or delay + LEAST_ATTEMPT > record.left():
                if transient and record.attempts > 1:
                    self._limiter.outage.in_vain()
                raise outcome
            patience = inf if "retries" in chosen else policy.longest_wait
            if not self._pay(outcome, patience):
                raise outcome
            spent += cost_of(outcome)
            record.note(outcome)
            self.tell(
                RetryScheduled(request.method, request.path, record.attempts, delay, brief(outcome))
            )
            await self.clock.sleep(delay)

    def enter(self) -> Awaitable[Gate]:
        """Wait for a slot among the requests in flight, before anything is made for a call."""
        return self._limiter.enter()

    def paused_for(self) -> float:
        """Seconds until anything may be sent again, after a 429."""
        return self._limiter.paused_for()

    def rate_limit_interval(self) -> float:
        """Seconds between polls with which a rate limit lasts until it is reset."""
        return self._limiter.rate_limit_interval()

    def tell(self, event: Event) -> None:
        """Pass an event to the client's listener and the log; a listener's error ends nothing."""
        logger.debug("%s", event)
        if self._listener is None:
            return
        try:
            self._listener(event)
        except Exception:
            logger.exception("the on_event callback raised")

    async def close(self) -> None:
        """Close the transport; calls in flight end with `ClientClosedError`."""
        await self._transport.close()

    def deadline(self, kind: Kind, options: CallOptions) -> Deadline:
        """The time that all requests of one logical call may take together."""
        return Deadline(self.clock, self._limit(kind, options))

    def _limit(self, kind: Kind, options: CallOptions) -> float:
        if "timeout" in options:
            return seconds(options["timeout"], "timeout")
        return self.timeouts.create if kind is Kind.CREATING else self.timeouts.call

    @staticmethod
    def _or_deadline(error: CivoError, record: CallRecord) -> CivoError:
        """The error, or `DeadlineExceededError` if it was transient and used up the call's time."""
        if record.left() > LEAST_ATTEMPT or not is_transient(error):
            return error
        record.note(error)
        return DeadlineExceededError("the call's time ran out", may_have_acted=error.may_have_acted)

    def _pay(self, error: CivoError, patience: float) -> bool:
        """Whether the client as a whole can afford a retry; if not, the error says why.

        An outage ends retries after `patience` seconds, without end where the caller asked for
        retries.
        """
        if self._limiter.outage.outlasts(patience):
            error.message += "; not retried, because others were repeated in vain"
        elif not self._limiter.budget.take(cost_of(error)):
            error.message += "; not retried, because the client's retry budget is used up"
        else:
            return True
        return False

    async def _attempt(
        self,
        request: Request,
        read: Reader[T],
        is_ours: Callable[[T], bool] | None,
        sink: Sink | None,
        *,
        record: CallRecord,
        deadline: Deadline | None,
    ) -> T | CivoError:
        """One request. Errors are returned, so that they are raised with none in their context."""
        timeout = min(self.timeouts.attempt, record.begin())
        if timeout < LEAST_ATTEMPT:
            return DeadlineExceededError("the call's time ran out before it could be sent again")
        if deadline is not None and deadline.cancelled:
            return CivoError("the caller was cancelled before this was sent")
        record.attempts += 1
        self.requests_sent += 1
        if deadline is not None:
            deadline.may_have_acted = True
            deadline.began = self.clock.monotonic() if deadline.began is None else deadline.began
        try:
            response = await self._transport.send(request, timeout, sink)
        except CivoError as error:
            self.requests_sent -= never_left(error)
            outcome: T | CivoError = error
        else:
            outcome = self._interpret(request, response, read, is_ours)
        if deadline is not None and isinstance(outcome, CivoError):
            deadline.may_have_acted = outcome.may_have_acted
        return outcome

    def _interpret(
        self,
        request: Request,
        response: Response,
        read: Reader[T],
        is_ours: Callable[[T], bool] | None,
    ) -> T | CivoError:
        now = self.clock.now()
        self._note_date(response, now)
        if window := rate_window(response.headers, now):
            self._limiter.note_window(*window)
        failure = failure_of(request, response, now)
        if failure is not None:
            if response.status == 408:
                response.discard()  # said on an idle connection, it may not be about us at all
            if isinstance(failure, RateLimitError):
                asked = failure.retry_after
                self._limiter.rate_limited(
                    self._policy.rate_limited_base if asked is None else asked
                )
            return failure
        try:
            answer = read(response)
        except UnexpectedResponseError as error:
            response.discard()  # perhaps the answer to another request
            return error
        if is_ours is not None and not is_ours(answer):
            response.discard()
            return UnexpectedResponseError(
                "the answer belongs to another request; its connection was dropped",
                status=response.status,
            )
        return answer

    def _note_date(self, response: Response, now: datetime) -> None:
        text = response.headers.get("date", "")
        if text != self._dated and (told := http_date(text)) is not None:
            self._dated = text
            self.clock_skew = told - now
