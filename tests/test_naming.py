"""Names, ids and region codes: what is let through, what is made, and what is suggested."""

import re
import string
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from civo_snapshots import _naming

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)

# Letters and digits of other scripts, separators, dots and escapes: what slips through `\d`,
# `isalnum` or `$`, more often than plain random text would hold it.
nasty = st.text(
    st.sampled_from("aZ09-._/\\%?#@:;&=+ \t\r\n\x00\x7f٣²ⅷ\uff45йß\u200b\ud800") | st.characters(),
    max_size=140,
)


@pytest.mark.parametrize(
    "text", ["a", "7", "0-0", "1st", "before-upgrade", "a" * 63, "a--b", "3" * 63]
)
def test_labels_are_accepted(text: str) -> None:
    """C133: a digit may come first, other than in RFC 1035."""
    assert _naming.is_label(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 64, id="too-long"),
        pytest.param("Upper", id="upper-case"),
        pytest.param("snake_case", id="underscore"),
        pytest.param("-a", id="leading-hyphen"),
        pytest.param("a-", id="trailing-hyphen"),
        pytest.param("-", id="hyphen"),
        pytest.param("a.b", id="dot"),
        pytest.param("a\n", id="trailing-newline"),
        pytest.param("a b", id="space"),
        pytest.param("snap٣", id="arabic-digit"),
        pytest.param("snap²", id="superscript"),
        pytest.param("\uff45", id="full-width"),
        pytest.param("й", id="cyrillic"),
    ],
)
def test_what_is_no_label_is_refused(text: str) -> None:
    """C132."""
    assert not _naming.is_label(text)


@settings(deadline=None)
@given(nasty)
def test_a_label_is_what_rfc_1123_says_in_other_words(text: str) -> None:
    """C132, without a regular expression."""
    letters = set(string.ascii_lowercase + string.digits)
    expected = (
        1 <= len(text) <= 63
        and set(text) <= letters | {"-"}
        and text[0] in letters
        and text[-1] in letters
    )
    assert _naming.is_label(text) is expected


@pytest.mark.parametrize("text", ["a", "A1", "volume_uuid_1", "a.b", "a..b", "0", "x" * 128])
def test_ids_are_accepted(text: str) -> None:
    assert _naming.is_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "-a",
        "_a",
        ".a",
        "a/b",
        "a\\b",
        "a?x",
        "a#f",
        "a;b",
        "a b",
        "%2e%2e",
        "a%2fb",
        "a\r\nb",
        "a\n",
        "a\x00",
        "é",
        "x" * 129,
        "x" * 10_000,
    ],
    ids=ascii,
)
def test_ids_that_could_reach_another_path_are_refused(text: str) -> None:
    """C131, X145."""
    assert not _naming.is_id(text)


@settings(deadline=None)
@given(nasty)
def test_an_accepted_id_stays_one_segment_of_the_same_path(text: str) -> None:
    """C131: whatever a URL library normalises, decodes or encodes."""
    if not _naming.is_id(text):
        return
    url = URL("https://api.example") / "v2" / "instances" / text / "snapshots"
    assert url.raw_path == f"/v2/instances/{text}/snapshots"
    assert URL(f"https://api.example/v2/instances/{text}/snapshots") == url
    assert quote(text, safe="") == text == unquote(text)
    assert url.query_string == url.fragment == ""


@settings(deadline=None)
@given(st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=128))
def test_ids_of_the_allowed_characters_stay_one_segment_too(text: str) -> None:
    """C131: the half that random text seldom reaches."""
    assert _naming.is_id(text) is text[0].isalnum()
    if _naming.is_id(text):
        assert URL(f"https://api.example/v2/{text}/x").raw_path == f"/v2/{text}/x"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("LON1", True),
        ("lon1", True),
        ("my-private-region-2", True),
        ("", False),
        ("LON1\n", False),
        ("LON 1", False),
        ("LON1&region=NYC1", False),
        ("-LON1", False),
        ("L" * 33, False),
    ],
    ids=ascii,
)
def test_region_codes_are_plain_words(text: str, good: bool) -> None:
    assert _naming.is_region(text) is good


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Before Upgrade!", "before-upgrade"),
        ("--a__b--", "a-b"),
        ("Café", "cafe"),
        ("a\n", "a"),
        ("\uff46\uff55ll", "full"),
        ("й", ""),
        ("", ""),
        ("a" * 62 + "_b", "a" * 62),
        ("a" * 80, "a" * 63),
    ],
    ids=ascii,
)
def test_the_nearest_label_is_suggested(text: str, suggestion: str) -> None:
    """C132."""
    assert _naming.suggest_label(text) == suggestion


@settings(deadline=None)
@given(nasty, st.integers(1, 63))
def test_every_suggestion_is_a_label_of_the_asked_length(text: str, length: int) -> None:
    suggestion = _naming.suggest_label(text, length)
    assert suggestion == "" or (_naming.is_label(suggestion) and len(suggestion) <= length)


def test_generated_names_are_labels_that_tell_their_time_and_never_repeat() -> None:
    """S72."""
    names = {_naming.generate_name(NOW) for _ in range(200)}
    assert len(names) == 200
    assert all(_naming.is_label(name) for name in names)
    assert all(re.fullmatch(r"snap-20261123-040506-[0-9a-f]{8}", name) for name in names)


def test_a_run_names_an_instances_snapshot_the_same_way_for_ever() -> None:
    """L115: a later version with another digest could not find what an older one made."""
    name = "nightly-20261123-e78c40896de0"
    assert _naming.name_for("nightly-20261123", "0f3c5d3e-instance") == name


@settings(deadline=None)
@given(
    run=st.text(string.ascii_lowercase, min_size=1, max_size=_naming.MAX_RUN_NAME),
    ids=st.sets(st.text(string.hexdigits, min_size=1, max_size=36), min_size=2, max_size=5),
)
def test_the_names_of_a_run_are_labels_and_differ(run: str, ids: set[str]) -> None:
    names = {_naming.name_for(run, instance_id) for instance_id in ids}
    assert len(names) == len(ids)
    assert all(_naming.is_label(name) and name.startswith(f"{run}-") for name in names)


def test_names_made_here_are_known_as_such() -> None:
    assert _naming.is_unique(_naming.generate_name(datetime(2026, 11, 23, tzinfo=UTC)), "i-1")
    assert _naming.is_unique(_naming.name_for("nightly", "i-1"), "i-1")


@pytest.mark.parametrize("name", ["", "nightly", "snap-1", _naming.name_for("nightly", "i-2")])
def test_names_that_anybody_may_choose_are_known_as_such(name: str) -> None:
    assert not _naming.is_unique(name, "i-1")


@pytest.mark.parametrize("number", [2, 9])
def test_a_repeat_is_a_label_that_names_its_first(number: int) -> None:
    """R160: also of the longest name, and no other run's snapshot can bear it."""
    run = "n" * _naming.MAX_RUN_NAME
    first, repeat = _naming.name_for(run, "i-1"), _naming.name_for(run, "i-1", number)
    assert repeat == f"{first}-r{number}"
    assert _naming.is_label(repeat)
    assert _naming.without_repeat(repeat) == (first, number)
    assert _naming.without_repeat(first) == (first, 1)
    assert _naming.is_of_run(repeat, run)
    assert _naming.is_unique(repeat, "i-1")
    assert not _naming.is_unique(repeat, "i-2")


@pytest.mark.parametrize(
    "name", ["nightly-abcdefghijkl", "nightly", "nightly-2-e78c40896de0", "xnightly-e78c40896de0"]
)
def test_the_names_of_another_run_are_no_ones_of_this(name: str) -> None:
    assert not _naming.is_of_run(name, "nightly")


@pytest.mark.parametrize("name", ["by-hand", "by-hand-r2", "a-r2", "nightly-e78c40896de0-r1"])
def test_a_mark_counts_only_behind_a_digest(name: str) -> None:
    assert _naming.without_repeat(name) == (name, 1)


@settings(deadline=None)
@given(nasty)
def test_any_text_makes_a_valid_name_of_a_run(text: str) -> None:
    """R160: a scheduler's own id of a run, whatever it looks like."""
    name = _naming.run_name(text)
    assert _naming.is_label(name)
    assert len(name) <= _naming.MAX_RUN_NAME
    assert _naming.run_name(text) == _naming.run_name(name) == name


def test_two_texts_never_share_the_name_of_a_run() -> None:
    """R160: the second would adopt what the first has made."""
    texts = ["nightly", "Nightly", "night_ly", "й", "", *(f"{'n' * 60}{day}" for day in "12")]
    assert len({_naming.run_name(text) for text in texts}) == len(texts)
    assert _naming.run_name("nightly") == "nightly"
    assert _naming.run_name("scheduled__2026-11-23T00:00:00+00:00").startswith("scheduled-2026-11")
