"""What response headers say about waiting: Retry-After (RFC 9110, 10.2.3) and X-RateLimit-*; pure.

Only 1 to 9 ASCII digits or an HTTP-date count. `float()` and `int()` would also take "nan", "inf",
"1_000" or other scripts' digits, and a NaN that reaches a sleep can stop the whole event loop.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DIGITS = re.compile(r"[0-9]{1,9}")
_MOMENT = re.compile(r"[0-9]{1,10}")
_EPOCH_FROM = 100_000_000
"""An X-RateLimit-Reset from here on is a moment, below it a number of seconds."""


def http_date(text: str | None) -> datetime | None:
    """An IMF-fixdate, RFC 850 or asctime date (RFC 9110, 5.6.7) in UTC; None for anything else."""
    if text is None or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        # asctime names no zone and parses as naive: HTTP dates are always UTC.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the server asks to wait; its own Date header cancels a skew between the clocks."""
    text = headers.get("retry-after", "").strip(" \t")
    if _DIGITS.fullmatch(text):
        return float(text)
    moment = http_date(text)
    if moment is None:
        return None
    return max(0.0, (moment - (http_date(headers.get("date")) or now)).total_seconds())


def rate_window(headers: Mapping[str, str], now: datetime) -> tuple[int, float] | None:
    """X-RateLimit-Remaining, and the seconds until X-RateLimit-Reset; None without both of them."""
    if "x-ratelimit-remaining" not in headers:
        return None
    remaining = headers["x-ratelimit-remaining"].strip()
    reset = headers.get("x-ratelimit-reset", "").strip()
    if not _DIGITS.fullmatch(remaining) or not _MOMENT.fullmatch(reset):
        return None
    value = float(reset)
    if value >= _EPOCH_FROM:
        server_now = http_date(headers.get("date")) or now
        value = max(0.0, value - server_now.timestamp())
    return int(remaining), value
