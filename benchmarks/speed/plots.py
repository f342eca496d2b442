"""Draws what a fan-out costs, as bars in SVG, from the JSON of a run of the job `fanout`.

`python -m benchmarks.speed.plots FIGURES.json DIRECTORY`
"""

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

PLOTS = {
    "cpu": ("CPU of a fan-out", "seconds"),
    "requests_each": ("Requests per snapshot", "requests"),
    "lag_p99": ("From the region's completion to the caller, 99th percentile", "seconds"),
    "kib_each": ("Memory per snapshot in flight", "KiB"),
}
VARIANTS = {
    "raw": ("aiohttp by hand, a GET each per 2 s", "#9aa0a6"),
    "2s": ("civo-snapshots, a poll per 2 s", "#1a73e8"),
    "0.25s": ("civo-snapshots, a poll per 0.25 s", "#7baaf7"),
}
_NAME = re.compile(r"(?P<key>\w+), N=(?P<size>\d+), (?P<variant>.+)")
_WIDTH, _LABEL, _NUMBER, _BAR, _GAP, _TOP = 760, 270, 70, 18, 6, 40
_SMALLEST = 1_000
"""Snapshots below which connections drown what each of them takes."""

Bars = list[tuple[str, str, float]]
"""Label, colour and value."""


def bars_of(jobs: list[Any], key: str) -> dict[int, Bars]:
    """For each N, the figure of each variant."""
    found: dict[int, dict[str, float]] = {}
    for job in jobs:
        for one in job["figures"] if job["job"] == "fanout" else ():
            name = _NAME.fullmatch(one["name"])
            if name and name["key"] == key and int(name["size"]) >= _SMALLEST:
                found.setdefault(int(name["size"]), {})[name["variant"]] = one["median"]
    return {
        size: [(*VARIANTS[one], told[one]) for one in VARIANTS if one in told]
        for size, told in sorted(found.items())
    }


def drawn(title: str, unit: str, groups: dict[int, Bars]) -> str:
    """The plot as a document; every group has a scale of its own."""
    parts: list[str] = []
    y = _TOP
    for size, bars in groups.items():
        parts.append(f'<text x="10" y="{y + 14}" class="group">N = {size:,}</text>')
        y += _BAR + _GAP
        longest = max(value for *_, value in bars)
        for label, colour, value in bars:
            width = (_WIDTH - _LABEL - _NUMBER) * value / longest
            parts += [
                f'<text x="10" y="{y + 13}">{escape(label)}</text>',
                f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>',
                f'<text x="{_LABEL + width + 6:.1f}" y="{y + 13}">{value:.3g}</text>',
            ]
            y += _BAR + _GAP
        y += _GAP
    style = "text{font:13px sans-serif;fill:#333}.title{font-size:15px}.group{font-weight:bold}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" '
            f'viewBox="0 0 {_WIDTH} {y}">',
            f"<style>{style}</style>",
            f'<rect width="{_WIDTH}" height="{y}" fill="#fff"/>',
            f'<text x="10" y="22" class="title">{escape(title)}, {escape(unit)}</text>',
            *parts,
            "</svg>\n",
        )
    )


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print(__doc__)
        return 2
    source, target = map(Path, arguments)
    jobs = json.loads(source.read_text(encoding="utf-8"))["jobs"]
    target.mkdir(parents=True, exist_ok=True)
    for key, (title, unit) in PLOTS.items():
        name = f"speed-{key.replace('_', '-')}.svg"
        (target / name).write_text(drawn(title, unit, bars_of(jobs, key)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
