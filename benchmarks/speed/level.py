"""Job `level`: a fleet with the default ceiling on requests at once, against one of 64."""

from ._bench import Bench, Report, Run, ratios, values

_LATENCY = 0.05


def run(bench: Bench) -> Report:
    report = Report("level")
    size = bench.size(3_000, 300)
    runs = {name: _fleet(size, number) for name, number in (("default", None), ("64", 64))}
    found = bench.interleave(runs, bench.rounds())
    for name, figures in found.items():
        report.note(f"wall, N={size}, {name}", "s", values(figures, "wall"))
    over = ratios(found["default"], found["64"], "wall")
    report.bar(12, report.note(f"wall, default over 64 at once, N={size}", "", over), 1.15)
    return report


def _fleet(size: int, concurrency: int | None) -> Run:
    spec = {"count": size, "policy": "default", "mode": "many", "concurrency": concurrency}
    return Run("_sdk", "fanout", spec, {"duration": (1.0, 4.0), "latency": _LATENCY})
