"""Where output goes: progress to a terminal or as lines, results as text or JSON."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from ._board import Board
from ._display import frame, line, plan_lines, report_lines
from ._report import Plan, Report

Show = Callable[[Board], None]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more (`| head`): fall silent, the run matters more than its picture."""
        self.quiet = True


def console(*, stderr: bool = False) -> Console:
    """A console that prints what it is given: API texts may look like markup."""
    made = _Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    made.soft_wrap = not made.is_terminal  # in a file, lines are as long as they are
    return made


class Screen:
    """Everything the command prints; with `as_json` stdout holds one JSON document only."""

    def __init__(
        self,
        *,
        as_json: bool = False,
        out: Console | None = None,
        err: Console | None = None,
    ) -> None:
        self._as_json = as_json
        self._out = out or console()
        self._err = err or console(stderr=True)
        self._progress = self._err if as_json else self._out

    def say(self, text: str) -> None:
        """Tell how it goes."""
        self._progress.print(text)

    def fail(self, text: str) -> None:
        """Tell what went wrong."""
        self._err.print(text, style="red")

    @contextmanager
    def watching(self) -> Generator[Show]:
        """Show boards until the end: a live picture on a terminal, lines of news elsewhere."""
        screen = self._progress
        if not screen.is_terminal or screen.is_dumb_terminal or screen.options.ascii_only:
            yield self._lines()
            return
        # Refreshed by whoever shows: a thread of rich's own would read the board while it changes.
        with Live(console=screen, auto_refresh=False) as live:

            def show(board: Board) -> None:
                live.update(frame(board, screen.width, screen.height), refresh=True)

            yield show

    def _lines(self) -> Show:
        shown: dict[str, object] = {}

        def show(board: Board) -> None:
            for instance_id, row in board.rows.items():
                news = (row.kind, row.volumes_ended)
                if news != shown.get(instance_id, (None, 0)):
                    shown[instance_id] = news
                    self.say(line(board, row))

        return show

    def plan(self, plan: Plan) -> None:
        """The result of a dry run."""
        if self._as_json:
            self._json(plan.as_dict())
        else:
            self._out.print(*plan_lines(plan), sep="\n")

    def report(self, report: Report | None) -> None:
        """The run; None if it came to nothing."""
        if report is None:
            return
        if self._as_json:
            self._json(report.as_dict())
        else:
            self._out.print(*report_lines(report), sep="\n")

    def _json(self, fields: dict[str, object]) -> None:
        # Not print(): it breaks lines at the width of the terminal.
        self._out.out(json.dumps(fields, indent=2), highlight=False)
