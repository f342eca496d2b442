"""Job `pages`: every instance of 500 pages at 30 ms each, against one page after the other."""

from ._bench import Bench, Report, Run, ratios, values

PER_PAGE = 20


def run(bench: Bench) -> Report:
    report = Report("pages")
    pages = bench.size(500, 40)
    # A full last page may not be the last one, if a server counts wrongly; so two cases.
    count = pages * PER_PAGE - 1
    spec = {"per_page": PER_PAGE}
    collected, iterated = {**spec, "how": "collect"}, {**spec, "how": "iterate"}
    runs = {
        "sdk": Run("_sdk", "pages", collected, {"instances": count, "latency": 0.03}),
        "async for": Run("_sdk", "pages", iterated, {"instances": count, "latency": 0.03}),
        "raw": Run("_raw", "pages", spec, {"instances": count, "latency": 0.03}),
        "sdk full": Run("_sdk", "pages", collected, {"instances": count + 1, "latency": 0.03}),
    }
    found = bench.interleave(runs, bench.rounds())
    for name in runs:
        if any(one["items"] != count + (name == "sdk full") for one in found[name]):
            raise AssertionError(f"{name} did not read every instance")
        report.note(f"{name} wall", "s", values(found[name], "wall"))
        report.note(f"{name} CPU", "ms", values(found[name], "cpu_ms"))
    for name in ("sdk", "async for"):
        wall = ratios(found[name], found["raw"], "wall")
        report.bar(12, report.note(f"{name} wall / one after the other", "", wall), 0.20)
    cases = {"sdk": "", "async for": ", async for", "sdk full": ", last page full"}
    for name, case in cases.items():
        more = [one["pages"] - pages for one in found[name]]
        report.bar(12, report.note(f"pages too many{case}", "", more), 0)
    return report
