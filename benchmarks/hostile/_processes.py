"""Processes of this package's own that a job starts, talks to and ends."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

_ROOT = Path(__file__).parents[2]


async def start(module: str, **options: object) -> asyncio.subprocess.Process:
    """Run a module of this package; its first argument is the options as JSON.

    The child reads its standard input to the end and leaves then, so that it never outlives us.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"benchmarks.hostile.{module}", json.dumps(options)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )


async def told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line of JSON that a child printed."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    return cast("dict[str, Any]", json.loads(line))


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill a child that we started, if it still runs, and take its leave."""
    if process.returncode is None:
        process.kill()
    await process.communicate()


@asynccontextmanager
async def running(module: str, **options: object) -> AsyncIterator[dict[str, Any]]:
    """A child, from its first line on until the end of the block."""
    process = await start(module, **options)
    try:
        yield await told(process)
    finally:
        await end(process)


async def snapshots_at(url: str, region: str = "LON1") -> list[Mapping[str, Any]]:
    """The table of a fake region in another process."""

    def read() -> dict[str, Any]:
        with urlopen(f"{url}/_fake/stats", timeout=30) as answer:  # loopback, our own child
            return cast("dict[str, Any]", json.load(answer))

    stats = await asyncio.to_thread(read)
    return cast("list[Mapping[str, Any]]", stats["regions"][region]["snapshots"])
