"""What aiohttp and asyncio do not document is still there; it was tried with aiohttp 3.14.5.

If one of these fails after an upgrade, read in `_http/aiohttp_internals.py` what the piece is for.
"""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from support.wire import Wire, answer, http, raw

from civo_snapshots._http.aiohttp_internals import (
    CheckedConnector,
    TrackedResponse,
    has_middlewares,
    is_corrupt,
    limit_read_size,
    may_have_left,
    raise_read_size,
    response_of,
    tls_of,
    track_response,
)

TRIED_WITH = f"tried with aiohttp 3.14.5, this is {aiohttp.__version__}"


class Seen:
    """A middleware that looks at the request before and after it is sent."""

    def __init__(self) -> None:
        self.request: aiohttp.ClientRequest | None = None
        self.left_before: bool | None = None
        self.left_after: bool | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self.request = request
        track_response(request)
        self.left_before = may_have_left(request)
        response = await handler(request)
        self.left_after = may_have_left(request)
        return response


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Wire(answer({})) as wire:
        yield wire


async def test_a_request_has_no_response_before_it_is_sent_and_one_after(wire: Wire) -> None:
    seen = Seen()
    async with (
        aiohttp.ClientSession(connector=CheckedConnector()) as session,
        session.get(wire.url, middlewares=(seen,)),
    ):
        assert hasattr(seen.request, "response"), TRIED_WITH
        assert (seen.left_before, seen.left_after) == (False, True), TRIED_WITH


async def test_a_response_remembers_its_connection_and_when_it_was_waited_for(wire: Wire) -> None:
    seen = Seen()
    before = asyncio.get_running_loop().time()
    async with (
        aiohttp.ClientSession(connector=CheckedConnector()) as session,
        session.get(wire.url, middlewares=(seen,)) as response,
    ):
        assert isinstance(response, TrackedResponse), TRIED_WITH
        assert response_of(seen.request) is response, TRIED_WITH
        assert response.wire is not None, TRIED_WITH
        assert response.began >= before, TRIED_WITH
        response.wire.close()
        assert response.wire.is_closing()


async def test_a_pooled_connection_tells_that_it_should_be_closed() -> None:
    assert "should_close" in vars(ResponseHandler), TRIED_WITH
    handler = ResponseHandler(asyncio.get_running_loop())
    before = handler.should_close
    handler.data_received(b"HTTP/1.1 200 OK\r\n")  # nobody has asked for anything
    assert (before, handler.should_close) == (False, True), TRIED_WITH


async def test_the_bytes_taken_in_one_turn_can_be_limited() -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    assert hasattr(writer.transport, "max_size"), TRIED_WITH
    limit_read_size(writer.transport, 4_096)
    assert vars(writer.transport)["max_size"] == 4_096, TRIED_WITH
    for size in (8_192, 2_048):
        raise_read_size(writer.transport, size)
        assert vars(writer.transport)["max_size"] == 8_192
    theirs.close()
    writer.close()
    await writer.wait_closed()


def test_no_transport_and_one_without_a_limit_are_left_alone() -> None:
    limit_read_size(None, 1)
    plain = asyncio.BaseTransport()
    limit_read_size(plain, 1)
    raise_read_size(plain, 1)
    assert not hasattr(plain, "max_size")


async def test_a_corrupt_body_is_told_from_a_cut_one_by_its_cause() -> None:
    """R196."""
    zipped, encoding = gzip.compress(b"{}"), {"Content-Encoding": "gzip"}
    cut = raw(http(zipped[:15], announced=len(zipped), headers=encoding), then_close=True)
    for step, corrupt in ((raw(http(b"no gzip", headers=encoding)), True), (cut, False)):
        async with Wire(step) as wire, aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientPayloadError) as caught:
                async with session.get(wire.url) as response:
                    await response.read()
            assert is_corrupt(caught.value) is corrupt, TRIED_WITH


async def test_a_session_tells_its_middlewares_and_how_it_verifies() -> None:
    """R191."""
    context = ssl.create_default_context()
    async with aiohttp.ClientSession() as session:
        assert hasattr(session, "_middlewares"), TRIED_WITH
        assert (has_middlewares(session), tls_of(session)) == (False, True), TRIED_WITH
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), middlewares=(Seen(),)
    ) as session:
        assert has_middlewares(session), TRIED_WITH
        assert tls_of(session) is context, TRIED_WITH


async def test_a_header_that_a_middleware_sets_replaces_that_of_netrc(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R192."""
    file = tmp_path / "netrc"
    file.write_text("default login a password b\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))

    async def sign(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        assert "Authorization" in request.headers, TRIED_WITH
        request.headers["Authorization"] = "bearer ours"
        return await handler(request)

    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.get(wire.url, middlewares=(sign,)),
    ):
        assert wire.requests[0].headers["authorization"] == "bearer ours", TRIED_WITH


def test_never_sent_is_not_concluded_from_what_is_merely_missing() -> None:
    """T8, T12: a create that counts as unsent would be sent again without a search."""

    class Renamed:
        """A request of a version that calls its response something else."""

    assert may_have_left(Renamed())  # type: ignore[arg-type]
    assert response_of(Renamed()) is None  # type: ignore[arg-type]
    assert not may_have_left(None)
