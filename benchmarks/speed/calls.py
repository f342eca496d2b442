"""Job `calls`: what one typed, checked, retried GET costs, against one by hand.

Both sides free a block before they begin, so neither has cheaper read buffers. It flatters neither;
but its figures move by a sixth from process to process: `instructions` has those that do not.
"""

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory

from ._bench import Bench, Report, Run, ratios, values
from ._civogo import NotBuiltError, build


def run(bench: Bench) -> Report:
    report = Report("calls")
    count = bench.size(5_000, 500)
    server = {"finished": 100}
    for concurrency in (1, 32, 128):
        spec = {"concurrency": concurrency, "count": count}
        runs = {
            "sdk": Run("_sdk", "calls", spec, server),
            "raw": Run("_raw", "calls", spec, server),
        }
        found = bench.interleave(runs, bench.rounds(5))
        for name in runs:
            report.note(f"{name} CPU, c={concurrency}", "us", values(found[name], "cpu_us"))
        over = ratios(found["sdk"], found["raw"], "cpu_us")
        report.bar(1, report.note(f"sdk/raw CPU, c={concurrency}", "", over), 1.05)
    if importlib.util.find_spec("uvloop") is not None:
        _on_uvloop(bench, report, count)
    _others(bench, report, count)
    spec = {"concurrency": 64, "count": count}
    opened = bench.interleave({"connections": Run("_sdk", "connections", spec, server)}, 1)
    first, later = (values(opened["connections"], key) for key in ("opened", "opened_later"))
    report.note("connections opened, c=64", "", first)
    report.note("connections opened after warm-up", "", later)
    return report


def _on_uvloop(bench: Bench, report: Report, count: int) -> None:
    spec = {"concurrency": 32, "count": count, "loop": "uvloop"}
    runs = {name: Run(f"_{name}", "calls", spec, {"finished": 100}) for name in ("sdk", "raw")}
    found = bench.interleave(runs, bench.rounds(3))
    for name in runs:
        report.note(f"{name} CPU on uvloop, c=32", "us", values(found[name], "cpu_us"))
    over = ratios(found["sdk"], found["raw"], "cpu_us")
    report.bar(2, report.note("sdk/raw CPU on uvloop, c=32", "", over), 1.10)


def _others(bench: Bench, report: Report, count: int) -> None:
    """For orientation: the SDK over other clients, where they are installed."""
    server = {"finished": 100}
    with TemporaryDirectory() as folder:
        functions: dict[str, tuple[str, dict[str, object]]] = {}
        for name in ("httpx", "requests"):
            if importlib.util.find_spec(name) is None:
                report.remark(f"{name}: not installed")
            else:
                functions[name] = (f"calls_{name}", {"count": count // 5})
        try:
            program = str(build(Path(folder)))
            functions["civogo, pooled"] = ("calls_program", {"count": count, "program": program})
        except NotBuiltError as reason:
            report.remark(str(reason))
        for concurrency in (1, 32) if functions else ():
            at = {"concurrency": concurrency}
            runs = {"sdk": Run("_sdk", "calls", {"count": count, **at}, server)}
            for name, (function, spec) in functions.items():
                runs[name] = Run("_others", function, {**spec, **at}, server)
            found = bench.interleave(runs, bench.rounds())
            for name in functions:
                report.note(f"{name} CPU, c={concurrency}", "us", values(found[name], "cpu_us"))
                over = ratios(found["sdk"], found[name], "cpu_us")
                report.note(f"sdk/{name} CPU, c={concurrency}", "", over)
