"""Cron expressions: which are refused before they are sent, and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._cron import MIN_INTERVAL, problem_with


@pytest.mark.parametrize(
    "expression",
    [
        "0 2 * * *",
        "*/10 * * * *",
        "0,10,20,30,40,50 * * * *",
        "0-50/10 * * * *",
        "5/15 * * * *",
        "30 1,13 * * mon-fri",
        "0 0 1 jan,JUL *",
        "0 0 1-7 * sun",
        "0 0 * * 7",
        "  0\t2 *  * * ",
        "59 23 31 12 0",
        "55,5 23,0 * * *",
        # 23:55 and 00:00 are five minutes apart, but not on two days that follow each other.
        "55,5 23,0 1 * *",
        "0 0 * 2 0,3",
    ],
)
def test_expressions_that_run_seldom_enough_pass(expression: str) -> None:
    assert problem_with(expression) is None


@pytest.mark.parametrize(
    ("expression", "count"), [("", 0), ("* * * *", 4), ("0 0 2 * * *", 6), ("@daily", 1)]
)
def test_anything_but_five_fields_is_refused(expression: str, count: int) -> None:
    assert problem_with(expression) == f"a cron expression has 5 fields, this one has {count}"


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("60 * * * *", "minute"),
        ("jan * * * *", "minute"),
        ("-1 * * * *", "minute"),
        ("*/0 * * * *", "minute"),
        ("10-5 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("1-2-3 * * * *", "minute"),
        ("*-5 * * * *", "minute"),
        ("/5 * * * *", "minute"),
        ("*/99999 * * * *", "minute"),
        ("00001 * * * *", "minute"),
        ("٣ * * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 0 0 * *", "day of month"),
        ("0 0 32 * *", "day of month"),
        ("0 0 ? * *", "day of month"),
        ("0 0 1 13 *", "month"),
        ("0 0 1 mon *", "month"),
        ("0 0 1 jan-foo *", "month"),
        ("0 0 * * 8", "day of week"),
        ("0 0 * * jan", "day of week"),
    ],
    ids=ascii,
)
def test_a_bad_field_is_named(expression: str, field: str) -> None:
    problem = problem_with(expression)
    assert problem is not None
    assert problem.startswith(f"the {field} field ")


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("* * * * *", 1),
        ("*/9 * * * *", 6),
        ("*/5 2 * * *", 5),
        ("0,9 2 * * *", 9),
        ("51,0 0-23 * * *", 9),
        ("55,3 23,0 * * *", 8),
    ],
)
def test_the_shortest_gap_between_two_runs_is_named(expression: str, gap: int) -> None:
    expected = f"it runs every {gap} min; at least {MIN_INTERVAL} min must lie between two runs"
    assert problem_with(expression) == expected


@settings(deadline=None)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
)
def test_daily_runs_pass_exactly_if_no_two_of_two_days_are_too_close(
    minutes: set[int], hours: set[int]
) -> None:
    """Against a formulation that walks the minutes of two days."""
    expression = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    runs = [
        minute
        for minute in range(2 * 1440)
        if minute % 60 in minutes and minute // 60 % 24 in hours
    ]
    close = any(0 < later - earlier < MIN_INTERVAL for earlier in runs for later in runs)
    assert (problem_with(expression) is not None) is close


@settings(deadline=None)
@given(st.text(st.sampled_from("0123456789*/,- \tjanmonTUE٣?#@"), max_size=20))
def test_whatever_passes_has_five_fields_of_plain_characters(text: str) -> None:
    if problem_with(text) is None:
        assert len(text.split()) == 5
        assert set(text) <= set("0123456789*/,- \tjanmonTUE")
