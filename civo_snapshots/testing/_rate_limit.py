"""A limit of requests per calendar minute, as old recordings show it."""

from collections.abc import Mapping
from datetime import datetime

from attrs import define

_MINUTE = 60


@define(eq=False)
class RateLimit:
    """Counts requests in minutes of the gateway's calendar; without a limit it tells nothing."""

    limit: int | None
    _minute: int = -1
    _used: int = 0

    def spend(self, now: datetime) -> bool:
        """Count one request; whether it is within the limit."""
        if self.limit is None:
            return True
        minute = int(now.timestamp()) // _MINUTE
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self._used <= self.limit

    def headers(self) -> Mapping[str, str]:
        """What answers tell of it; the reset is the end of the minute, in seconds since 1970."""
        if self.limit is None:
            return {}
        return {
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(max(0, self.limit - self._used)),
            "X-Ratelimit-Reset": str((self._minute + 1) * _MINUTE),
        }
