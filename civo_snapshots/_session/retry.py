"""What may be repeated, and when; pure but for the dice of the jitter.

A safe or convergent request may be repeated after anything transient, any other only when it
certainly did nothing: it never left, or it was turned away by a 429 or told to try later (RFC 9110,
9.2.2).
"""

import random
from collections.abc import Generator
from math import inf

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
    TryLaterError,
    UnexpectedResponseError,
)

_LATEST = 15.0
"""Seconds that the pauses grow to where the API has said "later"."""

_TRANSIENT = frozenset({408, 500, 502, 503, 504})


_MOST_READS = 8
"""Requests of a call that changes nothing or only once, whatever its time: it is asked again anyway
where it matters."""

_BUSY_OBJECT = frozenset(
    {"database_snapshot_create_already_in_process", "instance_state_must_be_active_or_shutoff"}
)
"""Codes for "try later" that are about one instance, not about the region or the account."""


@frozen
class RetryPolicy:
    """How often, and how long apart, a failed attempt is repeated.

    Waits are drawn from the upper half of a bound that doubles each time ("equal jitter"), so that
    many clients do not return at once. A Retry-After is never undercut. A client as a whole has a
    budget of retries; once that is used up, one request at a time finds out whether the outage is
    over, and all others wait for it within their own time.

    Attributes:
        attempts: how often one request is sent at most, 1 means no retry; None: as the time of the
            call allows, reads, deletes and updates eight times at most.
        base: the first wait's bound in seconds after a broken connection or a 5xx.
        rate_limited_base: the same after a 429 without Retry-After, or where the API says "later".
        cap: the bound's own upper limit, in seconds.
        retry_after_cap: a longer Retry-After ends the call at once, with the error saying so; waits
            and runs obey any that their time allows.
        busy_for: seconds for which an instance may say that it is busy.
    """

    attempts: int | None = None
    base: float = 0.2
    rate_limited_base: float = 1.0
    cap: float = 8.0
    retry_after_cap: float = 60.0
    busy_for: float = 900.0

    def __attrs_post_init__(self) -> None:
        if self.attempts is not None:
            _validation.count(self.attempts, "attempts", most=100)
        for name in ("base", "rate_limited_base", "cap", "retry_after_cap", "busy_for"):
            _validation.seconds(getattr(self, name), name)

    def most_sends(self, error: CivoError, kind: Kind) -> float:
        """How often a request may be sent that ends so."""
        if self.attempts is not None:
            return self.attempts
        return inf if kind is Kind.CREATING or isinstance(error, TryLaterError) else _MOST_READS

    @staticmethod
    def allows(error: CivoError, kind: Kind) -> bool:
        """Whether a request that ended so may be repeated without looking what it did."""
        if isinstance(error, (RateLimitError, ConnectFailedError, TryLaterError)):
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


def is_about_one_object(error: CivoError) -> bool:
    """Whether it is one instance that is busy."""
    return isinstance(error, TryLaterError) and error.code in _BUSY_OBJECT


class Waits:
    """The waits of one call, made when its first attempt has failed."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._usual = _bounds(policy.base, policy.cap)
        self._later = _bounds(policy.rate_limited_base, max(policy.cap, _LATEST))

    def after(self, error: CivoError) -> float:
        """Seconds until the next attempt."""
        later = isinstance(error, (RateLimitError, TryLaterError))
        bound = next(self._later if later else self._usual)
        wait = bound / 2 + random.uniform(0, bound / 2)
        asked = error.retry_after if isinstance(error, ApiError) else None
        if asked:
            # Upwards only: earlier than asked is never right, all at the same moment neither.
            return max(wait, asked * (1 + random.uniform(0, 0.1)))
        return wait


def _bounds(base: float, cap: float) -> Generator[float, None, None]:
    bounds = backoff.expo(base=2, factor=base, max_value=cap)
    next(bounds)  # the library's generators begin with an empty step
    return bounds
