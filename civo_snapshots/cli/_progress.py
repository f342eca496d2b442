"""How it goes, told on stderr: a live board on a terminal, a line per change elsewhere."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import TextIO

from .._clock import Clock
from ._board import Board, line
from ._output import Output

Show = Callable[[Board], None]

TICK = 0.25
"""Seconds between two pictures."""

_SHARE = 0.03
"""Of a core's time that pictures may take."""


@asynccontextmanager
async def painting(
    out: Output, clock: Clock, board: Board, update: Callable[[], None]
) -> AsyncGenerator[None]:
    """Show a board for as long as what is on it goes on, and once more at its end."""
    with watching(out) as show:
        painter = asyncio.create_task(_paint(clock, board, update, show))
        try:
            yield
        finally:
            painter.cancel()
            await asyncio.wait({painter})
            update()
            show(board)


@contextmanager
def watching(out: Output) -> Generator[Show]:
    """Show boards until the end."""
    if out.quiet or out.err is None:
        yield lambda _: None
    elif _can_draw(out.err) and not out.streams_to_terminal:
        # Not imported before: a job without a terminal does without.
        with import_module("._screen", __package__).live(out.err) as show:
            yield show
    else:
        yield _lines(out)


def _can_draw(stream: TextIO) -> bool:
    """Whether it is a terminal that moves its cursor and has the marks of the board."""
    is_dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return stream.isatty() and not is_dumb and stream.encoding.lower().startswith("utf")


def _lines(out: Output) -> Show:
    shown: dict[str, object] = {}

    def show(board: Board) -> None:
        for key, row in board.rows.items():
            news = (row.kind, row.volumes_ended)
            if news != shown.get(key, (None, 0)):
                shown[key] = news
                out.say(line(board, row))

    return show


async def _paint(clock: Clock, board: Board, update: Callable[[], None], show: Show) -> None:
    """Show the board again and again, brought up to date before; a large one less often."""
    while True:
        began = time.thread_time()
        update()
        show(board)
        cost = time.thread_time() - began
        await clock.sleep(max(TICK, cost / _SHARE))
