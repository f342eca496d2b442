"""The account of one call: its attempts, its time, and what it tells of them in an error."""

from .._clock import Clock
from .._http.api_errors import Request
from ..errors import ApiError, Call, CivoError
from .retry import may_have_acted


class Account:
    """What one call has done so far, for its deadline and for its error."""

    def __init__(self, request: Request, clock: Clock, limit: float) -> None:
        self._request = request
        self._clock = clock
        self._limit = limit
        self._started: float | None = None
        self.attempts = 0
        self._history: list[str] = []
        self._unanswered = 0

    def begin(self) -> float:
        """Seconds left for an attempt; they count from the first one, not from the wait for it."""
        if self._started is None:
            self._started = self._clock.monotonic()
            return self._limit
        return self.left()

    def elapsed(self) -> float:
        """Seconds since the first attempt began."""
        return 0.0 if self._started is None else self._clock.monotonic() - self._started

    def left(self) -> float:
        """Seconds left for the call."""
        return self._limit - self.elapsed()

    def note(self, error: CivoError) -> None:
        """Remember what an attempt ended with that is not the last."""
        self._history.append(brief(error))
        self._unanswered += may_have_acted(error)

    def report(self) -> Call:
        """The account so far, as an error shows it."""
        request = self._request
        return Call(
            request.method,
            request.path,
            request.region,
            self.attempts,
            self.elapsed(),
            tuple(self._history),
            self._unanswered,
        )


def brief(error: CivoError) -> str:
    """An error in a few words, for a history."""
    if isinstance(error, ApiError):
        return f"{error.status} {error.code}".strip()
    return error.message[:120]
