"""Where output goes: data to stdout in the format asked for, words and errors to stderr."""

import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

import click

from ._table import Cell, Column, Item, block, table

_STYLES: dict[str, dict[str, object]] = {
    "head": {"bold": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "busy": {"fg": "yellow"},
    "open": {"fg": "magenta"},
    "dim": {"dim": True},
}


class Output:
    """Everything a command prints but the live board."""

    def __init__(
        self,
        form: str = "table",
        *,
        header: bool = True,
        quiet: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.form = form
        self.quiet = quiet
        self._header = header
        # None where the stream was closed before the program began.
        self._out: TextIO | None = out or sys.stdout
        self._err: TextIO | None = err or sys.stderr
        for stream in (self._out, self._err):
            if isinstance(stream, io.TextIOWrapper):
                # What the API says may not fit the terminal's encoding; no reason to fail.
                stream.reconfigure(errors="backslashreplace")

    @property
    def err(self) -> TextIO | None:
        """Where words go."""
        return self._err

    @property
    def streams_to_terminal(self) -> bool:
        """Whether data comes meanwhile on a terminal, where it would tear a picture apart."""
        return self.form == "jsonl" and self._out is not None and self._out.isatty()

    # Words

    def say(self, text: str = "", style: str = "") -> None:
        """Tell how it goes."""
        if not self.quiet:
            self._words(text, style)

    def note(self, text: str) -> None:
        """Tell what happened, also where nothing else is to be told."""
        self._words(text, "dim")

    def fail(self, text: str) -> None:
        """Tell what went wrong, also where nothing else is to be told."""
        self._words(text, "bad")

    def _words(self, text: str, style: str) -> None:
        width = _width(self._err)
        for line in text.split("\n"):
            for part in [line] if width is None else _wrapped(line, width):
                self._print(self._err, [(part, style)])

    # Data

    def items(self, columns: Sequence[Column], items: Sequence[Item], *, name: str) -> None:
        """A list of records; `name` is the field that people call them by."""
        if self.form == "json":
            self._write(json.dumps(items, indent=2))
        elif self.form == "table":
            if items:
                width = _width(self._out)
                self._lines(table(columns, items, header=self._header, width=width))
        else:
            for item in items:
                self.record(item, name=name)

    def item(self, columns: Sequence[Column], item: Item, *, name: str) -> None:
        """One record."""
        if self.form == "table":
            self._lines(block(columns, item))
        elif self.form == "json":
            self._write(json.dumps(item, indent=2))
        else:
            self.record(item, name=name)

    def record(self, item: Item, *, name: str) -> None:
        """One record as one line."""
        if self.form in ("name", "id"):
            field = name if self.form == "name" else "id"
            self._write(str(item.get(field) or item.get(name) or ""))
        else:
            self._write(json.dumps(item))

    def line(self, text: str) -> None:
        """One line of data as it is."""
        self._write(text)

    def preview(self, columns: Sequence[Column], items: Sequence[Item]) -> None:
        """A table for people alone, beside a question."""
        for line in table(columns, items, header=True, width=_width(self._err)):
            self._print(self._err, line)

    def _lines(self, lines: Sequence[Sequence[Cell]]) -> None:
        for line in lines:
            self._print(self._out, line)

    def _write(self, text: str) -> None:
        self._print(self._out, [(text, "")])

    def _print(self, stream: TextIO | None, line: Sequence[Cell]) -> None:
        if stream is None:
            return
        plain = not has_colour(stream)
        text = "".join(cell if plain or not style else _styled(cell, style) for cell, style in line)
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except BrokenPipeError:
            # Nobody reads any more (`| head`): fall silent, the work matters more than its picture.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _wrapped(line: str, width: int) -> list[str]:
    """A line in parts that fit, broken between words; what follows is indented."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    ) or [""]


def _styled(text: str, style: str) -> str:
    return click.style(text, **_STYLES[style])  # type: ignore[arg-type]


def has_colour(stream: TextIO) -> bool:
    """Whether colours are wanted there: a terminal that knows them, and no NO_COLOR."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def _width(stream: TextIO | None) -> int | None:
    if stream is None or not stream.isatty():
        return None
    return shutil.get_terminal_size().columns
