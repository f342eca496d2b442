"""What bounds a client as a whole: requests at once, their rate, pauses, and outages.

One limiter belongs to a client and to all its views on other regions. Whatever holds requests back
does so in one place: the moment from which the next one may start.
"""

import asyncio
from math import inf

from .._clock import Clock
from .._concurrency import Gate, done_within, start
from ..errors import CivoError, DeadlineExceededError, RateLimitError
from .deadline import LEAST_ATTEMPT
from .logical_call import LogicalCall
from .outage import Outage, RetryBudget, cost_of, ends_outage, is_unanswered

_AT_FIRST = 10
_SLOWER = 0.7
_FASTER_AFTER = 20
_LONGEST_WINDOW = 60.0
"""Seconds; what a header says of a rate limit's end is no request to wait for longer."""


class Limiter:
    """What every attempt of a client passes before it is sent.

    Requests at once begin with ten and find their level: one more for each success until the first
    429, then one more for each twenty, and fewer after each 429. Polls have two slots of their own,
    so that a fan-out's creates cannot starve them.
    """

    POLLS = 2

    def __init__(self, concurrency: int, clock: Clock, max_rate: float | None = None) -> None:
        """`concurrency` is the most requests at once, `max_rate` the most a second."""
        self._clock = clock
        self._ceiling = concurrency
        self._interval = 0.0 if max_rate is None else 1 / max_rate
        self._calls = Gate(min(_AT_FIRST, concurrency), self._admits)
        self._polls = Gate(self.POLLS, self._admits)
        self._resume_at = self._next_at = -inf
        self._opener: asyncio.Task[None] | None = None
        self._window = (0, 0.0)
        self._was_limited = False
        self._clean = 0
        self.budget = RetryBudget()
        self.outage = Outage()

    @property
    def concurrency(self) -> int:
        """Requests allowed at once at the moment; lowered by each 429, raised by successes."""
        return self._calls.limit

    def enter_at_once(self, *, poll: bool = False) -> Gate | None:
        """Take a slot that is free at this moment; None if there is none."""
        # A poll may also take one that no call waits for.
        gate = self._polls if poll and not self._polls.is_full else self._calls
        return gate if gate.try_acquire() else None

    async def enter(self, call: LogicalCall, *, poll: bool = False) -> Gate | CivoError:
        """Wait for a slot, which the caller releases; an error if the call's time is over first.

        A call that comes again goes to the head of the queue, because its time is running. No slot
        is held while nothing may be sent.
        """
        if (free := self.enter_at_once(poll=poll)) is not None:
            return free
        gate = self._polls if poll else self._calls
        again = call.record.attempts > 0
        while not gate.try_acquire():
            if (refusal := self._refusal(call)) is not None:
                return refusal
            if await self._passes(gate, gate.enqueue(again=again), call.deadline.queue_left()):
                break
            again = True
        return gate

    async def _passes(self, gate: Gate, permit: asyncio.Future[bool], seconds: float) -> bool:
        """Wait for a permit, at most so long, and whether nothing holds it back by then."""
        passes = False
        try:
            gate.refill()
            if seconds == inf:
                await permit
            else:
                await done_within(permit, self._clock, seconds)
            passes = permit.done() and permit.result() and self.paused_for() <= 0
        finally:
            if not passes:
                gate.withdraw(permit)
                if not self._is_awaited():
                    self._dismiss_opener()
        return passes

    def _refusal(self, call: LogicalCall) -> CivoError | None:
        """Why a call need not wait for a slot, because it would wait in vain."""
        if self.outage.lasts:
            call.deadline.begin()  # else a call that waits for its first slot would wait for ever
        pause = self.paused_for()
        if pause > 0 and (pause > call.longest_pause or pause > call.deadline.left()):
            return RateLimitError(
                f"the server has asked for a pause, which lasts {pause:.1f} s more; try again then",
                status=429,
                retry_after=pause,
            )
        if call.deadline.queue_left() < LEAST_ATTEMPT:
            why = "in an outage" if self.outage.lasts else "before a request could be sent"
            return DeadlineExceededError(f"the call's time ran out {why}")
        return None

    # What holds requests back: a pause, an outage, a rate.

    def _opens_at(self) -> float:
        return max(self._resume_at, self._next_at, self.outage.probe_at)

    def _admits(self) -> bool:
        """Whether a request may start now, and if so, count it."""
        if not self._interval and self._resume_at == self.outage.probe_at == -inf:
            return True
        opens_at = self._opens_at()
        now = self._clock.monotonic()
        if opens_at > now:
            self._call_opener()
            return False
        if self.outage.lasts:
            self.outage.probe(now)
        if self._interval:
            self._next_at = now + self._interval
        return True

    def _is_awaited(self) -> bool:
        return self._calls.is_awaited or self._polls.is_awaited

    def _call_opener(self) -> None:
        if self._opener is None and self._is_awaited():
            self._opener = start(self._open())

    async def _open(self) -> None:
        """Let those who wait in when their moment has come."""
        gates = (self._polls, self._calls)
        while self._is_awaited():
            pause = self._opens_at() - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)
                continue
            for gate in gates:
                gate.refill()
            gates = gates[::-1]  # each goes first in turn where one passes at a time
            if self._opens_at() <= self._clock.monotonic():
                break  # who still waits does so for a slot
        self._opener = None

    def _dismiss_opener(self) -> None:
        if self._opener is not None:
            self._opener.cancel()
            self._opener = None

    async def close(self) -> None:
        """Let everybody in who waits, for the closed transport to refuse."""
        opener = self._opener
        self._dismiss_opener()
        self._interval, self._resume_at, self._next_at = 0.0, -inf, -inf
        self.outage.end()
        for gate in (self._calls, self._polls):
            gate.refill()
        if opener is not None:
            await asyncio.wait({opener})

    def paused_for(self) -> float:
        """Seconds until anything may be sent again; zero or less if no pause is in force."""
        return self._resume_at - self._clock.monotonic()

    def pause(self, seconds: float) -> None:
        """Let no request of this client start for so many seconds."""
        self._resume_at = max(self._resume_at, self._clock.monotonic() + seconds)

    def note_window(self, remaining: int, reset: float) -> float:
        """Note how many requests a rate limit leaves, and in how many seconds it is reset.

        None left means a pause until then. Returns the seconds of one that begins with it, or 0.
        """
        self._window = (remaining, self._clock.monotonic() + reset)
        if remaining or not reset:
            return 0.0
        begins, pause = self.paused_for() <= 0, min(reset, _LONGEST_WINDOW)
        self.pause(pause)
        return pause if begins else 0.0

    def rate_limit_interval(self) -> float:
        """Seconds between requests with which those left last until the limit is reset."""
        remaining, ends = self._window
        return max(0.0, ends - self._clock.monotonic()) / remaining if remaining else 0.0

    # What requests came to.

    def rate_limited(self, seconds: float) -> bool:
        """A 429: pause, and allow fewer requests at once (lowered once per pause, not per 429).

        Returns whether the pause begins with it.
        """
        self._clean, self._was_limited = 0, True
        begins = self.paused_for() <= 0
        self.pause(seconds)
        if begins:
            self._calls.limit = max(1, int(self._calls.limit * _SLOWER))
            for gate in (self._calls, self._polls):
                gate.wake()  # the pause may be longer than a call has time
        return begins

    def succeeded(self, call: LogicalCall) -> None:
        """Note a success; it may allow one more request at once."""
        self.budget.refund(call.spent)
        if self.outage.lasts:
            self._end_outage()
        self._clean += 1
        enough = _FASTER_AFTER if self._was_limited else 1
        if self._clean >= enough and self._calls.limit < self._ceiling:
            self._clean = 0
            self._calls.limit += 1
            self._calls.refill()

    def failed(self, error: CivoError) -> None:
        """Note an attempt's error: an answer of the API ends an outage."""
        if ends_outage(error):
            self._end_outage()

    def pay(self, call: LogicalCall, error: CivoError) -> bool:
        """Pay for a retry; what cannot be paid any more is an outage. Return whether it begins."""
        cost = cost_of(error)
        if self.budget.take(cost):
            call.spent += cost
            return False
        begins = is_unanswered(error) and not self.outage.lasts
        if begins:
            self.outage.begin(self._clock.monotonic())
            for gate in (self._calls, self._polls):
                gate.wake()  # who waits for a first slot now waits within its own time
        return begins

    def _end_outage(self) -> None:
        if self.outage.lasts:
            self.outage.end()
            self._dismiss_opener()
            for gate in (self._calls, self._polls):
                gate.refill()
