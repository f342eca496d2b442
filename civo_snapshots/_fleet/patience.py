"""The patience of a run: its steps go on through an outage for as long as its time lasts."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from .._clock import Clock
from .._session import LEAST_ATTEMPT, CallOptions, is_transient
from ..errors import (
    ApiError,
    CivoError,
    DeadlineExceededError,
    RateLimitError,
    UnexpectedResponseError,
)

T = TypeVar("T")

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0


def is_passing(error: CivoError) -> bool:
    """Whether an error tells of an outage or of too little time, and of nothing that was asked."""
    if isinstance(error, (RateLimitError, DeadlineExceededError)):
        return True
    return is_transient(error) and not isinstance(error, UnexpectedResponseError)


async def patiently(
    ask: Callable[[CallOptions], Awaitable[T]], left: Callable[[], float], clock: Clock
) -> T:
    """Ask until there is an answer, with growing pauses, within the seconds that are left.

    Raises what the last try ended with. For what may be asked twice only.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return await ask({"timeout": max(left(), LEAST_ATTEMPT)})
        except CivoError as error:
            asked = error.retry_after if isinstance(error, ApiError) else None
            pause = max(pause, asked or 0.0)
            if not is_passing(error) or left() <= pause:
                raise
        await clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
