"""The process around a command: its streams, its terminal, what it loads, and its extra."""

import ast
import os
import pty
import re
import runpy
import select
import subprocess
import sys
from collections.abc import Mapping

import pytest
from support.command import TOKEN, Here, Script, changes, has, ids, names

from civo_snapshots import __version__
from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeRegion


def test_a_reader_that_goes_away_is_no_failure(region: FakeRegion, script: Script) -> None:
    has(region, "web-1", *(f"n-{number}" for number in range(2_000)))
    running = script.start("list")
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline().startswith("NAME")
    running.stdout.close()
    err = running.stderr.read()
    assert running.wait(30) == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
    running.stderr.close()


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_stream_closed_from_the_start_is_no_failure(
    closed: str, region: FakeRegion, script: Script
) -> None:
    has(region, "web-1", "before")
    argv = [*script.argv, "list"]
    code = f"import os; os.close({closed}); os.execv({argv[0]!r}, {argv!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=script.environment,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert ("before" in done.stdout) == (closed != "1")


def test_with_stdin_closed_a_change_needs_yes(region: FakeRegion, script: Script) -> None:
    argv = [*script.argv, "create", "web-1"]
    code = f"import os; os.close(0); os.execv({argv[0]!r}, {argv!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "add --yes" in done.stderr
    assert changes(region) == 0


# On a terminal

# Makes the terminal the process's own, so that Ctrl-C on it is a signal.
_ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def on_terminal(
    script: Script, *words: str, typed: str = "", size: str = "80", **environment: str
) -> tuple[int, str]:
    """Run it on a terminal of its own; what is typed is sent once it has asked something."""
    main, other = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", _ON_TERMINAL, *script.argv, *words],
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        env={**script.environment, "TERM": "xterm", "COLUMNS": size, "LINES": "24", **environment},
    )
    os.close(other)
    shown = b""
    try:
        while select.select([main], [], [], 30)[0]:
            shown += os.read(main, 65_536)
            if typed and b"[y/N]" in shown:
                os.write(main, typed.encode())
                typed = ""
    except OSError:  # its other end was closed
        pass
    finally:
        os.close(main)
    return running.wait(30), shown.decode()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n")


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 2, 1), ("\x04", 2, 1)])
def test_a_terminal_is_asked_before_a_change(
    answer: str, code: int, left: int, region: FakeRegion, script: Script
) -> None:
    """The question names the instance and the snapshot's age; ^D is a no."""
    has(region, "web-1", "before")
    ended, shown = on_terminal(script, "delete", "before", typed=answer)
    assert ended == code, shown
    assert "Delete 1 snapshot in LON1? [y/N]" in shown
    assert re.search(r"delete +web-1 +before +Complete +\d+ s", plain(shown))
    assert len(names(region)) == left
    assert ("Nothing was changed." in shown) == (left == 1)


def test_control_c_at_a_question_changes_nothing(region: FakeRegion, script: Script) -> None:
    ended, shown = on_terminal(script, "create", "web-1", typed="\x03")
    assert ended == 130
    assert "nothing was changed" in shown
    assert changes(region) == 0


@pytest.mark.parametrize("size", ["40", "80", "200"])
def test_every_line_fits_on_the_terminal(size: str, region: FakeRegion, script: Script) -> None:
    """But for a single value that is longer: it is there to be copied."""
    has(region, "web-1", "before-the-upgrade-of-the-database-server")
    for words in (["list"], ["run", "--all", "--name", "nightly", "--yes"]):
        code, shown = on_terminal(script, *words, size=size)
        assert code == 0, shown
        assert "\x1b[" in shown
        lines = [one for one in plain(shown).split("\n") if not re.fullmatch(r"[A-Z]+ +\S+", one)]
        longest = max(lines, key=len)
        assert len(longest) <= int(size), longest


def test_no_color_is_obeyed(region: FakeRegion, script: Script) -> None:
    has(region, "web-1", "before")
    _, shown = on_terminal(script, "list", NO_COLOR="1")
    assert "before" in shown
    assert "\x1b[" not in shown


def test_a_dumb_terminal_gets_lines(region: FakeRegion, script: Script) -> None:
    _, shown = on_terminal(script, "create", "web-1", "--wait", "--yes", TERM="dumb")
    assert "1/1  web-1  complete" in shown
    assert "\x1b" not in shown


# Completion


@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("sch", ["schedule"]),
        ("list we", ["web-1", "web-2"]),
        ("show web-1/b", ["web-1/before"]),
        ("show bef", ["before"]),
        ("status nig", ["nightly"]),
        ("run --tag p", ["prod"]),
        ("list --region L", ["LON1"]),
        ("run --on-f", ["--on-failed"]),
        ("list --output js", ["json", "jsonl"]),
    ],
)
def test_the_shell_completes_commands_options_and_names(
    begun: str,
    completed: list[str],
    region: FakeRegion,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has(region, "web-1", "before", name_for("nightly", ids(region)["web-1"]))
    region.add_instance("web-1", tags=["prod"])  # a hostname that two instances have
    words = ["civo-snapshots", *begun.split(" ")]
    monkeypatch.setenv("_CIVO_SNAPSHOTS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    done = script()
    assert [line.partition(",")[2] for line in done.lines] == completed, done.err


def test_a_completion_without_a_region_is_empty_and_says_nothing(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CIVO_SNAPSHOTS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "civo-snapshots list w")
    monkeypatch.setenv("COMP_CWORD", "2")
    done = script()
    assert (done.out.strip(), done.err) == ("", "")


# What it loads


def loaded_by(*words: str) -> set[str]:
    code = (
        "import sys\nfrom civo_snapshots.__main__ import main\n"
        f"main({list(words)!r})\nprint(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = ast.literal_eval(done.stderr.splitlines()[-1])
    return set(found)


@pytest.mark.parametrize(
    "words", [["-h"], ["run", "-h"], ["schedule", "create", "-h"], ["--version"]]
)
def test_help_loads_neither_the_http_client_nor_rich(words: list[str]) -> None:
    assert not loaded_by(*words) & {"aiohttp", "rich", "attr", "asyncio", "msgspec"}


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    """rich is asked for only by what draws."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None; "
        "sys.stderr.isatty = lambda: True; "
        "from civo_snapshots.__main__ import main; sys.exit(main(['demo']))"
    )
    environment: Mapping[str, str] = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 2, done.stderr
    assert "civo-snapshots[cli]" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_missing_module_is_not_mistaken_for_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "civo_snapshots.cli", None)
    with pytest.raises(ModuleNotFoundError, match=r"civo_snapshots\.cli"):
        runpy.run_module("civo_snapshots", run_name="__main__")


def test_the_package_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["civo_snapshots", "--version"])
    with pytest.raises(SystemExit) as exited:
        runpy.run_module("civo_snapshots", run_name="__main__")
    assert exited.value.code == 0
    assert capsys.readouterr().out.strip() == f"civo-snapshots {__version__}"


@pytest.mark.parametrize("spelling", [["--token=s3cret/+"], ["--token", "s3cret/+"]])
def test_a_token_on_the_command_line_is_refused_and_not_repeated(
    spelling: list[str], here: Here
) -> None:
    done = here("list", *spelling)
    assert done.code == 2
    assert "the token is taken from CIVO_TOKEN" in done.err
    assert "s3cret" not in done.err


def test_no_command_shows_the_token(region: FakeRegion, here: Here) -> None:
    for words in (["config"], ["config", "-o", "json"], ["--debug", "list"], ["instances"]):
        done = here(*words)
        assert TOKEN not in done.out + done.err
