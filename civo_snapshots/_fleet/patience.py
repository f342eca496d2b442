"""The patience of a run: its steps go on through an outage for as long as its time lasts."""

from collections.abc import Callable

from .._session import LEAST_ATTEMPT, LogicalCall, Session, is_transient
from ..errors import (
    CivoError,
    DeadlineExceededError,
    RateLimitError,
    UnexpectedResponseError,
)


def is_passing(error: CivoError) -> bool:
    """Whether an error tells of an outage or of too little time, and of nothing that was asked."""
    if isinstance(error, (RateLimitError, DeadlineExceededError)):
        return True
    return is_transient(error) and not isinstance(error, UnexpectedResponseError)


def step_within(session: Session, left: Callable[[], float]) -> LogicalCall:
    """A step of a run that has so many seconds left."""
    return session.begin_step(session.clock.monotonic() + max(left(), LEAST_ATTEMPT))
