"""The live board on a terminal, as rich draws it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import groupby
from typing import TextIO

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..outcomes import OutcomeKind
from ..states import State
from ._board import Board, Row

_VOLUMES = {State.PENDING: ("·", "dim"), State.COMPLETE: ("●", "green"), State.FAILED: ("✗", "red")}
_LEGEND = "▸ running ✓ complete ✗ not complete  volumes: · pending ● complete ✗ failed"
_STYLES = {
    "waiting": "dim",
    "running": "yellow",
    OutcomeKind.COMPLETE: "green",
    OutcomeKind.FAILED: "red",
    OutcomeKind.TIMED_OUT: "magenta",
    OutcomeKind.UNKNOWN: "magenta",
    OutcomeKind.REFUSED: "red",
    OutcomeKind.NOT_ATTEMPTED: "dim",
}
_LINES_ABOVE = 6
_BAR = 60
_MOST_FAILURES = 5


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody sees it any more: fall silent, the work matters more than its picture."""
        self.quiet = True


def console(file: TextIO) -> Console:
    """A console that prints what it is given: API texts may look like markup."""
    return _Console(file=file, markup=False, highlight=False, emoji=False)


@contextmanager
def live(file: TextIO) -> Generator[Callable[[Board], None]]:
    """Draw boards in place until the end."""
    screen = console(file)
    # Refreshed by whoever shows: a thread of rich's own would read the board while it changes.
    with Live(
        console=screen, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as picture:

        def show(board: Board) -> None:
            picture.update(frame(board, screen.width, screen.height), refresh=True)

        yield show


def frame(board: Board, width: int, height: int) -> RenderableType:
    """One picture that fits on the terminal.

    All rows if there is room for them, which keeps each in its place; otherwise those that run.
    Below them, why the last ones that failed did.
    """
    rows = list(board.rows.values())
    wrong = [row for row in rows if row.kind not in (None, OutcomeKind.COMPLETE) and row.message]
    told = wrong[-min(_MOST_FAILURES, max(0, height // 4)) :] if height >= 12 else []
    label = max((len(row.label) for row in rows), default=0)
    volumes = max((len(row.volumes) for row in rows), default=0)
    cell = min(label + volumes + 3, width)
    room = max(1, width // (cell + 2)) * max(1, height - _LINES_ABOVE - len(told))
    if len(rows) > room:
        rows = [row for row in rows if row.is_running]
    cells = [_cell(row, label) for row in rows[:room]]
    head = Text(
        f"{board.title}  {board.elapsed:.0f} s  {board.requests} requests",
        "bold",
        overflow="ellipsis",
        no_wrap=True,
    )
    bar = Table.grid()  # a bar of its own would not end its line
    bar.add_row(ProgressBar(max(1, len(board.rows)), board.ended, width=min(width, _BAR)))
    hidden = len(rows) - len(cells)
    return Group(
        head,
        bar,
        counts(board),
        Columns(cells, width=cell, padding=(0, 2, 0, 0), column_first=True),
        *([Text(f"... and {hidden} more that run", "dim")] if hidden else []),
        *(_reason(row) for row in told),
        Text(_LEGEND, "dim", overflow="ellipsis", no_wrap=True),
    )


def counts(board: Board) -> Text:
    """How many are where, without those kinds that nobody is in."""
    text = Text(f"{board.ended} of {len(board.rows)} ended", overflow="ellipsis", no_wrap=True)
    for kind, number in board.counts.items():
        if number:
            text.append(f"  {kind} {number}", _STYLES[kind])
    return text


def _reason(row: Row) -> Text:
    return Text(f"✗ {row.label}  {row.message}", "red", overflow="ellipsis", no_wrap=True)


def _cell(row: Row, label_width: int) -> Text:
    if row.kind is None:
        mark = "▸" if row.is_running else " "
    else:
        mark = "✓" if row.kind is OutcomeKind.COMPLETE else "✗"
    style = _STYLES[row.kind or ("running" if row.is_running else "waiting")]
    text = Text(f"{mark} ", style, overflow="ellipsis", no_wrap=True)
    text.append(f"{row.label:<{label_width}} ", style if row.kind is None else "")
    for meaning, same in groupby(row.marks):
        mark, style = _VOLUMES[meaning]
        text.append(mark * len([*same]), style)
    return text
