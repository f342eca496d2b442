"""What bounds a client as a whole: requests at once, pauses that the server asks for, retries.

One limiter belongs to a client and to all its views on other regions.
"""

from math import inf

from .._clock import Clock
from .._concurrency import Gate

_SLOWER = 0.7
_FASTER_AFTER = 20
_BUDGET = 500
_LONGEST_PAUSE = 60.0
_OUTAGE_FADES = 60.0
"""Seconds; longer than an attempt in silence takes."""


class RetryBudget:
    """Tokens that retries cost and successes bring back, so that an outage is not amplified."""

    def __init__(self, tokens: int = _BUDGET) -> None:
        self._full = tokens
        self.tokens = tokens

    def take(self, cost: int) -> bool:
        """Pay for a retry; False if the budget cannot."""
        if cost > self.tokens:
            return False
        self.tokens -= cost
        return True

    def refund(self, spent: int) -> None:
        """Credit a success: what its own retries cost, or one token."""
        self.tokens = min(self._full, self.tokens + (spent or 1))


class Outage:
    """Whether an outage lasts, in which repeating a call tells no more than its first request.

    It lasts once a call was repeated in vain and nothing has been answered for longer than all
    waits of a call may take. Before that, calls that began together must not lose their retries
    because one of them failed quickly. It ends with an answer, or after a minute without requests.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._tried = -inf
        self._in_vain = False

    def failed(self) -> None:
        """Note a request that failed for want of an answer."""
        now = self._clock.monotonic()
        if now - self._tried > _OUTAGE_FADES:
            self._began, self._in_vain = now, False
        self._tried = now

    def in_vain(self) -> None:
        """Note a call that failed so although it was repeated."""
        self._in_vain = True

    def answered(self) -> None:
        """Note an answer of the API, whether success or error."""
        self._tried = -inf

    def outlasts(self, waits: float) -> bool:
        """Whether it has lasted for more than so many seconds, so that repeating is in vain."""
        return self._in_vain and self._clock.monotonic() - self._began > waits


class Limiter:
    """What every attempt of a client passes before it is sent.

    Polls have two slots of their own, so that a fan-out's creates cannot starve them.
    """

    POLLS = 2

    def __init__(self, concurrency: int, clock: Clock) -> None:
        self._clock = clock
        self._ceiling = concurrency
        self._calls = Gate(concurrency)
        self._polls = Gate(self.POLLS)
        self._resume_at = 0.0
        self._window = (0, 0.0)
        self._clean = 0
        self.budget = RetryBudget()
        self.outage = Outage(clock)

    @property
    def concurrency(self) -> int:
        """Requests allowed at once at the moment; lowered by each 429, raised by successes."""
        return self._calls.limit

    async def enter(self, *, poll: bool = False, again: bool = False, within: float = inf) -> Gate:
        """Wait for a slot, then for the end of a pause that is in force; the caller releases it.

        An attempt that comes `again` goes to the head of the queue, because its call's time is
        running; it waits for a pause no longer than `within` seconds.
        """
        gate = self._polls if poll else self._calls
        latest = self._clock.monotonic() + within
        if poll and gate.is_full and self._calls.try_acquire():
            gate = self._calls  # a slot that no call waits for
        else:
            await gate.acquire(again=again)
        try:
            while (pause := min(self._resume_at, latest) - self._clock.monotonic()) > 0:
                await self._clock.sleep(pause)
        except BaseException:
            gate.release()
            raise
        return gate

    def paused_for(self) -> float:
        """Seconds until anything may be sent again; zero or less if no pause is in force."""
        return self._resume_at - self._clock.monotonic()

    def pause(self, seconds: float) -> None:
        """Let no request of this client start for so many seconds."""
        until = self._clock.monotonic() + min(seconds, _LONGEST_PAUSE)
        self._resume_at = max(self._resume_at, until)

    def note_window(self, remaining: int, reset: float) -> None:
        """Note how many requests a rate limit leaves, and in how many seconds it is reset.

        None left means a pause until then.
        """
        self._window = (remaining, self._clock.monotonic() + reset)
        if not remaining and reset:
            self.pause(reset)

    def rate_limit_interval(self) -> float:
        """Seconds between requests with which those left last until the limit is reset."""
        remaining, ends = self._window
        return max(0.0, ends - self._clock.monotonic()) / remaining if remaining else 0.0

    def rate_limited(self, seconds: float) -> None:
        """A 429: pause, and allow fewer requests at once (lowered once per pause, not per 429)."""
        self._clean = 0
        if self._clock.monotonic() >= self._resume_at:
            self._calls.limit = max(1, int(self._calls.limit * _SLOWER))
        self.pause(seconds)

    def succeeded(self) -> None:
        """Note a success; a series of them allows one more request at once."""
        self.outage.answered()
        self._clean += 1
        if self._clean >= _FASTER_AFTER and self._calls.limit < self._ceiling:
            self._clean = 0
            self._calls.limit += 1
            self._calls.refill()
