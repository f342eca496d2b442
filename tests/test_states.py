"""The terminal rule: when a snapshot and its volumes are complete, failed, settling or pending."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots import states
from civo_snapshots.states import DEFAULT_STATES, State, Verdict

SPELLINGS = [*DEFAULT_STATES, "Complete", "COMPLETED ", "Failed", "\tERROR\n", "Copying", "gone"]
texts = st.sampled_from(SPELLINGS) | st.text(max_size=12)
ids = st.sampled_from(["v-1", "v-2", "v-3", "v-4"])


def volumes_of(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Volumes v-1, v-2, ... in these states."""
    return [(f"v-{number}", text) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Complete", State.COMPLETE),
        ("complete", State.COMPLETE),
        ("Completed", State.COMPLETE),
        ("completed", State.COMPLETE),
        ("COMPLETE ", State.COMPLETE),
        ("\n Complete\t", State.COMPLETE),
        ("Failed", State.FAILED),
        ("failed", State.FAILED),
        ("Error", State.FAILED),
        ("Pending", State.PENDING),
        ("pending", State.PENDING),
        ("available", State.COMPLETE),
        ("in_progress", State.PENDING),
        ("in-progress", State.PENDING),
        ("new", State.PENDING),
        ("Ready", State.COMPLETE),
        ("", State.PENDING),
    ],
)
def test_every_spelling_that_was_seen_has_its_meaning(text: str, meaning: State) -> None:
    """P86."""
    assert states.classify(text) is meaning
    assert states.is_known(text)


@pytest.mark.parametrize("text", ["Copying", "incomplete", "complete!", "not failed", "c o m"])
def test_an_unknown_text_is_pending_and_remarkable(text: str) -> None:
    """P87: it must neither end a wait nor pass unseen."""
    assert states.classify(text) is State.PENDING
    assert not states.is_known(text)
    assert states.verdict(text, [("v-1", text)]) is Verdict.PENDING


def test_a_deployment_adds_its_own_spellings() -> None:
    table = states.extended({" Sealed ": State.COMPLETE, "available": State.PENDING})
    assert states.classify("SEALED", table) is State.COMPLETE
    assert states.classify("available", table) is State.PENDING
    assert states.classify("Failed", table) is State.FAILED
    assert states.is_known("sealed", table)
    # The default table is shared by every client of the process and must not have moved (X149).
    assert not states.is_known("sealed")
    assert states.classify("available") is State.COMPLETE


@pytest.mark.parametrize("text", ["Ready", "available", " READY\n"])
def test_what_counts_as_complete_without_being_documented_is_remarkable(text: str) -> None:
    """P86, P87: known, but a client is told once that it goes by it."""
    assert states.is_unusual(text)
    assert states.verdict(text, [("v-1", text), ("v-2", "Completed")]) is Verdict.COMPLETE
    # Whoever says what it means there needs no remark.
    assert not states.is_unusual(text, states.extended({text: State.PENDING}))


@pytest.mark.parametrize("text", ["Complete", "completed", "Pending", "", "Failed", "Copying"])
def test_no_other_text_is_unusual(text: str) -> None:
    assert not states.is_unusual(text)


def test_no_table_can_be_changed_by_accident() -> None:
    for table in (DEFAULT_STATES, states.extended({})):
        with pytest.raises(TypeError):
            table["pending"] = State.COMPLETE  # type: ignore[index]


@pytest.mark.parametrize(
    ("own", "volumes", "verdict"),
    [
        pytest.param("Complete", ["Completed", "complete"], Verdict.COMPLETE, id="all-complete"),
        pytest.param("Complete", [], Verdict.COMPLETE, id="no-volumes-listed"),
        pytest.param("Complete", ["Complete", "Pending"], Verdict.SETTLING, id="P88-settling"),
        pytest.param("Complete", ["Copying"], Verdict.SETTLING, id="unknown-volume-state"),
        pytest.param("Pending", ["Completed", "Failed"], Verdict.FAILED, id="P89-volume-failed"),
        pytest.param("Complete", ["Failed"], Verdict.FAILED, id="complete-but-volume-failed"),
        pytest.param("Failed", ["Complete"], Verdict.FAILED, id="P90-own-failed"),
        pytest.param("Failed", [], Verdict.FAILED, id="failed-without-volumes"),
        pytest.param("Pending", [], Verdict.PENDING, id="P91-nothing-listed"),
        pytest.param("Pending", ["Complete", "Complete"], Verdict.PENDING, id="own-still-pending"),
        pytest.param("", [], Verdict.PENDING, id="right-after-create"),
    ],
)
def test_a_snapshot_is_judged_with_its_volumes(
    own: str, volumes: list[str], verdict: Verdict
) -> None:
    assert states.verdict(own, volumes_of(volumes)) is verdict


@pytest.mark.parametrize(
    ("own", "volumes", "included", "verdict"),
    [
        pytest.param("Complete", ["Completed"], 1, Verdict.COMPLETE, id="each-listed"),
        pytest.param("Complete", ["Completed"], 2, Verdict.SETTLING, id="one-never-listed"),
        pytest.param("Complete", ["Completed"], 0, Verdict.COMPLETE, id="included-not-told"),
        pytest.param("Complete", ["Completed"] * 3, 2, Verdict.COMPLETE, id="more-listed"),
        pytest.param("Complete", [], 2, Verdict.COMPLETE, id="a-server-that-lists-none"),
        pytest.param("Pending", ["Completed"], 2, Verdict.PENDING, id="not-even-itself"),
        pytest.param("Complete", ["Failed"], 2, Verdict.FAILED, id="seen-failing"),
        pytest.param("Failed", ["Completed"], 2, Verdict.FAILED, id="failed-itself"),
    ],
)
def test_a_volume_that_was_never_listed_is_not_finished(
    own: str, volumes: list[str], included: int, verdict: Verdict
) -> None:
    """R178: unless no volume is listed at all."""
    names = [f"v-{number}" for number in range(1, included + 1)]
    assert states.verdict(own, volumes_of(volumes), names) is verdict


@settings(deadline=None)
@given(
    own=texts,
    volumes=st.lists(st.tuples(ids, texts), max_size=6),
    included=st.lists(ids, max_size=4),
)
def test_the_verdict_is_what_the_rule_says_in_other_words(
    own: str, volumes: list[tuple[str, str]], included: list[str]
) -> None:
    """P86-P91, R178, against a formulation that shares no code: counting over plain text."""
    listed = {one for one, _ in volumes}
    unlisted = ["unlisted" for one in included if listed and one not in listed]
    words = [text.strip().lower() for text in (own, *(text for _, text in volumes), *unlisted)]
    failed = sum(word in {"failed", "error"} for word in words)
    finished = {"complete", "completed", "ready", "available"}
    complete = sum(word in finished for word in words)
    own_complete = words[0] in finished
    expected = (
        "failed"
        if failed
        else "complete"
        if complete == len(words)
        else "settling"
        if own_complete
        else "pending"
    )
    assert states.verdict(own, volumes, included).value == expected


@settings(deadline=None)
@given(
    own=texts,
    volumes=st.lists(st.tuples(ids, texts), max_size=6),
    included=st.lists(ids, max_size=4),
    data=st.data(),
)
def test_neither_order_nor_repetition_of_volumes_matters(
    own: str, volumes: list[tuple[str, str]], included: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(volumes + volumes[:2]))
    again = data.draw(st.permutations(included + included[:2]))
    expected = states.verdict(own, volumes, included)
    assert states.verdict(own, iter(shuffled), iter(again)) is expected


def test_only_complete_and_failed_end_a_wait() -> None:
    terminal = {verdict for verdict in Verdict if verdict.is_terminal}
    assert terminal == {Verdict.COMPLETE, Verdict.FAILED}
