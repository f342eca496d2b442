"""What this package takes from aiohttp and asyncio that neither of them documents.

Tried with aiohttp 3.14.5 on CPython 3.11 to 3.14. Each piece says what it is for and what happens
where it is missing: nothing here may make a request look unsent that could have been sent. A test
fails loudly when an upgrade takes one of them away.
"""

import asyncio
from types import CoroutineType
from typing import Any

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.tracing import Trace

from ..errors import printable

_MISSING = object()

_FREED_BLOCK = 1 << 20

READ_SIZE = 2 << 10
"""Bytes taken from a connection in one turn of the loop, until more is known of an answer."""


class TrackedResponse(aiohttp.ClientResponse):
    """A response that remembers its connection, which is back in the pool before it is judged.

    Takes `ClientResponse.start(connection)` and `Connection.transport`. Without them a connection
    with a stray answer cannot be dropped, and silence counts from the start of the exchange.
    """

    wire: asyncio.BaseTransport | None = None
    began = 0.0
    """When it was first waited for, on the loop's clock: the request has just been written."""

    def start(
        self, connection: "aiohttp.connector.Connection"
    ) -> "CoroutineType[Any, Any, aiohttp.ClientResponse]":
        self.wire = connection.transport
        self.began = asyncio.get_running_loop().time()
        return super().start(connection)  # type: ignore[return-value]  # one in truth


def track_response(request: aiohttp.ClientRequest) -> None:
    """Let the answer be a `TrackedResponse`.

    Takes `ClientRequest.response_class`, which a lent session may use too. Without it, see there.
    """
    request.response_class = TrackedResponse


DECODED = frozenset({"", "identity", "gzip", "deflate", "br", "zstd"})
"""Content encodings that aiohttp decodes, or refuses itself; it passes on others as they come."""


def what_was_unreadable(error: aiohttp.ClientResponseError) -> str:
    """What of an answer the library could not read, and what helps; empty if it is not known.

    Takes the beginning of the error's text, for its class says nothing. Without that it is an
    answer that was not valid HTTP, which is asked for again.
    """
    said = error.message
    if said.startswith("Got more than "):  # what follows is the line, which may hold anything
        return (
            "a header line of the answer is longer than the HTTP library takes; lend an "
            "http_session= with a larger max_line_size and max_field_size"
        )
    if said.startswith("Too many headers"):
        return (
            "the answer has more header fields than the HTTP library takes; lend an "
            "http_session= with a larger max_headers"
        )
    if said.startswith("Can not decode content-encoding: "):
        return f"the body cannot be read: {printable(said, 200)}"
    return ""


def is_corrupt(error: aiohttp.ClientPayloadError) -> bool:
    """Whether a body was no gzip or the like at all, rather than cut.

    Takes the class of the error's cause. Without it the body is asked for again.
    """
    return isinstance(error.__cause__, ContentEncodingError)


def has_middlewares(session: aiohttp.ClientSession) -> bool:
    """Whether a lent session has middlewares, which ours would replace.

    Takes `ClientSession._middlewares`. Without it such a session is used, without them.
    """
    return bool(getattr(session, "_middlewares", ()))


def tls_of(session: aiohttp.ClientSession) -> object:
    """How a lent session verifies: True is the default, False not at all, or its own context.

    Takes `TCPConnector._ssl`. Without it a session that does not verify is used.
    """
    return getattr(session.connector, "_ssl", True)


def may_have_left(request: aiohttp.ClientRequest | None) -> bool:
    """Whether any byte of a request may have left; None is one that was never handed over.

    Takes `ClientRequest.response`, which is None until the first byte is about to be written.
    Without it, every request that was handed over counts as sent.
    """
    return request is not None and getattr(request, "response", _MISSING) is not None


def response_of(request: aiohttp.ClientRequest | None) -> TrackedResponse | None:
    """The answer that a request waits for, once it has been written."""
    response = getattr(request, "response", None)
    return response if isinstance(response, TrackedResponse) else None


class CheckedConnector(aiohttp.TCPConnector):
    """A pool that passes over connections on which something came that nobody had asked for.

    Written to, such a one would give that for an answer, before the request has even left. Takes
    `BaseConnector.connect()` and `ResponseHandler.should_close`. Without them a stray answer is
    told only by its content.
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if not getattr(connection.protocol, "should_close", False):
                limit_read_size(connection.transport, READ_SIZE)
                return connection
            connection.close()


def limit_read_size(wire: asyncio.BaseTransport | None, size: int) -> None:
    """Limit the bytes that one turn of the event loop takes from a socket.

    Takes `max_size` of asyncio's transports; uvloop's have none. Without it a turn takes up to
    256 KiB, which a hostile server can make cost 50 ms and more.
    """
    limited: Any = wire
    if hasattr(limited, "max_size"):
        limited.max_size = size


def raise_read_size(wire: asyncio.BaseTransport | None, size: int) -> None:
    """Let one turn of the event loop take so many bytes, if it may only take fewer."""
    if getattr(wire, "max_size", size) < size:
        limit_read_size(wire, size)


def free_one_large_block() -> None:
    """Make the C library keep large blocks: asyncio's read buffers are such blocks.

    Takes a habit of glibc: until a block of this size has been freed once, it fetches each from the
    system and gives it back, three system calls per answer: a sixth of a call's CPU.
    """
    bytes(_FREED_BLOCK)
