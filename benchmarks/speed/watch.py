"""Job `watch`: wait for N snapshots that run already, and for a few among many finished ones.

Tasks are begun 250 at a time, which flatters everybody's stalls: `stalls` begins all at once.
"""

from ._bench import Bench, Report, Run, Series, ratios, values
from ._meter import Figures

SHOWN = {
    "cpu_us": "us",
    "requests": "",
    "listings": "",
    "lag_p50": "s",
    "lag_p99": "s",
    "kib_each": "KiB",
    "wall_over_bound": "",
}


def run(bench: Bench) -> Report:
    report = Report("watch")
    sizes = (100, 300, 1_000) if bench.quick else (1_000, 10_000, 100_000)
    duration = (1.0, 4.0) if bench.quick else (10.0, 30.0)
    ours: dict[int, list[Figures]] = {}
    for size in sizes:
        server = {"running": size, "duration": duration}
        found = bench.interleave(_pair(size, "default", server), bench.rounds())
        _note(report, found, f"N={size}")
        ours[size] = found["sdk"]
        if size == sizes[-1]:
            memory = values(found["sdk"], "kib_each")
            report.bar(6, report.note(f"sdk kib_each, N={size}", "KiB", memory), 4.5)
        if size != sizes[0]:
            beating = bench.interleave(_pair(size, "default", server, beats=True), bench.rounds())
            _stall(report, "raw", size, beating)
            _stall(report, "sdk", size, beating)
    for size in sizes[1:]:
        rise = ratios(ours[size], ours[sizes[0]], "cpu_each")
        report.note(f"CPU per snapshot, N={size} / {sizes[0]}", "", rise)
    _among_finished(bench, report, duration)
    return report


def _among_finished(bench: Bench, report: Report, duration: tuple[float, float]) -> None:
    """A few of ours among many that are finished: a region-wide listing does not pay."""
    finished = bench.size(20_000, 2_000)
    server = {"running": 20, "finished": finished, "duration": duration}
    found = bench.interleave(_pair(20, "2s", server), bench.rounds())
    _note(report, found, f"20 among {finished}")
    product = [
        (one["cpu"] * one["lag_mean"]) / (other["cpu"] * other["lag_mean"])
        for one, other in zip(found["sdk"], found["raw"], strict=True)
    ]
    report.note(f"sdk/raw CPU x lag, 20 among {finished}", "", product)


def _pair(
    size: int, policy: str, server: dict[str, object], *, beats: bool = False
) -> dict[str, Run]:
    spec = {"count": size, "policy": policy, "beats": beats}
    return {name: Run(f"_{name}", "watch", spec, server) for name in ("sdk", "raw")}


def _stall(report: Report, client: str, size: int, found: dict[str, list[Figures]]) -> Series:
    name = f"{client} longest stall, N={size}"
    return report.note(name, "ms", values(found[client], "stall_ms"))


def _note(report: Report, found: dict[str, list[Figures]], label: str) -> None:
    for name, runs in found.items():
        for one in runs:
            one["cpu_us"] = one["cpu_each"] * 1e6
        for key, unit in SHOWN.items():
            report.note(f"{name} {key}, {label}", unit, values(runs, key))
