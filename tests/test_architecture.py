"""The order in which modules may import each other, and what importing the package loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import civo_snapshots

PACKAGE = Path(civo_snapshots.__file__).parent

# A module imports only from lines above its own.
ORDER = """
    states  _clock  _names  _cron  _version  _collector
    models  _bounded
    errors
    events  outcomes  _arguments  _rate_headers  _slices  _watchdog
    _protocol  _paging  _limits  _decode  _timeouts  _progress  _restoring
    _convert  _retry  _crowd
    _pages
    _scanning
    _sightings
    _looking  _fleet  _creating
    _watching  _adopting  _owning
    _config
    _transport
    _session
    resources._scope
    resources._changes
    resources.instances  resources.regions  resources.quota  resources.schedules
    resources.region_snapshots  resources._snapshot_calls
    resources._snapshot_waits
    resources.snapshots
    _client
    __init__
    testing
    cli
    __main__
"""
LINES = [line.split() for line in ORDER.strip().splitlines()]
RANK = {name: number for number, line in enumerate(LINES) for name in line}

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def rank_of(name: str) -> int | None:
    """A module's line; a package on the list stands for everything in it."""
    if name in ("resources", "resources.__init__"):
        return -1  # holds nothing but a docstring
    while name:
        if name in RANK:
            return RANK[name]
        name = name.rpartition(".")[0]
    return None


def imports_of(path: Path) -> Iterator[str]:
    """The package's own modules that a module imports, as dotted names within the package."""
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "civo_snapshots":
                    yield ".".join(alias.name.split(".")[1:]) or "__init__"
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                if (node.module or "").split(".")[0] != "civo_snapshots":
                    continue
                base = (node.module or "").split(".")[1:]
            else:
                base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            base = [part for part in base if part]
            for alias in node.names:
                deeper = PACKAGE.joinpath(*base, f"{alias.name}.py")
                package = PACKAGE.joinpath(*base, alias.name, "__init__.py")
                if deeper.exists() or package.exists():
                    yield ".".join([*base, alias.name])
                else:
                    yield ".".join(base) or "__init__"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_lines_above_its_own(path: Path) -> None:
    name = name_of(path)
    own = rank_of(name)
    assert own is not None, f"{name} has no place in the order"
    family = name.split(".")[0]
    for imported in imports_of(path):
        if family in ("testing", "cli") and imported.split(".")[0] == family:
            continue  # they order themselves; cycles are excluded below
        theirs = rank_of(imported)
        assert theirs is not None, f"{imported} has no place in the order"
        assert theirs < own, f"{name} imports {imported}"


def test_there_is_no_import_cycle() -> None:
    graph = {name_of(path): set(imports_of(path)) for path in MODULES}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join((*trail, name))}"
        if name not in done:
            for imported in graph.get(name, ()):
                visit(imported, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert done >= graph.keys()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_import_hides_in_a_function(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            hidden = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not hidden, f"line {hidden[0].lineno}"


def test_one_module_knows_the_http_client() -> None:
    knowing = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            if any(name.split(".")[0] in ("aiohttp", "yarl") for name in names):
                knowing.add(name_of(path).split(".")[0])
    assert knowing == {"_transport", "testing"}


def test_importing_the_package_loads_no_server_no_cli_and_no_test_code() -> None:
    code = (
        "import sys, civo_snapshots; "
        "unwanted = ('aiohttp.web', 'aiohttp.test_utils', 'rich', 'pytest', "
        "'civo_snapshots.testing', 'civo_snapshots.cli'); "
        "print([name for name in unwanted if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_its_job_first(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "a module begins with what it is for"
    assert docstring.split("\n")[0].rstrip().endswith((".", ":", ";")) or "\n" in docstring
