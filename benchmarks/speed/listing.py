"""Job `list`: 10,000 snapshots of 3 volumes into records, against `json.loads` alone."""

from ._bench import Bench, Report, Run, ratios, values


def run(bench: Bench) -> Report:
    report = Report("list")
    count = bench.size(10_000, 1_000)
    server = {"finished": count}
    spec = {"count": count}
    runs = {
        f"{client} {job}": Run(f"_{client}", job, spec, server)
        for job in ("decode", "listing")
        for client in ("sdk", "raw")
    }
    found = bench.interleave(runs, bench.rounds(2))
    for client in ("sdk", "raw"):
        alone, whole = found[f"{client} decode"], found[f"{client} listing"]
        report.note(f"{client} decode CPU", "ms", values(alone, "cpu_ms"))
        report.note(f"{client} kept per item", "B", values(alone, "kept"))
        report.note(f"{client} whole call CPU", "ms", values(whole, "cpu_ms"))
    report.note("raw peak per item", "B", values(found["raw decode"], "peak"))
    report.note("raw longest stall", "ms", values(found["raw listing"], "stall_ms"))
    whole_call = ratios(found["sdk listing"], found["raw listing"], "cpu_ms")
    report.bar(3, report.note("sdk/raw whole call CPU", "", whole_call), 0.95)

    decode = ratios(found["sdk decode"], found["raw decode"], "cpu_ms")
    report.bar(3, report.note("sdk/json.loads CPU", "", decode), 0.80)
    peak = values(found["sdk decode"], "peak")
    report.note("sdk peak per item", "B", peak)
    report.note("sdk longest stall", "ms", values(found["sdk listing"], "stall_ms"))
    return report
