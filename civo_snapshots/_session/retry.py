"""What may be repeated, and when; pure but for the dice of the jitter.

A safe or convergent request may be repeated after anything transient, any other only when it
certainly did nothing: it never left, or a 429 turned it away (RFC 9110, 9.2.2).
"""

import random
from collections.abc import Generator

import backoff
from attrs import frozen

from .. import _validation
from .._http import Kind
from ..errors import (
    ApiError,
    CivoError,
    ClientClosedError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)

_TRANSIENT = frozenset({408, 500, 502, 503, 504})


@frozen
class RetryPolicy:
    """How often, and how long apart, a failed attempt is repeated.

    Waits are drawn between zero and a bound that doubles each time ("full jitter"), so that many
    clients do not return at once. A Retry-After is never undercut. A client as a whole has a budget
    of retries, and makes none in an outage that has lasted longer than all waits of a call may.

    Attributes:
        attempts: requests per call at most; 1 means no retry.
        base: the first wait's bound in seconds after a broken connection or a 5xx.
        rate_limited_base: the same after a 429 without Retry-After.
        cap: the bound's own upper limit, in seconds.
        retry_after_cap: a longer Retry-After ends the call at once, with the error saying so.
    """

    attempts: int = 4
    base: float = 0.2
    rate_limited_base: float = 1.0
    cap: float = 8.0
    retry_after_cap: float = 60.0

    def __attrs_post_init__(self) -> None:
        _validation.count(self.attempts, "attempts", most=100)
        for name in ("base", "rate_limited_base", "cap", "retry_after_cap"):
            _validation.seconds(getattr(self, name), name)

    @property
    def longest_wait(self) -> float:
        """Seconds that all waits of a call may take together, but for what a server asks for."""
        return sum(min(self.base * (1 << number), self.cap) for number in range(self.attempts - 1))

    def allows(self, error: CivoError, kind: Kind, attempt: int) -> bool:
        """Whether the attempt of this number (from 1) may be followed by another."""
        if attempt >= self.attempts:
            return False
        if isinstance(error, ApiError) and (error.retry_after or 0) > self.retry_after_cap:
            return False
        if isinstance(error, (RateLimitError, ConnectFailedError)):
            return True
        return kind in (Kind.SAFE, Kind.CONVERGENT) and is_transient(error)


NO_RETRIES = RetryPolicy(attempts=1)


def policy_for(retries: "bool | RetryPolicy") -> RetryPolicy:
    """The policy that a `retries` argument names."""
    if isinstance(retries, RetryPolicy):
        return retries
    return RetryPolicy() if _validation.boolean(retries, "retries") else NO_RETRIES


def is_transient(error: CivoError) -> bool:
    """Whether the same request may well succeed a little later."""
    if isinstance(error, ApiError):
        return error.status in _TRANSIENT and type(error) in (ApiError, ServerError)
    if isinstance(error, UnexpectedResponseError):
        # A cut or stray body, unlike a redirect, or one that is too large to be read.
        return 200 <= error.status < 300 and not error.is_final
    return isinstance(error, (ConnectFailedError, ConnectionLostError))


def never_left(error: CivoError) -> bool:
    """Whether a request that ended so certainly never reached the server."""
    if isinstance(error, (ClientClosedError, DeadlineExceededError)):
        return not error.may_have_acted
    return not isinstance(error, (ConnectionLostError, ApiError, UnexpectedResponseError))


def cost_of(error: CivoError) -> int:
    """What a retry after this error takes from the client's retry budget."""
    return 5 if isinstance(error, RateLimitError) else 10


class Waits:
    """The waits of one call, made when its first attempt has failed."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._usual = _bounds(policy.base, policy.cap)
        self._rate_limited = _bounds(policy.rate_limited_base, policy.cap)

    def after(self, error: CivoError) -> float:
        """Seconds until the next attempt."""
        if isinstance(error, RateLimitError):
            wait = backoff.full_jitter(next(self._rate_limited))
        else:
            wait = backoff.full_jitter(next(self._usual))
        asked = error.retry_after if isinstance(error, ApiError) else None
        if asked:
            # Upwards only: earlier than asked is never right, all at the same moment neither.
            return max(wait, asked * (1 + random.uniform(0, 0.1)))
        return wait


def _bounds(base: float, cap: float) -> Generator[float, None, None]:
    bounds = backoff.expo(base=2, factor=base, max_value=cap)
    next(bounds)  # the library's generators begin with an empty step
    return bounds
