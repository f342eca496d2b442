"""What bounds retries: a budget, and an outage that begins when the budget is empty; pure."""

from math import inf

from ..errors import ApiError, CivoError, RateLimitError, UnexpectedResponseError
from .retry import is_transient

_BUDGET = 400
"""Forty requests without an answer: with what is in flight by then, and what asks whether it is
over, an outage costs 200 calls 1.3 requests each."""
_FIRST_PROBE = 1.0
_LATEST_PROBE = 15.0
"""Seconds between the requests that find out whether an outage is over."""


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
        if self.tokens < self._full:
            self.tokens = min(self._full, self.tokens + (spent or 1))


class Outage:
    """A time in which nothing is answered: one request at a time finds out whether it is over.

    Attributes:
        lasts: whether there is one.
        probe_at: the moment from which the next of these requests may be sent.
    """

    def __init__(self) -> None:
        self.lasts = False
        self.probe_at = -inf
        self._pause = _FIRST_PROBE

    def begin(self, now: float) -> None:
        """Let everybody wait."""
        self.lasts, self._pause = True, _FIRST_PROBE
        self.probe_at = now + self._pause

    def probe(self, now: float) -> None:
        """One request goes out; the next may follow after a pause that grows."""
        self._pause = min(2 * self._pause, _LATEST_PROBE)
        self.probe_at = now + self._pause

    def end(self) -> None:
        """Something was answered."""
        self.lasts, self.probe_at = False, -inf


def cost_of(error: CivoError) -> int:
    """What a retry after this error takes from the client's budget; nothing if it is an answer."""
    if isinstance(error, RateLimitError):
        return 5
    return 10 if is_unanswered(error) else 0


def is_unanswered(error: CivoError) -> bool:
    """Whether the API itself said nothing: the request was lost, or a gateway spoke in its place.

    An answer that does not fit the request is one all the same.
    """
    if isinstance(error, ApiError):
        return is_transient(error) and not error.code
    return is_transient(error) and not isinstance(error, UnexpectedResponseError)


def ends_outage(error: CivoError) -> bool:
    """Whether an error shows that the API answers again."""
    return isinstance(error, ApiError) and (bool(error.code) or isinstance(error, RateLimitError))
