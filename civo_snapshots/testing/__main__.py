"""Serve a fake region from the command line until SIGINT or SIGTERM."""

import asyncio
import contextlib
import json
import signal
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
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Also where a shell, in whose background this runs, has it ignored.
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C interrupts as usual
                loop.add_signal_handler(number, stop.set)
        print(json.dumps(about), flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    region = region_of(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(region))
    return 0


if __name__ == "__main__":
    sys.exit(main())
