"""How states are shown: tables on a terminal, lines in a file, no text taken for markup."""

import json
import os
from collections.abc import Iterator
from io import StringIO, TextIOWrapper

import pytest
from attrs import evolve
from rich.console import Console, RenderableType

from civo_snapshots import (
    CivoError,
    ExtraSnapshot,
    FleetRun,
    Instance,
    Outcome,
    OutcomeKind,
    Snapshot,
    SnapshotStatus,
    UnresolvedCreate,
    VolumeStatus,
)
from civo_snapshots.cli._board import Board, Row, rows_for
from civo_snapshots.cli._display import frame, line
from civo_snapshots.cli._report import Report, Restoration
from civo_snapshots.cli._screen import Screen, console


def drawn(what: RenderableType, width: int = 100) -> str:
    out = StringIO()
    Console(file=out, width=width, markup=False).print(what)
    return out.getvalue()


def snapshot(instance_id: str, state: str, *volumes: str) -> Snapshot:
    found = tuple(VolumeStatus(f"vol-{number}", text) for number, text in enumerate(volumes))
    return Snapshot(
        id=f"snap-{instance_id}", status=SnapshotStatus(state, found), instance_id=instance_id
    )


def outcome(instance_id: str, kind: OutcomeKind, found: Snapshot | None = None) -> Outcome:
    return Outcome(instance_id, f"run-{instance_id}", kind, found)


@pytest.fixture
def board() -> Board:
    """One instance of each sort: finished, running, failed, refused, and one that waits."""
    made = Board("nightly in LON1", rows_for(["done", "runs", "bad", "no", "waits"]))
    made.end(outcome("done", OutcomeKind.COMPLETE, snapshot("done", "Complete", "Completed")))
    made.see(snapshot("runs", "Pending", "Completed", "Pending", "odd"))
    made.end(outcome("bad", OutcomeKind.FAILED, snapshot("bad", "Failed", "Completed", "Failed")))
    made.end(outcome("no", OutcomeKind.REFUSED))
    made.elapsed, made.requests = 12.3, 7
    return made


def test_a_picture_has_a_row_per_snapshot_and_a_mark_per_volume(board: Board) -> None:
    picture = drawn(frame(board, 100, 30))
    assert "nightly in LON1  12 s  7 requests" in picture
    assert "3 of 5 ended  waiting 1  running 1  complete 1  failed 1  refused 1" in picture
    assert "✓ done  ●" in picture
    assert "▸ runs  ●··" in picture
    assert "✗ bad   ●✗" in picture
    assert "✗ no" in picture
    assert "  waits" in picture


def test_every_line_of_a_picture_ends_before_the_terminal_does(board: Board) -> None:
    for width in (20, 40, 80):
        assert all(len(text) <= width for text in drawn(frame(board, width, 24), width).split("\n"))


def test_a_small_terminal_shows_what_runs_and_how_many_more() -> None:
    board = Board("big", rows_for([f"host-{number:04}" for number in range(1000)]))
    for number in range(600):
        board.see(snapshot(f"host-{number:04}", "Pending", "Pending"))
    board.end(outcome("host-0000", OutcomeKind.COMPLETE))
    picture = drawn(frame(board, 80, 24), 80)
    assert len(picture.splitlines()) <= 24
    assert "host-0000" not in picture
    assert "host-0001" in picture
    assert "more" in picture


def test_a_picture_of_nothing_is_a_picture() -> None:
    assert "0 of 0 ended" in drawn(frame(Board("none", {}), 80, 24))


def test_lines_say_the_same_where_there_is_no_terminal(board: Board) -> None:
    texts = {row.label: line(board, row) for row in board.rows.values()}
    assert texts["done"].endswith("3/5  done   complete  1/1 volumes ended")
    assert texts["runs"].endswith("runs   Pending  1/3 volumes ended")
    assert texts["no"].endswith("no     refused")
    assert texts["waits"].endswith("waits  waiting")


def test_a_volume_that_has_still_to_be_listed_has_not_ended(board: Board) -> None:
    """R178: unless none is listed at all."""
    included = ("vol-0", "vol-1", "vol-2")
    board.see(evolve(snapshot("waits", "Complete", "Completed"), included_volumes=included))
    assert line(board, board.rows["waits"]).endswith("Complete  1/3 volumes ended")
    board.see(evolve(snapshot("no", "Complete"), included_volumes=included))
    assert board.rows["no"].volumes == {}


def test_a_line_says_why_a_snapshot_failed(board: Board) -> None:
    """R199."""
    status = SnapshotStatus("Failed", (), "volume 2:\x07 no space left" + "." * 1_000)
    failed = Snapshot("s-1", status=status, instance_id="bad")
    board.see(failed)
    board.end(outcome("bad", OutcomeKind.FAILED, failed))
    text = line(board, board.rows["bad"])
    assert "failed  2/2 volumes ended  volume 2:\\x07 no space left..." in text
    assert len(text) < 200
    # What one that goes on says is no reason for anything.
    board.see(Snapshot("s-2", status=evolve(status, state="Pending"), instance_id="runs"))
    assert "no space" not in line(board, board.rows["runs"])


def test_a_line_is_printed_only_when_something_happened(board: Board) -> None:
    out = StringIO()
    with Screen(out=Console(file=out, width=100)).watching() as show:
        show(board)
        show(board)
        first = out.getvalue()
        assert len(first.splitlines()) == 4  # all but the one that waits
        board.see(snapshot("runs", "Pending", "Completed", "Completed"))
        show(board)
    assert "runs   Pending  2/3 volumes ended" in out.getvalue().removeprefix(first)


def test_a_board_takes_up_what_exists_but_never_an_older_state() -> None:
    board = Board("", rows_for(["a", "b"]))
    accepted = snapshot("a", "Pending", "Pending")
    run = FleetRun(
        "run",
        (
            outcome("a", OutcomeKind.TIMED_OUT, accepted),
            outcome("b", OutcomeKind.NOT_ATTEMPTED),
        ),
    )
    board.begin(run)
    assert board.counts["running"] == 1
    assert board.counts["waiting"] == 1
    board.see(snapshot("a", "Pending", "Completed"))
    board.begin(run)
    assert board.rows["a"].volumes_ended == 1


def test_rows_are_called_by_their_host_names_where_known() -> None:
    rows = rows_for([Instance(id="1", hostname="web\x1b[31m"), Instance(id="2"), "3"])
    assert [row.label for row in rows.values()] == ["web\\x1b[31m", "2", "3"]


def test_what_the_api_says_is_not_taken_for_markup() -> None:
    board = Board("", {"a": Row("[red]a", state="[/nonsense]")})
    assert "[red]a  [/nonsense]" in line(board, board.rows["a"])
    out = StringIO()
    screen = Screen(out=evolved(console(), out))
    screen.say("[/nonsense] :bug:")
    assert out.getvalue() == "[/nonsense] :bug:\n"


def evolved(made: Console, file: StringIO) -> Console:
    made.file = file
    return made


@pytest.fixture
def left_over() -> Report:
    """An interrupted run of two creates, and a further snapshot of one name."""
    further = Snapshot("snap-z", "nightly-a", instance_id="a")
    refusal = CivoError("no answer")
    return Report(
        FleetRun("nightly", (outcome("a", OutcomeKind.UNKNOWN),), partial=True),
        {"a": "web-1"},
        elapsed=3,
        requests=2,
        restoration=Restoration("copy", error=refusal),
        unresolved=(
            UnresolvedCreate("a", "nightly-a", snapshot("a", "Pending")),
            UnresolvedCreate("b", "nightly-b", error=refusal),
        ),
        extras=(ExtraSnapshot(snapshot("a", "Pending"), further),),
    )


def test_a_report_tells_of_every_snapshot_that_may_be_left_behind(left_over: Report) -> None:
    out = StringIO()
    Screen(out=Console(file=out, width=100)).report(left_over)
    printed = out.getvalue()
    assert "broken off" in printed
    assert "unknown  web-1" in printed
    assert "The interrupted create of nightly-a made snapshot snap-a" in printed
    assert "The interrupted create of nightly-b is unknown: no answer" in printed
    assert "There is a further snapshot of the name nightly-a on instance a: snap-z" in printed
    assert "Not restored to copy: no answer" in printed


def test_a_report_as_json_holds_the_same(left_over: Report) -> None:
    out = StringIO()
    Screen(as_json=True, out=Console(file=out, width=20)).report(left_over)
    report = json.loads(out.getvalue())
    assert [left["snapshot_id"] for left in report["unresolved"]] == ["snap-a", None]
    assert report["unresolved"][1]["error"] == "no answer"
    assert report["extra_snapshots"][0]["extra_id"] == "snap-z"
    assert report["restore"]["error"] == "no answer"


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(board: Board) -> None:
    out = StringIO()
    dumb = Console(file=out, force_terminal=True, width=80, _environ={"TERM": "dumb"})
    with Screen(out=dumb).watching() as show:
        show(board)
    assert "1/1 volumes ended" in out.getvalue()


@pytest.fixture
def broken_pipe() -> Iterator[TextIOWrapper]:
    reader, writer = os.pipe()
    os.close(reader)
    file = os.fdopen(writer, "w", encoding="utf-8")
    yield file
    with pytest.raises(BrokenPipeError):  # what could not be written is still in its buffer
        file.close()


def test_a_reader_that_went_away_silences_the_screen_and_nothing_else(
    broken_pipe: TextIOWrapper,
) -> None:
    made = console()
    made.file = broken_pipe
    screen = Screen(out=made)
    screen.say("one")
    screen.say("two")
    assert made.quiet


def test_an_outcome_without_a_snapshot_keeps_what_was_seen() -> None:
    board = Board("", rows_for(["a"]))
    board.see(snapshot("a", "Pending", "Completed"))
    board.end(evolve(outcome("a", OutcomeKind.UNKNOWN), adopted=True))
    assert line(board, board.rows["a"]).endswith("unknown (existed before)  1/1 volumes ended")
