"""Cron expressions, as far as a schedule must be checked before it is sent; pure.

Five fields (minute, hour, day of month, month, day of week) with ``*``, lists, ranges, steps and
names; the server stays the judge of everything else.
"""

import re
from itertools import pairwise

MIN_INTERVAL = 10
"""Minutes that must lie between two runs (API page "Snapshot schedules")."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: index for index, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 7, {name: index for index, name in enumerate(_DAYS)}),
)
_PART = re.compile(r"(?:(\*)|([0-9a-z]+)(?:-([0-9a-z]+))?)(?:/([0-9]{1,4}))?", re.ASCII)


def problem_with(expression: str) -> str | None:
    """Why a schedule with this expression would be refused, or nothing."""
    texts = expression.lower().split()
    if len(texts) != len(_FIELDS):
        return f"a cron expression has 5 fields, this one has {len(texts)}"
    parsed: list[frozenset[int]] = []
    for text, (name, low, high, names) in zip(texts, _FIELDS, strict=True):
        values = _field(text, low, high, names)
        if values is None:
            return f"the {name} field {text!r} is not a list of {low}-{high}, ranges or steps"
        parsed.append(values)
    gap = _shortest_gap(parsed[0], parsed[1], every_day=texts[2] == "*" and texts[4] == "*")
    if gap < MIN_INTERVAL:
        return f"it runs every {gap} min; at least {MIN_INTERVAL} min must lie between two runs"
    return None


def _field(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return None
        star, first, last, step_text = match.groups()
        step = int(step_text) if step_text else 1
        start = low if star else _number(first, names)
        if star or (step_text and not last):
            end: int | None = high
        else:
            end = _number(last or first, names)
        if start is None or end is None or step == 0 or not low <= start <= end <= high:
            return None
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int]) -> int | None:
    if text in names:
        return names[text]
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def _shortest_gap(minutes: frozenset[int], hours: frozenset[int], *, every_day: bool) -> int:
    """Minutes between the two closest runs; across midnight only if the next day surely runs."""
    times = sorted(60 * hour + minute for hour in hours for minute in minutes)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if every_day:
        gaps.append(times[0] + 24 * 60 - times[-1])
    return min(gaps, default=24 * 60)
