"""The policy: restic's terms, over clock changes, leap days and the turn of the year."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civo_snapshots import InvalidArgumentError, RetentionPolicy

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def nights(*dates: str, hour: int = 2) -> list[datetime]:
    return [datetime.fromisoformat(date).replace(hour=hour, tzinfo=UTC) for date in dates]


def kept(policy: RetentionPolicy, times: Sequence[datetime]) -> list[datetime]:
    return [at for at, why in zip(times, policy.reasons(times), strict=True) if why]


def policies() -> st.SearchStrategy[RetentionPolicy]:
    counts = st.integers(0, 4)
    return st.builds(
        RetentionPolicy,
        keep_last=counts,
        keep_hourly=counts,
        keep_daily=counts,
        keep_weekly=counts,
        keep_monthly=counts,
        keep_yearly=counts,
        keep_within=st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=400)),
        tz=st.sampled_from(
            [UTC, BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]
        ),
    )


def moments() -> st.SearchStrategy[datetime]:
    """Around clock changes, a leap day and the turns of years whose ISO weeks differ most."""
    around = [
        "2020-12-28",
        "2024-02-29",
        "2024-12-30",
        "2026-03-29",
        "2026-10-25",
        "2027-01-01",
    ]
    return st.builds(
        lambda start, minutes: (
            datetime.fromisoformat(start).replace(tzinfo=UTC) + timedelta(minutes=minutes)
        ),
        st.sampled_from(around),
        st.integers(-12_000, 12_000),
    )


def test_the_last_days_that_have_one_are_counted() -> None:
    """A week without backups deletes nothing."""
    times = nights("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-20", "2026-11-21")
    assert kept(RetentionPolicy(keep_daily=3), times) == times[2:]


def test_of_a_day_the_newest_is_kept() -> None:
    times = [
        *nights("2026-11-01", hour=23),
        *nights("2026-11-02", hour=1),
        *nights("2026-11-02", hour=9),
    ]
    assert kept(RetentionPolicy(keep_daily=1), times) == times[2:]
    assert kept(RetentionPolicy(keep_daily=2), times) == [times[0], times[2]]


def test_rules_are_joined_by_or_and_each_tells_why() -> None:
    times = nights("2026-09-30", "2026-10-31", "2026-11-29", "2026-11-30")
    policy = RetentionPolicy(keep_last=1, keep_daily=2, keep_monthly=2)
    assert policy.reasons(times) == [
        (),
        ("monthly 2026-10",),
        ("daily 2026-11-29",),
        ("last 1", "daily 2026-11-30", "monthly 2026-11"),
    ]


def test_the_oldest_is_kept_while_a_rule_has_counted_too_few() -> None:
    """As restic does: the history reaches back as far as it may."""
    times = nights("2026-11-01", "2026-11-02", "2026-11-20", "2026-12-01")
    policy = RetentionPolicy(keep_monthly=3)
    assert policy.reasons(times) == [
        ("oldest monthly",),
        (),
        ("monthly 2026-11",),
        ("monthly 2026-12",),
    ]


def test_within_counts_back_from_the_newest_snapshot() -> None:
    times = nights("2026-01-01", "2026-01-03", "2026-01-04", "2026-01-06")
    assert kept(RetentionPolicy(keep_within=3 * DAY), times) == times[2:]


def test_the_iso_week_of_new_year_is_one_week() -> None:
    """29 December 2025 and 1 January 2026 are both in the first week of 2026."""
    times = nights("2025-12-28", "2025-12-29", "2025-12-31", "2026-01-01")
    assert RetentionPolicy(keep_weekly=2).reasons(times) == [
        ("weekly 2025-W52",),
        (),
        (),
        ("weekly 2026-W01",),
    ]
    times = nights("2020-12-31", "2021-01-03", "2021-01-04")
    assert kept(RetentionPolicy(keep_weekly=2), times) == times[1:]  # 2020 has a week 53


def test_a_leap_day_is_a_day() -> None:
    times = nights("2024-02-28", "2024-02-29", "2024-03-01")
    assert kept(RetentionPolicy(keep_daily=2), times) == times[1:]
    assert kept(RetentionPolicy(keep_monthly=1), times) == times[2:]


def test_days_begin_where_the_policy_says() -> None:
    times = [datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 7, 1, 21, 30, tzinfo=UTC)]
    assert kept(RetentionPolicy(keep_daily=1), times) == times[:1]
    assert kept(RetentionPolicy(keep_daily=2, tz=BERLIN), times) == times  # 00:30 and 23:30


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert first.astimezone(BERLIN).hour == second.astimezone(BERLIN).hour == 2
    before = first - timedelta(hours=1)
    times = [before, first, second]
    assert kept(RetentionPolicy(keep_hourly=2, tz=BERLIN), times) == [first, second]
    local = [at.astimezone(BERLIN) for at in times]  # whose own comparison ignores the fold
    assert kept(RetentionPolicy(keep_last=1, tz=BERLIN), local) == local[2:]


def test_the_day_of_23_hours_is_one_day() -> None:
    times = [datetime(2026, 3, 29, hour, tzinfo=UTC) for hour in (0, 12, 21)]
    times = [datetime(2026, 3, 28, 12, tzinfo=UTC), *times]
    assert kept(RetentionPolicy(keep_daily=2, tz=BERLIN), times) == [times[0], times[3]]


def test_a_policy_without_rules_deletes_nothing() -> None:
    times = nights("2026-11-01", "2026-11-02")
    assert kept(RetentionPolicy(), times) == times
    assert kept(RetentionPolicy(min_age=DAY), times) == times
    assert RetentionPolicy(keep_last=1).reasons([]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep_last": -1},
        {"keep_daily": 1.0},
        {"keep_weekly": True},
        {"keep_yearly": None},
        {"keep_within": timedelta()},
        {"keep_within": 3600},
        {"min_age": -DAY},
        {"tz": "Europe/Berlin"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        RetentionPolicy(**wrong)  # type: ignore[arg-type]


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="zone"):
        RetentionPolicy(keep_last=1).reasons([datetime(2026, 1, 1)])


def test_a_policy_says_what_it_is() -> None:
    policy = RetentionPolicy(keep_daily=7, keep_within=DAY, tz=BERLIN)
    assert str(policy) == "keep_daily=7, keep_within=1 day, 0:00:00, tz=Europe/Berlin"
    assert str(RetentionPolicy()) == "no rule, tz=UTC"


@given(policies(), st.lists(moments(), unique=True, max_size=40), st.randoms())
def test_what_is_kept_does_not_depend_on_the_order(
    policy: RetentionPolicy, times: list[datetime], dice: random.Random
) -> None:
    shuffled = times.copy()
    dice.shuffle(shuffled)
    assert dict(zip(times, policy.reasons(times), strict=True)) == dict(
        zip(shuffled, policy.reasons(shuffled), strict=True)
    )


@given(policies(), st.lists(moments(), unique=True, max_size=40))
def test_what_was_kept_is_kept_again(policy: RetentionPolicy, times: list[datetime]) -> None:
    left = kept(policy, times)
    assert kept(policy, left) == left


@given(policies(), st.lists(moments(), unique=True, max_size=40))
def test_the_newest_is_kept_by_every_rule(policy: RetentionPolicy, times: list[datetime]) -> None:
    assert not times or max(times) in kept(policy, times)


@given(policies(), st.lists(moments(), unique=True, max_size=40), st.integers(-12, 14))
def test_in_which_zone_a_time_is_told_makes_no_difference(
    policy: RetentionPolicy, times: list[datetime], hours: int
) -> None:
    zone = timezone(timedelta(hours=hours))
    assert policy.reasons(times) == policy.reasons([at.astimezone(zone) for at in times])


@given(st.integers(1, 5), st.lists(moments(), unique=True, min_size=1, max_size=40))
def test_each_of_the_last_days_that_have_one_keeps_its_newest(
    count: int, times: list[datetime]
) -> None:
    """Against the plainest way to write it."""
    by_day: dict[str, datetime] = {}
    for at in sorted(times):
        by_day[f"{at.astimezone(BERLIN):%Y-%m-%d}"] = at
    newest = sorted(by_day.values())[-count:]
    if len(by_day) < count:
        newest.append(min(times))
    assert set(kept(RetentionPolicy(keep_daily=count, tz=BERLIN), times)) == set(newest)
