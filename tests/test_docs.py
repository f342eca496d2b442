"""Every block of a page, every example and that of every docstring runs against the fake region."""

import asyncio
import importlib.util
import inspect
import logging
import os
import sys
from pathlib import Path

import pytest
from support.docs import (
    EXAMPLES,
    PAGES,
    ROOT,
    blocks_of,
    docstring_examples,
    given_by,
    paste,
    region_of_readers,
    run,
)
from support.face import PUBLIC

from civo_snapshots import CivoClient

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
    "page",
    [one for one in PAGES if blocks_of(one) and one.stem not in ENGINES],
    ids=lambda page: page.stem,
)
async def test_every_block_of_a_page_runs(
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    nothing_left: None,
) -> None:
    caplog.set_level(logging.NOTSET, "civo_snapshots")  # what a page sets is put back
    async with region_of_readers(monkeypatch) as region:
        await paste(page, given_by(region))


@pytest.mark.parametrize("name", docstring_examples())
async def test_the_example_of_a_docstring_runs(
    name: str, monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> None:
    names = {called.rpartition(".")[2]: one for called, one in PUBLIC.items()}
    async with region_of_readers(monkeypatch) as region, CivoClient() as civo:
        given = given_by(region)
        snapshot = await civo.snapshots.create(str(given["instance_id"]), name="given")
        snapshot = await civo.snapshots.wait_until_complete(snapshot)
        await run(
            docstring_examples()[name], {**names, **given, "civo": civo, "snapshot": snapshot}, name
        )


def test_the_main_entry_points_have_an_example() -> None:
    snapshots = (
        *("create", "wait_until_complete", "create_many", "create_each", "start_many"),
        *("wait_many", "find_run", "restore", "plan_prune", "prune", "restore_drill"),
    )
    wanted = {f"civo_snapshots.resources.Snapshots.{name}" for name in snapshots}
    wanted |= {"civo_snapshots.CivoClient", "civo_snapshots.testing.FakeRegion"}
    assert wanted <= docstring_examples().keys()


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


async def test_the_tests_of_the_page_about_tests_pass(tmp_path: Path) -> None:
    """They run as a reader's own do: in a project that knows nothing of this one."""
    page = ROOT / "docs" / "howto" / "testing.md"
    plugin, *tests = blocks_of(page)
    tmp_path.joinpath("conftest.py").write_text(plugin)
    tmp_path.joinpath("test_theirs.py").write_text("\n".join(tests))
    tmp_path.joinpath("pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    ran = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await ran.communicate()
    assert ran.returncode == 0, out.decode()
    assert b"7 passed" in out
