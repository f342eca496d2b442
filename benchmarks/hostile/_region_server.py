"""A fake region in a process of its own, with faults; serves until its standard input ends."""

import asyncio
import json
import sys

from civo_snapshots.testing import FakeRegion, Fault

_FAULTS = {
    "drop_before": Fault.drop_before_acting(),
    "drop_after": Fault.drop_after_acting(),
    "reset_after": Fault.drop_after_acting(reset=True),
    "cut": Fault.cut_body(),
    "gateway": Fault.gateway_html(502),
}


async def _serve(
    *,
    instances: int,
    duration: tuple[float, float],
    latency: float = 0.0,
    faults: float = 0.0,
    snapshot_limit: int = 1_000_000,
) -> None:
    async with FakeRegion(
        instances=instances,
        duration=duration,
        latency=latency,
        snapshot_limit=snapshot_limit,
        keep_requests=False,
        expose_stats=True,
    ) as region:
        if faults:
            for fault in _FAULTS.values():
                region.fault("*", fault, times=None, probability=faults / len(_FAULTS))
        about = {"url": region.url, "token": region.token, "instances": region.instance_ids}
        print(json.dumps(about), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(**json.loads(sys.argv[1])))
