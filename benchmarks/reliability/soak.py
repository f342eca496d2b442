"""Tens of thousands of calls with faults: what a long-lived client keeps of them."""

import asyncio
import gc
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, work
from benchmarks.reliability.attempts import CALLS_PER_ROUND, mixed_round

_WORKERS = 50
_SHARE = 10
"""The first tenth of the calls warms up; the process is measured after each tenth."""


async def _sdk(url: str, size: int) -> Figures:
    if not sys.platform.startswith("linux"):
        raise SystemExit("the soak job reads /proc: it needs Linux")
    descriptors, tasks = _descriptors(), len(asyncio.all_tasks())
    rounds = size // CALLS_PER_ROUND // _SHARE
    rss: list[int] = []
    beyond = raised = 0
    with _warnings() as warnings:
        async with sdk(url, workers=_WORKERS, reconcile_window=0.2) as civo:
            for share in range(_SHARE):
                raised += await work(
                    rounds, _WORKERS, lambda number: mixed_round(civo, number), first=share * rounds
                )
                gc.collect()
                rss.append(resident())
                # Dropped connections are opened again as needed, so only the ceiling is constant.
                beyond = max(beyond, _descriptors() - descriptors - _WORKERS)
        await asyncio.sleep(0.1)
        gc.collect()
    return {
        "RSS drift MB": (rss[-1] - rss[0]) / 1e6,
        "RSS MB": rss[-1] / 1e6,
        "descriptors beyond the pool": max(0, beyond),
        "descriptors left": _descriptors() - descriptors,
        "tasks left": len(asyncio.all_tasks()) - tasks,
        "resource warnings": len(warnings),
        "rounds raised": raised,
    }


@contextmanager
def _warnings() -> Generator[list[str]]:
    """What nobody could catch: a ResourceWarning made an error, a task's forgotten error."""
    found: list[str] = []
    loop, hook = asyncio.get_running_loop(), sys.unraisablehook
    sys.unraisablehook = lambda problem: found.append(repr(problem.exc_value))
    loop.set_exception_handler(lambda _, context: found.append(str(context.get("message"))))
    try:
        yield found
    finally:
        sys.unraisablehook = hook
        loop.set_exception_handler(None)


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


JOBS = (
    Job(
        "soak",
        "mixed calls, 1 % dropped; what stays after the first tenth (reconcile_window 0.2 s)",
        50_000,
        Faults(before=0.005, after=0.005),
        {"sdk": _sdk},
        (
            Bar("RSS drift MB", most=2),
            Bar("descriptors beyond the pool", most=0),
            Bar("descriptors left", most=0),
            Bar("tasks left", most=0),
            Bar("resource warnings", most=0),
            Bar("rounds raised", most=0),
        ),
    ),
)
