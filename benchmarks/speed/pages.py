"""Job `pages`: every instance of 500 pages at 30 ms each, against one page after the other."""

from ._bench import Bench, Report, Run, ratios, values

PER_PAGE = 20


def run(bench: Bench) -> Report:
    report = Report("pages")
    pages = bench.size(500, 40)
    server = {"instances": pages * PER_PAGE, "latency": 0.03}
    spec = {"per_page": PER_PAGE}
    runs = {
        "sdk": Run("_sdk", "pages", spec, server),
        "raw": Run("_raw", "pages", spec, server),
    }
    found = bench.interleave(runs, bench.rounds())
    for name in runs:
        if any(one["items"] != pages * PER_PAGE for one in found[name]):
            raise AssertionError(f"{name} did not read every instance")
        report.note(f"{name} wall", "s", values(found[name], "wall"))
        report.note(f"{name} CPU", "ms", values(found[name], "cpu_ms"))
    wall = ratios(found["sdk"], found["raw"], "wall")
    report.bar(12, report.note("sdk wall / one after the other", "", wall), 0.20)
    more = [one["pages"] - pages for one in found["sdk"]]
    report.bar(12, report.note("pages too many", "", more), 0)
    return report
