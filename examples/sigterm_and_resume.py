"""A run that an orchestrator may stop at any time: SIGTERM ends it, the next start goes on with it.

    $ python sigterm_and_resume.py nightly-20261123

Nothing has to be kept for that. The same name finds what exists, and `resume=True` says that an
attempt may have died a moment ago. What is written to a file is for people and dashboards.
"""

import asyncio
import signal
import sys
from pathlib import Path

from civo_snapshots import CivoClient, FleetRun


async def snapshot_all(name: str) -> FleetRun:
    async with CivoClient() as civo:
        return await civo.snapshots.create_many(civo.instances.list(), name=name, resume=True)


async def main(name: str) -> FleetRun:
    job = asyncio.create_task(snapshot_all(name))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, job.cancel)
    try:
        return await job
    except asyncio.CancelledError as error:
        return FleetRun.of(error) or FleetRun(name, partial=True)


if __name__ == "__main__":
    run = asyncio.run(main(sys.argv[1]))
    print(run)
    Path(f"{run.name}.json").write_text(run.to_json())
    sys.exit(143 if run.partial else bool(run.failures))
