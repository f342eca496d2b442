"""Reading a body that comes in pieces, within bounds: whole, or into a sink; no aiohttp here."""

import asyncio
from typing import Protocol

from ..errors import CivoError
from .messages import Mask, Sink, too_large

_LARGE = 1 << 18
"""Bytes from which one body at a time is read, so that many cannot fill the memory together."""


class Body(Protocol):
    """What is still to come of one."""

    async def more(self) -> bytes:
        """The next piece."""
        ...

    def at_end(self) -> bool:
        """Whether nothing more is to come."""
        ...

    def drop(self) -> None:
        """Read no more of it, and close its connection."""
        ...


class BodyReader:
    """Reads bodies of at most so many bytes; `mask` makes what is in them safe to keep."""

    def __init__(self, cap: int, mask: Mask) -> None:
        self._cap = cap
        self._mask = mask
        self._large = asyncio.Lock()

    async def collect(self, body: Body, piece: bytes, status: int) -> bytes | CivoError:
        """The whole body, whose first piece has come, if it is within the cap."""
        pieces: list[bytes] = []
        size = 0
        holds = False
        try:
            while True:
                size += len(piece)
                if size > self._cap:
                    body.drop()
                    return too_large(self._cap, status)
                pieces.append(piece)
                if body.at_end():
                    return b"".join(pieces)
                if size > _LARGE and not holds:
                    holds = await self._large.acquire()
                piece = await body.more()
        finally:
            if holds:
                self._large.release()

    async def stream(self, body: Body, piece: bytes, sink: Sink, length: int | None) -> None:
        """Let a sink have a body, for as long as it wants more of it."""
        wanted = sink.begin(length, self._cap, self._mask)
        while wanted and (wanted := sink.take(piece)) and not body.at_end():
            piece = await body.more()
        if not wanted:
            body.drop()
