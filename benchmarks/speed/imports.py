"""Job `imports`: what importing the package and making a first client costs, against aiohttp."""

import json
import os
import subprocess
import sys
import tempfile

from ._bench import Bench, Report, ratios, values
from ._meter import Figures

_PROBE = """
import sys, time
before, modules = time.process_time(), len(sys.modules)
{code}
after = time.process_time() - before
import json
print(json.dumps({{"cpu_ms": after * 1e3, "modules": len(sys.modules) - modules}}))
"""
CODE = {
    "sdk": "from civo_snapshots import CivoClient\nCivoClient('token', region='LON1')",
    "sdk in use": "from civo_snapshots import *\nCivoClient('token', region='LON1').snapshots",
    "package": "import civo_snapshots",
    "aiohttp": "import aiohttp",
    "models": "from civo_snapshots.models import Snapshot",
}


def run(bench: Bench) -> Report:
    report = Report("imports")
    found: dict[str, list[Figures]] = {name: [] for name in CODE}
    with tempfile.TemporaryDirectory() as cache:
        for number in range(bench.rounds(7) + 1):
            for name, code in CODE.items():
                probed = _probe(code, cache)
                if number:  # the first round compiles everything into the cache
                    found[name].append(probed)
    for name in CODE:
        report.note(f"{name} CPU", "ms", values(found[name], "cpu_ms"))
        report.note(f"{name} modules", "", values(found[name], "modules"))
    over = ratios(found["sdk"], found["aiohttp"], "cpu_ms")
    report.bar(10, report.note("sdk with a client / aiohttp CPU", "", over), 1.12)
    return report


def _probe(code: str, cache: str) -> Figures:
    command = [sys.executable, "-c", _PROBE.format(code=code)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    figures: Figures = json.loads(done.stdout)
    return figures
