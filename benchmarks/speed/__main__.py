"""Runs the speed jobs, prints their figures and the bars, and writes JSON."""

import argparse
import importlib.metadata
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    calls,
    events,
    fanout,
    imports,
    instructions,
    level,
    listing,
    many,
    outage,
    overhead,
    pages,
    retention,
    stalls,
    tls,
    trouble,
    watch,
)
from ._bench import Bar, Bench, Report, Series

JOBS: dict[str, Callable[[Bench], Report]] = {
    "calls": calls.run,
    "instructions": instructions.run,
    "tls": tls.run,
    "list": listing.run,
    "pages": pages.run,
    "fanout": fanout.run,
    "level": level.run,
    "watch": watch.run,
    "stalls": stalls.run,
    "trouble": trouble.run,
    "many": many.run,
    "outage": outage.run,
    "imports": imports.run,
    "events": events.run,
    "overhead": overhead.run,
    "retention": retention.run,
}
VERSIONS = ("civo-snapshots", "aiohttp", "attrs", "cattrs", "msgspec", "httpx", "requests")


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.speed", description=__doc__)
    parser.add_argument("job", nargs="*", choices=[*JOBS, []], help="all of them if none is named")
    parser.add_argument("--repeats", type=int, default=3, help="short jobs repeat a multiple of it")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="small and once: does it work?")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    bench = Bench(1 if options.quick else options.repeats, options.quick)
    reports: list[Report] = []
    for job in options.job or JOBS:
        print(f"\n{job}", flush=True)
        report = JOBS[job](bench)
        reports.append(report)
        for series in report.series:
            print(f"  {_row(series)}", flush=True)
        for remark in report.remarks:
            print(f"  {remark}", flush=True)
    bars = sorted((bar for report in reports for bar in report.bars), key=lambda bar: bar.number)
    if bars:
        scale = "; too small to judge by, the figures only show that it works"
        print(f"\nBars{scale if options.quick else ''}")
    for bar in bars:
        print(f"  {_verdict(bar)}")
    if options.json:
        _write(options.json, reports, bench)
    return 0


def _row(series: Series) -> str:
    low, high = _short(min(series.values)), _short(max(series.values))
    spread = f"{low} .. {high}" if len(series.values) > 1 else ""
    return f"{series.name:<64} {_short(series.median):>9} {series.unit:<4} {spread}".rstrip()


def _verdict(bar: Bar) -> str:
    verdict = "met   " if bar.met else "MISSED"
    unit = f" {bar.measured.unit}".rstrip()
    measured, limit = _short(bar.measured.median), _short(bar.limit)
    return f"{bar.number:>2} {verdict} {bar.what:<64} {measured:>9} <= {limit}{unit}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _write(path: Path, reports: list[Report], bench: Bench) -> None:
    found: dict[str, str] = {}
    for name in VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    data = {
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": found,
        "repeats": bench.repeats,
        "quick": bench.quick,
        "jobs": [report.as_json() for report in reports],
    }
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
