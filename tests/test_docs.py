"""Every block of a how-to page and every example runs as it is printed, against the fake region."""

import importlib.util
import inspect
from pathlib import Path

import pytest
from support.docs import EXAMPLES, HOWTO, given_by, region_of_readers, run_blocks

ELSEWHERE = {
    "airflow_dag": "engines/test_airflow.py",
    "dask_fleet": "engines/test_dask.py",
    "nightly_aiohttp": "test_examples.py",
    "nightly_fastapi": "test_examples.py",
    "sigterm_and_resume": "test_examples.py",
}
"""Examples that serve until they are stopped or need an engine, and the test file of each."""
ENGINES = {"airflow": "test_airflow.py", "dask": "test_dask.py"}
"""Pages whose blocks need an engine, and the file in tests/engines that runs each of them."""


@pytest.mark.parametrize(
    "page", [one for one in HOWTO if one.stem not in ENGINES], ids=lambda page: page.stem
)
async def test_every_block_of_a_page_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    async with region_of_readers(monkeypatch) as region:
        await run_blocks(page, given_by(region))


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one.stem not in ELSEWHERE], ids=lambda one: one.stem
)
async def test_an_example_runs(
    example: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nothing_left: None,
) -> None:
    """Its `main()` is a coroutine without arguments that ends by itself and prints something."""
    spec = importlib.util.spec_from_file_location(example.stem, example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    async with region_of_readers(monkeypatch):
        ran = module.main()
        assert inspect.iscoroutine(ran)
        await ran
    assert capsys.readouterr().out.strip()


def test_an_example_or_page_that_is_not_run_here_is_run_by_a_test_of_its_own() -> None:
    tests = Path(__file__).parent
    for example, test in ELSEWHERE.items():
        assert example in (tests / test).read_text()
    for page, test in ENGINES.items():
        assert f'"{page}.md"' in (tests / "engines" / test).read_text()
