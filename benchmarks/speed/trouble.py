"""Job `trouble`: the same fan-out in a calm region, and in three that are less kind.

The other jobs flatter everybody: nothing is refused there, every read is fresh, and the region
holds nothing of anybody else's.
"""

from ._bench import Bench, Report, Run, ratios, values

REGIONS: dict[str, dict[str, object]] = {
    "calm": {},
    "5 % of creates answered 503": {"refused": 0.05},
    "reads 2 s old": {"stale": 2.0},
    "20,000 foreign snapshots": {"finished": 20_000},
}
SHOWN = {"wall": "s", "cpu": "s", "requests_each": "", "lag_p99": "s", "mib_read": "MiB"}


def run(bench: Bench) -> Report:
    report = Report("trouble")
    size = bench.size(100, 30)
    duration = (4.0, 8.0) if bench.quick else (20.0, 60.0)
    spec = {"count": size, "policy": "default", "mode": "many"}
    runs = {
        # The same seed for all: their snapshots take equally long.
        name: Run("_sdk", "fanout", spec, {"duration": duration, **region})
        for name, region in REGIONS.items()
    }
    found = bench.interleave(runs, bench.rounds())
    for name, figures in found.items():
        for key, unit in SHOWN.items():
            report.note(f"{key}, N={size}, {name}", unit, values(figures, key))
    over = ratios(found["5 % of creates answered 503"], found["calm"], "wall")
    report.bar(8, report.note(f"wall, 5 % refused over calm, N={size}", "", over), 1.2)
    return report
