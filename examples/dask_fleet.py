"""The fleets of two regions, snapshotted by the workers of a Dask cluster.

    $ DASK_SCHEDULER_ADDRESS=tcp://scheduler:8786 python dask_fleet.py nightly-20261123

Without an address it starts four workers here. Each finds CIVO_TOKEN in its own environment.
Interrupted or killed, the same command goes on.
"""

import asyncio
import os
import sys
from contextlib import ExitStack

from distributed import Client, LocalCluster

from civo_snapshots import CivoClient, FleetRun
from civo_snapshots.integrations.dask import DaskLauncher

REGIONS = ("LON1", "NYC1")


async def snapshot_all(client: Client, name: str) -> FleetRun:
    async with CivoClient() as civo:
        fleet = {code: await civo.in_region(code).instances.list().collect() for code in REGIONS}
    return await DaskLauncher(client, max_rate=50.0).run(fleet, name=name)


def main(name: str) -> None:
    with ExitStack() as stack:
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        cluster = address or stack.enter_context(LocalCluster(n_workers=4, threads_per_worker=1))
        run = asyncio.run(snapshot_all(stack.enter_context(Client(cluster)), name))
        print(run)
        run.raise_for_failures()


if __name__ == "__main__":
    main(sys.argv[1])
