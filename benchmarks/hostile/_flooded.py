"""A client in its own process under one kind of flood; prints its memory and its loop's lag."""

import asyncio
import contextlib
import gc
import json
import resource
import sys
import time
from pathlib import Path

from attrs import define

from civo_snapshots import CivoClient, CivoError, Timeouts

_BEAT = 0.005
_PAGE = resource.getpagesize()


@define
class Heart:
    """Beats every 5 ms; a late beat is the loop's lag, and each one measures the memory."""

    lag: float = 0.0
    peak: int = 0

    async def beat(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_BEAT)
            self.lag = max(self.lag, time.perf_counter() - began - _BEAT)
            self.peak = max(self.peak, memory())


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


async def _flooded(*, url: str, kind: str, at_once: int, limit: float) -> dict[str, object]:
    timeouts = Timeouts(attempt=limit, call=limit)
    leaked: list[str] = []
    async with CivoClient("fake-token", region="LON1", api_url=url, timeouts=timeouts) as civo:

        async def call(name: str) -> None:
            try:
                await civo.instances.get(name, retries=False)
            except CivoError:
                return
            except Exception as error:
                leaked.append(repr(error))
            else:
                leaked.append("an answer")

        await call("unknown")  # imports, buffers and the first connection are no one's fault
        gc.collect()
        heart, before = Heart(), memory()
        beating = asyncio.ensure_future(heart.beat())
        await asyncio.sleep(0.05)
        heart.lag = 0.0
        began = time.perf_counter()
        await asyncio.gather(*(call(kind) for _ in range(at_once)))
        took = time.perf_counter() - began
        await asyncio.sleep(0.05)
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
    grown = max(0, heart.peak - before)
    return {"lag": heart.lag, "grown": grown, "took": took, "leaked": leaked[:3]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_flooded(**json.loads(sys.argv[1])))), flush=True)
