"""A large run on a Dask cluster of this machine, with one worker killed halfway.

    python -m benchmarks.engines.dask [INSTANCES] [REGIONS] [WORKERS]

The region is the fake one, in a process of its own. Needs the extra `dask`.
"""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen

from distributed import Client, LocalCluster

from civo_snapshots import FleetRun
from civo_snapshots.integrations.dask import DaskLauncher

_CREATE = "POST /v2/instances/{id}/snapshots"


def _stats(url: str) -> Mapping[str, Any]:
    with urlopen(f"{url}/_fake/stats") as answer:
        found: Mapping[str, Any] = json.load(answer)
    return found


async def _kill_halfway(url: str, cluster: LocalCluster, instances: int) -> None:
    while (await asyncio.to_thread(_stats, url))["counts"].get(_CREATE, 0) < instances / 2:  # noqa: ASYNC110
        await asyncio.sleep(5.0)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


async def _run(url: str, cluster: LocalCluster, client: Client, instances: int) -> FleetRun:
    regions = _stats(url)["regions"]
    fleet = {code: [one["id"] for one in held["instances"]] for code, held in regions.items()}
    launched = DaskLauncher(client).run(fleet, name="large")
    run, _ = await asyncio.gather(launched, _kill_halfway(url, cluster, instances))
    return run


def _cpu() -> float:
    return time.process_time()


def main(instances: int = 20_000, regions: int = 20, workers: int = 4) -> None:
    codes = [f"R{number}" for number in range(regions)]
    options = ["--instances", str(instances // regions), "--volumes", "1", "--region", codes[0]]
    options += ["--duration", "5", "20", "--more-regions", *codes[1:]]
    command = [sys.executable, "-m", "civo_snapshots.testing", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as region:
        assert region.stdout is not None
        about = json.loads(region.stdout.readline())
        os.environ |= {"CIVO_TOKEN": about["token"], "CIVO_API_URL": about["url"]}
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1) as cluster,
            Client(cluster) as client,
        ):
            began, used = time.monotonic(), _cpu()
            run = asyncio.run(_run(about["url"], cluster, client, instances))
            took, driver = time.monotonic() - began, _cpu() - used
            spent = client.run(_cpu)
        stats = _stats(about["url"])
        region.terminate()
    made = Counter(one["name"] for held in stats["regions"].values() for one in held["snapshots"])
    requests = sum(stats["counts"].values())
    print(f"{run!r}: {took:.0f} s")
    print(f"{len(made)} names, {sum(made.values()) - len(made)} twice, {stats['statuses']}")
    print(f"{requests / instances:.4f} requests a snapshot: {stats['counts']}")
    print(f"seconds of a core: driver {driver:.1f}, workers still alive {spent}")
    print(f"most memory of the driver: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} kB")
    print(f"the run as JSON: {len(run.to_json()) / len(run):.0f} bytes an outcome")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
