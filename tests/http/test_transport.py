"""The transport against a raw socket server that counts what it really received."""

import asyncio
import gzip
import json
import logging
import socket
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.canary import TOKEN, assert_clean, failure
from support.wire import (
    Step,
    Wire,
    answer,
    close,
    drip,
    endlessly,
    followed_by,
    http,
    raw,
    reset,
    silence,
    then_reset,
)

from benchmarks.speed.tls import certificate_in
from civo_snapshots import (
    CivoClient,
    CivoError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProxyError,
    RetryPolicy,
    ServerError,
    Timeouts,
    TLSError,
    UnexpectedResponseError,
)
from civo_snapshots._http import (
    HttpOptions,
    Kind,
    Request,
    Response,
    Secret,
    TokenSource,
    Transport,
)
from civo_snapshots._http.exchange import Exchange
from civo_snapshots.testing import FakeClock

pytestmark = pytest.mark.usefixtures("nothing_left")

GET = Request("GET", "/v2/instances/i-1/snapshots/s-1", Kind.SAFE, "LON1")
PUT = Request("PUT", "/v2/instances/i-1/snapshots/s-1", Kind.CONVERGENT, "LON1", body=b"{}")
DELETE = Request("DELETE", "/v2/instances/i-1/snapshots/s-1", Kind.CONVERGENT, "LON1")
POST = Request("POST", "/v2/instances/i-1/snapshots", Kind.CREATING, "LON1", body=b"{}")
METHODS = pytest.mark.parametrize("request_", [GET, PUT, DELETE, POST], ids=lambda r: r.method)
ENDINGS = pytest.mark.parametrize("ending", [close, reset], ids=["FIN", "RST"])


def transport_to(url: str, lent: aiohttp.ClientSession | None = None, **more: Any) -> Transport:
    limits = {"connect": 0.2, "silence": 5.0, **more.pop("limits", {})}
    options = HttpOptions(**limits, connections=4, max_body=more.pop("max_body", 1 << 20), **more)
    return Transport(url, TokenSource("a test", Secret(TOKEN)), options, lent)


async def send(transport: Transport, request: Request, timeout: float) -> Response:
    """The answer to a request, or its error raised."""
    outcome = await transport.send(request, timeout)
    if isinstance(outcome, CivoError):
        raise outcome
    return outcome


@pytest.fixture
async def opened() -> AsyncIterator[list[Transport]]:
    """Transports to close after the test."""
    transports: list[Transport] = []
    yield transports
    for transport in transports:
        await transport.close()


def client_to(wire: Wire, **more: Any) -> CivoClient:
    """A client whose retries cost no time."""
    options: dict[str, Any] = {"region": "LON1", "api_url": wire.url, "clock": FakeClock()}
    return CivoClient(TOKEN, **{**options, **more})


def snapshot(key: str, name: str = "nightly") -> dict[str, str]:
    return {"id": key, "name": name}


# What is sent, and what comes back


async def test_one_request_is_one_request_and_its_answer_comes_back_whole() -> None:
    headers = {"X-Request-Id": "r-1", "Set-Cookie": "a=b", "Server": "x"}
    async with Wire(answer({"id": "s-1"}, 200, headers)) as wire:
        transport = transport_to(wire.url)
        response = await send(transport, GET, 1.0)
        await transport.close()
        assert (response.status, response.body) == (200, b'{"id": "s-1"}')
        assert dict(response.headers) == {"x-request-id": "r-1"}
        (received,) = wire.requests
        assert received.target == "/v2/instances/i-1/snapshots/s-1?region=LON1"
        assert received.headers["authorization"] == f"bearer {TOKEN}"
        assert received.body == b""


async def test_a_region_or_query_value_cannot_break_out_of_its_part_of_the_url() -> None:
    strange = Request("GET", "/v2/instances", Kind.SAFE, "a&b=c#d e", (("page", "1&x=2"),))
    async with Wire() as wire:
        transport = transport_to(wire.url)
        await send(transport, strange, 1.0)
        await transport.close()
        expected = "/v2/instances?region=a%26b%3Dc%23d+e&page=1%26x%3D2"
        assert wire.requests[0].target == expected


async def test_a_path_outside_the_api_is_refused_before_anything_is_sent() -> None:
    async with Wire() as wire:
        transport = transport_to(wire.url)
        await failure(send(transport, Request("GET", "/v1/x", Kind.SAFE), 1.0), ConfigurationError)
        await transport.close()
        assert wire.connections == 0


async def test_connections_are_kept_and_used_again() -> None:
    async with Wire() as wire:
        transport = transport_to(wire.url)
        for _ in range(5):
            await send(transport, GET, 1.0)
        await transport.close()
        assert (len(wire.requests), wire.connections) == (5, 1)


async def test_a_server_that_always_closes_costs_connections_but_no_errors() -> None:  # T24
    async with Wire(raw(http(b"{}", 200, {"Connection": "close"}), then_close=True)) as wire:
        transport = transport_to(wire.url)
        for _ in range(5):
            assert (await send(transport, POST, 1.0)).status == 200
        await transport.close()
        assert (len(wire.requests), wire.connections) == (5, 5)


async def test_a_close_delimited_answer_is_read_to_its_end() -> None:  # T20: JSON is the check
    async with Wire(raw(b"HTTP/1.1 200 OK\r\n\r\n{}", then_close=True)) as wire:
        transport = transport_to(wire.url)
        assert (await send(transport, GET, 1.0)).body == b"{}"
        await transport.close()


async def test_informational_answers_before_the_real_one_are_skipped() -> None:  # H47
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    async with Wire(raw(early * 3 + http(b"{}"))) as wire:
        transport = transport_to(wire.url)
        assert (await send(transport, GET, 1.0)).body == b"{}"
        await transport.close()


# Redirects and cookies


@METHODS
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(request_: Request, status: int) -> None:  # H44, X142
    async with Wire() as elsewhere:
        target = f"{elsewhere.url}/v2/stolen"
        async with Wire(answer(b"", status, {"Location": target})) as wire:
            transport = transport_to(wire.url)
            response = await send(transport, request_, 1.0)
            await transport.close()
            assert (response.status, response.headers["location"]) == (status, target)
            assert wire.counts == {request_.method: 1}
            assert elsewhere.connections == 0


@pytest.mark.parametrize(
    "target", ["http://u:p@127.0.0.1/", "file:///etc/passwd", "/v2/regions", "::no url::", "\\"]
)
async def test_a_redirect_is_an_error_that_names_its_host_only(target: str) -> None:  # X142
    async with Wire(answer(b"", 302, {"Location": target})) as wire, client_to(wire) as civo:
        error = await failure(civo.snapshots.get("i-1", "s-1"), UnexpectedResponseError)
        assert error.status == 302
        assert target not in str(error)
        assert len(wire.requests) == 1


async def test_no_cookie_is_kept() -> None:  # X143
    cookie = {"Set-Cookie": "session=stolen; Path=/"}
    async with Wire(answer(b"{}", 200, cookie)) as wire:
        by_name = f"http://localhost:{wire.port}"  # jars ignore addresses, but not names
        transport = transport_to(by_name)
        for _ in range(3):
            await send(transport, GET, 1.0)
        await transport.close()
        assert len(wire.requests) == 3
        assert not any("cookie" in received.headers for received in wire.requests)


# Broken connections


@METHODS
@ENDINGS
async def test_a_request_is_never_sent_twice_behind_our_back(  # T7, T8, T11
    request_: Request, ending: Step
) -> None:
    async with Wire(ending) as wire:
        transport = transport_to(wire.url)
        error = await failure(send(transport, request_, 1.0), ConnectionLostError)
        await transport.close()
        assert "lost before an answer" in error.message
        assert wire.counts == {request_.method: 1}


@METHODS
@ENDINGS
async def test_nor_on_a_connection_that_was_used_before(  # T7, T12
    request_: Request, ending: Step
) -> None:
    async with Wire(answer(), ending) as wire:
        transport = transport_to(wire.url)
        await send(transport, GET, 1.0)
        await failure(send(transport, request_, 1.0), ConnectionLostError)
        await transport.close()
        assert len(wire.requests) == 2


@ENDINGS
async def test_what_the_client_counts_is_what_the_server_received(ending: Step) -> None:  # T7
    async with Wire(ending) as wire, client_to(wire) as civo:
        error = await failure(civo.snapshots.get("i-1", "s-1"), ConnectionLostError)
        assert error.call is not None
        assert error.call.attempts == civo.requests_sent == len(wire.requests) == 8
        assert len(error.call.history) == 7


@ENDINGS
async def test_a_lost_answer_to_a_read_is_asked_for_again(ending: Step) -> None:  # T7
    async with Wire(ending, answer(snapshot("s-1"))) as wire, client_to(wire) as civo:
        assert (await civo.snapshots.get("i-1", "s-1")).id == "s-1"
        assert civo.requests_sent == len(wire.requests) == 2


@ENDINGS
async def test_a_lost_answer_to_a_restore_is_never_asked_for_again(ending: Step) -> None:  # S74
    async with Wire(ending) as wire, client_to(wire) as civo:
        call = civo.snapshots.restore("i-1", "s-1", hostname="copy")
        error = await failure(call, OutcomeUnknownError)
        assert (error.instance_id, error.name) == ("i-1", "copy")
        assert error.started_at is not None
        assert error.ended_at is not None
        assert wire.counts == {"GET": 1, "POST": 1}  # it looks for what is there already first


async def test_a_refused_connection_is_an_unsent_request(opened: list[Transport]) -> None:  # T2
    with socket.socket() as holder:  # bound, but not listening
        holder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{holder.getsockname()[1]}"
        opened.append(transport_to(url))
        for request in (GET, POST):
            error = await failure(send(opened[0], request, 1.0), ConnectFailedError)
            assert "nothing was sent" in error.message


async def test_a_refused_connection_is_tried_again_even_for_a_create() -> None:  # T2
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{holder.getsockname()[1]}"
        async with CivoClient(TOKEN, region="LON1", api_url=url, clock=FakeClock()) as civo:
            call = civo.schedules.create(
                "nightly", cron_expression="0 2 * * *", max_snapshots=1, instances=["i-1"]
            )
            error = await failure(call, ConnectFailedError)
            assert error.call is not None
            assert error.call.attempts > 8  # as its time allows
            assert error.call.elapsed <= Timeouts().create
            assert civo.requests_sent == 0


async def test_an_unknown_host_is_an_unsent_request(opened: list[Transport]) -> None:  # T1
    opened.append(transport_to("http://nowhere.invalid", limits={"connect": 2.0}))
    await failure(send(opened[0], POST, 4.0), ConnectFailedError)


async def test_a_black_hole_is_an_unsent_request(opened: list[Transport]) -> None:  # T3
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        fill = [socket.socket() for _ in range(4)]
        try:
            for one in fill:  # its queue is full now: nothing more is answered
                one.setblocking(False)
                one.connect_ex(address)
            await asyncio.sleep(0.01)
            opened.append(transport_to(f"http://127.0.0.1:{address[1]}"))
            by_connect_limit = send(opened[0], POST, 5.0)
            await failure(by_connect_limit, ConnectFailedError)
            by_attempt_limit = send(opened[0], POST, 0.05)
            await failure(by_attempt_limit, ConnectFailedError)
        finally:
            for one in fill:
                one.close()


# Broken answers

GZIPPED = gzip.compress(b'{"id": "s-1"}' + b" " * 9999)

CUT = {
    "content-length": raw(http(b'{"id": "s', announced=200), then_close=True),
    "content-length, reset": then_reset(http(b'{"id": "s', announced=200)),
    "chunked": raw(
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n', then_close=True
    ),
    "headers": raw(b"HTTP/1.1 200 OK\r\nContent-Le", then_close=True),
    "gzip": raw(
        http(GZIPPED[:20], announced=len(GZIPPED), headers={"Content-Encoding": "gzip"}),
        then_close=True,
    ),  # R196: cut, which is no corruption
}


@pytest.mark.parametrize("step", CUT.values(), ids=CUT)
async def test_a_cut_answer_is_a_lost_connection(step: Step) -> None:  # T19
    async with Wire(step) as wire:
        transport = transport_to(wire.url)
        await failure(send(transport, GET, 1.0), ConnectionLostError)
        await transport.close()
        assert len(wire.requests) == 1


@pytest.mark.parametrize("step", CUT.values(), ids=CUT)
async def test_a_cut_answer_to_a_read_is_asked_for_again(step: Step) -> None:  # T19
    async with Wire(step, answer(snapshot("s-1"))) as wire, client_to(wire) as civo:
        assert (await civo.snapshots.get("i-1", "s-1")).id == "s-1"
        assert civo.requests_sent == len(wire.requests) == 2


HALF = {
    "close-delimited": raw(b'HTTP/1.1 200 OK\r\n\r\n{"id": "s-', then_close=True),  # T20
    "gzip": raw(http(GZIPPED[:20], 200, {"Content-Encoding": "gzip"})),  # B58
}


@pytest.mark.parametrize("step", HALF.values(), ids=HALF)
async def test_half_an_answer_that_http_takes_for_whole_is_caught_by_its_json(step: Step) -> None:
    async with Wire(step, answer(snapshot("s-1"))) as wire, client_to(wire) as civo:
        assert (await civo.snapshots.get("i-1", "s-1")).id == "s-1"
        assert len(wire.requests) == 2


NOT_HTTP = {
    "a greeting": b"220 mail.example ESMTP\r\n",
    "bad status line": b"HTTP/1.1 abc\r\n\r\n",
    "status 99": b"HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "10,000 headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",  # B61
    "a header of 100 kB": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "101, H47": b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_is_no_answer_of_the_api(data: bytes) -> None:  # T21
    async with Wire(raw(data, then_close=True)) as wire, client_to(wire, retries=False) as civo:
        with pytest.raises((ConnectionLostError, UnexpectedResponseError)) as caught:
            await civo.snapshots.get("i-1", "s-1")
        assert_clean(caught.value)
        assert "400" not in caught.value.message
        await failure(civo.snapshots.restore("i-1", "s-1", hostname="a"), OutcomeUnknownError)
        assert wire.counts == {"GET": 2, "POST": 1}  # a restore looks first


LONG_BODY = b"x" * 5_000

UNREADABLE = {
    "a long header": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000 + b"\r\n\r\n", "max_field_size"),
    "a long status": (b"HTTP/1.1 200 " + b"O" * 10_000 + b"\r\n\r\n", "max_line_size"),
    "brotli": (http(b"x", headers={"Content-Encoding": "br"}), "Please install `Brotli`"),
    "unknown": (http(b"x", headers={"Content-Encoding": "snappy"}), "'snappy'.* plain or as gzip"),
    "two": (http(b"x", headers={"Content-Encoding": "gzip, br"}), "'gzip, br'.* plain or as gzip"),
    "too many headers": (
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        "max_headers",
    ),
    "corrupt gzip": (
        http(b"no gzip at all", headers={"Content-Encoding": "gzip"}),
        "not in the content encoding.* have the gateway send it plain",
    ),
    "too large": (http(LONG_BODY), "larger than 1000 bytes; raise max_body"),
}


@pytest.mark.parametrize("data", [one for one, _ in UNREADABLE.values()], ids=UNREADABLE)
async def test_no_variable_on_the_way_of_an_error_leads_to_an_answer(data: bytes) -> None:
    """Who reports errors with their variables would report the headers that were sent."""
    async with Wire(raw(data, then_close=True)) as wire, client_to(wire, max_body=1_000) as civo:
        with pytest.raises(UnexpectedResponseError) as caught:
            await civo.quota.get()
    frames = [found.frame for found in caught.traceback]
    assert any(frame.code.name == "call" for frame in frames)
    held = [value for frame in frames for value in frame.f_locals.values()]
    assert not [one for one in held if isinstance(one, (aiohttp.ClientResponse, Exchange))]


@pytest.mark.parametrize(("data", "helps"), UNREADABLE.values(), ids=UNREADABLE)
async def test_what_could_not_be_read_a_second_time_either_is_asked_for_once(
    data: bytes, helps: str
) -> None:
    """R196: the error says what could not be read, and what helps."""
    async with Wire(raw(data, then_close=True)) as wire, client_to(wire, max_body=1_000) as civo:
        with pytest.raises(UnexpectedResponseError, match=helps) as caught:
            await civo.snapshots.get("i-1", "s-1")
        assert caught.value.is_final
        assert_clean(caught.value)
        assert "yyy" not in str(caught.value)
        await failure(civo.snapshots.restore("i-1", "s-1", hostname="a"), OutcomeUnknownError)
        assert wire.counts == {"GET": 2, "POST": 1}  # a restore looks first


async def test_a_long_listing_above_the_cap_is_asked_for_once() -> None:
    """R196."""
    async with Wire(answer(LONG)) as wire, client_to(wire, max_body=200_000) as civo:
        with pytest.raises(UnexpectedResponseError, match="raise max_body"):
            await civo.snapshots.list("i-1").collect()
        assert len(wire.requests) == 1


async def test_the_status_of_an_unreadable_error_still_tells() -> None:
    """R196."""
    step = answer(b"?", 403, {"Content-Encoding": "snappy"})
    async with Wire(step) as wire, client_to(wire) as civo:
        await failure(civo.snapshots.get("i-1", "s-1"), PermissionDeniedError)


# Stray answers


STRAYS = {
    "another": http(snapshot("s-9")),
    "list": http([snapshot("s-9")]),  # a list where an object is due
    "page": http(b"<html>"),
    "nothing": http(b""),
    "408": http(b"", 408),  # T14: a farewell to the idle connection, not an answer
}


async def until(condition: Callable[[], bool]) -> None:
    """Return as soon as this is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what it waits for happens at the other end
            await asyncio.sleep(0)


async def stray_arrived(civo: CivoClient) -> None:
    """Return when what nobody asked for has come on every idle connection."""
    session = civo._state.session._transport._session
    assert session is not None
    assert isinstance(session.connector, aiohttp.TCPConnector)
    pools = session.connector._conns.values()
    await until(lambda: all(one.should_close for pool in pools for one, _ in pool))


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
async def test_a_connection_with_a_stray_answer_is_not_used_again(stray: bytes) -> None:
    """T13: plain aiohttp returns it for the next request; see the benchmark job `strays`."""
    script = [followed_by(http(snapshot("s-1")), stray), answer(snapshot("s-2"))]
    async with Wire(*script) as wire, client_to(wire) as civo:
        await civo.snapshots.get("i-1", "s-1")
        await stray_arrived(civo)
        assert (await civo.snapshots.get("i-1", "s-2")).id == "s-2"
        assert [received.connection for received in wire.requests] == [1, 2]
        assert civo.requests_sent == 2


async def test_a_create_is_not_written_to_a_connection_with_a_stray_answer() -> None:  # T13
    script = [
        followed_by(http(snapshot("s-1")), http({"id": "r-9", "from_snapshot": "s-9"})),
        answer({"id": "r-1", "from_snapshot": "s-1"}),
    ]
    async with Wire(*script) as wire, client_to(wire) as civo:
        await civo.snapshots.get("i-1", "s-1")
        await stray_arrived(civo)
        assert (await civo.snapshots.restore("i-1", "s-1", hostname="copy")).id == "r-1"


async def test_a_stray_success_is_not_taken_for_the_answer_to_a_delete() -> None:  # T13
    script = [
        followed_by(http(snapshot("s-1")), http({"result": "success"})),
        answer({"code": "database_snapshot_cannot_delete_in_use"}, 409),
    ]
    async with Wire(*script) as wire, client_to(wire) as civo:
        await civo.snapshots.get("i-1", "s-1")
        await stray_arrived(civo)
        await failure(civo.snapshots.delete("i-1", "s-1"), ConflictError)


@pytest.mark.parametrize("stray", STRAYS.values(), ids=STRAYS)
async def test_a_stray_answer_after_the_request_costs_its_connection_too(stray: bytes) -> None:
    """T13: it arrives after the request was written, so only its content gives it away."""
    script = [answer(snapshot("s-1")), raw(stray), answer(snapshot("s-2"))]
    async with Wire(*script) as wire, client_to(wire) as civo:
        await civo.snapshots.get("i-1", "s-1")
        assert (await civo.snapshots.get("i-1", "s-2")).id == "s-2"
        assert [received.connection for received in wire.requests] == [1, 1, 2]


async def test_a_stray_answer_to_a_restore_leaves_its_outcome_unknown() -> None:  # T13, S74
    script = [answer(snapshot("s-1")), answer({"id": "r-9", "from_snapshot": "s-9"})]
    async with Wire(*script) as wire, client_to(wire) as civo:
        await civo.snapshots.get("i-1", "s-1")
        error = await failure(
            civo.snapshots.restore("i-1", "s-1", hostname="copy"), OutcomeUnknownError
        )
        assert "another request" in error.message
        assert wire.counts["POST"] == 1


# Bounds


async def test_a_body_above_the_cap_ends_while_it_is_read(opened: list[Transport]) -> None:  # B57
    bomb = gzip.compress(bytes(64 << 20), compresslevel=9)
    async with Wire(answer(bomb, 200, {"Content-Encoding": "gzip"}), answer()) as wire:
        opened.append(transport_to(wire.url, max_body=100_000))
        error = await failure(send(opened[0], GET, 5.0), UnexpectedResponseError)
        assert "larger than 100000 bytes" in error.message
        assert error.status == 200
        await send(opened[0], GET, 1.0)
        assert wire.connections == 2


async def test_a_body_of_exactly_the_cap_is_read(opened: list[Transport]) -> None:
    async with Wire(answer(b"x" * 1000)) as wire:
        opened.append(transport_to(wire.url, max_body=1000))
        assert len((await send(opened[0], GET, 1.0)).body) == 1000


LONG = json.dumps([snapshot(f"s-{number}") for number in range(20_000)]).encode()
"""More than comes in one piece."""


async def test_a_long_listing_is_read_as_it_comes() -> None:
    async with Wire(answer(LONG)) as wire, client_to(wire) as civo:
        found = await civo.snapshots.list("i-1").collect()
        assert [one.id for one in found] == [f"s-{number}" for number in range(20_000)]
        await civo.snapshots.list("i-1").collect()
        assert wire.connections == 1


async def test_a_long_listing_above_the_cap_costs_its_connection() -> None:  # B57
    async with Wire(answer(LONG)) as wire, client_to(wire, max_body=200_000, retries=False) as civo:
        for _ in range(2):
            with pytest.raises(UnexpectedResponseError, match="raise max_body"):
                await civo.snapshots.list("i-1").collect()
        assert wire.connections == 2


async def test_a_long_listing_that_breaks_off_is_read_again() -> None:  # T19
    cut = then_reset(http(LONG, announced=len(LONG))[: len(LONG) // 2])
    async with Wire(cut, answer(LONG)) as wire, client_to(wire) as civo:
        assert len(await civo.snapshots.list("i-1").collect()) == 20_000
        assert wire.counts["GET"] == 2


async def test_half_a_long_listing_that_http_takes_for_whole_is_no_listing() -> None:  # T20
    half = answer(LONG[: len(LONG) // 2])
    async with Wire(half) as wire, client_to(wire, retries=False) as civo:
        with pytest.raises(UnexpectedResponseError, match="breaks off"):
            await civo.snapshots.list("i-1").collect()


async def test_one_wrong_item_of_a_long_listing_is_named() -> None:  # B63
    wrong = LONG[:-1] + b',{"id":5}]'
    async with Wire(answer(wrong)) as wire, client_to(wire, retries=False) as civo:
        with pytest.raises(UnexpectedResponseError) as caught:
            await civo.snapshots.list("i-1").collect()
        assert caught.value.path == "$[20000].id"
        assert "$[20000].id" in str(caught.value)


async def test_a_token_that_a_long_listing_echoes_is_masked() -> None:  # X141
    echo = LONG[:-1] + b',{"id":"s-x","description":"' + TOKEN.encode() + b'"}]'
    async with Wire(answer(echo)) as wire, client_to(wire) as civo:
        found = await civo.snapshots.list("i-1").collect()
        assert found[-1].description == "***"


async def test_a_long_error_is_no_listing() -> None:
    async with Wire(answer(LONG, 500)) as wire, client_to(wire, retries=False) as civo:
        with pytest.raises(ServerError):
            await civo.snapshots.list("i-1").collect()


SLOW = {
    "silence": silence,  # T17
    "headers drip": drip(http(b"{}")),  # T15
    "body drips": drip(http(b" " * 1000)),  # T16
    "endless 103": endlessly(b"HTTP/1.1 103 Early Hints\r\n\r\n"),  # T18
    "endless body": endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"),
}


@pytest.mark.parametrize("step", SLOW.values(), ids=SLOW)
async def test_an_attempt_ends_at_its_deadline(step: Step) -> None:
    async with Wire(step) as wire:
        transport = transport_to(wire.url)
        error = await failure(send(transport, POST, 0.06), ConnectionLostError)
        await transport.close()
        assert "within 0.06 s" in error.message
        assert len(wire.requests) == 1
        await until(lambda: wire.open == 0)  # the connection was closed, not pooled


async def test_silence_ends_at_the_limit_for_reading(opened: list[Transport]) -> None:  # T17
    async with Wire(silence) as wire:
        opened.append(transport_to(wire.url, limits={"silence": 0.05}))
        error = await failure(send(opened[0], GET, 10.0), ConnectionLostError)
        assert "fell silent" in error.message


async def test_a_call_ends_at_its_own_deadline_with_a_timeout_error() -> None:  # L122
    async with Wire(silence) as wire:
        async with CivoClient(TOKEN, region="LON1", api_url=wire.url) as civo:
            error = await failure(civo.regions.list(timeout=0.06).collect(), DeadlineExceededError)
        assert isinstance(error, TimeoutError)
        assert error.may_have_acted
        assert len(wire.requests) == 1


async def test_a_cancelled_request_closes_its_connection(opened: list[Transport]) -> None:  # L120
    async with Wire(silence, answer()) as wire:
        opened.append(transport_to(wire.url))
        task = asyncio.create_task(send(opened[0], POST, 10.0))
        while not wire.requests:  # noqa: ASYNC110 - the server has no event for this
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: wire.open == 0)
        await send(opened[0], GET, 1.0)
        assert wire.connections == 2


async def test_the_callers_own_timeout_stays_the_callers() -> None:  # L121
    async with Wire(silence) as wire, client_to(wire) as civo:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await civo.snapshots.get("i-1", "s-1")
        assert not isinstance(caught.value, CivoError)
        assert len(wire.requests) == 1


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    try:
        return certificate_in(tmp_path_factory.mktemp("tls"))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the openssl command")


def tls_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_an_untrusted_certificate_ends_the_call_at_once(certificate: Path) -> None:  # T4
    async with Wire(tls=tls_server(certificate)) as wire:
        async with client_to(wire) as civo:
            error = await failure(civo.snapshots.get("i-1", "s-1"), TLSError)
        assert "certificate" in error.message
        assert error.call is not None
        assert error.call.attempts == 1
        assert not wire.requests
        assert civo.requests_sent == 0


async def test_a_private_authority_is_trusted_by_its_context(certificate: Path) -> None:  # X147
    context = ssl.create_default_context(cafile=certificate)
    async with Wire(answer([]), tls=tls_server(certificate)) as wire:
        async with client_to(wire, ssl_context=context) as civo:
            assert await civo.regions.list().collect() == []
        assert len(wire.requests) == 1


async def test_tls_to_a_plain_port_fails_by_saying_so(opened: list[Transport]) -> None:  # T6
    async with Wire(raw(b"")) as wire:
        # Like a web server that is sent a TLS greeting.
        talkative = await asyncio.start_server(_say_400, "127.0.0.1", 0)
        port = talkative.sockets[0].getsockname()[1]
        opened.append(transport_to(f"https://127.0.0.1:{port}"))
        error = await failure(send(opened[0], POST, 1.0), TLSError)
        assert "does not speak TLS; check api_url" in error.message
        talkative.close()
        await talkative.wait_closed()
        assert not wire.requests


async def _say_400(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    writer.close()


async def test_tls_to_a_silent_port_ends_at_the_limit_for_connecting(  # T6
    opened: list[Transport],
) -> None:
    async with Wire(silence) as wire:
        opened.append(transport_to(wire.url.replace("http:", "https:"), limits={"connect": 0.1}))
        error = await failure(send(opened[0], POST, 10.0), ConnectFailedError)
        assert "nothing was sent" in error.message


@pytest.mark.parametrize("ending", ["FIN", "RST"])
async def test_a_handshake_that_is_cut_is_an_unsent_request(  # T5
    ending: str, opened: list[Transport]
) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if ending == "RST":
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    opened.append(transport_to(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    await failure(send(opened[0], POST, 1.0), ConnectFailedError)
    server.close()
    await server.wait_closed()


async def test_plain_http_to_a_tls_port_is_no_answer(  # T6
    certificate: Path, opened: list[Transport]
) -> None:
    async with Wire(tls=tls_server(certificate)) as wire:
        opened.append(transport_to(wire.url.replace("https:", "http:")))
        await failure(send(opened[0], GET, 1.0), ConnectionLostError)
        assert not wire.requests


# Proxies


@pytest.mark.parametrize("status", [403, 407])
async def test_a_proxy_that_refuses_gets_no_token_and_no_second_try(  # T22
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Wire(answer(b"no", status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with CivoClient(
            TOKEN, region="LON1", api_url="https://api.invalid", trust_env=True, clock=FakeClock()
        ) as civo:
            error = await failure(civo.snapshots.get("i-1", "s-1"), ProxyError)
        assert error.call is not None
        assert error.call.attempts == 1
        (received,) = proxy.requests
        assert (received.method, received.target) == ("CONNECT", "api.invalid:443")
        assert TOKEN not in str(received.headers)


async def test_a_proxy_that_is_not_there_is_a_typed_error(  # T22
    monkeypatch: pytest.MonkeyPatch, opened: list[Transport]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{holder.getsockname()[1]}")
        opened.append(transport_to("https://api.invalid", trust_env=True))
        await failure(send(opened[0], GET, 1.0), ProxyError)


async def test_the_environments_proxies_are_not_used_unasked(  # C138
    monkeypatch: pytest.MonkeyPatch, opened: list[Transport]
) -> None:
    async with Wire(answer(b"{}")) as proxy, Wire() as wire:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        opened.append(transport_to(wire.url))
        await send(opened[0], GET, 1.0)
        assert (proxy.connections, len(wire.requests)) == (0, 1)


@pytest.mark.parametrize("entry", ["default", "machine 127.0.0.1"])
async def test_netrc_has_no_say_in_the_token(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[Transport]
) -> None:
    """R192."""
    file = tmp_path / "netrc"
    file.write_text(f"{entry} login a password bbbbbbbb\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    async with Wire() as wire:
        opened.append(transport_to(wire.url, trust_env=True))
        for request in (GET, POST):
            await send(opened[0], request, 1.0)
        assert {one.headers["authorization"] for one in wire.requests} == {f"bearer {TOKEN}"}


async def test_no_proxy_gets_a_request_in_clear(
    monkeypatch: pytest.MonkeyPatch, opened: list[Transport]
) -> None:
    """R192."""
    async with Wire() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        opened.append(transport_to("http://api.invalid", trust_env=True))
        error = await failure(send(opened[0], POST, 1.0), ProxyError)
        assert "NO_PROXY" in error.message
        assert not error.may_have_acted
        assert proxy.connections == 0


async def test_https_goes_to_its_proxy_also_beside_a_netrc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[Transport]
) -> None:
    """R192: the proxy is asked for a tunnel, and told neither token nor netrc's password."""
    file = tmp_path / "netrc"
    file.write_text("machine api.invalid login a password bbbbbbbb\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    async with Wire(answer(b"", 403)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        opened.append(transport_to("https://api.invalid", trust_env=True))
        error = await failure(send(opened[0], POST, 1.0), ProxyError)
        assert not error.may_have_acted
        (asked,) = proxy.requests
        assert (asked.method, asked.target) == ("CONNECT", "api.invalid:443")
        assert not {"authorization", "proxy-authorization"} & set(asked.headers)


# Lent sessions


def session(**options: Any) -> aiohttp.ClientSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return aiohttp.ClientSession(**{"cookie_jar": aiohttp.DummyCookieJar(), **options})


async def test_a_lent_session_is_used_and_stays_open() -> None:  # C139
    async with Wire() as wire, session() as lent:
        transport = transport_to(wire.url, lent)
        await send(transport, GET, 1.0)
        await transport.close()
        assert not lent.closed
        assert wire.requests[0].headers["authorization"] == f"bearer {TOKEN}"
        error = await failure(send(transport, GET, 1.0), ClientClosedError)
        assert not error.may_have_acted


async def test_a_lent_session_keeps_our_rules() -> None:  # C139, H44, T7
    lent = session(raise_for_status=True, timeout=aiohttp.ClientTimeout(total=1e-6))
    async with lent, Wire(answer(b"{}", 302, {"Location": "/v2/x"}), close) as wire:
        transport = transport_to(wire.url, lent)
        assert (await send(transport, GET, 1.0)).status == 302
        await failure(send(transport, GET, 1.0), ConnectionLostError)
        await transport.close()
        assert len(wire.requests) == 2


def _basic_auth() -> aiohttp.BasicAuth:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return aiohttp.BasicAuth("u", "p")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"auth": _basic_auth()}, "credentials"),
        ({"headers": {"Authorization": "bearer other"}}, "credentials"),
        ({"headers": {"Cookie": "a=b"}}, "cookies"),
        ({"cookie_jar": None}, "cookies"),
        ({"trust_env": True}, "proxies"),
        ({"auto_decompress": False}, "decompress"),
        ({"middlewares": (lambda request, handler: handler(request),)}, "middlewares"),
    ],
    ids=["auth", "header", "cookie", "jar", "trust_env", "decompress", "middlewares"],
)
async def test_a_dangerous_session_is_refused(options: dict[str, Any], problem: str) -> None:
    async with session(**options) as lent:  # C139
        with pytest.raises(ConfigurationError, match=problem) as caught:
            CivoClient(TOKEN, region="LON1", http_session=lent)
        assert_clean(caught.value)


def _unverified() -> ssl.SSLContext:
    context = _no_host_name()
    context.verify_mode = ssl.CERT_NONE
    return context


def _no_host_name() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


@pytest.mark.parametrize(
    ("make", "problem"), [(_unverified, "CERT_NONE"), (_no_host_name, "check_hostname is off")]
)
async def test_a_context_that_does_not_verify_is_refused_wherever_it_is_given(
    make: Callable[[], ssl.SSLContext], problem: str
) -> None:
    """R191."""
    with pytest.raises(ConfigurationError, match=f"the ssl_context is refused.*{problem}"):
        CivoClient(TOKEN, ssl_context=make())
    async with session(connector=aiohttp.TCPConnector(ssl=make())) as lent:
        with pytest.raises(ConfigurationError, match=f"http_session is refused.*{problem}"):
            CivoClient(TOKEN, http_session=lent)


@pytest.mark.parametrize(
    "tls", [True, ssl.create_default_context(), aiohttp.Fingerprint(b"f" * 32)], ids=type
)
async def test_a_session_that_verifies_or_pins_is_taken(tls: Any) -> None:
    """R191."""
    async with session(connector=aiohttp.TCPConnector(ssl=tls)) as lent:
        await CivoClient(TOKEN, http_session=lent).close()
        assert not lent.closed


async def test_a_session_that_does_not_verify_is_refused() -> None:
    """R191."""
    async with session(connector=aiohttp.TCPConnector(ssl=False)) as lent:
        with pytest.raises(ConfigurationError, match="verify"):
            CivoClient(TOKEN, http_session=lent)


async def test_a_session_beside_a_context_it_would_ignore_is_refused() -> None:
    """R191."""
    async with session() as lent:
        with pytest.raises(ConfigurationError, match="ssl_context= to its connector"):
            CivoClient(TOKEN, http_session=lent, ssl_context=ssl.create_default_context())


async def test_a_closed_session_is_refused() -> None:  # C139
    lent = session()
    await lent.close()
    with pytest.raises(ConfigurationError, match="closed"):
        CivoClient(TOKEN, http_session=lent)


async def test_a_session_that_trusts_the_environment_may_be_lent_by_intent() -> None:
    async with Wire() as wire, session(trust_env=True) as lent:
        transport = transport_to(wire.url, lent, trust_env=True)
        await send(transport, GET, 1.0)
        await transport.close()
        assert len(wire.requests) == 1


async def test_a_session_that_its_owner_closed_is_a_typed_error() -> None:  # L118
    async with Wire() as wire:
        lent = session()
        transport = transport_to(wire.url, lent)
        await lent.close()
        await failure(send(transport, GET, 1.0), ClientClosedError)
        await transport.close()
        assert wire.connections == 0


# Closing, loops, processes


async def test_a_closed_client_says_so_and_sends_nothing() -> None:  # L118
    async with Wire() as wire:
        async with client_to(wire) as civo:
            pass
        error = await failure(civo.snapshots.get("i-1", "s-1"), ClientClosedError)
        assert not error.may_have_acted
        await failure(civo.snapshots.wait_until_complete("i-1", "s-1"), ClientClosedError)
        await civo.close()  # twice is fine
        assert wire.connections == 0
        assert civo.requests_sent == 0


@METHODS
async def test_closing_ends_what_is_in_flight(request_: Request) -> None:  # L117
    async with Wire(silence) as wire:
        transport = transport_to(wire.url)
        task = asyncio.create_task(send(transport, request_, 10.0))
        while not wire.requests:  # noqa: ASYNC110 - the server has no event for this
            await asyncio.sleep(0)
        await transport.close()
        error = await failure(task, ClientClosedError)
        assert error.may_have_acted
        assert len(wire.requests) == 1


async def test_closing_leaves_a_restore_in_flight_unknown() -> None:  # L117
    async with Wire(answer([]), silence) as wire, client_to(wire) as civo:
        task = asyncio.create_task(civo.snapshots.restore("i-1", "s-1", hostname="copy"))
        while "POST" not in wire.counts:  # noqa: ASYNC110 - the server has no event for this
            await asyncio.sleep(0)
        await civo.close()
        await failure(task, OutcomeUnknownError)


async def test_a_client_belongs_to_the_loop_of_its_first_use() -> None:  # L118
    """Made outside any loop, which is fine; used in two, which is not."""
    await asyncio.to_thread(_use_in_two_loops)


def _use_in_two_loops() -> None:
    civo = CivoClient(TOKEN, region="LON1", api_url="http://127.0.0.1:9", clock=FakeClock())

    async def first() -> None:
        async with Wire(answer([])) as wire:
            civo._state.session._transport.url = wire.url
            assert await civo.regions.list().collect() == []
            await civo.close()
            civo._state.session._transport._closed = False

    async def second() -> ClientClosedError:
        async with Wire() as wire:
            civo._state.session._transport.url = wire.url
            error = await failure(civo.regions.list().collect(), ClientClosedError)
            assert wire.connections == 0
        return error

    asyncio.run(first())
    error = asyncio.run(second())
    assert "event loop" in error.message
    assert not error.may_have_acted


async def test_two_clients_share_nothing() -> None:  # X149
    async with Wire(answer([])) as wire:
        async with client_to(wire) as one, CivoClient("other", api_url=wire.url) as two:
            await one.regions.list().collect()
            await two.regions.list().collect()
        assert [r.headers["authorization"] for r in wire.requests] == [
            f"bearer {TOKEN}",
            "bearer other",
        ]
        assert wire.connections == 2


async def test_the_token_is_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)  # X141, X146
    async with Wire(close, answer(b"{}", 500), answer([])) as wire, client_to(wire) as civo:
        assert await civo.regions.list().collect() == []
        seen = [civo, civo.in_region("NYC1"), *vars(civo).values(), *vars(civo._state).values()]
        seen += vars(civo._state.session).values()
        seen += vars(civo._state.session._transport).values()
        assert TOKEN not in "".join(map(repr, seen))
    assert "again in" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_policy_of_one_attempt_sends_once() -> None:
    async with Wire(close) as wire, client_to(wire, retries=RetryPolicy(attempts=1)) as civo:
        await failure(civo.snapshots.get("i-1", "s-1"), ConnectionLostError)
        assert len(wire.requests) == 1
