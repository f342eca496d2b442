"""Retry-After and X-RateLimit-*: what counts, and that nothing else ever reaches a sleep."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._http import http_date, rate_window
from civo_snapshots._http.rate_limit_headers import retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

# What parsers of numbers and dates trip over, mixed into plain noise.
fragments = st.sampled_from(
    [
        "nan",
        "inf",
        "-5",
        "1e3",
        "+5",
        "1_000",
        "٣",
        "99999",
        "Mon,",
        "Nov",
        "23",
        "2026",
        "12:00:00",
        "GMT",
        "-0000",
        "+9999",
        "0",
        "1",
        ",",
        "-",
        ":",
        ".",
    ]
)
header_texts = st.lists(fragments | st.text(max_size=4), max_size=8).map(" ".join) | st.text()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Mon, 23 Nov 2026 12:00:30 GMT", id="imf-fixdate"),
        pytest.param("Monday, 23-Nov-26 12:00:30 GMT", id="rfc-850"),
        pytest.param("Mon Nov 23 12:00:30 2026", id="asctime"),
        pytest.param("Mon, 23 Nov 2026 12:00:30 -0000", id="no-zone"),
        pytest.param("Mon, 23 Nov 2026 13:00:30 +0100", id="offset"),
    ],
)
def test_every_form_of_an_http_date_is_read_as_utc(text: str) -> None:
    """H37."""
    assert http_date(text) == NOW + timedelta(seconds=30)
    assert retry_after({"retry-after": text}, NOW) == 30.0


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "2026-11-23T12:00:30Z",
        "Mon, 99 Nov 2026 12:00:30 GMT",
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -0100",
        "Mon, 23 Nov 2026 12:00:30 +999999999999",
        "Mon, 23 Nov 2026 12:00:30 GMT" + " " * 64,
    ],
)
def test_what_is_no_http_date_is_nothing(text: str | None) -> None:
    """H38; an offset may lead out of the calendar."""
    assert http_date(text) is None


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("7", 7.0), (" 120\t", 120.0)])
def test_seconds_are_taken_as_they_are(text: str, seconds: float) -> None:
    """H35, H40."""
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "inf",
        "-5",
        "1e3",
        "+5",
        "1_000",
        "1.5",
        "0x5",
        "٣",
        "9" * 10,
        "9" * 5_000,
        "",
        " ",
        "5, 10",
        "5\x00",
        "5\u2003",
        "Fri, 31 Dec 100000 23:59:59 GMT",
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_anything_else_is_as_if_it_were_not_there(text: str) -> None:
    """H38."""
    assert retry_after({"retry-after": text}, NOW) is None


def test_no_header_asks_for_no_wait() -> None:
    assert retry_after({}, NOW) is None
    assert rate_window({}, NOW) is None


def test_a_date_in_the_past_asks_for_no_wait() -> None:
    """H40."""
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 11:59:00 GMT"}, NOW) == 0.0


def test_the_servers_own_date_cancels_a_skew() -> None:
    """H37, S85: the server's clock is three hours behind ours."""
    headers = {
        "retry-after": "Mon, 23 Nov 2026 09:00:30 GMT",
        "date": "Mon, 23 Nov 2026 09:00:00 GMT",
    }
    assert retry_after(headers, NOW) == 30.0
    assert retry_after({**headers, "date": "rubbish"}, NOW) == 0.0


@settings(deadline=None)
@given(header_texts, header_texts)
def test_retry_after_is_never_nan_infinite_or_negative(text: str, date: str) -> None:
    """H38: a NaN in a sleep can freeze the whole process."""
    seconds = retry_after({"retry-after": text, "date": date}, NOW)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@settings(deadline=None)
@given(st.integers(0, 10**8))
def test_a_date_asks_for_exactly_the_seconds_until_then(seconds: int) -> None:
    text = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "window"),
    [
        pytest.param({"x-ratelimit-reset": "30"}, None, id="remaining-unknown"),
        pytest.param(
            {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "30"}, (7, 30.0), id="some-left"
        ),
        pytest.param({"x-ratelimit-remaining": "0"}, None, id="reset-unknown"),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, (0, 30.0), id="seconds"
        ),
        pytest.param(
            {"x-ratelimit-remaining": " 0 ", "x-ratelimit-reset": " 0 "}, (0, 0.0), id="spaces"
        ),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW.timestamp() + 45:.0f}"},
            (0, 45.0),
            id="moment",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOW.timestamp() - 45:.0f}"},
            (0, 0.0),
            id="moment-in-the-past",
        ),
        pytest.param(
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": f"{NOW.timestamp() + 45:.0f}",
                "date": "Mon, 23 Nov 2026 12:00:15 GMT",
            },
            (0, 30.0),
            id="moment-by-the-servers-clock",
        ),
        *(
            pytest.param(
                {"x-ratelimit-remaining": text, "x-ratelimit-reset": "30"},
                None,
                id=f"remaining-{text!a}",
            )
            for text in ("nan", "-1", "1e3", "1.5", "\u0663", "9" * 10, "")
        ),
        *(
            pytest.param(
                {"x-ratelimit-remaining": "0", "x-ratelimit-reset": text}, None, id=ascii(text)
            )
            for text in ("nan", "-1", "1e3", "1.5", "٣", "9" * 11, "")
        ),
    ],
)
def test_a_rate_window_is_what_is_left_and_for_how_long(
    headers: dict[str, str], window: tuple[int, float] | None
) -> None:
    assert rate_window(headers, NOW) == window


@settings(deadline=None)
@given(header_texts, st.sampled_from(["0", "00", "1", "\u0660"]), header_texts)
def test_a_rate_window_is_never_nan_infinite_or_negative(
    reset: str, remaining: str, date: str
) -> None:
    headers = {"x-ratelimit-reset": reset, "x-ratelimit-remaining": remaining, "date": date}
    window = rate_window(headers, NOW)
    assert window is None or all(math.isfinite(part) and part >= 0 for part in window)
