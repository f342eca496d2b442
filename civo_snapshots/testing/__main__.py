"""Serve a fake region from the command line until it is interrupted."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence

from civo_snapshots.testing._command import region_of
from civo_snapshots.testing._region import FakeRegion


async def _serve(region: FakeRegion) -> None:
    async with region:
        about = {
            "url": region.url,
            "token": region.token,
            "region": region.region,
            "instances": region.instance_ids,
            "page": f"{region.url}/_fake",
            "made_as": repr(region),
        }
        print(json.dumps(about), flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> int:
    region = region_of(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(region))
    return 0


if __name__ == "__main__":
    sys.exit(main())
