"""What callers pass is checked before anything is sent, and each refusal says what is accepted."""

import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots import _naming, _validation
from civo_snapshots.errors import InvalidArgumentError


def refusal_of(check: Callable[[], object]) -> str:
    with pytest.raises(InvalidArgumentError) as caught:
        check()
    assert caught.value.call is None
    return str(caught.value)


def test_good_values_pass_unchanged() -> None:
    assert _validation.identifier("0f3c-5d3e", "instance_id") == "0f3c-5d3e"
    assert _validation.label("before-upgrade") == "before-upgrade"
    assert _validation.run_name("a" * 47) == "a" * 47
    assert _validation.hostname("db1.internal.example") == "db1.internal.example"
    assert _validation.description("café 💾\nline two") == "café 💾\nline two"
    assert _validation.ipv4("10.0.0.4") == "10.0.0.4"
    assert _validation.boolean(False, "paused") is False
    assert _validation.one_of("adopt", "on_existing", ("adopt", "error")) == "adopt"
    assert _validation.cron("0 2 * * *") == "0 2 * * *"
    assert _validation.duration("1h30m5s") == "1h30m5s"


@pytest.mark.parametrize(
    "value",
    ["..", ".", "", "a/b", "a?x", "a#f", "%2e%2e", "a\r\nb", "a\\b", "x" * 10_000, None, 5, b"a"],
    ids=lambda value: ascii(value)[:20],
)
def test_an_id_that_is_no_id_is_refused_by_name(value: object) -> None:
    """C131."""
    text = refusal_of(lambda: _validation.identifier(value, "snapshot_id"))
    assert text.startswith("snapshot_id must be 1-128 letters")
    assert len(text) < 250
    assert text.isprintable()


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("Before Upgrade", "; 'before-upgrade' would do"),
        ("a" * 64, f"; {'a' * 63!r} would do"),
        ("a\n", "; 'a' would do"),
        ("snap٣", "; 'snap' would do"),
        ("", ""),
        ("--", ""),
        (None, ""),
        (7, ""),
    ],
    ids=ascii,
)
def test_a_name_that_is_no_label_is_refused_with_one_that_is(value: object, hint: str) -> None:
    """C132."""
    text = refusal_of(lambda: _validation.label(value))
    assert text.startswith("name must be an RFC 1123 label (1-63 ")
    assert text.endswith(hint)
    assert ("would do" in text) is bool(hint)


def test_a_runs_name_leaves_room_for_the_digest() -> None:
    text = refusal_of(lambda: _validation.run_name("a" * 48))
    assert "(1-47 " in text
    assert f"{'a' * 47!r} would do" in text
    assert _naming.is_label(_naming.name_for(_validation.run_name("a" * 47), "instance"))


@pytest.mark.parametrize(
    "value", ["", ".", "a..b", "a.", ".a", "A.b", "a_b", "-a", "a\n", "a." * 127 + "a", None, 3]
)
def test_a_host_name_that_is_none_is_refused(value: object) -> None:
    assert "hostname" in refusal_of(lambda: _validation.hostname(value))


def test_a_host_name_may_be_as_long_as_dns_allows() -> None:
    longest = ".".join(["a" * 63] * 3 + ["a" * 61])
    assert len(longest) == 253
    assert _validation.hostname(longest) == longest
    refusal_of(lambda: _validation.hostname(f"{longest}a"))


@pytest.mark.parametrize("value", ["lone \ud800 surrogate", b"bytes", None])
def test_a_description_that_cannot_be_sent_is_refused_rather_than_cut(value: object) -> None:
    """C134."""
    assert "description must be text" in refusal_of(lambda: _validation.description(value))


@pytest.mark.parametrize("length", [4_097, 5_000, 1 << 20])
def test_the_length_of_a_description_is_the_servers_to_judge(length: int) -> None:  # C134
    assert _validation.description("💾" * length) == "💾" * length


@pytest.mark.parametrize(
    "value",
    [
        "::1",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.04",
        "10.0.0.4/24",
        " 10.0.0.4",
        "٣.0.0.1",
        "",
        1,
        None,
    ],
    ids=ascii,
)
def test_only_a_dotted_ipv4_address_is_a_private_ip(value: object) -> None:
    """C135; a number too would make an address."""
    assert "such as '10.0.0.4'" in refusal_of(lambda: _validation.ipv4(value))


@pytest.mark.parametrize("value", [0, 1, "true", None, "False"])
def test_only_a_bool_is_a_bool(value: object) -> None:
    """C136."""
    text = refusal_of(lambda: _validation.boolean(value, "overwrite_existing"))
    assert text.startswith("overwrite_existing must be True or False")


@pytest.mark.parametrize("zero", [True, False])
@pytest.mark.parametrize(
    "value",
    [-1, -0.001, math.nan, math.inf, -math.inf, True, False, "5", None, Decimal(5), 10**400],
    ids=lambda value: ascii(value)[:20],
)
def test_seconds_that_no_clock_could_wait_are_refused(value: object, zero: bool) -> None:
    """C136, P100."""
    text = refusal_of(lambda: _validation.seconds(value, "timeout", zero=zero))
    assert ("timeout must be 0 or more seconds" in text) is zero


def test_zero_seconds_pass_only_where_they_mean_something() -> None:
    """P100: a wait's timeout of 0 is one poll."""
    assert _validation.seconds(0, "timeout", zero=True) == 0.0
    refusal_of(lambda: _validation.seconds(0, "interval"))


@settings(deadline=None)
@given(st.floats() | st.integers())
def test_accepted_seconds_are_finite_and_bounded(value: float) -> None:
    try:
        seconds = _validation.seconds(value, "timeout", zero=True)
    except InvalidArgumentError:
        assert not 0 <= value <= _validation.MAX_SECONDS
    else:
        assert isinstance(seconds, float)
        assert seconds == value
        assert 0 <= seconds <= _validation.MAX_SECONDS


@pytest.mark.parametrize("value", [0, -1, 11, True, 1.0, "3", None, math.nan])
def test_a_count_outside_its_bounds_is_refused(value: object) -> None:
    """C136."""
    text = refusal_of(lambda: _validation.count(value, "max_snapshots", most=10))
    assert text.startswith("max_snapshots must be a whole number, 1 to 10; got ")


def test_a_count_without_a_bound_of_its_own_names_none() -> None:
    assert "a whole number, at least 1; got 0" in refusal_of(
        lambda: _validation.count(0, "attempts")
    )
    assert [_validation.count(n, "n", most=10) for n in (1, 10)] == [1, 10]


def test_a_number_too_long_to_show_is_refused_like_any_other() -> None:
    """Python itself raises a bare ValueError when asked for the text of so large a number."""
    assert refusal_of(lambda: _validation.count(10**5_000, "attempts", most=9)).endswith("got int")


@pytest.mark.parametrize("value", ["Adopt", "adopt ", "", None, 1, ["adopt"]])
def test_a_word_outside_the_choice_is_refused(value: object) -> None:
    text = refusal_of(lambda: _validation.one_of(value, "on_existing", ("adopt", "error")))
    assert text.startswith("on_existing must be one of adopt, error; got ")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("* * * * *", "cron_expression '* * * * *' is refused: it runs every 1 min"),
        ("*/9 2 * * 1", "cron_expression '*/9 2 * * 1' is refused: it runs every 9 min"),
        ("", "cron_expression must be text such as '0 2 * * *'; got ''"),
        (None, "cron_expression must be text such as '0 2 * * *'; got None"),
        (["0 2 * * *"], "cron_expression must be text"),
    ],
)
def test_a_bad_cron_expression_is_refused_with_the_reason(value: object, said: str) -> None:
    assert refusal_of(lambda: _validation.cron(value)).startswith(said)


@pytest.mark.parametrize(
    "expression",
    ["*/10 * * * *", "0 2 * *", "@daily", "0 0 L * ?", "CRON_TZ=UTC 0 2 * * *", "1,2 * * * *"],
)
def test_the_server_is_the_judge_of_cron_syntax(expression: str) -> None:
    assert _validation.cron(expression) == expression


@pytest.mark.parametrize("value", ["48h", "90m", "1h30m", "30s", "0h", "999999h"])
def test_durations_pass(value: str) -> None:
    assert _validation.duration(value) == value


@pytest.mark.parametrize(
    "value", ["", "48", "h", "-1h", "1.5h", "30m1h", "48h ", "48h\n", "٤h", "1000000h", "2d", 48]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    assert "such as '48h'" in refusal_of(lambda: _validation.duration(value))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_refusals_are_short_and_cannot_forge_log_lines(text: str) -> None:
    """B68: what was passed is shown escaped and cut."""
    shown = refusal_of(lambda: _validation.identifier(f"/{text}", "id"))
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 250


def test_a_text_that_was_not_given_is_not_checked() -> None:
    assert _validation.optional(_validation.label, None) is None
    assert _validation.optional(_validation.label, "db1") == "db1"
    with pytest.raises(InvalidArgumentError):
        _validation.optional(_validation.label, "")
