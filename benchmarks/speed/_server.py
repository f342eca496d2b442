"""Serves a region cheaply from a process of its own, and counts what really happened.

It does so little per request that the client stays the bottleneck. Closing its stdin ends it.
"""

import argparse
import asyncio
import gc
import re
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from urllib.parse import parse_qs

from ._region import ARCHIVE, Region, finished_id, instance_id, running_id

LIFETIME = 1_800.0
"""Seconds after which a server that was forgotten ends itself."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


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
            self._send(200, self._counted_so_far(path))
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

    def _counted_so_far(self, path: str) -> bytes:
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
                made = region.create(instance, body)
                return (503, "refused", b"") if made is None else (201, "snapshots", made)
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


_REASONS = {200: "OK", 201: "Created", 404: "Not Found", 503: "Service Unavailable"}
_date: tuple[int, str] = (0, "")
STILL = -1
"""In place of its second, a date that all answers bear."""


def _head(status: int, length: int) -> bytes:
    global _date  # noqa: PLW0603 - rendered once a second
    second = int(time.time())
    if _date[0] not in (second, STILL):
        _date = (second, formatdate(second, usegmt=True))
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Date: {_date[1]}\r\nX-Request-Id: 7a6f2c1e\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


async def serve(
    region: Region, latency: float, certificate: str, ready: Callable[[int], None]
) -> None:
    """Serve on a free port until stdin is closed; over TLS with a certificate and its key."""
    loop = asyncio.get_running_loop()
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await loop.create_server(lambda: Connection(region, latency), "127.0.0.1", 0, ssl=tls)
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
    parser.add_argument("--nights", type=int, default=0)
    parser.add_argument("--refused", type=float, default=0.0, help="share of creates answered 503")
    parser.add_argument("--stale", type=float, default=0.0, help="seconds that reads lag behind")
    parser.add_argument(
        "--still",
        type=int,
        default=0,
        help="date all answers alike: a client whose instructions are counted runs a hundred times "
        "slower, and would meet a new date in each answer instead of one in thousands",
    )
    parser.add_argument("--certificate", default="", help="serve over TLS, with this and its key")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    region = Region(
        tuple(options.duration),
        options.seed,
        options.instances,
        refused=options.refused,
        stale=options.stale,
    )
    for number in range(options.finished):
        region.add(finished_id(number), ARCHIVE, f"old-{number}", done_at=0.0)
    for number in range(options.running):
        owner = instance_id(number + 1)
        far = float("inf")
        region.add(running_id(number), owner, f"run-{number}", done_at=far, waits=True)
    region.add_nights(options.nights)
    if options.still:
        global _date  # noqa: PLW0603 - as above
        _date = (STILL, formatdate(usegmt=True))
    gc.disable()  # nothing here is cyclic, and a pause would be taken for the client's
    asyncio.run(
        serve(region, options.latency, options.certificate, lambda port: print(port, flush=True))
    )


if __name__ == "__main__":
    main()
