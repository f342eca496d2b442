"""Mutates one module, lets the tests of its room judge each mutant, and lists those that survive.

`nox -s mutants -- limiter` runs this on a copy of the tree in `build/mutants/`, with every draw
seeded, and fails if too many survive. Further arguments go to `mutmut run`; `mutmut browse` in the
copy shows each mutant whole.
"""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

MODULES = {
    "limiter": ("session/test_limiter.py", "_session/limiter _session/outage"),
    "retry": ("session", "_session/retry _session/logical_call"),
    "adoption": ("fleet/test_adoption.py fleet/test_apart.py", "_fleet/adoption"),
    "progress": ("watch/test_progress.py", "_watch/progress"),
    "creation": (
        "create/test_creation.py create/test_creation_edges.py create/test_on_existing.py "
        "create/test_baseline.py",
        "_create/creation _create/lookup",
    ),
}
"""Which tests of its room judge a module; where it is tested by itself, those are enough."""

LEAST = 85
"""Per cent of a module's mutants that its room's tests have to kill."""

SEED = 1
"""Of whatever the code and its tests draw; hypothesis repeats its examples because of `CI`."""

ARGUMENTS = (
    *("-n", "0", "-p", "no:cacheprovider", "--timeout=15"),  # a mutant may hang
    *("-p", "randomly", f"--randomly-seed={SEED}", "--randomly-dont-reorganize"),
    *("-k", "not (drawn0 or drawn1 or drawn2)"),  # in the documented region, the same each time
)
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
KILLED = ("killed", "timeout")


def prepare(tree: Path, tests: str, names: str) -> None:
    """Copy what the tests need, and say what is to be mutated."""
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("civo_snapshots", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    settings: dict[str, list[str]] = {
        "source_paths": ["civo_snapshots"],
        "only_mutate": [f"civo_snapshots/{name}.py" for name in names.split()],
        "pytest_add_cli_args": list(ARGUMENTS),
        "pytest_add_cli_args_test_selection": [f"tests/{one}" for one in tests.split()],
        "use_git_change_detection": ["false"],
    }
    lines = [f"{name} =\n    " + "\n    ".join(values) for name, values in settings.items()]
    (tree / "setup.cfg").write_text("[mutmut]\n" + "\n".join(lines) + "\n")


def mutmut(tree: Path, *arguments: str, capture: bool = True) -> str:
    """Run the tool in the copy; returns what it printed."""
    environment = os.environ | {"CI": "1", "PYTHONHASHSEED": str(SEED)}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), *arguments],
        cwd=tree,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE if capture else None,
    )
    return done.stdout or ""


def change(tree: Path, mutant: str) -> str:
    """Where a mutant differs: its function, and the lines before and after."""
    function = mutant.rpartition("__mutmut_")[0].rpartition(".x")[2]
    lines = mutmut(tree, "show", mutant).splitlines()
    changed = [one for one in lines if one[:1] in "-+" and one[:3] not in ("---", "+++")]
    return "\n".join([function[1:].replace("ǁ", "."), *(one.rstrip() for one in changed)])


def main(module: str, *more: str) -> str | None:
    """Returns what is wrong, if anything."""
    tests, names = MODULES[module]
    tree = ROOT / "build" / "mutants" / module
    prepare(tree, tests, names)
    mutmut(tree, "run", *more, capture=False)
    return report(tree, module)


def report(tree: Path, module: str) -> str | None:
    """Write down which mutants survive; returns what is wrong, if anything."""
    tests, names = MODULES[module]
    listed = mutmut(tree, "results", "--all", "True").splitlines()
    results = dict(line.strip().rsplit(": ", 1) for line in listed if "__mutmut_" in line)
    alive = [one for one, result in results.items() if result not in KILLED]
    survivors = [change(tree, one) for one in alive]
    rate = 100 * (1 - len(alive) / len(results))
    told = (
        f"{names}: {len(results) - len(alive)} of {len(results)} mutants killed "
        f"by {tests} ({rate:.1f} %); mutmut {version('mutmut')}, seed {SEED}"
    )
    (HERE / f"{module}.txt").write_text("\n\n".join([told, *survivors]) + "\n", "utf-8")
    print(told)
    return None if rate >= LEAST else f"less than {LEAST} %: see {HERE.name}/{module}.txt"


if __name__ == "__main__":
    if not sys.argv[1:] or sys.argv[1] not in MODULES:
        sys.exit(f"which module? one of {', '.join(MODULES)}")
    sys.exit(main(*sys.argv[1:]))
