"""The fake is another hand than the SDK's, and its switches are told in one way everywhere."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import attrs
import pytest

import civo_snapshots.testing
from civo_snapshots.testing import FakeRegion, Switches
from civo_snapshots.testing._command import _ENTRY
from civo_snapshots.testing._options import RegionOptions, SwitchOptions

ROOM = Path(civo_snapshots.testing.__file__).parent
PUBLIC = "civo_snapshots"
OWN = "civo_snapshots.testing"


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or anywhere in it, as written or resolved."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [] if not node.level else OWN.split(".")[: 3 - node.level]
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == PUBLIC:
                names |= {f"{module}.{alias.name}" for alias in node.names}
            else:
                names.add(module)
    return names


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.stem)
def test_the_fake_imports_nothing_of_the_sdk(path: Path) -> None:
    own = {name for name in imported(path) if name.split(".")[0] == PUBLIC}
    foreign = {name for name in own if name != OWN and not name.startswith(f"{OWN}.")}
    # The plugin loads the public client when a test takes it.
    assert foreign == set()


def loaded_by(module: str) -> set[str]:
    """The package's modules that a fresh interpreter has loaded when it has imported one."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split() if name.split(".")[0] == PUBLIC}


def test_using_the_fake_loads_no_module_of_the_sdk() -> None:
    loaded = {name for name in loaded_by(f"{OWN}.__main__") if not name.startswith(OWN)}
    # Python loads the package above it, whatever that loads.
    assert loaded == loaded_by(PUBLIC)


def test_every_switch_is_a_keyword_of_the_same_type_and_is_explained() -> None:
    switches = {field.name for field in attrs.fields(Switches)}
    hints = get_type_hints(Switches)
    assert get_type_hints(SwitchOptions) == hints
    assert hints.keys() == switches
    assert {name for name, _ in _ENTRY.findall(inspect.getdoc(Switches) or "")} == switches


def test_every_keyword_of_a_region_is_known_to_type_checkers() -> None:
    own = get_type_hints(FakeRegion.__init__).keys() - {"return", "switches"}
    assert (
        own - {"seed"}
        == get_type_hints(RegionOptions).keys() - get_type_hints(SwitchOptions).keys()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"unique_names": "everywhere"},
        {"restore_status": 202},
        {"read_lag": -1.0},
        {"stale_share": 1.5},
        {"duration": (2.0, 1.0)},
        {"restore_duration": (-1.0, 1.0)},
        {"page_cap": 0},
        {"states": "odd"},
        {"states": {"over": "Over"}},
        {"no_such_switch": 1},
    ],
    ids=str,
)
def test_a_wrong_switch_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        FakeRegion(**wrong)  # type: ignore[arg-type]
