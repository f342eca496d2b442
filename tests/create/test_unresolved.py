"""What a client keeps for whoever looks: bounded, in one place, and to be cleared."""

import logging

import pytest
from support.scene import snapshot

from benchmarks.reliability.weeks import Memory, client_of, kept_by, round_of
from civo_snapshots import ExtraSnapshot, FleetRun, UnresolvedCreate
from civo_snapshots._create import claims, supervisor, unresolved
from civo_snapshots._create.unresolved import Latest, Unresolved
from civo_snapshots._watch import state_report
from civo_snapshots._watch.state_report import StateReporter
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock


def test_the_latest_are_kept_and_a_drop_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """R180."""
    latest = Latest[int]("numbers", 3)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            latest.add(number)
        assert (latest.all(), latest.dropped, caplog.messages) == ((0, 1, 2), 0, [])
        for number in range(3, 8):
            latest.add(number)
    assert (latest.all(), latest.dropped) == ((5, 6, 7), 5)
    assert len(caplog.messages) == 2  # at the first drop, and once in as many as are kept
    assert "3 numbers" in caplog.text
    latest.clear()
    assert (latest.all(), latest.dropped) == ((), 0)


def test_clearing_forgets_all_but_what_is_still_being_found_out() -> None:
    """R180."""
    creates = Latest[UnresolvedCreate]("creates", 9)
    runs, extras = Latest[FleetRun]("runs", 9), Latest[ExtraSnapshot]("extra snapshots", 9)
    is_open: list[UnresolvedCreate] = []
    is_ending: list[FleetRun] = []
    all_of_it = Unresolved(creates, runs, extras, lambda: is_open, lambda: is_ending)
    assert not all_of_it
    creates.add(UnresolvedCreate("i-1", "done"))
    runs.add(FleetRun("cancelled"))
    extras.add(ExtraSnapshot(None, snapshot("s-1")))
    is_open.append(UnresolvedCreate("i-1", "open"))
    is_ending.append(FleetRun("ending"))
    assert all_of_it
    assert [one.name for one in all_of_it.creates] == ["done", "open"]
    assert [one.name for one in all_of_it.runs] == ["cancelled", "ending"]
    assert [one.extra_id for one in all_of_it.extra_snapshots] == ["s-1"]
    assert repr(all_of_it) == "<Unresolved creates=2 runs=2 extra_snapshots=1 dropped=0>"
    all_of_it.clear()
    assert [one.name for one in all_of_it.creates] == ["open"]
    assert [one.name for one in all_of_it.runs] == ["ending"]
    assert all_of_it.extra_snapshots == ()
    is_open.clear()
    is_ending.clear()
    assert not all_of_it


def test_a_state_text_of_a_million_characters_is_not_remembered_whole() -> None:
    """R180, R194: a thousand of them would be a gigabyte."""
    told: list[object] = []
    reporter = StateReporter(told.append)
    for _ in range(2):
        reporter.note(snapshot("s-1", "x" * 1_000_000), DEFAULT_STATES)
    assert len(told) == 1
    assert max(map(len, reporter._familiar)) < 1_000


async def test_a_client_kept_for_weeks_keeps_no_more_than_after_its_first_days(
    monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    """R180: every container that lives as long as the client is counted, whatever its name."""
    monkeypatch.setattr(claims, "_CLAIMS_KEPT", 20)
    monkeypatch.setattr(state_report, "_MOST_FAMILIAR", 5)
    for name in ("CREATES_KEPT", "EXTRAS_KEPT", "RUNS_KEPT"):
        assert getattr(supervisor, name) == getattr(unresolved, name)
        monkeypatch.setattr(supervisor, name, 4)
    clock, memory = FakeClock(), Memory()
    async with client_of(memory, clock) as civo:
        entries: list[dict[str, int]] = []
        for number in range(45):
            await round_of(civo, memory, number, reads=1)
            if number % 15 == 14:
                await clock.sleep(200)  # the searches for what acted late have ended
                entries.append(kept_by(civo._state))
        assert civo.unresolved.dropped > 0
    first, second, third = ({k: n for k, n in one.items() if "_locks" not in k} for one in entries)
    assert first == second == third
    assert sum(first.values()) > 20  # they were found at all


def test_a_name_lock_lives_no_longer_than_its_creates() -> None:
    """R180."""
    kept = claims.Claims()
    lock = kept.name_lock("i", "n")
    assert kept.name_lock("i", "n") is lock
    assert kept_by(kept)["Claims._locks"] == 1
    del lock
    assert kept_by(kept)["Claims._locks"] == 0
