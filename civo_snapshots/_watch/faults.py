"""How many polls in a row may fail; pure."""

from msgspec import Struct

from ..errors import CivoError, ClientClosedError, RateLimitError, ServiceDisabledError

_FATAL = (ServiceDisabledError, ClientClosedError)
_IN_A_ROW = 10


class Faults(Struct, eq=False):
    """The polls that failed in a row.

    Attributes:
        tolerate: for how many seconds they may, and at least ten times; None is for as long as the
            wait lasts.
        since: when the first of them did.
    """

    tolerate: float | None
    count: int = 0
    since: float = 0.0

    def add(self, now: float) -> bool:
        """Count one more; whether that is too much."""
        self.since = self.since if self.count else now
        self.count += 1
        if self.tolerate is None or self.count < _IN_A_ROW:
            return False
        return now - self.since >= self.tolerate

    def end_the_wait(self, error: CivoError, now: float) -> bool:
        """Count an error, if it is a fault; whether it, or their number, is too much."""
        if isinstance(error, RateLimitError):
            return False
        return self.add(now) or isinstance(error, _FATAL)
