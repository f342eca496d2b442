"""Run the jobs named (all of them by default), print their figures, fail if one misses its bar."""

import argparse
import asyncio
import importlib
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.hostile._figures import Figure, Job

JOBS = ("waits", "cancels", "bodies", "answers", "floods", "kills", "lies")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="job", help=f"of {', '.join(JOBS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")
    parser.add_argument("--steps", type=int, default=10_000, help="of lies; 10,000 by default")
    parser.add_argument("--seed", type=int, default=1, help="of lies; 1 by default")
    options = parser.parse_args(arguments)
    if unknown := set(options.jobs) - set(JOBS):
        parser.error(f"no job {', '.join(sorted(unknown))}; there are {', '.join(JOBS)}")
    return options


def _plain(figure: Figure) -> dict[str, object]:
    # JSON has no infinity: a bar that does not bind is null.
    bars = {"at_most": figure.at_most, "at_least": figure.at_least}
    told = {name: bar if abs(bar) != float("inf") else None for name, bar in bars.items()}
    return {"what": figure.what, "value": figure.value, "unit": figure.unit, "ok": figure.ok} | told


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    results: dict[str, object] = {}
    missed = 0
    began = time.monotonic()
    for name in options.jobs or JOBS:
        module = importlib.import_module(f"benchmarks.hostile.{name}")
        job: Job = module.run
        if name == "lies":
            job = partial(module.run, steps=options.steps, seed=options.seed)
        started = time.monotonic()
        print(f"{name}", flush=True)
        figures = asyncio.run(job())
        took = time.monotonic() - started
        for figure in figures:
            print(figure)
        print(f"       {took:.1f} s", flush=True)
        missed += sum(not figure.ok for figure in figures)
        results[name] = {"seconds": took, "figures": [_plain(figure) for figure in figures]}
    print(f"{missed} bars missed, {time.monotonic() - began:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
