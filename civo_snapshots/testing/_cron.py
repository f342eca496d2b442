"""Cron expressions as the server judges them: five fields, at least ten minutes apart."""

import re
from itertools import pairwise

_SHORTEST_INTERVAL = 10
_WEEKDAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}
# Name, lowest and highest number, and the words that stand for numbers.
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),
)
_PART = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>[0-9]+))?", re.ASCII)
_SHORTHANDS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_TIME_ZONE = re.compile(r"(CRON_TZ|TZ)=[\w/+-]+ +", re.ASCII)
_LAST_OR_ANY = re.compile(r"\?|L(-[0-9]+)?|[0-7]L|\w+#[1-5]", re.ASCII)


class CronError(ValueError):
    """What is wrong with an expression."""


def check_cron(expression: str, *, rich: bool) -> None:
    """Raise CronError unless it is one; rich ones may use shorthands, L, ?, # and a time zone."""
    if rich:
        if expression in _SHORTHANDS:
            return
        expression = _TIME_ZONE.sub("", expression, count=1)
    texts = expression.split(" ")
    if len(texts) != len(_FIELDS):
        raise CronError("there must be five fields")
    minutes, hours, *_ = (
        _numbers(text, *field, rich=rich and field[0].startswith("day"))
        for text, field in zip(texts, _FIELDS, strict=True)
    )
    if _shortest_interval(minutes, hours) < _SHORTEST_INTERVAL:
        raise CronError("the interval must be at least ten minutes")


def _numbers(
    text: str, name: str, lowest: int, highest: int, words: dict[str, int], *, rich: bool
) -> set[int]:
    """All numbers that a field stands for."""

    def number(word: str) -> int:
        value = words.get(word.lower(), -1)
        if word.isdigit():
            value = int(word)
        if not lowest <= value <= highest:
            raise CronError(f"{word!r} is no {name}")
        return value

    chosen: set[int] = set()
    for part in text.split(","):
        if rich and _LAST_OR_ANY.fullmatch(part):
            continue
        found = _PART.fullmatch(part)
        if not found or (found["first"] == "*" and found["last"]):
            raise CronError(f"{part!r} is no {name}")
        step = int(found["step"] or 1)
        if not step:
            raise CronError(f"{part!r} has no step")
        if found["first"] == "*":
            first, last = lowest, highest
        else:
            first = number(found["first"])
            last = number(found["last"]) if found["last"] else (highest if found["step"] else first)
        if last < first:
            raise CronError(f"{part!r} ends before it begins")
        chosen |= set(range(first, last + 1, step))
    return chosen


def _shortest_interval(minutes: set[int], hours: set[int]) -> int:
    """Minutes between two runs of a day, or of a night and the morning after, at their nearest."""
    runs = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    runs.append(runs[0] + 24 * 60)
    return min(later - earlier for earlier, later in pairwise(runs))
