"""Job `stalls`: how long the event loop is held up at most, where much happens at once.

Elsewhere waits are begun 250 at a time, which flatters everybody; here one `gather()` begins all.
Beats take CPU of their own, so these runs tell of nothing else.
"""

from ._bench import Bench, Report, Run, values


def run(bench: Bench) -> Report:
    report = Report("stalls")
    waits, listed = bench.size(10_000, 1_000), bench.size(50_000, 5_000)
    duration = (1.0, 4.0) if bench.quick else (10.0, 30.0)
    begun = {"count": waits, "policy": "default", "beats": True, "at_once": True}
    runs = {
        f"{client} {what}": Run(f"_{client}", function, spec, server)
        for what, function, spec, server in (
            (f"{waits} waits at once", "watch", begun, {"running": waits, "duration": duration}),
            (f"a listing of {listed}", "listing", {"count": listed}, {"finished": listed}),
        )
        for client in ("sdk", "raw")
    }
    limits = {f"sdk {waits} waits at once": 25.0, f"sdk a listing of {listed}": 10.0}
    for name, figures in bench.interleave(runs, bench.rounds()).items():
        noted = report.note(f"{name}: longest stall", "ms", values(figures, "stall_ms"))
        if name in limits:
            report.bar(7, noted, limits[name])
    return report
