"""A raw server in a process of its own that answers each path with the spoiled bytes of its seed.

What it answers depends on the path and on how often that path was asked for, so that a failure can
be had again.
"""

import asyncio
import json
import socket
import struct
import sys
from collections import Counter

from benchmarks.hostile import _mutate
from benchmarks.hostile._mutate import Json
from benchmarks.hostile._wire_answers import answer

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_seen: Counter[str] = Counter()


def value_for(method: str, path: str) -> Json:
    """What a good server would answer."""
    parts = path.split("/")
    if parts[2] == "resourcesnapshotschedules":
        return {**_mutate.SCHEDULE, "id": parts[3]}
    if parts[-1] == "restore":
        return {**_mutate.RESTORE, "from_snapshot": parts[5]}
    if len(parts) == 4:
        return {**_mutate.INSTANCE, "id": parts[3]}
    if method == "DELETE":
        return {"result": "success"}
    if len(parts) == 6:
        return {**_mutate.SNAPSHOT, "id": parts[5]}
    return _mutate.SNAPSHOT if method == "POST" else [_mutate.SNAPSHOT]


async def _accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split("\r\n")[0].split(" ")
            for line in head.lower().split("\r\n"):
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.partition(":")[2]))
            path = target.partition("?")[0]
            key = f"{method} {path}"
            _seen[key] += 1
            said = answer(f"{key} {_seen[key]}", method, value_for(method, path))
            for number, part in enumerate(said.parts):
                if number:
                    await asyncio.sleep(said.pause)
                writer.write(part)
            await writer.drain()
            if said.ending == "silence":
                await reader.read()
            elif said.ending == "reset":
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
                writer.transport.abort()
            elif said.ending == "close":
                break
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        pass  # the client has gone
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_accept, "127.0.0.1", 0, backlog=500)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
