"""The pages about the command line say what it does."""

import re

import pytest
from click import Context
from consoles import HELP, HOWTO, consoles, constant, help_page, paths, shown_region
from support.command import ROOT, Host, hurry, settings

from civo_snapshots.cli._app import SCHEDULES, SECTIONS, app
from civo_snapshots.cli._exits import Exit
from civo_snapshots.cli._options import FORMATS

REFERENCE = (ROOT / "docs" / "reference" / "command-line.md").read_text()
AGAIN = "run: python tests/cli/consoles.py"


def test_the_howto_shows_what_its_commands_print(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HOWTO.read_text()
    with host.serving(shown_region()) as region, hurry():
        for name, value in settings(region).items():
            monkeypatch.setenv(name, value)
        assert constant(consoles(text)) == constant(text), AGAIN


def test_the_page_of_helps_is_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert help_page() == HELP.read_text(), AGAIN


def test_every_command_has_its_line_in_the_help_of_its_group_and_takes_h() -> None:
    """The lines stand apart from the commands, so that the help need not import them."""
    ctx = Context(app)
    for group, sections in ((app, SECTIONS), (app.get_command(ctx, "schedule"), SCHEDULES)):
        assert group is not None
        for name, (_, line) in (
            (n, told) for part in sections.values() for n, told in part.items()
        ):
            found = group.get_command(ctx, name)  # type: ignore[attr-defined]
            assert found is not None
            assert found.name == name
            assert found.help
            assert line.endswith(".")
    assert len(list(paths())) > 20


def test_the_reference_names_every_exit_code_and_format() -> None:
    assert all(f"| {code.value} |" in REFERENCE for code in Exit)
    assert all(f"`{form}`" in REFERENCE for form in FORMATS)
    assert set(re.findall(r"\b\d+\b", re.findall(r"Exit codes: .*", app.epilog or "")[0])) <= {
        str(code.value) for code in Exit
    }
