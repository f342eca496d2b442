"""When a cron expression is due next: a forecast, since only the server judges its syntax."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from itertools import islice
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import ConfigurationError, InvalidArgumentError, short

_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ZONED = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)", re.DOTALL)


def next_runs(expression: str, n: int, after: datetime) -> tuple[datetime, ...]:
    """The next times after this one, in UTC, so many or as many as there are in 50 years."""
    try:
        library = import_module("cronsim")
    except ImportError:
        raise ConfigurationError(
            "next_runs() needs cronsim: pip install 'civo-snapshots[cron]'"
        ) from None
    zone, fields = _read(expression)
    try:
        runs = cast("Iterator[datetime]", library.CronSim(fields, after.astimezone(zone)))
    except library.CronSimError as error:
        raise InvalidArgumentError(
            f"when {short(expression)!a} is due cannot be told here ({error}); the server may know"
        ) from None
    return tuple(at.astimezone(UTC) for at in islice(runs, n))


def _read(expression: str) -> tuple[tzinfo, str]:
    """The zone of an expression, and its five fields without what cronsim does not know."""
    zone: tzinfo = UTC
    if found := _ZONED.fullmatch(expression.strip()):
        try:
            zone = ZoneInfo(found[1])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidArgumentError(f"there is no time zone {short(found[1])!a}") from None
        expression = found[2]
    fields = _SHORTHANDS.get(expression.strip().lower(), expression).split()
    if len(fields) != 5:
        raise InvalidArgumentError(f"a cron expression has five fields; got {short(expression)!a}")
    return zone, " ".join("*" if field == "?" else field for field in fields)
