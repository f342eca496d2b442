"""Every block of the README runs as it is printed, against the fake region."""

import re

import pytest
from support.docs import README, ROOT, blocks_of, given_by, paste, region_of_readers


async def test_every_block_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing_left: None
) -> None:
    async with region_of_readers(monkeypatch, nights=0) as region:
        await paste(README, given_by(region))
    printed = capsys.readouterr().out
    assert "'complete': 2" in printed
    assert "failed volumes: (" in printed


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text().splitlines()) <= 170
    assert len(blocks_of(README)) >= 6


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


def test_each_promise_of_security_names_a_test_that_there_is() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    files = dict(re.findall(r"^\[(\w+)\]: \S+/(tests/\S+)$", text, re.MULTILINE))
    named = re.findall(r"\[(test_\w+)\]\[(\w+)\]", text)
    assert {short for _, short in named} == files.keys()
    for test, short in named:
        assert f"def {test}(" in (ROOT / files[short]).read_text(), test
    promises = re.findall(r"^- \*\*.*?(?=^- |^## )", text, re.MULTILINE | re.DOTALL)
    assert len(promises) > 6
    assert all("[test_" in promise for promise in promises)
