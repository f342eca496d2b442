"""A raw server in a process of its own that answers with far too much, by the kind in the path."""

import asyncio
import contextlib
import json
import sys
import zlib

from attrs import frozen

BOMB = 400 << 20


@frozen
class Flood:
    """An answer: what is sent first, and what again and again, so many times (None: for ever)."""

    head: bytes
    again: bytes = b""
    times: int | None = 0


def _bomb() -> bytes:
    """400 MB of JSON, gzipped to about 400 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(b'["')]
    parts += [packer.compress(b"x" * (1 << 20)) for _ in range(BOMB >> 20)]
    return b"".join([*parts, packer.compress(b'"]'), packer.flush()])


def _floods() -> dict[str, Flood]:
    ok, end = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", b"\r\n"
    bomb = _bomb()
    zipped = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(bomb)
    chunked = ok + b"Transfer-Encoding: chunked\r\n" + end
    return {
        "gzip-bomb": Flood(ok + zipped + end + bomb),
        "many-headers": Flood(ok, b"".join(b"X-%d: y\r\n" % n for n in range(1_000)), None),
        "long-header": Flood(ok + b"X: ", b"x" * 65_536, None),
        "one-byte-chunks": Flood(chunked, b"1\r\n \r\n" * 10_000, 100),
        "endless-chunks": Flood(chunked, b"10000\r\n" + b" " * 65_536 + b"\r\n", None),
        "endless-trailers": Flood(chunked + b"2\r\n{}\r\n0\r\n", b"T: x\r\n" * 1_000, None),
        "endless-1xx": Flood(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, None),
        "endless-reason": Flood(b"HTTP/1.1 200 ", b"x" * 65_536, None),
        "endless-body": Flood(ok + end, b"[" * 65_536, None),
        "second-answers": Flood(
            ok + b"Content-Length: 2\r\n" + end + b"{}",
            (ok + b"Content-Length: 0\r\n\r\n") * 100,
            None,
        ),
    }


_FLOODS = _floods()


async def _accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, EOFError, IndexError, KeyError):
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            flood = _FLOODS[head.split(b" ")[1].split(b"?")[0].split(b"/")[3].decode()]
            writer.write(flood.head)
            sent = 0
            while flood.again and (flood.times is None or sent < flood.times):
                writer.write(flood.again)
                sent += 1
                await writer.drain()
            if flood.times:
                writer.write(b"0\r\n\r\n")
            await writer.drain()
    writer.transport.abort()


async def _serve() -> None:
    server = await asyncio.start_server(_accept, "127.0.0.1", 0, backlog=500)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "kinds": list(_FLOODS)}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
