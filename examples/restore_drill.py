"""A restore drill: can the newest backup of db-1 be restored, and is it what it should be?

`check()` and `cleanup()` stand for your own: a query, and a call that removes an instance.
"""

import asyncio

from civo_snapshots import CivoClient, Instance


async def check(instance: Instance) -> None:
    assert instance.attached_volumes, "the data are missing"


async def cleanup(instance: Instance) -> None:
    print(f"civo instance remove {instance.id}")


async def main() -> None:
    async with CivoClient() as civo:
        db1 = await civo.instances.get_by_name("db-1")
        found = await civo.snapshots.list(db1).collect()
        newest = max(found, key=lambda one: one.name)  # the names of runs have their date
        drill = await civo.snapshots.restore_drill(newest, check=check, cleanup=cleanup)
        print(drill.to_json())


if __name__ == "__main__":
    asyncio.run(main())
