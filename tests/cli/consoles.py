"""The consoles of the docs: what their commands print, written there by running this file.

`python tests/cli/consoles.py` runs each `$ civo-snapshots ...` of docs/howto/command-line.md in a
simulated region and writes what it prints beneath it, and the help of every command into
docs/reference/command-line-help.md. A test says when that has to be done again.
"""

import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import click

sys.path += [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from support.command import Host, hurry, settings, small_region

from civo_snapshots.cli import main
from civo_snapshots.cli._app import app
from civo_snapshots.testing import FakeRegion

DOCS = Path(__file__).parents[2] / "docs"
HOWTO = DOCS / "howto" / "command-line.md"
HELP = DOCS / "reference" / "command-line-help.md"

_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_VARYING = re.compile(
    r"\b\d+ (?:s|min)\b|\d+\.\d+ s|\d+ requests|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(?:T[\d:]+Z)?|\d{4}-W\d\d|127\.0\.0\.1:\d+|  +"
)
_PROGRESS = re.compile(r"^ +[\d.]+ s +\d+/\d+  .*\n", re.MULTILINE)


def shown_region() -> FakeRegion:
    """The region of the docs: its snapshots have an order, however soon one follows the other."""
    return small_region(created_at_form="nanoseconds")


def consoles(text: str) -> str:
    """A page with the output of each of its commands, run in their order."""
    return _CONSOLE.sub(lambda match: f"```console\n{_ran(match[1])}```", text)


def _ran(block: str) -> str:
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{printed(shlex.split(line)[2:])}" for line in commands)


def printed(words: Sequence[str]) -> str:
    """What a command prints, stdout and stderr as they come."""
    paper = io.StringIO()
    with redirect_stdout(paper), redirect_stderr(paper):
        main(words)
    return paper.getvalue()


def constant(text: str) -> str:
    """A page without what differs from run to run."""
    return _VARYING.sub("~", _PROGRESS.sub("", text))


def help_page() -> str:
    """The help of every command, as a page."""
    parts = [
        "# The help of every command\n\nWritten by `python tests/cli/consoles.py`; "
        "`civo-snapshots COMMAND -h` shows the same.\n"
    ]
    for path in paths():
        parts.append(f"\n## {' '.join(['civo-snapshots', *path])}\n\n```text\n")
        parts.append(f"{printed([*path, '-h'])}```\n")
    return "".join(parts)


def paths() -> Iterator[tuple[str, ...]]:
    """The words that lead to each command; none for the program itself."""
    yield ()
    ctx = click.Context(app)
    for name in app.list_commands(ctx):
        if name == "simulate":  # its help is another parser's, and longer than all of this
            continue
        yield (name,)
        found = app.get_command(ctx, name)
        if isinstance(found, click.Group):
            yield from ((name, inner) for inner in found.list_commands(ctx))


def write() -> None:
    """Bring both pages up to date."""
    os.environ["COLUMNS"] = "100"
    HELP.write_text(help_page())
    host = Host()
    with tempfile.TemporaryDirectory() as home, host.serving(shown_region()) as region:
        os.environ.update(settings(region), HOME=home)
        with hurry():
            HOWTO.write_text(consoles(HOWTO.read_text()))
    host.close()


if __name__ == "__main__":
    write()
