"""A driver as a program, to be killed; its words: a scheduler (or "local"), a name, the region."""

import asyncio
import sys
from contextlib import ExitStack

from distributed import Client, LocalCluster

from civo_snapshots.integrations.dask import DaskLauncher
from engines.region import Served


def main(address: str, name: str, url: str) -> None:
    with ExitStack() as stack:
        cluster: object = address
        if address == "local":
            cluster = stack.enter_context(
                LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None)
            )
        client = stack.enter_context(Client(cluster))
        launcher = DaskLauncher(client, batch=50)
        run = asyncio.run(launcher.run(Served(url, "").instances(), name=name))
        print(run.to_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
