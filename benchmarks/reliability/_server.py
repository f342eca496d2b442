"""A hand-written HTTP/1.1 server that counts what it received and fails as it is told.

No HTTP framework can drop a request between reading and acting, answer on an idle connection or
close one at an exact moment. ``python -m benchmarks.reliability._server --faults JSON`` prints its
port as one line of JSON and ends when its standard input does; ``GET /_stats`` tells the counts.
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.utils import formatdate

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._region import Answer, Region

HOST = "127.0.0.1"
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_REASONS = {200: "OK", 201: "Created", 404: "Not Found"}


class Server:
    """What all connections share: the region, the dice and the counts."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.region = Region(faults.seeded)
        self.dice = random.Random(faults.seed)
        self.requests: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.connections: set[asyncio.Transport] = set()

    def draw(self) -> str:
        """What becomes of a request, drawn once for each."""
        faults, value = self.faults, self.dice.random()
        if faults.dead:
            return "before"
        for fate in ("before", "after", "late"):
            share: float = getattr(faults, fate)
            if value < share:
                return fate
            value -= share
        return "answered"

    def stats(self) -> bytes:
        """The counts, and every snapshot's id by name."""
        told = {
            "total": self.requests.total(),
            "requests": self.requests,
            "done": self.done,
            "names": self.region.ids_by_name(),
        }
        return json.dumps(told).encode()


class Connection(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport
        self._received = b""
        self._idle: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self._transport)
        self._stay()

    def data_received(self, data: bytes) -> None:
        self._stay()
        self._received += data
        while not self._transport.is_closing():
            head, end, rest = self._received.partition(b"\r\n\r\n")
            size = _length(head)
            if not end or len(rest) < size:
                return
            self._received = rest[size:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            self._serve(method, target.partition("?")[0], rest[:size])

    def _serve(self, method: str, path: str, body: bytes) -> None:
        server = self._server
        if path == "/_stats":
            self._write((200, server.stats()))
            return
        server.requests[method] += 1
        fate = server.draw()
        server.done[fate] += 1
        if fate == "answered":
            self._write(server.region.answer(method, path, body))
            self._maybe_stray(path)
            self._be_idle()
            return
        if fate == "after":
            server.region.answer(method, path, body)
        elif fate == "late":
            delay = server.dice.uniform(server.faults.late_from, server.faults.late_to)
            self._loop.call_later(delay, server.region.answer, method, path, body)
        self._drop()

    def _write(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        status, body = answer
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Date: {formatdate(time.time(), usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)

    def _drop(self) -> None:
        """Close instead of answering: FIN or RST, as it falls."""
        if self._server.dice.random() < 0.5:
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()

    def _maybe_stray(self, path: str) -> None:
        server = self._server
        if server.dice.random() < server.faults.stray:
            server.done["stray"] += 1
            stray = 200, server.region.stray(path)
            self._loop.call_later(server.faults.stray_after, self._write, stray)

    def _be_idle(self) -> None:
        """Once idle for so long, stop reading, and close a little later."""
        faults = self._server.faults
        if faults.idle_close:
            self._idle = self._loop.call_later(faults.idle_close, self._decide_to_close)

    def _decide_to_close(self) -> None:
        self._transport.pause_reading()
        # What arrives from here on stays unread in the kernel: the server never saw it.
        self._idle = self._loop.call_later(self._server.faults.crossing, self._transport.close)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@asynccontextmanager
async def serving(faults: Faults) -> AsyncGenerator[str]:
    """The server inside this process; yields its URL."""
    server = Server(faults)
    listener = await asyncio.get_running_loop().create_server(
        lambda: Connection(server), HOST, 0, backlog=1024
    )
    try:
        yield f"http://{HOST}:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for transport in tuple(server.connections):
            transport.abort()
        await listener.wait_closed()
        await asyncio.sleep(0)  # transports let go of their sockets on the next turn of the loop


async def _main() -> None:
    parser = argparse.ArgumentParser(description="The server of the reliability jobs.")
    parser.add_argument("--faults", type=Faults.from_json, default=Faults(), metavar="JSON")
    async with serving(parser.parse_args().faults) as url:
        print(json.dumps({"port": int(url.rpartition(":")[2])}), flush=True)
        # Whoever started it may die first; a server that waits for a signal would stay behind.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
