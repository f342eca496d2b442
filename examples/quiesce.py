"""Databases whose file systems are frozen while their snapshots are taken.

`fsfreeze()` stands for your way into an instance: ssh, an agent, a message queue. It may take as
long as it likes, it is given ten seconds.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import gettempdir

from civo_snapshots import CivoClient

FROZEN = Path(gettempdir(), "frozen")
"""One file for each instance that is frozen at the moment, for the case that we are killed."""


async def fsfreeze(how: str, instance_id: str) -> None:
    """Your way into the instance; raise if it fails."""
    await asyncio.sleep(0.01)
    print(f"fsfreeze {how} /data on {instance_id}")


@asynccontextmanager
async def frozen(instance_id: str) -> AsyncGenerator[None]:
    FROZEN.joinpath(instance_id).touch()
    try:  # before the freeze, which may be cut short after it has acted
        await fsfreeze("--freeze", instance_id)
        yield
    finally:
        await fsfreeze("--unfreeze", instance_id)
        FROZEN.joinpath(instance_id).unlink()


def left_frozen() -> list[str]:
    """The instances that a run froze which was killed."""
    FROZEN.mkdir(exist_ok=True)
    return [file.name for file in FROZEN.iterdir()]


async def main() -> None:
    for instance_id in left_frozen():
        await fsfreeze("--unfreeze", instance_id)
        FROZEN.joinpath(instance_id).unlink()
    async with CivoClient() as civo:
        databases = [one async for one in civo.instances.list() if one.hostname.startswith("db")]
        run = await civo.snapshots.create_many(databases, name="databases", quiesce=frozen)
    for outcome in run:
        print(outcome, "consistent" if outcome.quiesced else "not held still")
    run.raise_for_failures()


if __name__ == "__main__":
    asyncio.run(main())
