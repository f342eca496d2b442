"""Job `overhead`: where the microseconds of a call go, by sampling the stack each millisecond.

A sample belongs to the module whose Python code runs or has called into C; "in" counts all samples
with a function anywhere on the stack. Sampling changes little, unlike a tracing profiler.
"""

import importlib
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from types import FrameType

from ._bench import Bench, Report, Run, values
from ._meter import Figures

INTERVAL = 0.001
LEAST = 0.004
"""Shares below it are left out."""


def run(bench: Bench) -> Report:
    report = Report("overhead")
    spec = {"concurrency": 32, "count": bench.size(20_000, 2_000)}
    runs = {
        name: Run("overhead", "sampled", {**spec, "module": f"_{name}"}, {"finished": 100})
        for name in ("sdk", "raw")
    }
    found = bench.interleave(runs, bench.rounds())
    for name in runs:
        keys = {key for one in found[name] for key in one}
        merged = [{key: one.get(key, 0.0) for key in keys} for one in found[name]]
        cost = values(merged, "cpu_us")
        report.note(f"{name} CPU of a call", "us", cost)
        shares = {key: values(merged, key) for key in keys - {"cpu_us"}}
        for key in sorted(shares, key=lambda key: -sum(shares[key])):
            spent = [share * each for share, each in zip(shares[key], cost, strict=True)]
            report.note(f"{name} {key}", "us", spent)
    return report


class Sampler:
    """Counts where the process is each time another millisecond of CPU is used."""

    def __init__(self) -> None:
        self._self: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._total = 0

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def stop(self) -> Figures:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = {**_prefixed("self", self._self), **_prefixed("in", self._within)}
        shares = {name: count / self._total for name, count in found.items()}
        return {name: share for name, share in shares.items() if share >= LEAST}

    def _sample(self, _: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._total += 1
        self._self[_module(frame)] += 1
        ours = {
            f"{_module(one)}.{one.f_code.co_qualname}"
            for one in _stack(frame)
            if _module(one).startswith("civo_snapshots")
        }
        self._within.update(ours)


def _prefixed(prefix: str, counts: Counter[str]) -> dict[str, int]:
    return {f"{prefix} {name}": count for name, count in counts.items()}


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    """The module, or what made the code if it was generated."""
    name = str(frame.f_globals.get("__name__") or frame.f_code.co_filename)
    if frame.f_code.co_filename.startswith("<"):
        return frame.f_code.co_filename.strip("<>").partition(" ")[0] + " (generated)"
    return name


async def sampled(url: str, concurrency: int, count: int, module: str) -> Figures:
    """The `calls` run of a client, sampled; shares of its CPU."""
    calls = importlib.import_module(f".{module}", __package__).calls
    sys.setswitchinterval(1.0)
    sampler = Sampler()
    sampler.start()
    try:
        cost: Figures = await calls(url, concurrency, count)
    finally:
        shares = sampler.stop()
    return {**cost, **shares}
