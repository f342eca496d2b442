"""A raw HTTP/1.1 server that answers by script, for faults that no HTTP framework can make.

It counts what really arrived. Each request takes the next step of the script; the last step is
for all that follow.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from attrs import define, frozen

_RST_ON_CLOSE = struct.pack("ii", 1, 0)


@frozen
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@define(eq=False)
class Connection:
    """One accepted connection, as the steps of a script use it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self.writer.transport.abort()


Step = Callable[[Connection], Awaitable[None]]


def http(
    body: bytes | object = b"{}",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    announced: int | None = None,
) -> bytes:
    """An answer as bytes; what is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"Content-Type": "application/json", **(headers or {})}
    head["Content-Length"] = str(len(content) if announced is None else announced)
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def raw(data: bytes, *, then_close: bool = False) -> Step:
    """Send these bytes."""

    async def step(connection: Connection) -> None:
        await connection.write(data)
        if then_close:
            connection.close()

    return step


def answer(
    body: bytes | object = b"{}", status: int = 200, headers: Mapping[str, str] | None = None
) -> Step:
    """A whole answer."""
    return raw(http(body, status, headers))


def followed_by(first: bytes, stray: bytes, after: float = 0.005) -> Step:
    """An answer, and a little later another one that nobody asked for."""

    async def step(connection: Connection) -> None:
        await connection.write(first)
        await asyncio.sleep(after)
        await connection.write(stray)

    return step


async def close(connection: Connection) -> None:
    """FIN instead of an answer."""
    connection.close()


async def reset(connection: Connection) -> None:
    """RST instead of an answer."""
    connection.reset()


def then_reset(data: bytes) -> Step:
    """These bytes, and a RST once they have been sent."""

    async def step(connection: Connection) -> None:
        await connection.write(data)
        await asyncio.sleep(0.01)
        connection.reset()

    return step


async def silence(connection: Connection) -> None:
    """No answer, until the client gives up."""
    while await connection.reader.read(1024):
        pass


def drip(data: bytes, every: float = 0.005) -> Step:
    """One byte after the other, until the client gives up."""

    async def step(connection: Connection) -> None:
        for byte in data:
            await connection.write(bytes((byte,)))
            await asyncio.sleep(every)

    return step


def endlessly(data: bytes) -> Step:
    """The same again and again, until the client gives up."""

    async def step(connection: Connection) -> None:
        while not connection.writer.is_closing():
            await connection.write(data)
            await asyncio.sleep(0.001)

    return step


class Wire:
    """The server, from `async with` until its end.

    Attributes:
        url: where it listens.
        requests: what arrived, in order.
        connections: how many connections were accepted.
        open: how many of them are open now.
    """

    def __init__(self, *script: Step, tls: ssl.SSLContext | None = None) -> None:
        self.url = ""
        self.port = 0
        self.requests: list[Received] = []
        self.connections = 0
        self.open = 0
        self._script = list(script) or [answer()]
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def counts(self) -> Counter[str]:
        """How many requests of each method arrived."""
        return Counter(request.method for request in self.requests)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self._tls, backlog=100
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()
        await asyncio.sleep(0.01 if self._tls else 0)  # transports let go of their sockets

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        connection = Connection(self.connections, reader, writer)
        try:
            while not writer.is_closing():
                self.requests.append(await self._read(connection))
                step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                await step(connection)
        except (OSError, EOFError, asyncio.CancelledError, ValueError):
            pass  # the client is gone, spoke no HTTP, or the test is over
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort() if self._tls else writer.close()

    @staticmethod
    async def _read(connection: Connection) -> Received:
        head = (await connection.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.rstrip().split("\r\n")
        method, target, _ = request.split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = await connection.reader.readexactly(int(headers.get("content-length", "0")))
        return Received(method, target, headers, body, connection.number)
