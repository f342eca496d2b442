"""Job `instructions`: what a call, and a snapshot of a fan-out, executes, counted by valgrind.

So there is no noise of a shared machine.

It flatters nobody: both clients talk to the same server, and what the kernel does counts for
neither. Without valgrind the job has nothing to tell.
"""

from collections.abc import Mapping

from ._bench import Bench, Report, instructions, serving

CALLS = 1_000
SNAPSHOTS = 300


def run(bench: Bench) -> Report:
    report = Report("instructions")
    count = bench.size(CALLS, 100)
    with serving({"finished": 100, "still": 1}) as url:
        for concurrency in (1, 32):
            spec = {"url": url, "concurrency": concurrency, "count": count}
            sdk, raw = (_each(name, spec, count) for name in ("sdk", "raw"))
            if sdk is None or raw is None:
                return report
            label = f"of a call, c={concurrency}"
            report.note(f"sdk {label}", "k", [sdk])
            report.note(f"raw {label}", "k", [raw])
            over = report.note(f"sdk/raw {label}", "", [sdk / raw])
            if concurrency == 32:
                report.bar(1, over, 1.02)
    _fanout(bench, report)
    return report


def _fanout(bench: Bench, report: Report) -> None:
    """A snapshot's way through a fan-out, polled each two seconds: not against raw.

    Of raw each poll of a snapshot would come late, so that it would poll less.
    """
    count = bench.size(SNAPSHOTS, 30)
    with serving({"duration": (5.0, 20.0), "still": 1}) as url:
        spec = {"url": url, "count": count, "policy": "2s", "mode": "many"}
        total = instructions("_sdk", "fanout", spec)
    if total is not None:
        report.note(f"sdk of a snapshot in a fan-out of {count}", "k", [total / count / 1e3])


def _each(name: str, spec: Mapping[str, object], count: int) -> float | None:
    """Thousands of instructions for one of so many calls."""
    total = instructions(f"_{name}", "calls", spec)
    return None if total is None else total / count / 1e3
