"""Draws lag, requests and memory against N from the JSON of a run; needs matplotlib.

`python -m benchmarks.speed.plots FIGURES.json OUT.svg`
"""

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

PANELS = {
    "lag_p50": "lag p50, s",
    "requests_each": "requests per snapshot",
    "kib_each": "KiB per snapshot",
}
_NAME = re.compile(r"(?P<key>\w+), N=(?P<size>\d+), (?P<variant>.+)")

Lines = dict[str, dict[int, float]]


def lines_of(jobs: list[Any], key: str) -> Lines:
    """For each variant of the fan-out, the figure at each N."""
    lines: Lines = {}
    for job in jobs:
        for one in job["figures"] if job["job"] == "fanout" else ():
            found = _NAME.fullmatch(one["name"])
            if found and found["key"] == key:
                lines.setdefault(found["variant"], {})[int(found["size"])] = one["median"]
    return lines


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__)
        return 2
    if importlib.util.find_spec("matplotlib") is None:
        print("matplotlib is not installed; nothing was drawn")
        return 1
    source, target = arguments
    jobs = json.loads(Path(source).read_text(encoding="utf-8"))["jobs"]
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(5 * len(PANELS), 4))
    for axis, (key, title) in zip(axes, PANELS.items(), strict=True):
        for variant, line in sorted(lines_of(jobs, key).items()):
            axis.plot(sorted(line), [line[size] for size in sorted(line)], "o-", label=variant)
        axis.set_xscale("log")
        axis.set_xlabel("snapshots")
        axis.set_title(title)
        axis.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
