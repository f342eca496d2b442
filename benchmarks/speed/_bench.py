"""Runs client and server processes, interleaves repeats, and holds what came out."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen

from ._meter import COUNTED, Figures

LONGEST = 600
"""Seconds that one run may take."""

VALGRIND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null")


@frozen
class Series:
    """The values of one figure over the repeats."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@frozen
class Bar:
    """What one bar of the project asks, and what was measured."""

    number: int
    what: str
    measured: Series
    limit: float

    @property
    def met(self) -> bool:
        return self.measured.median <= self.limit


@define
class Report:
    """What one job found."""

    job: str
    series: list[Series] = field(factory=list[Series])
    bars: list[Bar] = field(factory=list[Bar])
    remarks: list[str] = field(factory=list[str])

    def note(self, name: str, unit: str, values: Sequence[float]) -> Series:
        """One figure, with all its repeats; the same again is noted once."""
        noted = Series(name, unit, tuple(values))
        if noted not in self.series:
            self.series.append(noted)
        return noted

    def bar(self, number: int, measured: Series, limit: float) -> None:
        self.bars.append(Bar(number, f"{self.job}: {measured.name}", measured, limit))

    def remark(self, text: str) -> None:
        """Why something was not measured, in one line."""
        self.remarks.append(text)

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "figures": [
                {
                    "name": one.name,
                    "unit": one.unit,
                    "median": one.median,
                    "low": min(one.values),
                    "high": max(one.values),
                    "values": one.values,
                }
                for one in self.series
            ],
            "remarks": self.remarks,
            "bars": [
                {
                    "bar": bar.number,
                    "what": bar.what,
                    "measured": bar.measured.median,
                    "limit": bar.limit,
                    "met": bar.met,
                }
                for bar in self.bars
            ],
        }


@frozen
class Run:
    """One client's run: which function of which module, against which server."""

    module: str
    function: str
    spec: Mapping[str, object]
    server: Mapping[str, object] = field(factory=dict[str, object])


@frozen
class Bench:
    """How often, and how large."""

    repeats: int
    quick: bool

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def rounds(self, factor: int = 1) -> int:
        """Repeats of a job; short jobs are noisy and can afford a multiple."""
        return self.repeats if self.quick else self.repeats * factor

    def interleave(self, runs: Mapping[str, Run], rounds: int) -> dict[str, list[Figures]]:
        """Every run once per round, in turns, every second round in reverse."""
        found: dict[str, list[Figures]] = {name: [] for name in runs}
        for number in range(rounds):
            names = list(runs)
            for name in names if number % 2 == 0 else reversed(names):
                _progress(f"{name} {number + 1}/{rounds}")
                found[name].append(once(runs[name]))
        _progress("")
        return found


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"  {text:<60}", end="\r", file=sys.stderr, flush=True)


def once(run: Run) -> Figures:
    """One server and one client, each in a fresh process."""
    with serving(run.server) as url:
        return client(run.module, run.function, {"url": url, **run.spec})


def client(module: str, function: str, spec: Mapping[str, object]) -> Figures:
    """The figures that one client process reports."""
    figures: Figures = json.loads(_child(module, function, spec).stdout)
    return figures


def instructions(module: str, function: str, spec: Mapping[str, object]) -> int | None:
    """The instructions of what a client process measures; None without valgrind."""
    if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
        return None
    # A hash seed of their own would let dictionaries collide differently from run to run.
    counting = {COUNTED: "1", "PYTHONHASHSEED": "0"}
    told = _child(module, function, spec, before=VALGRIND, environment=counting).stderr
    found = re.search(r"Collected : (\d+)", told)
    assert found is not None, told
    return int(found[1])


def _child(
    module: str,
    function: str,
    spec: Mapping[str, object],
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    command = [
        *(*before, sys.executable, "-m", f"{__package__}._child"),
        *(module, function, json.dumps(dict(spec))),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        raise RuntimeError(f"{module}.{function} {dict(spec)} failed:\n{done.stderr[-3000:]}")
    return done


@contextmanager
def serving(options: Mapping[str, object]) -> Generator[str]:
    """A region server; gives its URL."""
    command = [sys.executable, "-m", f"{__package__}._server"]
    for name, value in options.items():
        parts = value if isinstance(value, tuple) else (value,)
        command += [f"--{name}", *map(str, parts)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the region server did not start")
            scheme = "https" if options.get("certificate") else "http"
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def values(runs: Sequence[Figures], key: str) -> list[float]:
    return [run[key] for run in runs]


def ratios(ours: Sequence[Figures], theirs: Sequence[Figures], key: str) -> list[float]:
    """Ours over theirs, each within one repeat."""
    return [one[key] / other[key] for one, other in zip(ours, theirs, strict=True)]
