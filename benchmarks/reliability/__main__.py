"""Runs the jobs, each contestant in a process of its own; fails if a bar is missed."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reliability._job import SDK, Figures, Job
from benchmarks.reliability._run import JOBS


def _figures(job: Job, contestant: str) -> Figures:
    """What one contestant reached; a ResourceWarning is an error there."""
    options = ["-W", "error::ResourceWarning"] if contestant == SDK else []
    command = [sys.executable, *options, "-m", "benchmarks.reliability._run", job.name, contestant]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=job.limit + 20
    )
    figures: Figures = json.loads(done.stdout)
    return figures


def _measure(job: Job) -> dict[str, Figures]:
    print(f"\n{job.name}: {job.size:,} {job.title}", flush=True)
    found: dict[str, Figures] = {}
    for contestant in job.contestants:
        began = time.monotonic()
        found[contestant] = _figures(job, contestant)
        told = ", ".join(f"{name} {_shown(value)}" for name, value in found[contestant].items())
        print(f"  {contestant:13} {told} ({time.monotonic() - began:.1f} s)", flush=True)
    return found


def _shown(value: float) -> str:
    return f"{value:,}" if float(value).is_integer() else f"{value:,.3f}"


def _table(measured: dict[str, dict[str, Figures]]) -> None:
    print(f"\n{'job':17} {'figure':28} {'bar':>8} {'SDK':>8}  counterparts")
    for name, figures in measured.items():
        for bar in JOBS[name].bars:
            others = ", ".join(
                f"{contestant} {_shown(found[bar.figure])}"
                for contestant, found in figures.items()
                if contestant != SDK and bar.figure in found
            )
            value = figures[SDK][bar.figure]
            verdict = "" if bar.meets(value) else "  MISSED"
            print(f"{name:17} {bar.figure:28} {bar!s:>8} {_shown(value):>8}  {others}{verdict}")


def main() -> int:
    """The exit status: how many jobs missed a bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("job", nargs="*", help=f"default: all of {', '.join(JOBS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    asked = parser.parse_args()
    for name in asked.job:
        if name not in JOBS:
            parser.error(f"there is no job {name!r}; there are {', '.join(JOBS)}")
    measured = {name: _measure(JOBS[name]) for name in asked.job or JOBS}
    _table(measured)
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    missed = [line for name, figures in measured.items() for line in JOBS[name].missed(figures)]
    for line in missed:
        print(f"MISSED  {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
