"""Pages and examples as readers find them: Python blocks that run against a fake region.

The blocks of a page run in order in one namespace, inside a coroutine. They find a token, a region
and an address in the environment, and are given `GIVEN`. Run as a program, it writes each page as a
module for type checkers into the folder named.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import CodeType

import pytest

from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeRegion

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
HOWTO = sorted((ROOT / "docs" / "howto").glob("*.md"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

GIVEN = {"instance_id": "str", "broken_instance_id": "str", "instance_ids": "list[str]"}
"""What every page may use without making it, with its type."""

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NIGHTS = 40


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page."""
    return _BLOCK.findall(page.read_text())


async def run_blocks(page: Path, names: dict[str, object]) -> None:
    """Run a page from its top to its end; a top-level `await` is allowed."""
    for block in blocks_of(page):
        code: CodeType = compile(block, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        ran = eval(code, names)
        if inspect.iscoroutine(ran):
            await ran


@asynccontextmanager
async def region_of_readers(
    monkeypatch: pytest.MonkeyPatch, *, nights: int = _NIGHTS
) -> AsyncIterator[FakeRegion]:
    """A quick region of real time, which the environment names, with a past.

    It has four instances: two of them tagged "prod", the last with a volume that will fail. Each
    has a snapshot of a run `nightly-<date>` from each of the last so many nights.
    """
    async with FakeRegion(
        instances=1,
        region="LON1",
        more_regions=("NYC1",),
        duration=(0.01, 0.05),
        restore_duration=(0.01, 0.02),
    ) as region:
        region.add_instance(hostname="db1", tags=("prod",))
        region.add_instance(hostname="web1", volumes=1, tags=("prod",))
        broken = region.add_instance(hostname="web2")
        region.fail_volume(broken)
        now = datetime.now(UTC)
        for night in range(nights, 0, -1):
            date = now - timedelta(days=night)
            for instance_id in region.instance_ids:
                name = name_for(f"nightly-{date:%Y%m%d}", instance_id)
                region.state.add_stranger(name, instance_id, age=night * 86_400.0)
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
    checks = "# pyright: strict, reportUnusedVariable=false"
    return f"{checks}\n\n\nasync def page({parameters}) -> None:\n{body}"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for page in (README, *filter(blocks_of, HOWTO)):
        module = folder / f"page_{page.stem.lower().replace('-', '_')}.py"
        module.write_text(as_module(blocks_of(page)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
