"""A retention policy in the terms of restic's `forget`; knows times alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from attrs import fields, frozen

from ..errors import InvalidArgumentError

# Each rule keeps the newest snapshot of each of the last so many of its periods that have one.
_PERIODS: Mapping[str, Callable[[datetime], str]] = {
    # In the hour that is repeated when summer time ends, the second time round is another hour.
    "hourly": lambda at: f"{at.isoformat(' ')[:13]}h{'+' * at.fold}",
    "daily": lambda at: at.isoformat()[:10],
    "weekly": lambda at: "{}-W{:02}".format(*at.isocalendar()[:2]),
    "monthly": lambda at: at.isoformat()[:7],
    "yearly": lambda at: at.isoformat()[:4],
}


@frozen(kw_only=True)
class RetentionPolicy:
    """Which of an instance's snapshots are kept, as restic's `forget` has it.

    A snapshot is kept if any rule keeps it. Each rule counts periods *that have a snapshot*, so
    that weeks without backups delete nothing, and keeps the newest of each; while it has counted
    fewer than it may, it keeps the oldest snapshot as well. A policy without rules keeps
    everything. Raises `InvalidArgumentError` for what makes no sense.

    Attributes:
        keep_last: the newest so many.
        keep_hourly: for the last so many hours that have one, the newest of each.
        keep_daily: for the last so many days that have one, the newest of each.
        keep_weekly: for the last so many ISO weeks that have one, the newest of each.
        keep_monthly: for the last so many months that have one, the newest of each.
        keep_yearly: for the last so many years that have one, the newest of each.
        keep_within: everything younger than this, counted back from the newest snapshot.
        min_age: nothing younger than this is deleted, whatever the rules say.
        tz: where a day begins, such as ``zoneinfo.ZoneInfo("Europe/Berlin")``; UTC by default.
    """

    keep_last: int = 0
    keep_hourly: int = 0
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    keep_yearly: int = 0
    keep_within: timedelta | None = None
    min_age: timedelta | None = None
    tz: tzinfo = UTC

    def __attrs_post_init__(self) -> None:
        for name in ("keep_last", *(f"keep_{period}" for period in _PERIODS)):
            count: object = getattr(self, name)
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise InvalidArgumentError(f"{name} must be a whole number from 0, not {count!a}")
        for name in ("keep_within", "min_age"):
            span: object = getattr(self, name)
            if span is not None and not (isinstance(span, timedelta) and span > timedelta()):
                raise InvalidArgumentError(f"{name} must be a timedelta above 0, not {span!a}")
        if not isinstance(self.tz, tzinfo):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidArgumentError(f"tz must be a time zone, such as ZoneInfo; got {self.tz!a}")

    def __str__(self) -> str:
        given = {one.name: getattr(self, one.name) for one in fields(type(self))}
        rules = [f"{name}={value}" for name, value in given.items() if value and name != "tz"]
        return ", ".join([*(rules or ["no rule"]), f"tz={self.tz}"])

    @property
    def has_rules(self) -> bool:
        """Whether anything can be deleted by it."""
        counts = (getattr(self, f"keep_{period}") for period in ("last", *_PERIODS))
        return any(counts) or self.keep_within is not None

    def reasons(self, times: Sequence[datetime]) -> list[tuple[str, ...]]:
        """For each of these times, in their order, why its snapshot is kept; empty if it is not.

        `min_age` is not looked at: it depends on now.

        Args:
            times: of the complete snapshots of one instance, in any order, with zones.
        """
        if any(at.utcoffset() is None for at in times):
            raise InvalidArgumentError("the times of snapshots need a zone")
        if not self.has_rules:
            return [("no rule deletes anything",)] * len(times)
        moments = [at.astimezone(UTC) for at in times]  # in one zone, hours may come twice
        newest_first = sorted(range(len(times)), key=moments.__getitem__, reverse=True)
        found: list[list[str]] = [[] for _ in times]
        for number, index in enumerate(newest_first[: self.keep_last], start=1):
            found[index].append(f"last {number}")
        if self.keep_within is not None and times:
            since = moments[newest_first[0]] - self.keep_within
            for index in newest_first:
                if moments[index] > since:
                    found[index].append(f"within {self.keep_within}")
        local = [(index, moments[index].astimezone(self.tz)) for index in newest_first]
        for period, name_of in _PERIODS.items():
            count: int = getattr(self, f"keep_{period}")
            for index, called in _newest_of_each(name_of, count, local):
                found[index].append(f"{period} {called}" if called else f"oldest {period}")
        return [tuple(why) for why in found]


def _newest_of_each(
    name_of: Callable[[datetime], str], count: int, newest_first: Sequence[tuple[int, datetime]]
) -> Iterator[tuple[int, str]]:
    """Which of these one rule keeps, each with the name of its period.

    That is empty for the oldest, which stays while fewer are counted than may be, so that the
    history reaches back as far as it can.
    """
    seen: set[str] = set()
    for number, (index, at) in enumerate(newest_first, start=1):
        if len(seen) == count:
            return
        if (period := name_of(at)) not in seen:
            seen.add(period)
            yield index, period
        elif number == len(newest_first):
            yield index, ""
