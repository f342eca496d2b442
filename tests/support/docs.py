"""Pages and examples as readers find them: Python blocks that run against a fake region.

The blocks of a page run in order in one namespace, as if they were pasted into `python -m asyncio`.
They find a token, a region and an address in the environment, and are given `GIVEN`. The example
of a docstring is given `GIVEN_TO_DOCSTRINGS` and every public name besides. Run as a program, it
writes each page and all docstrings as modules for type checkers into the folder named.
"""

import ast
import codeop
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CodeType

import pytest

from civo_snapshots import Timeouts
from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeRegion

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
from support import face

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted(
    page for page in (ROOT / "docs").rglob("*.md") if not {"_build", "inventories"} & {*page.parts}
)
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

GIVEN = {"instance_id": "str", "broken_instance_id": "str", "instance_ids": "list[str]"}
"""What every page may use without making it, with its type."""

GIVEN_TO_DOCSTRINGS = {"civo": "CivoClient", "snapshot": "Snapshot", **GIVEN}
"""The same for the example of a docstring; the snapshot is complete."""

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NIGHTS = 40


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page."""
    return _BLOCK.findall(page.read_text())


async def run(code: str, names: dict[str, object], called: str) -> None:
    """Run a piece of code; a top-level `await` is allowed."""
    compiled: CodeType = compile(code, called, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    ran = eval(compiled, names)
    if inspect.iscoroutine(ran):
        await ran


async def paste(page: Path, names: dict[str, object]) -> None:
    """Give a page line by line to what `python -m asyncio` reads its lines with.

    There an empty line ends what is indented, and a line at the margin does not.
    """
    names["__name__"] = "__main__"
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for block in blocks_of(page):
        lines: list[str] = []
        for line in [*block.splitlines(), ""]:
            lines.append(line)
            code = compiler("\n".join(lines), page.name, "single")
            if code is not None:
                lines.clear()
                ran = eval(code, names)
                if inspect.iscoroutine(ran):
                    await ran
        assert not lines, f"{page.name} ends within {lines}"


def docstring_examples() -> dict[str, str]:
    """What stands behind "Example::" in the docstrings of public names, by its name."""
    found: dict[str, str] = {}
    for name, one in face.PUBLIC.items():
        if not (inspect.isclass(one) or inspect.isfunction(one)):
            continue
        parts = dict(face.methods_of(one)) if inspect.isclass(one) else {}
        for part, member in {"": one, **parts}.items():
            _, heading, text = (inspect.getdoc(member) or "").partition("Example::\n\n")
            if heading:
                code = itertools.takewhile(_is_code, text.splitlines())
                found[f"{name}.{part}".rstrip(".")] = textwrap.dedent("\n".join(code))
    return found


def _is_code(line: str) -> bool:
    return not line or line.startswith("    ")


@asynccontextmanager
async def region_of_readers(
    monkeypatch: pytest.MonkeyPatch, *, nights: int = _NIGHTS
) -> AsyncIterator[FakeRegion]:
    """A quick region of real time, which the environment names, with a past.

    A run's last look, for duplicates, comes after half a second instead of eight. The region has
    four instances: two of them tagged "prod", the last with a volume that will fail. Each
    has a snapshot of a run `nightly-<date>` from each of the last so many nights.
    """
    async with FakeRegion(
        instances=1,
        region="LON1",
        more_regions=("NYC1",),
        duration=(0.01, 0.05),
        restore_duration=(0.01, 0.02),
    ) as region:
        region.add_instance(hostname="db-1", tags=("prod",))
        region.add_instance(hostname="web-1", volumes=1, tags=("prod",))
        broken = region.add_instance(hostname="web-2")
        region.fail_volume(broken)
        now = datetime.now(UTC)
        for night in range(nights, 0, -1):
            date = now - timedelta(days=night)
            for instance_id in region.instance_ids:
                name = name_for(f"nightly-{date:%Y%m%d}", instance_id)
                region.state.add_stranger(name, instance_id, age=night * 86_400.0)
        *others, _ = Timeouts.__init__.__defaults__ or ()
        monkeypatch.setattr(Timeouts.__init__, "__defaults__", (*others, 0.5))
        monkeypatch.setenv("CIVO_TOKEN", region.token)
        monkeypatch.setenv("CIVO_API_URL", region.url)
        monkeypatch.setenv("CIVO_REGION", region.region)
        yield region


def given_by(region: FakeRegion) -> dict[str, object]:
    """`GIVEN`, of this region."""
    ids = region.instance_ids
    return {"instance_id": ids[0], "broken_instance_id": ids[-1], "instance_ids": ids[:-1]}


def as_module(blocks: list[str], given: Mapping[str, str] = GIVEN) -> str:
    """The blocks of a page as one coroutine, for type checkers."""
    parameters = ", ".join(f"{name}: {kind}" for name, kind in given.items())
    body = textwrap.indent("\n".join(blocks), "    ")
    checks = "# pyright: strict, reportUnusedVariable=false, reportUnusedFunction=false"
    return f"{checks}\n\n\nasync def page({parameters}) -> None:\n{body}"


def examples_as_module() -> str:
    """Every example of a docstring, for type checkers."""
    public = [name.rpartition(".") for name in face.PUBLIC]
    head = [f"from {module} import {name} as {name}" for module, _, name in public]
    parameters = ", ".join(f"{name}: {kind}" for name, kind in GIVEN_TO_DOCSTRINGS.items())
    parts = [
        f"async def example_{number}({parameters}) -> None:\n{textwrap.indent(code, '    ')}"
        for number, code in enumerate(docstring_examples().values())
    ]
    return "\n\n\n".join(["\n".join(head), *parts]) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for page in (README, *filter(blocks_of, PAGES)):
        name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
        module = folder / f"page_{name.lower().replace('-', '_')}.py"
        module.write_text(as_module(blocks_of(page)))
    folder.joinpath("docstrings.py").write_text(examples_as_module())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
