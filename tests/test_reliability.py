"""The jobs of `benchmarks.reliability` at a twentieth of their size, against a server in-process.

Only counts are asserted. The numbers are those of the failure catalogue.
"""

import sys

import pytest

from benchmarks.reliability._job import SDK, Figures
from benchmarks.reliability._run import JOBS
from benchmarks.reliability._server import serving

pytestmark = pytest.mark.usefixtures("nothing_left")

SHARE = 20
LONGEST_OUTAGE = 40
"""Requests that the budget of a new client allows when nothing is answered."""
IN_FLIGHT = 10
"""Requests that a new client has in flight at once."""
PROBES = 3
"""Requests that ask whether an outage of three seconds is over."""


async def figures_of(name: str, contestant: str = SDK) -> Figures:
    job = JOBS[name]
    async with serving(job.faults) as url:
        return await job.contestants[contestant](url, job.size // SHARE)


async def assert_bars_met(name: str) -> None:
    assert JOBS[name].missed({SDK: await figures_of(name)}) == []


async def test_creates_over_dropped_connections_are_made_once() -> None:
    """T8, T9, T11."""
    await assert_bars_met("creates")


async def test_creates_that_act_within_the_reconcile_window_are_made_once() -> None:
    """T10."""
    await assert_bars_met("late-commits")


async def test_every_snapshot_made_after_the_reconcile_window_is_reported_once() -> None:
    """T10: duplicates that cannot be prevented are reported, and nothing else."""
    await assert_bars_met("too-late-commits")


async def test_requests_told_are_those_the_server_counted() -> None:
    """T7, T8, T9, T11, H30, S76."""
    await assert_bars_met("attempts")


async def test_a_dead_server_is_not_asked_more_than_the_budget_allows() -> None:
    """T7, and the retry budget."""
    figures = await figures_of("dead-server")
    calls = JOBS["dead-server"].size // SHARE
    assert figures["raised"] == calls
    assert figures["told"] == figures["requests per call"]
    assert round(figures["requests per call"] * calls) <= LONGEST_OUTAGE + IN_FLIGHT + PROBES


async def test_an_answer_that_nobody_asked_for_is_never_returned() -> None:
    """T13."""
    await assert_bars_met("strays")


async def test_creates_cross_with_the_close_of_idle_connections() -> None:
    """T12."""
    await assert_bars_met("idle-closes")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
async def test_nothing_is_left_of_many_calls() -> None:
    """L115 to L118: no descriptor, no task, no warning."""
    figures = await figures_of("soak")
    kept = ("descriptors left", "tasks left", "resource warnings", "rounds raised")
    assert {name: figures[name] for name in kept} == dict.fromkeys(kept, 0)


@pytest.mark.parametrize(
    ("job", "contestant", "figure"),
    [
        ("creates", "retry loop", "duplicates"),
        ("creates", "no retry", "orphans"),
        ("attempts", "retry loop", "difference"),
        ("strays", "plain aiohttp", "wrong objects"),
        ("idle-closes", "plain aiohttp", "errors"),
    ],
)
async def test_the_faults_are_real(job: str, contestant: str, figure: str) -> None:
    """What plain aiohttp does under the same faults: a job that nobody can fail says nothing."""
    assert (await figures_of(job, contestant))[figure] > 0
