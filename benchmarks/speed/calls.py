"""Job `calls`: what one typed, checked, retried GET costs, against one by hand."""

from ._bench import Bench, Report, Run, client, ratios, serving, values

ORIENTATION = {"httpx": "calls_httpx", "requests": "calls_requests"}


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
        report.bar(1, report.note(f"sdk/raw CPU, c={concurrency}", "", over), 1.10)
    _others(bench, report, count)
    spec = {"concurrency": 64, "count": count}
    opened = bench.interleave({"connections": Run("_sdk", "connections", spec, server)}, 1)
    first, later = (values(opened["connections"], key) for key in ("opened", "opened_later"))
    report.bar(9, report.note("connections opened, c=64", "", first), 66)
    report.bar(9, report.note("connections opened after warm-up", "", later), 0)
    return report


def _others(bench: Bench, report: Report, count: int) -> None:
    """For orientation: other clients, where they are installed."""
    with serving({"finished": 100}) as url:
        for name, function in ORIENTATION.items():
            for concurrency in (1, 32):
                spec = {"url": url, "concurrency": concurrency, "count": count // 5}
                found = client("_others", function, spec)
                if found:
                    report.note(f"{name} CPU, c={concurrency}", "us", [found["cpu_us"]])
