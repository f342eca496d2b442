"""Serve a fake region from the command line until it is interrupted."""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence

from civo_snapshots.testing._region import FakeRegion


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m civo_snapshots.testing",
        description="Serve a fake CivoStack region on loopback. The first line of output is JSON: "
        "where it is and what it holds. Counters and tables are at /_fake/stats.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--volumes", type=int, default=2, help="of each instance")
    parser.add_argument("--region", default="LON1")
    parser.add_argument("--token", default="fake-token")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to each answer")
    parser.add_argument(
        "--duration",
        type=float,
        nargs=2,
        default=(5.0, 20.0),
        metavar=("SHORTEST", "LONGEST"),
        help="seconds the snapshot of a volume takes",
    )
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    async with FakeRegion(
        instances=options.instances,
        volumes=options.volumes,
        region=options.region,
        token=options.token,
        seed=options.seed,
        duration=tuple(options.duration),
        latency=options.latency,
        port=options.port,
        # Nobody in this process reads them, and it may run for days.
        keep_requests=False,
        expose_stats=True,
    ) as region:
        about = {
            "url": region.url,
            "token": region.token,
            "region": region.region,
            "instances": region.instance_ids,
        }
        print(json.dumps(about), flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
