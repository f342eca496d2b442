"""One process that snapshots every instance under a run name, as a user's script would."""

import asyncio
import json
import sys

from civo_snapshots import CivoClient


async def _run(*, url: str, token: str, instances: list[str], name: str) -> dict[str, object]:
    async with CivoClient(token, region="LON1", api_url=url, concurrency=20) as civo:
        run = await civo.snapshots.create_many(instances, name=name, timeout=60)
    ids = {out.snapshot.id for out in run if out.snapshot}
    adopted = sum(out.adopted for out in run)
    duplicates = sum(len(out.duplicates) for out in run)
    return {"counts": dict(run.counts), "ids": len(ids), "adopted": adopted, "extra": duplicates}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(**json.loads(sys.argv[1])))), flush=True)
