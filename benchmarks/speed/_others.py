"""For orientation: the `calls` job with httpx, with requests in threads and with the Go client."""

import asyncio
import importlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

from ._meter import Figures, hammer
from ._region import ARCHIVE, finished_id

HEADERS = {"Authorization": "bearer benchmark-token"}


def _path(url: str, number: int) -> str:
    return f"{url}/v2/instances/{ARCHIVE}/snapshots/{finished_id(number % 100)}"


async def calls_httpx(url: str, concurrency: int, count: int) -> Figures:
    """`httpx.AsyncClient`."""
    httpx = importlib.import_module("httpx")
    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(headers=HEADERS, limits=limits, trust_env=False) as session:

        async def call(number: int) -> None:
            answer = await session.get(_path(url, number), params={"region": "LON1"})
            answer.raise_for_status()
            assert json.loads(answer.content)["id"] == finished_id(number % 100)

        return {"cpu_us": await hammer(call, concurrency, count) * 1e6}


async def calls_requests(url: str, concurrency: int, count: int) -> Figures:
    """`requests` with a session per thread."""
    requests = importlib.import_module("requests")
    mine = local()

    def call(number: int) -> None:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
            mine.session.trust_env = False
            mine.session.headers.update(HEADERS)
        answer = mine.session.get(_path(url, number), params={"region": "LON1"}, timeout=30)
        answer.raise_for_status()
        assert json.loads(answer.content)["id"] == finished_id(number % 100)

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(call, range(concurrency * 3)))
        before = time.process_time()
        list(pool.map(call, range(count)))
        return {"cpu_us": (time.process_time() - before) / count * 1e6}


async def calls_program(url: str, concurrency: int, count: int, program: str) -> Figures:
    """A program that prints the figures itself."""
    ids = [finished_id(number) for number in range(100)]
    process = await asyncio.create_subprocess_exec(
        *(program, url, str(concurrency), str(count), ARCHIVE, *ids), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, program
    figures: Figures = json.loads(printed)
    return figures
