"""The reference has every public name, option, event and error code, and no page invents one."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click import Context
from support.docs import PAGES, README, ROOT
from support.face import PUBLIC, fields_of, methods_of

import civo_snapshots
from civo_snapshots import ApiError, CivoClient
from civo_snapshots.cli._app import app
from civo_snapshots.cli._exits import Exit
from civo_snapshots.testing import ERROR_CODES, FakeRegion, Fault, Switches

ENGINES = ("airflow", "dask")
REFERENCE = ROOT / "docs" / "reference"
DIRECTIVE = re.compile(r"^\.\. auto\w+:: ([\w.]+)$", re.MULTILINE)


def reference(page: str) -> str:
    return (REFERENCE / f"{page}.md").read_text()


def test_every_public_name_has_its_entry() -> None:
    pages = [page.read_text() for page in REFERENCE.glob("*.md")]
    entries = [name for page in pages for name in DIRECTIVE.findall(page)]
    assert len(entries) == len(set(entries))
    in_words = {
        name
        for name, found in PUBLIC.items()
        if not (inspect.isclass(found) or inspect.isfunction(found))
    }
    assert {*entries, *in_words} == {*PUBLIC, *adapters()}
    told = reference("events") + reference("testing")
    assert all(f"`{name.rpartition('.')[2]}`" in told for name in in_words)


def adapters() -> set[str]:
    """The public classes of modules that cannot be imported here, for want of their engine."""
    return {
        f"civo_snapshots.integrations.{engine}.{found}"
        for engine in ENGINES
        for found in re.findall(
            r"^class ([A-Z]\w*)(?!.*(?:Protocol|TypedDict))",
            (ROOT / "civo_snapshots" / "integrations" / f"{engine}.py").read_text(),
            re.MULTILINE,
        )
    }


def test_every_event_is_on_the_page_of_events() -> None:
    shown = set(DIRECTIVE.findall(reference("events")))
    assert {f"civo_snapshots.{one.__name__}" for one in get_args(civo_snapshots.Event)} <= shown


def test_every_error_is_in_the_tree_and_has_its_entry() -> None:
    page = reference("errors")
    tree = page[page.index("```text") : page.index("## The API's codes")]
    for name, found in PUBLIC.items():
        if inspect.isclass(found) and issubclass(found, Exception):
            assert re.search(rf"\b{found.__name__}\b", tree), name
            assert name in DIRECTIVE.findall(page), name


async def test_every_code_is_told_with_the_error_that_it_becomes() -> None:
    """As a client meets it: over HTTP, with the code's usual status."""
    page = reference("errors")
    async with FakeRegion(instances=1) as region:
        for code in ERROR_CODES:
            region.fault("GET /v2/quota", Fault.code(code))
            async with CivoClient(
                region.token, region="LON1", api_url=region.url, retries=False
            ) as civo:
                with pytest.raises(ApiError) as raised:
                    await civo.quota.get()
            row = rf"\| `{code}` \| [^|]+ \| `{type(raised.value).__name__}` \|"
            assert re.search(row, page), (code, type(raised.value).__name__)
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert told == set(ERROR_CODES)


def test_every_switch_of_the_fake_region_is_explained() -> None:
    assert "civo_snapshots.testing.Switches" in DIRECTIVE.findall(reference("testing"))
    assert len(fields_of(Switches)) > 40  # test_documented.py wants an entry of each


def _parameters(function: Any) -> set[str]:
    """The keywords that a class, or a method of whatever kind, takes."""
    function = getattr(function, "__func__", function)
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a property, or a typed dict
        return set()


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(Context(group)):
        command = group.get_command(Context(group), name)
        yield (*path, name), command
        if hasattr(command, "list_commands"):
            yield from _commands(command, (*path, name))


def test_every_option_of_the_command_is_in_the_reference() -> None:
    sections = dict(
        re.findall(
            r"^## civo-snapshots (.*?)\n(.*?)(?=^## |\Z)",
            reference("command-line-help"),
            re.DOTALL | re.MULTILINE,
        )
    )
    for path, command in _commands(app):
        if path == ("simulate",):  # its options are the switches, read by the fake itself
            continue
        section = sections[" ".join(path)]
        for option in command.params:
            for spelled in getattr(option, "opts", ()):
                if spelled.startswith("--") and not getattr(option, "hidden", False):
                    assert re.search(rf"{spelled}\b", section), (path, spelled)


def test_every_exit_code_is_in_the_reference_and_in_the_promise() -> None:
    promise = (ROOT / "docs" / "explanation" / "stability.md").read_text()
    for code in Exit:
        assert f"| {code.value} |" in reference("command-line")
        assert re.search(rf"\b{code.value}\b", promise)


@pytest.mark.parametrize(
    "page",
    # Those of the engines name what is theirs, and tests/engines runs them.
    [README, ROOT / "SECURITY.md", *(one for one in PAGES if one.stem not in ENGINES)],
    ids=lambda one: one.stem,
)
def test_a_page_names_only_what_there_is(page: Path) -> None:
    """What stands in backticks and looks like a name, a call or a keyword of this package."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    invented = [code for code in CODE.findall(prose) if not is_there(code)]
    assert not invented


CODE = re.compile(r"`([^`\n]+)`")
OURS = {name.rpartition(".")[2]: found for name, found in PUBLIC.items()}
CLASSES = {name: found for name, found in OURS.items() if inspect.isclass(found)}
MEMBERS = {
    name: fields_of(one)
    | {m for m, _ in methods_of(one)}
    | set(vars(one).get("__annotations__", ()))
    for name, one in CLASSES.items()
}
PARTS = {part for parts in MEMBERS.values() for part in parts}
FUNCTIONS = [
    one for name in CLASSES for one in (CLASSES[name], *dict(methods_of(CLASSES[name])).values())
]
KEYWORDS = {keyword for one in FUNCTIONS for keyword in _parameters(one)} | PARTS

OBJECTS = {
    "civo": "CivoClient",
    "snapshots": "Snapshots",
    "schedules": "Schedules",
    "instances": "Instances",
    "regions": "Regions",
    "quota": "Quotas",
    "unresolved": "Unresolved",
    "run": "FleetRun",
    "started": "FleetRun",
    "plan": "PrunePlan",
    "outcome": "Outcome",
    "drill": "RestoreDrill",
    "told": "RestoreDrill",
    "listing": "Listing",
}
"""What a page calls an object, and its class."""

NOT_OURS = {
    *("asyncio", "gather", "repr", "check", "cleanup", "zoneinfo", "ssl", "aiohttp", "web"),
    *(
        "CancelledError",
        "TaskGroup",
        "DeprecationWarning",
        "SSLContext",
        "service",
        "pytest_plugins",
    ),
    *("asyncio_mode", "PowerShell"),
}


def is_there(code: str) -> bool:
    """Whether this is no name of the package at all, or one that exists."""
    match = re.fullmatch(r"(?:await )?\.?([A-Za-z_]\w*(?:\.\w+)*)(\(.*\)|=.*)?", code)
    if match is None:
        return True
    path, rest = match[1].split("."), match[2] or ""
    if path[0] == "civo_snapshots":
        return _imports(path)
    if NOT_OURS & set(path) or path[-1] in FILES or path[0].isupper():
        return True
    if len(path) > 1:
        return _leads_on(path)
    if rest:
        return path[0] in (KEYWORDS if rest.startswith("=") else PARTS | OURS.keys())
    return path[0] in OURS or not re.fullmatch(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+", path[0])


def _leads_on(path: list[str]) -> bool:
    kind = OBJECTS.get(path[0], path[0])
    for part in path[1:]:
        if kind in MEMBERS and part not in MEMBERS[kind]:
            return False
        kind = OBJECTS.get(part, "")
    return True


FILES = ("py", "md", "json", "toml", "svg", "txt")


def _imports(path: list[str]) -> bool:
    found: Any = civo_snapshots
    for number, part in enumerate(path[1:], start=2):
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = importlib.import_module(".".join(path[:number]))
            except ImportError:
                return part in MEMBERS.get(path[number - 2], ())
    return True


@pytest.mark.parametrize(
    "invented",
    [
        *(
            "FleetRun.retry()",
            "civo.snapshots.create_all()",
            "wait_until_done()",
            "SnapshotLostError",
        ),
        *("max_speed=10", "civo_snapshots.errors.NoSuchError", "Timeouts.total", "run.succeeded"),
    ],
)
def test_an_invented_name_would_be_noticed(invented: str) -> None:
    assert not is_there(invented)
