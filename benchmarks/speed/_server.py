"""Serves a region cheaply from a process of its own, and keeps the true account of what happened.

Answers are assembled from texts kept per snapshot, so that the client stays the bottleneck. Times
are `time.monotonic()`, which all processes of a machine share. It ends when its stdin is closed.
"""

import argparse
import asyncio
import gc
import heapq
import json
import random
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from email.utils import formatdate
from urllib.parse import parse_qs

LIFETIME = 1_800.0
"""Seconds after which a server that was forgotten ends itself."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CREATED_AT = "2026-11-23T02:00:00Z"
_INSTANCE, _FINISHED, _RUNNING, _CREATED = 1, 2, 3, 4


def _ident(kind: int, number: int) -> str:
    """An id in the form of a UUID that client and server both can compute."""
    return f"{number:08x}-{kind:04x}-4000-8000-{number * 2_654_435_761 % (1 << 48):012x}"


def instance_id(number: int) -> str:
    return _ident(_INSTANCE, number)


CROWDED = instance_id(0)
"""The instance that all finished snapshots belong to."""


def finished_id(number: int) -> str:
    """A snapshot that was complete before the benchmark; it belongs to the crowded instance."""
    return _ident(_FINISHED, number)


def running_id(number: int) -> str:
    """A snapshot that runs from ``POST /_start`` on, of the instance numbered one higher."""
    return _ident(_RUNNING, number)


class Snapshot:
    """One snapshot, and when it is really complete."""

    __slots__ = ("done_at", "id", "index", "instance_id", "name", "volumes")

    def __init__(self, id: str, index: int, instance: str, name: str, done_at: float) -> None:
        self.id = id
        self.index = index
        self.instance_id = instance
        self.name = name
        self.done_at = done_at
        self.volumes = [_ident(16 + number, index) for number in range(3)]

    def body(self, *, done: bool, id: str = "") -> str:
        """As the instance's own endpoints show it."""
        state, part = ("Complete", "Completed") if done else ("Pending", "Pending")
        one, two, three = self.volumes
        return (
            f'{{"id":"{id or self.id}","name":"{self.name}","description":"kept for the audit",'
            f'"included_volumes":["{one}","{two}","{three}"],"status":{{"state":"{state}",'
            f'"volumes":[{{"id":"{one}","state":"{part}"}},{{"id":"{two}","state":"{part}"}},'
            f'{{"id":"{three}","state":"{part}"}}]}},"created_at":"{_CREATED_AT}"}}'
        )

    def item(self, *, done: bool) -> bytes:
        """As the region-wide listing shows it; the inner id is the instance's."""
        inner = self.body(done=done, id=self.instance_id)
        return (
            f'{{"id":"{self.id}","name":"{self.name}","description":"kept for the audit",'
            f'"resource_type":"instance","created_at":"{_CREATED_AT}","instance":{inner}}}'
        ).encode()


class Region:
    """The snapshots, in the order of their creation, and the counters."""

    def __init__(self, duration: tuple[float, float], seed: int, instances: int) -> None:
        self._random = random.Random(seed)
        self._duration = duration
        self._instances = instances
        self.snapshots: dict[str, Snapshot] = {}
        self._items: list[bytes] = []
        self._of_instance: dict[str, list[Snapshot]] = {}
        self._running: list[tuple[float, str]] = []
        self._waiting: list[Snapshot] = []
        self._pages: dict[tuple[int, int], bytes] = {}
        self.counts: Counter[str] = Counter()
        self.connections = 0
        self.bytes_sent = 0

    def add(self, id: str, instance: str, name: str, *, done_at: float, waits: bool = False) -> str:
        """One more snapshot; returns its body."""
        snapshot = Snapshot(id, len(self._items), instance, name, done_at)
        done = done_at == 0
        self.snapshots[id] = snapshot
        self._items.append(snapshot.item(done=done))
        self._of_instance.setdefault(instance, []).append(snapshot)
        if waits:
            self._waiting.append(snapshot)
        elif not done:
            heapq.heappush(self._running, (done_at, id))
        return snapshot.body(done=done)

    def start(self) -> None:
        """From now on the snapshots that wait for it run."""
        now = time.monotonic()
        for snapshot in self._waiting:
            snapshot.done_at = now + self._random.uniform(*self._duration)
            self._running.append((snapshot.done_at, snapshot.id))
        self._waiting.clear()
        heapq.heapify(self._running)

    def create(self, instance: str, body: bytes) -> bytes:
        name = json.loads(body)["name"]
        done_at = time.monotonic() + self._random.uniform(*self._duration)
        made = _ident(_CREATED, len(self._items))
        return self.add(made, instance, name, done_at=done_at).encode()

    def get(self, instance: str, id: str) -> bytes | None:
        snapshot = self.snapshots.get(id)
        if snapshot is None or snapshot.instance_id != instance:
            return None
        return snapshot.body(done=snapshot.done_at <= time.monotonic()).encode()

    def listing(self) -> bytes:
        now, running = time.monotonic(), self._running
        while running and running[0][0] <= now:
            snapshot = self.snapshots[heapq.heappop(running)[1]]
            self._items[snapshot.index] = snapshot.item(done=True)
        return b"[%s]" % b",".join(self._items)

    def listing_of(self, instance: str) -> bytes:
        now = time.monotonic()
        found = self._of_instance.get(instance, [])
        return f"[{','.join(one.body(done=one.done_at <= now) for one in found)}]".encode()

    def page(self, page: int, size: int) -> bytes:
        """A page of instances, rendered once."""
        if (page, size) not in self._pages:
            numbers = range((page - 1) * size, min(page * size, self._instances))
            envelope = {
                "page": page,
                "per_page": size,
                "pages": -(-self._instances // size),
                "items": [_instance(number) for number in numbers],
            }
            self._pages[page, size] = json.dumps(envelope).encode()
        return self._pages[page, size]

    def stats(self) -> bytes:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return json.dumps(
            {
                "counts": self.counts,
                "connections": self.connections,
                "bytes_sent": self.bytes_sent,
                "cpu": usage.ru_utime + usage.ru_stime,
            }
        ).encode()

    def done(self) -> bytes:
        """When each snapshot that was not complete beforehand is."""
        times = {id: one.done_at for id, one in self.snapshots.items() if one.done_at}
        return json.dumps(times).encode()


def _instance(number: int) -> dict[str, object]:
    return {
        "id": instance_id(number),
        "hostname": f"db{number}.example.test",
        "status": "ACTIVE",
        "region": "LON1",
        "network_id": _ident(5, 0),
        "private_ip": "10.0.0.1",
        "public_ip": "192.0.2.1",
        "size": "g3.large",
        "tags": ["prod", "db"],
        "attached_volumes": [{"id": _ident(6, number)}, {"id": _ident(7, number)}],
        "created_at": _CREATED_AT,
        "cpu_cores": 4,
        "ram_mb": 8192,
        "disk_gb": 100,
    }


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as the clients need."""

    transport: asyncio.Transport

    def __init__(self, region: Region, latency: float) -> None:
        self._region = region
        self._latency = latency
        self._buffer = b""
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            size = end + 4
            if data.startswith(b"POST"):
                found = _LENGTH.search(data, 0, end)
                size += int(found[1]) if found else 0
            if len(data) < size:
                break
            method, target, _ = data[: data.index(b"\r\n")].decode().split(" ")
            self._answer(method, target, data[end + 4 : size])
            data = data[size:]
        self._buffer = data

    def _answer(self, method: str, target: str, body: bytes) -> None:
        path, _, query = target.partition("?")
        if path.startswith("/_"):
            self._send(200, self._account(path))
            return
        region = self._region
        if not self._counted:
            self._counted = True
            region.connections += 1
        status, route, content = self._route(method, path.split("/")[2:], query, body)
        region.counts[f"{method} {route}"] += 1
        region.bytes_sent += len(content)
        if self._latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, self._send, status, content)
        else:
            self._send(status, content)

    def _account(self, path: str) -> bytes:
        if path == "/_start":
            self._region.start()
        return self._region.done() if path == "/_done" else self._region.stats()

    def _route(
        self, method: str, parts: Sequence[str], query: str, body: bytes
    ) -> tuple[int, str, bytes]:
        region = self._region
        match method, *parts:
            case "GET", "instances", instance, "snapshots", id:
                found = region.get(instance, id)
                missing = b'{"code":"database_snapshot_not_found","reason":"no such snapshot"}'
                return (404, "snapshot", missing) if found is None else (200, "snapshot", found)
            case "POST", "instances", instance, "snapshots":
                return 201, "snapshots", region.create(instance, body)
            case "GET", "resourcesnapshots":
                return 200, "region", region.listing()
            case "GET", "instances", instance, "snapshots":
                return 200, "snapshots", region.listing_of(instance)
            case "GET", "instances":
                asked = parse_qs(query)
                page, size = (int(asked.get(key, ["1"])[0]) for key in ("page", "per_page"))
                return 200, "instances", region.page(page, size)
        return 404, "unknown", b'{"code":"not_found","reason":"no such route"}'

    def _send(self, status: int, body: bytes) -> None:
        if self.transport.is_closing():
            return
        head = _head(status, len(body))
        if len(body) < 65_536:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)


_REASONS = {200: "OK", 201: "Created", 404: "Not Found"}
_date: tuple[int, str] = (0, "")


def _head(status: int, length: int) -> bytes:
    global _date  # noqa: PLW0603 - rendered once a second
    second = int(time.time())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Date: {_date[1]}\r\nX-Request-Id: 7a6f2c1e\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def serve(region: Region, latency: float, ready: Callable[[int], None]) -> None:
    """Serve on a free port until stdin is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(region, latency), "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    async with asyncio.timeout(LIFETIME):
        await over.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, nargs=2, default=(5.0, 20.0))
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--finished", type=int, default=0)
    parser.add_argument("--running", type=int, default=0)
    parser.add_argument("--instances", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    region = Region(tuple(options.duration), options.seed, options.instances)
    for number in range(options.finished):
        region.add(finished_id(number), CROWDED, f"old-{number}", done_at=0.0)
    for number in range(options.running):
        owner = instance_id(number + 1)
        far = float("inf")
        region.add(running_id(number), owner, f"run-{number}", done_at=far, waits=True)
    gc.disable()  # nothing here is cyclic, and a pause would be taken for the client's
    asyncio.run(serve(region, options.latency, lambda port: print(port, flush=True)))


if __name__ == "__main__":
    main()
