"""Every block of the README runs as it is printed, against the fake region."""

import ast
import inspect
import re
from pathlib import Path
from types import CodeType

import pytest

from civo_snapshots.testing import FakeRegion

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def compiled(block: str) -> CodeType:
    code: CodeType = compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return code


async def test_every_block_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_left: None
) -> None:
    async with FakeRegion(
        instances=2, region="LON1", duration=(0.01, 0.05), restore_duration=(0.01, 0.02)
    ) as region:
        region.add_instance(hostname="web1", volumes=1, tags=("prod",))
        broken = region.add_instance(hostname="web2", volumes=2)
        region.fail_volume(broken)
        monkeypatch.setenv("CIVO_TOKEN", region.token)
        monkeypatch.setenv("CIVO_API_URL", region.url)
        names: dict[str, object] = {
            "instance_id": region.instance_ids[0],
            "broken_instance_id": broken,
        }
        for block in BLOCKS:
            ran = eval(compiled(block), names)
            if inspect.iscoroutine(ran):
                await ran
    printed = capsys.readouterr().out
    assert "'complete': 1" in printed
    assert "failed volumes: (" in printed


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text().splitlines()) <= 170
    assert len(BLOCKS) >= 6


PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_exist(page: str) -> None:
    """Those that it names by a path within the project or within the package."""
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]*)`", text)) | set(re.findall(r"`(\w+\.py)`", text))
    places = (ROOT, ROOT / "civo_snapshots", ROOT / "benchmarks")
    missing = [
        name
        for name in named
        if not any((place / name).exists() or (place / f"{name}.py").exists() for place in places)
    ]
    assert missing == []
