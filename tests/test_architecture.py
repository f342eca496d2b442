"""The house: which room may import which, what each room shows, and what importing loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import civo_snapshots

PACKAGE = Path(civo_snapshots.__file__).parent

# The floors from the ground up: a room imports only from floors below its own, never a sibling.
# A room is a package with all its files, or a file at the root.
FLOORS = """
    states  _clock  _naming  _lazy  _version  testing
    models  _concurrency
    errors  events
    outcomes  retention  _validation  _http
    _session  _codec  _config
    _api
    _create  _watch
    _fleet
    resources
    _client
    __init__  cli
    __main__  integrations
"""
FLOOR = {
    room: number for number, line in enumerate(FLOORS.strip().splitlines()) for room in line.split()
}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
MODULES = sorted(PACKAGE.rglob("*.py"))

# The words that the field's words have replaced, in names of any kind.
OLD_WORDS = """
    Crowd Cohort Watch Lookout Sighting Sightings Scan Scanner Slicer Progress Deletion begin_with
    see see_again Account Flight place give_back take_place Creations forsake forsaken news call_off
    called_off Ledger Turn Steps Looks FanOut Scope Core _Shared rest pace pause_left settle looks
    look GRACE maybe_acted maybe_sent was_sent unanswered in_doubt _is_open sending crowd cohort
    lookout sightings ledger flight
"""


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def room_of(name: str) -> str:
    """The room that a module, named within the package, belongs to."""
    return name.split(".", maxsplit=1)[0]


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


def docstrings_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)):
            yield ast.get_docstring(node, clean=False) or ""


def module_at(*parts: str) -> str:
    """The name of the module or package at this place; empty if there is none."""
    if PACKAGE.joinpath(*parts, "__init__.py").exists():
        return ".".join([*parts, "__init__"])
    exists = PACKAGE.joinpath(*parts).with_suffix(".py").exists()
    return ".".join(parts) if exists else ""


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(name_of(path)) for path in MODULES}
    assert rooms == FLOOR.keys()
    assert len(FLOORS.strip().splitlines()) <= 12
    assert len(rooms) <= 30


def test_few_private_files_lie_at_the_root() -> None:
    private = {path.name for path in PACKAGE.glob("_[!_]*.py")}
    assert len(private) <= 8, private


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_is_too_long_to_be_read_at_once(path: Path) -> None:
    """Docstrings and signatures do not count: they are the reference, and are read alone."""
    text = path.read_text()
    tree = ast.parse(text)
    docs = sum(len(doc.splitlines()) for doc in docstrings_of(tree))
    signatures = sum(
        node.body[0].lineno - node.lineno for node in ast.walk(tree) if isinstance(node, FUNCTIONS)
    )
    assert len(text.splitlines()) - docs - signatures <= 300


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_floors_below_its_own(path: Path) -> None:
    room = room_of(name_of(path))
    for imported in imports_of(path):
        if room_of(imported) != room:
            assert FLOOR[room_of(imported)] < FLOOR[room], imported


def test_integrations_use_what_users_see() -> None:
    for path in PACKAGE.joinpath("integrations").glob("*.py"):
        for imported in imports_of(path):
            assert not imported.removesuffix("__init__").startswith("_"), (path.name, imported)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_reaches_past_the_face_of_a_room(path: Path) -> None:
    room = room_of(name_of(path))
    for imported in imports_of(path):
        if room_of(imported) not in (room, "cli", "testing"):
            assert imported.count(".") == 0 or imported.endswith("__init__"), imported


@pytest.mark.parametrize("room", sorted(ROOMS - {"cli", "integrations"}))
def test_a_room_says_what_it_shows(room: str) -> None:
    face = import_module(f"civo_snapshots.{room}")
    imported = {
        alias.name
        for node in ast.parse((PACKAGE / room / "__init__.py").read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(face.__all__) == imported


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


def test_one_room_knows_the_http_client() -> None:
    knowing = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            if any(name.split(".")[0] in ("aiohttp", "yarl") for name in names):
                knowing.add(room_of(name_of(path)))
    assert knowing == {"_http", "testing"}


def names_in(path: Path) -> Iterator[str]:
    """Every identifier that a module defines or uses."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.AsyncFunctionDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room_of(name_of(path)) not in ("cli", "testing")],
    ids=name_of,
)
def test_the_fields_own_words_are_used(path: Path) -> None:
    old = set(OLD_WORDS.split())
    assert not {name for name in names_in(path) if {name, name.lstrip("_")} & old}


def test_nothing_touches_the_collector_of_the_process() -> None:
    """R179: it kept 425 MB of a host's garbage where 56 were."""
    for path in MODULES:
        assert not {"gc"} & {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }, path


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded when it has run the code."""
    code = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


CLIENT = "from civo_snapshots import CivoClient\ncivo = CivoClient('token', region='LON1')\n"


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
    assert names == {"__init__"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_its_job_first(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "a module begins with what it is for"
    assert docstring.split("\n")[0].rstrip().endswith((".", ":", ";")) or "\n" in docstring
