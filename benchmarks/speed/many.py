"""Job `many`: a fan-out of 100,000 by `create_each()`, against one of 1,000: nothing may grow."""

from ._bench import Bench, Report, Run, ratios, values


def run(bench: Bench) -> Report:
    report = Report("many")
    few, many = bench.size(1_000, 100), bench.size(100_000, 1_000)
    duration = (1.0, 4.0) if bench.quick else (5.0, 20.0)
    runs = {
        f"N={size}": Run(
            *("_sdk", "fanout", {"count": size, "policy": "default", "mode": "many"}),
            {"duration": duration},
        )
        for size in (few, many)
    }
    found = bench.interleave(runs, 1)
    for name, figures in found.items():
        for key, unit in {"cpu_each": "s", "kib_each": "KiB", "wall": "s"}.items():
            report.note(f"{key}, {name}", unit, values(figures, key))
    for key in ("cpu_each", "kib_each"):
        over = ratios(found[f"N={many}"], found[f"N={few}"], key)
        report.bar(10, report.note(f"{key}, N={many} / {few}", "", over), 1.0)
    return report
