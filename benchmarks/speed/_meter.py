"""Measures one client run from inside its process: CPU, memory, lag, stalls of the loop."""

import asyncio
import gc
import http.client
import json
import os
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

COUNTED = "BENCHMARK_INSTRUCTIONS_COUNTED"
"""Set in the environment of a client that runs under callgrind."""

Figures = dict[str, float]
BEAT = 0.005
STARTED_AT_ONCE = 250


def trusting(certificate: str) -> ssl.SSLContext | None:
    """How a client is to verify a server that has this one; None if there is no TLS."""
    return ssl.create_default_context(cafile=certificate) if certificate else None


def ask(url: str, path: str) -> Any:
    """Ask the server what it counted, on a connection that it does not count."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def resident() -> float:
    """Bytes of memory resident now."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))
    except OSError:
        return peak()


def peak() -> float:
    """Bytes that were resident at most."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024.0 for line in file if line[:6] == "VmHWM:")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most * (1.0 if sys.platform == "darwin" else 1024.0)


def forget_peak() -> None:
    """Let `peak()` begin anew, where the system can: importing must not count."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return


def quantile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Meter:
    """From `begin()` to `end()`: CPU, wall time and memory; `seen` is filled by the client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: dict[str, float] = {}

    def begin(self) -> None:
        """Everything from here on counts."""
        gc.collect()
        forget_peak()
        self._before = ask(self.url, "/_stats")
        self._resident = resident()
        self.started = time.monotonic()
        self._cpu = time.process_time()

    def saw(self, snapshot_id: str) -> None:
        """The caller holds this finished snapshot."""
        self.seen[snapshot_id] = time.monotonic()

    def end(self) -> None:
        """Everything from here on does not count."""
        self.cpu = time.process_time() - self._cpu
        self.wall = time.monotonic() - self.started
        self.grown = peak() - self._resident

    def figures(self, expected: int) -> Figures:
        """The figures; raises unless exactly the server's snapshots were seen, none too early."""
        after, done = ask(self.url, "/_stats"), ask(self.url, "/_done")
        if set(self.seen) != set(done) or len(done) != expected:
            raise AssertionError(f"{len(self.seen)} of {expected} seen, {len(done)} made")
        lags = [moment - done[id] for id, moment in self.seen.items()]
        if min(lags) < 0:
            raise AssertionError("a snapshot was reported before it was complete")
        counts, before = after["counts"], self._before["counts"]
        requests = sum(counts.values()) - sum(before.values())
        return {
            "cpu": self.cpu,
            "cpu_each": self.cpu / expected,
            "wall": self.wall,
            "wall_over_bound": self.wall / (max(done.values()) - self.started),
            "requests": requests,
            "requests_each": requests / expected,
            "listings": counts.get("GET region", 0) - before.get("GET region", 0),
            "lag_mean": sum(lags) / expected,
            "lag_p50": quantile(lags, 0.5),
            "lag_p99": quantile(lags, 0.99),
            "kib_each": self.grown / 1024 / expected,
            "connections": after["connections"],
            "mib_read": (after["bytes_sent"] - self._before["bytes_sent"]) / (1 << 20),
            "server_cpu": after["cpu"] - self._before["cpu"],
        }


@contextmanager
def counted() -> Generator[None]:
    """What is within is what counts, in a process whose instructions are counted."""
    _count("on")
    yield
    _count("off")


def _count(switch: str) -> None:
    if os.environ.get(COUNTED):
        command = ["callgrind_control", "-i", switch, str(os.getpid())]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Heart:
    """A beat every 5 ms, and how late the latest came.

    Beats take more CPU than many a job: no run that has them tells of CPU.
    """

    def __init__(self) -> None:
        self.latest = 0.0

    @asynccontextmanager
    async def beating(self, beats: bool = True) -> AsyncGenerator[None]:
        if not beats:
            yield
            return
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _beat(self) -> None:
        due = time.monotonic() + BEAT
        while True:
            await asyncio.sleep(due - time.monotonic())
            self.latest = max(self.latest, time.monotonic() - due)
            due = time.monotonic() + BEAT


async def start_all(calls: Iterable[Coroutine[object, object, None]]) -> None:
    """Await them all, in a task each, started some at a time.

    Whoever starts 100,000 at once stops the loop for as long as that takes, with any client.
    """
    tasks: list[asyncio.Task[None]] = []
    for call in calls:
        tasks.append(asyncio.create_task(call))
        if len(tasks) % STARTED_AT_ONCE == 0:
            await asyncio.sleep(0)
    for task in tasks:  # gather() would stop the loop for half a second to add its callbacks
        await task


async def all_at_once(calls: Iterable[Coroutine[object, object, None]]) -> None:
    """Await them all, begun by one `gather()`."""
    await asyncio.gather(*calls)


async def hammer(call: Callable[[int], Awaitable[None]], workers: int, count: int) -> float:
    """Await ``call(number)`` so many times, so many at once; CPU seconds per call after warm-up."""

    async def burst(numbers: range) -> None:
        pending = iter(numbers)

        async def work() -> None:
            for number in pending:
                await call(number)

        if workers == 1:
            await work()
        else:
            await asyncio.gather(*(work() for _ in range(workers)))

    await burst(range(max(count // 10, workers * 3)))
    gc.collect()
    with counted():
        before = time.process_time()
        await burst(range(count))
        return (time.process_time() - before) / count
