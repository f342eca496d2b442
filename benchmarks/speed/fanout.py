"""Job `fanout`: create on N instances, 64 requests at once, and wait for all (5 to 20 s each).

Volumes finish one by one, so that a snapshot changes three times; all at once would flatter whoever
keeps a record of each change. The region is calm, which flatters everybody: see `trouble`.
"""

from attrs import frozen

from ._bench import Bench, Report, Run, ratios, values
from ._meter import Figures

SHOWN = {
    "cpu": "s",
    "wall": "s",
    "wall_over_bound": "",
    "requests_each": "",
    "lag_p50": "s",
    "lag_p99": "s",
    "kib_each": "KiB",
    "mib_read": "MiB",
    "connections": "",
}
LATENCY = 0.05


@frozen
class _Fan:
    """All runs of one N, by the name of the variant."""

    report: Report
    size: int
    found: dict[str, list[Figures]]

    def bar(self, number: int, variant: str, key: str, limit: float) -> None:
        measured = values(self.found[variant], key)
        name = f"{key}, N={self.size}, {variant}"
        self.report.bar(number, self.report.note(name, SHOWN[key], measured), limit)

    def against_raw(self, number: int, variant: str, limit: float) -> None:
        over = ratios(self.found[variant], self.found["raw"], "cpu")
        name = f"sdk/raw CPU, N={self.size}, {variant}"
        self.report.bar(number, self.report.note(name, "", over), limit)
        # wall_over_bound cannot see slow creates: they delay the bound itself.
        wall = ratios(self.found[variant], self.found["raw"], "wall")
        self.report.note(f"sdk/raw wall, N={self.size}, {variant}", "", wall)

    def bare(self, variant: str) -> None:
        """What a client that checks nothing takes, for the same polls."""
        over = ratios(self.found[f"bare {variant}"], self.found["raw"], "cpu")
        self.report.note(f"bare/raw CPU, N={self.size}, {variant}", "", over)

    def others(self, variant: str, keys: list[str]) -> None:
        for key in keys:
            measured = values(self.found[variant], key)
            self.report.note(f"{key}, N={self.size}, {variant}", SHOWN[key], measured)


def run(bench: Bench) -> Report:
    report = Report("fanout")
    few, some, many = (30, 100, 300) if bench.quick else (100, 1_000, 10_000)
    duration = (1.0, 4.0) if bench.quick else (5.0, 20.0)

    def fan(size: int, *variants: str) -> _Fan:
        runs = {name: _variant(name, size, duration) for name in variants}
        return _Fan(report, size, bench.interleave(runs, bench.rounds()))

    one = fan(few, "raw", "2s")
    one.others("2s", ["requests_each"])

    usual = ("raw", "2s", "0.25s", "raw latency", "0.25s latency")
    more = fan(some, *usual, "bare 2s", "bare 0.25s")
    more.bar(4, "2s", "requests_each", 1.012)
    for variant in ("0.25s", "0.25s latency"):
        more.others(variant, ["requests_each", "lag_p50", "lag_p99"])
    more.others("2s", ["connections"])

    most = fan(many, *usual, "0.25s tasks")
    most.bar(4, "2s", "requests_each", 1.002)
    for variant in ("0.25s", "0.25s latency"):
        most.others(variant, ["requests_each", "lag_p50"])
        most.bar(5, variant, "lag_p99", 0.50)
    most.bar(6, "2s", "kib_each", 4.0)
    most.bar(6, "0.25s tasks", "kib_each", 5.5)

    for each, limit in ((more, 0.30), (most, 0.22)):
        each.against_raw(4, "2s", 0.15)
        each.against_raw(5, "0.25s", limit)
        for variant in ("2s", "0.25s", "0.25s latency"):
            each.others(variant, ["lag_p99", "wall_over_bound"])
        for variant in each.found:
            each.others(variant, ["cpu", "wall", "lag_p50", "mib_read", "kib_each"])
    for variant in ("2s", "0.25s"):
        more.bare(variant)
    for each in (one, more, most):
        for variant in [name for name in each.found if name.startswith("raw")]:
            each.others(variant, ["requests_each", "lag_p99", "wall_over_bound", "connections"])
    return report


def _variant(name: str, size: int, duration: tuple[float, float]) -> Run:
    latency = LATENCY if "latency" in name else 0.0
    server = {"duration": duration, "latency": latency}
    spec = {
        "count": size,
        "policy": "2s" if name.endswith("2s") else "fast",
        "mode": "tasks" if "tasks" in name else "many",
    }
    client = name.split(maxsplit=1)[0]
    module = f"_{client}" if client in ("raw", "bare") else "_sdk"
    return Run(module, "fanout", spec, server)
