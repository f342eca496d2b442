"""Draws the picture of the board: `python docs/_ext/board.py` writes docs/_static/board.svg.

The rows are staged; what draws them is the command itself.
"""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from civo_snapshots import OutcomeKind
from civo_snapshots.cli._board import Board, Row
from civo_snapshots.cli._screen import frame

PICTURE = Path(__file__).parents[1] / "_static" / "board.svg"
WIDTH, HEIGHT = 88, 18
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

FORMAT = (
    '<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}" '
    'role="img" aria-label="The board of a run of 28 instances">\n'
    "<style>.{unique_id}-matrix {{ font-family: " + FONT + "; font-size: {char_height}px; "
    "line-height: {line_height}px; white-space: pre; }}\n{styles}</style>\n"
    '<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" '
    'height="{terminal_height}"/></clipPath>\n{lines}</defs>\n{chrome}\n'
    '<g transform="translate({terminal_x}, {terminal_y})" '
    'clip-path="url(#{unique_id}-clip-terminal)">\n{backgrounds}\n'
    '<g class="{unique_id}-matrix">\n{matrix}\n</g></g></svg>\n'
)

THEME = TerminalTheme(
    (21, 24, 30),
    (222, 226, 233),
    [
        *((70, 76, 88), (242, 104, 120), (94, 201, 132), (232, 187, 92)),
        *((110, 168, 254), (205, 140, 240), (98, 200, 215), (222, 226, 233)),
    ],
)

SLOW = ("db-003", "db-007", "queue-002", "web-011")
LATER = ("cache-004", "web-012")


def board() -> Board:
    names = [
        f"{role}-{number:03}" for role in ("cache", "db", "queue", "web") for number in range(1, 8)
    ]
    names = [*names[:-2], "web-011", "web-012"]
    rows: dict[str, Row] = {}
    for number, name in enumerate(names):
        ids = [f"{name}-{volume}" for volume in range(1 + number % 3)]
        row = Row(name, "Pending", dict.fromkeys(ids, "Completed"))
        if name in LATER:
            row = Row(name)
        elif name in SLOW:
            row.volumes[ids[-1]] = "Pending"
        elif name == "queue-005":
            row.volumes[ids[0]] = "Failed"
            row.kind, row.message = OutcomeKind.FAILED, "volume 3f0c2d6e failed: no space left"
        else:
            row.kind = OutcomeKind.COMPLETE
        rows[name] = row
    return Board("Run nightly-20261126 in LON1", rows, elapsed=42.0, requests=43)


def main() -> None:
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(
        "$ civo-snapshots run --tag prod --name nightly-20261126 --yes",
        style="bold",
        highlight=False,
    )
    console.print(frame(board(), WIDTH, HEIGHT))
    text = console.export_svg(
        title="civo-snapshots", theme=THEME, code_format=FORMAT, unique_id="board"
    )
    PICTURE.write_text(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))


if __name__ == "__main__":
    main()
