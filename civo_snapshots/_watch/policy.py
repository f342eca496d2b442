"""How often a wait polls, and what it makes of trouble; pure but for the dice of the jitter."""

import random
from typing import Literal

from attrs import frozen

from .. import _validation

_LEAST_GRACE = 0.5
_MOST_GRACE = 5.0


@frozen(cache_hash=True)  # groups of waits are kept by it
class PollPolicy:
    """How often to poll, and what to make of trouble. All times are seconds.

    The pause between two polls grows with the time waited so far, so that the end is noticed late
    by at most about a tenth of it. Between floor and ceiling it is longer where reading the region
    would take more than about a twentieth of the time, or where a rate limit
    (X-RateLimit-Remaining) would be used up before it begins anew.

    Attributes:
        floor: the shortest pause.
        ceiling: the longest pause.
        growth: the pause as a share of the time waited so far.
        jitter: the share by which a pause may be longer, drawn anew each time.
        volume_grace: how long a snapshot may say complete while one of its volumes does not, or
            is not listed though others are.
        on_unsettled: what happens then: "raise" `SnapshotUnsettledError`, or "return" it.
        appear: how long a snapshot may be missing (404) before it was seen for the first time.
        tolerate: how long polling may fail, and at least ten times in a row; None for as long as
            the wait may take.
    """

    floor: float = 1.0
    ceiling: float = 10.0
    growth: float = 0.1
    jitter: float = 0.1
    volume_grace: float = 60.0
    on_unsettled: Literal["raise", "return"] = "raise"
    appear: float = 60.0
    tolerate: float | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("floor", "ceiling"):
            _validation.seconds(getattr(self, name), name)
        for name in ("growth", "jitter", "volume_grace", "appear"):
            _validation.seconds(getattr(self, name), name, zero=True)
        if self.tolerate is not None:
            _validation.seconds(self.tolerate, "tolerate", zero=True)
        _validation.one_of(self.on_unsettled, "on_unsettled", ("raise", "return"))

    def pause(self, waited: float) -> float:
        """Seconds until the next poll.

        Args:
            waited: seconds since the wait began.
        """
        pause = min(self.ceiling, max(self.floor, waited * self.growth))
        return pause * (1 + random.uniform(0, self.jitter)) if self.jitter else pause


def grace_of(timeout: float) -> float:
    """Seconds that a poll in flight may outlast a wait's time: it may show what is waited for."""
    return min(max(timeout / 10, _LEAST_GRACE), _MOST_GRACE)


def policy_or(poll: PollPolicy | None, default: PollPolicy) -> PollPolicy:
    """The policy that a `poll` argument names."""
    return default if poll is None else _validation.of_type(poll, PollPolicy, "poll")
