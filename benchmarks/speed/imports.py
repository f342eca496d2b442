"""Job `imports`: from a fresh interpreter to the first answered call, against aiohttp by hand.

Importing alone flatters whoever loads the rest at its first use, so the bar is on the first answer.
"""

import json
import os
import subprocess
import sys
import tempfile

from ._bench import Bench, Report, ratios, serving, values
from ._meter import Figures
from ._region import ARCHIVE, finished_id

_PROBE = """
import sys, time
before, modules = time.process_time(), len(sys.modules)
{code}
after = time.process_time() - before
import json
print(json.dumps({{"cpu_ms": after * 1e3, "modules": len(sys.modules) - modules}}))
"""
_SDK_CALLS = """
import asyncio
from civo_snapshots import CivoClient
async def main():
    async with CivoClient("benchmark-token", region="LON1", api_url="{url}") as civo:
        await civo.snapshots.get("{instance}", "{snapshot}")
asyncio.run(main())
"""
_RAW_CALLS = """
import asyncio, json
import aiohttp
async def main():
    async with aiohttp.ClientSession(headers={{"Authorization": "bearer benchmark-token"}}) as http:
        path = "{url}/v2/instances/{instance}/snapshots/{snapshot}"
        async with http.get(path, params={{"region": "LON1"}}) as answer:
            answer.raise_for_status()
            json.loads(await answer.read())
asyncio.run(main())
"""
CODE = {
    "sdk first call": _SDK_CALLS,
    "aiohttp first call": _RAW_CALLS,
    "sdk": "from civo_snapshots import CivoClient\nCivoClient('token', region='LON1')",
    "package": "import civo_snapshots",
    "aiohttp": "import aiohttp",
    "models": "from civo_snapshots.models import Snapshot",
}


def run(bench: Bench) -> Report:
    report = Report("imports")
    found: dict[str, list[Figures]] = {name: [] for name in CODE}
    with tempfile.TemporaryDirectory() as cache, serving({"finished": 1}) as url:
        for number in range(bench.rounds(7) + 1):
            for name, code in CODE.items():
                told = {"url": url, "instance": ARCHIVE, "snapshot": finished_id(0)}
                probed = _probe(code.format(**told), cache)
                if number:  # the first round compiles everything into the cache
                    found[name].append(probed)
    for name in CODE:
        report.note(f"{name} CPU", "ms", values(found[name], "cpu_ms"))
        report.note(f"{name} modules", "", values(found[name], "modules"))
    over = ratios(found["sdk first call"], found["aiohttp first call"], "cpu_ms")
    report.bar(9, report.note("sdk/aiohttp CPU to the first answer", "", over), 1.20)
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
