"""Tables as text: plain data in, lines out; knows no terminal but its width."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

Item = Mapping[str, object]
"""One record, as its JSON has it."""

_GAP = "  "
_LEAST = 20
"""Places that a column keeps which may shrink."""

_SHORT_ID = 8
"""Characters of an id on a narrow terminal: a beginning that only one has means it."""


@frozen
class Column:
    """One column of a table.

    Attributes:
        text: what a record shows in it.
        is_id: may be cut to its beginning where the terminal is narrow.
        may_shrink: may be cut too, if that is not enough.
        is_right: numbers stand to the right.
        style: the colour of the cell for this record; none if empty.
    """

    title: str
    text: Callable[[Item], str]
    is_id: bool = False
    may_shrink: bool = False
    is_right: bool = False
    style: Callable[[Item], str] = lambda _: ""


Cell = tuple[str, str]
"""A text and its style."""


def table(
    columns: Sequence[Column], items: Sequence[Item], *, header: bool = True, width: int | None
) -> list[list[Cell]]:
    """The lines of a table, each of cells that are as wide as their column.

    Where it does not fit into the width, ids are cut first, then what may shrink; if that does not
    do, each record becomes a block of its own, a line per field. Without a width, every line is as
    long as it is.
    """
    shown = [column for column in columns if any(column.text(item) for item in items)] or columns
    rows = [[(c.text(item), c.style(item)) for c in shown] for item in items]
    if width is not None and _width(shown, rows, header=header) > width:
        cut = [
            [
                (text[:_SHORT_ID] if c.is_id else text, style)
                for c, (text, style) in _zip(shown, row)
            ]
            for row in rows
        ]
        cut = _shrunk(shown, cut, _width(shown, cut, header=header) - width)
        if _width(shown, cut, header=header) > width:
            return _blocks(shown, rows)
        rows = cut
    heads = [[(column.title, "head") for column in shown]] if header else []
    widths = _widths(shown, rows, header=header)
    return [_line(shown, row, widths) for row in [*heads, *rows]]


def _shrunk(columns: Sequence[Column], rows: list[list[Cell]], excess: int) -> list[list[Cell]]:
    """Rows that are narrower by so much, as far as the columns that may shrink allow it."""
    widths = _widths(columns, rows, header=False)
    for at, column in enumerate(columns):
        keep = max(widths[at] - excess, _LEAST)
        if column.may_shrink and excess > 0 and keep < widths[at]:
            excess -= widths[at] - keep
            rows = [
                [*row[:at], (_cut(row[at][0], keep), row[at][1]), *row[at + 1 :]] for row in rows
            ]
    return rows


def _cut(text: str, width: int) -> str:
    return text if cells(text) <= width else f"{text[: width - 1]}…"


def block(columns: Sequence[Column], item: Item) -> list[list[Cell]]:
    """One record, a line per field that it has."""
    shown = [column for column in columns if column.text(item)]
    return _blocks(shown, [[(c.text(item), c.style(item)) for c in shown]])


def _blocks(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    label = max((len(column.title) for column in columns), default=0)
    lines: list[list[Cell]] = []
    for row in rows:
        if lines:
            lines.append([])
        for column, cell in _zip(columns, row):
            if cell[0]:
                lines.append([(f"{column.title:<{label}}{_GAP}", "head"), cell])
    return lines


def _zip(columns: Sequence[Column], row: Sequence[Cell]) -> list[tuple[Column, Cell]]:
    return list(zip(columns, row, strict=True))


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, header: bool
) -> list[int]:
    return [
        max([len(c.title) if header else 0, *(cells(row[at][0]) for row in rows)])
        for at, c in enumerate(columns)
    ]


def _width(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, header: bool) -> int:
    return sum(_widths(columns, rows, header=header)) + len(_GAP) * (len(columns) - 1)


def _line(columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int]) -> list[Cell]:
    line: list[Cell] = []
    for at, (column, (text, style)) in enumerate(_zip(columns, row)):
        room = " " * (widths[at] - cells(text))
        gap = _GAP if at else ""
        before, behind = (room, "") if column.is_right else ("", room)
        line += [(gap + before, ""), (text, style), (behind, "")]
    while line and not line[-1][0].strip():  # no blanks at the end of a line
        line.pop()
    return line


def cells(text: str) -> int:
    """How many places of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
