"""One night of several regions and accounts, side by side, and told as one run.

CIVO_TOKEN holds one token for each account, with spaces between them.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from civo_snapshots import CivoClient, FleetRun, RegionView

REGIONS = ("LON1", "NYC1")
NAME = f"nightly-{datetime.now(UTC):%Y%m%d}"


async def nightly(civo: RegionView) -> FleetRun:
    instances = [one async for one in civo.instances.list() if "prod" in one.tags]
    return await civo.snapshots.create_many(instances, name=NAME, allow_empty=True)


async def main() -> None:
    async with AsyncExitStack() as stack:
        tokens = os.environ["CIVO_TOKEN"].split()
        accounts = [await stack.enter_async_context(CivoClient(token)) for token in tokens]
        async with asyncio.TaskGroup() as group:
            views = [account.in_region(region) for account in accounts for region in REGIONS]
            tasks = [group.create_task(nightly(view)) for view in views]
        run = FleetRun.merge(*(task.result() for task in tasks))
        print(run)
        run.raise_for_failures()


if __name__ == "__main__":
    asyncio.run(main())
