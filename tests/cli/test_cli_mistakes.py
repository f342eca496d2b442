"""Mistakes: each ends with one message that says what and what to do, and the documented code."""

import shlex
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen
from support.command import Here, changes, has

from civo_snapshots.testing import FakeRegion, Fault

Arrange = Callable[[FakeRegion, pytest.MonkeyPatch, Path], object]


def nothing(*_: object) -> None:
    """The region as it is."""


def setting(name: str, value: str | None) -> Arrange:
    """An environment variable of that value, or without it."""

    def arrange(_: FakeRegion, monkeypatch: pytest.MonkeyPatch, __: Path) -> None:
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)

    return arrange


def fault(route: str, make: Callable[[], Fault], times: int | None = None) -> Arrange:
    """Requests of a route that go wrong."""
    return lambda region, *_: region.fault(route, make(), times=times)


def file(name: str, content: bytes) -> Arrange:
    """A file in the folder in which the command is run."""
    return lambda _, __, folder: (folder / name).write_bytes(content)


def civo_file(content: str) -> Arrange:
    """A file of the civo CLI in the place of CIVO_TOKEN."""

    def arrange(_: FakeRegion, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        (folder / "civo.json").write_text(content)
        monkeypatch.delenv("CIVO_TOKEN")
        monkeypatch.setenv("CIVO_CONFIG", "civo.json")

    return arrange


def closed_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@frozen
class Mistake:
    """What is typed, the code it must end with, what the message must say, and what was so."""

    typed: str
    code: int
    says: str
    arrange: Arrange = nothing


USAGE, FAILED, LATE, UNKNOWN = 2, 1, 3, 4
NO_TOKEN = setting("CIVO_TOKEN", None)

MISTAKES = [
    # Settings
    Mistake("list", USAGE, "no API token: set CIVO_TOKEN", NO_TOKEN),
    Mistake("list", USAGE, "no region: pass --region", setting("CIVO_REGION", None)),
    Mistake("list --region 'LON 1'", USAGE, "a region is a code such as 'LON1'"),
    Mistake("list --region XYZ1", FAILED, "see `civo-snapshots regions`"),
    Mistake(
        "list", FAILED, "check the token, which came from CIVO_TOKEN", setting("CIVO_TOKEN", "old")
    ),
    Mistake("list", USAGE, "CIVO_TOKEN is empty or has spaces", setting("CIVO_TOKEN", "a b")),
    Mistake("list", FAILED, ": Connection refused [", setting("CIVO_API_URL", closed_port())),
    Mistake(
        "list",
        USAGE,
        "http:// would send the token",
        setting("CIVO_API_URL", "http://civo.example"),
    ),
    Mistake("list --api-url civo.example", USAGE, "--api-url is refused: it must begin with https"),
    Mistake("list", USAGE, "civo.json (from CIVO_CONFIG) is not JSON", civo_file("{")),
    Mistake(
        "list --profile work",
        USAGE,
        "no API key named 'work'; it has: home",
        civo_file('{"apikeys": {"home": "k-123456789"}}'),
    ),
    Mistake("list --profile work", USAGE, "that has a profile 'work'", NO_TOKEN),
    Mistake("list", USAGE, "names no current API key", civo_file('{"apikeys": {"home": "k"}}')),
    # Words
    Mistake("lst", USAGE, "No such command 'lst'"),
    Mistake("list --outptu json", USAGE, "--output"),
    Mistake("prune nightly --keep-last -1", USAGE, "'--keep-last': -1 is not in the range x>=1"),
    Mistake("list --token abc", USAGE, "the token is taken from CIVO_TOKEN"),
    Mistake("create", USAGE, "Missing argument 'INSTANCE'"),
    Mistake("create web-1 --name My_Name --yes", USAGE, "'my-name' would do"),
    Mistake(f"create web-1 --name {'n' * 64} --yes", USAGE, "1-63 lower-case letters"),
    Mistake(f"run --all --name {'n' * 48} --yes", USAGE, "1-47 lower-case letters"),
    Mistake("wait before --timeout soon", USAGE, "no time span such as 90, 30m"),
    Mistake("run --all --shard 3/2 --yes", USAGE, "no part such as 1/4"),
    Mistake("update before --yes", USAGE, "give --name or --description"),
    Mistake("restore before --yes", USAGE, "either --hostname for a new instance"),
    Mistake("restore before --hostname a_b --yes", USAGE, "--hostname must be RFC 1123"),
    Mistake("restore before --hostname c --private-ip 10 --yes", USAGE, "--private-ip must be"),
    Mistake("schedule create x web-1 --cron '*/5 * * * *' --keep 7 --yes", USAGE, "10 min"),
    Mistake("schedule create x web-1 --cron '0 2 * * *' --keep 11 --yes", USAGE, "--keep must be"),
    Mistake("completion tcsh", USAGE, "'tcsh' is not one of"),
    Mistake("list --state done", USAGE, "'done' is not one of 'complete'"),
    Mistake("prune night --keep-last 7 --yes", FAILED, "no run in LON1 is called night or begins"),
    # Which instance or snapshot
    Mistake("create web --yes", USAGE, "'web' may be any of 2"),
    Mistake("create web-9 --yes", FAILED, "no instance in LON1 called 'web-9'"),
    Mistake("delete db-1/n --yes", USAGE, "'n' may be any of 2"),
    Mistake("show gone", FAILED, "no snapshot in LON1 called 'gone'"),
    Mistake("delete ../quota --yes", FAILED, "called '..'"),
    Mistake("run --yes", USAGE, "no instances are named"),
    Mistake("run --tag none --yes", USAGE, "with --allow-empty that is no error"),
    Mistake("prune n --keep-last 1 --tag none", USAGE, "lists them with their tags.\n"),
    Mistake("run --from missing.txt --yes", USAGE, "missing.txt cannot be read: No such file"),
    Mistake("run --from bin --yes", USAGE, "it is no text", file("bin", b"\xff\xfe\x00\x80")),
    Mistake("run --from empty --yes", USAGE, "names no instance", file("empty", b"# none\n")),
    Mistake("run --from - --yes", USAGE, "names no instance"),
    # Not confirmed
    Mistake("delete before", USAGE, "add --yes to do it, or --dry-run"),
    Mistake("restore before --overwrite", USAGE, "OVERWRITE instance web-1"),
    Mistake("run --all --name n", USAGE, "Create 3 snapshots in LON1 as n"),
    # What the region says
    Mistake(
        "create web-1 --yes",
        FAILED,
        "delete snapshots or ask for a higher quota",
        lambda region, *_: region.refuse_create(
            next(iter(region.instance_ids)), "quota_limit_reached"
        ),
    ),
    Mistake(
        "list", FAILED, "CivoStack Enterprise", fault("*", lambda: Fault.code("disabled_service"))
    ),
    Mistake(
        "schedule create x web-1 --cron 'a b c' --keep 7 --yes", FAILED, "cron_expression_invalid"
    ),
    Mistake(
        "create db-1 --name twin --wait --yes",
        FAILED,
        "could not be copied",
        lambda region, *_: region.fail_volume(region.instance_ids[2]),
    ),
]


@pytest.mark.parametrize(
    "mistake", MISTAKES, ids=lambda mistake: f"{mistake.typed}: {mistake.says}"[:70]
)
def test_a_mistake_ends_with_one_message_and_its_code(
    mistake: Mistake,
    region: FakeRegion,
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    has(region, "web-1", "before")
    has(region, "db-1", "nightly", "newer")
    monkeypatch.chdir(tmp_path)
    mistake.arrange(region, monkeypatch, tmp_path)
    done = here(*shlex.split(mistake.typed))
    assert mistake.says in done.err, done.err
    assert done.code == mistake.code, done.err
    assert "Traceback" not in done.err
    assert "canary" not in done.out + done.err
    told = [line for line in done.err.splitlines() if line.startswith("Error:")]
    assert len(told) <= 1, done.err
    if mistake.code == USAGE:
        assert changes(region) == 0
        assert done.out == ""
