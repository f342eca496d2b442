"""Job `retention`: a plan for 20,000 snapshots of 1,000 instances, against listing them."""

from ._bench import Bench, Report, Run, ratios, values

NIGHTS = 20


def run(bench: Bench) -> Report:
    report = Report("retention")
    # One fewer, because after a full last page another one is asked for.
    instances = bench.size(1_000, 100) - 1
    server = {"instances": instances, "nights": NIGHTS}
    runs = {how: Run("_sdk", "retention", {"how": how}, server) for how in ("collect", "plan")}
    found = bench.interleave(runs, bench.rounds())
    for how in runs:
        if any(one["items"] != instances * NIGHTS for one in found[how]):
            raise AssertionError(f"{how} did not see every snapshot")
        report.note(f"{how} CPU", "ms", values(found[how], "cpu_ms"))
    pages = -(-instances // 100)
    more = [one["requests"] - pages - 1 for one in found["plan"]]
    report.bar(28, report.note("plan, requests too many", "", more), 0)
    cpu = ratios(found["plan"], found["collect"], "cpu_ms")
    report.bar(28, report.note("plan/collect CPU", "", cpu), 3.0)
    return report
