"""The order in which modules may import each other, and what importing the package loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import civo_snapshots

PACKAGE = Path(civo_snapshots.__file__).parent

# A module imports only from lines above its own.
ORDER = """
    _http.__init__  _session.__init__  _codec.__init__  _api.__init__
    _create.__init__  _watch.__init__  _fleet.__init__
    states  _clock  _naming  _cron  _version  _collector  _lazy  _create.claims
    models  _concurrency
    events
    _records
    errors
    outcomes  _validation  _http.rate_limit_headers  _codec.array_splitter  _http.timeouts
    _http.api_errors  _api.listing  _session.limiter  _codec.fast
    _session.options  _watch.progress  _watch.restore
    _codec.records  _session.retry  _watch.schedule
    _codec.page_reader
    _codec.region_listing  _session.deadline  _session.record  _fleet.member
    _watch.listing_match
    _watch.poller  _fleet.run  _create.creation
    _watch.watcher  _fleet.adoption  _create.supervisor
    _config  _http.body
    _http.transport
    _session.call
    _api.context
    _api.mutations
    resources.instances  resources.regions  resources.quota  resources.schedules
    resources.region_snapshots  _api.region_api
    _watch.wait
    _fleet.calls
    resources.snapshots
    resources.__init__  _core
    _later
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
    while name:
        if name in RANK:
            return RANK[name]
        name = name.rpartition(".")[0]
    return None


def imports_of(path: Path) -> Iterator[str]:
    """The package's own modules that a module imports, as dotted names within the package.

    What it imports for annotations counts, and so does what a lazy module loads later.
    """
    here = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "civo_snapshots":
                    yield module_at(*alias.name.split(".")[1:])
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                if (node.module or "").split(".")[0] != "civo_snapshots":
                    continue
                base = (node.module or "").split(".")[1:]
            else:
                base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            base = [part for part in base if part]
            for alias in node.names:
                yield module_at(*base, alias.name) or module_at(*base)


def module_at(*parts: str) -> str:
    """The name of the module or package at this place; empty if there is none."""
    if PACKAGE.joinpath(*parts, "__init__.py").exists():
        return ".".join([*parts, "__init__"])
    exists = PACKAGE.joinpath(*parts).with_suffix(".py").exists()
    return ".".join(parts) if exists else ""


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
    assert knowing == {"_http", "testing"}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded when it has run the code."""
    code = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


CLIENT = "from civo_snapshots import CivoClient\ncivo = CivoClient('token', region='LON1')\n"
RESOURCES = ("instances", "snapshots", "region_snapshots", "schedules", "regions", "quota")


def test_importing_the_package_loads_nothing_that_is_not_asked_for() -> None:
    loaded = loaded_by("import civo_snapshots")
    assert not loaded & {"aiohttp", "attrs", "attr", "cattrs", "msgspec", "backoff", "asyncio"}
    own = {name for name in loaded if name.startswith("civo_snapshots.")}
    assert own == {"civo_snapshots._lazy", "civo_snapshots._version"}


@pytest.mark.parametrize("code", [CLIENT, f"from civo_snapshots import *\n{CLIENT}civo.snapshots"])
def test_using_the_package_loads_no_server_no_cli_and_no_test_code(code: str) -> None:
    unwanted = {
        "aiohttp.web",
        "aiohttp.test_utils",
        "rich",
        "pytest",
        "civo_snapshots.testing",
        "civo_snapshots.cli",
    }
    assert not loaded_by(code) & unwanted


def test_making_a_client_loads_what_sends_but_no_record_and_no_resource() -> None:
    loaded = loaded_by(CLIENT)
    assert {"aiohttp", "civo_snapshots._http.transport"} <= loaded
    assert not loaded & {"cattrs", "msgspec", "dataclasses"}
    late = {"_core", "_codec", "_create", "_watch", "events", "models", "states"}
    assert not loaded & {f"civo_snapshots.{name}" for name in late}
    assert not [name for name in loaded if name.startswith("civo_snapshots.resources.")]


def test_looking_at_a_client_and_closing_it_loads_no_more() -> None:
    code = "assert (civo.unresolved, civo.extra_snapshots, civo.requests_sent) == ((), (), 0)\n"
    code += "repr(civo.in_region('NYC1'))\nimport asyncio\nasyncio.run(civo.close())"
    own = {name for name in loaded_by(CLIENT + code) if name.startswith("civo_snapshots")}
    assert own <= loaded_by(CLIENT)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_resource_is_loaded_when_it_is_used(resource: str) -> None:
    loaded = loaded_by(f"{CLIENT}civo.{resource}")
    assert f"civo_snapshots.resources.{resource}" in loaded


# Lazy modules: what type checkers read and what is loaded are the same names from the same places.

LAZY = [path for path in MODULES if "= lazy(" in path.read_text() or ".lazy(" in path.read_text()]


def told_and_loaded(path: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The (module, name) pairs that a lazy module imports for annotations, and those it loads."""
    tree = ast.parse(path.read_text())
    [fork] = [node for node in tree.body if isinstance(node, ast.If)]
    told = {
        (f"{'.' * node.level}{node.module}", alias.name)
        for node in fork.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    [assignment] = fork.orelse
    assert isinstance(assignment, ast.Assign)
    assert isinstance(assignment.value, ast.Call)
    homes = ast.literal_eval(assignment.value.args[1])
    return told, {(home, name) for home, names in homes.items() for name in names.split()}


@pytest.mark.parametrize("path", LAZY, ids=name_of)
def test_what_a_lazy_module_loads_is_what_it_tells_type_checkers(path: Path) -> None:
    told, loaded = told_and_loaded(path)
    assert told
    assert told == loaded
    module = import_module(f"civo_snapshots.{name_of(path)}".removesuffix(".__init__"))
    for home, name in loaded:
        assert getattr(module, name) is getattr(import_module(home, module.__package__), name)
        assert name in dir(module)


def test_which_modules_are_lazy() -> None:
    names = {name_of(path) for path in LAZY}
    assert names == {"__init__", "_later", "_records", "resources.__init__"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_its_job_first(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "a module begins with what it is for"
    assert docstring.split("\n")[0].rstrip().endswith((".", ":", ";")) or "\n" in docstring
