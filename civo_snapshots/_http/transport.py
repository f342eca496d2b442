"""The only module that knows aiohttp's client: opens, sends, reads within bounds, closes.

aiohttp follows redirects, keeps cookies, repeats requests on its own and shows the token in its
errors; none of that happens here. Its exceptions end in this module as text: ours are raised
outside the `except` blocks, so that they hold no aiohttp object, not even as their context.
"""

import asyncio
import os
import ssl
import warnings
import weakref
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp.tracing import Trace
from attrs import frozen
from multidict import istr
from yarl import URL

from .._config import Secret
from .._session.options import Timeouts
from .._version import __version__
from ..errors import (
    CivoError,
    ClientClosedError,
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    ProxyError,
    TLSError,
)
from .api_errors import Request, Response, Sink, too_large
from .body import Bodies
from .timeouts import Watchdog

HttpSession = aiohttp.ClientSession
"""What a caller may lend; it stays the caller's to close."""

_KEPT_HEADERS = tuple(
    (name, istr(name))
    for name in (
        "date",
        "location",
        "retry-after",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    )
)
_HEADERS: dict[str, str] = {
    istr("Accept"): "application/json",
    istr("User-Agent"): f"civo-snapshots/{__version__} aiohttp/{aiohttp.__version__}",
}
_AUTHORIZATION, _CONTENT_TYPE = istr("Authorization"), istr("Content-Type")
_KEEP_ALIVE = 8.0
"""Seconds; below what servers commonly allow, so that we seldom write to a closing connection."""
_DNS_CACHE = 10
_READ_BUFFER = 1 << 16
_READ_BUFFER_OF_LISTINGS = 1 << 20
_HEAP_BLOCK = 1 << 20
_AT_ONCE, _AT_ONCE_PLAIN = 4 << 10, 1 << 18
"""Bytes taken from a socket in one turn of the loop. Chunks, compression and interim answers cost
time per byte, and a hostile server may send nothing else; a body of known length costs none."""


@frozen
class HttpOptions:
    """How connections are made; checked by the client."""

    timeouts: Timeouts
    connections: int
    max_body: int
    trust_env: bool = False
    ssl_context: ssl.SSLContext | None = None


class _Broken(aiohttp.ClientError):
    """A lost connection, in a class that aiohttp does not answer by sending the request again."""


class _Answer(aiohttp.ClientResponse):
    """A response that remembers its connection, which is back in the pool before it is judged."""

    wire: asyncio.BaseTransport | None = None
    began = 0.0
    """When it was first waited for: the request has just been written."""

    async def start(self, connection: "aiohttp.connector.Connection") -> aiohttp.ClientResponse:
        self.wire = connection.transport
        self.began = self._loop.time()
        return await super().start(connection)


def _take(wire: asyncio.BaseTransport | None, size: int) -> None:
    """Limit what one turn of the loop reads, on event loops whose transports can."""
    if hasattr(wire, "max_size"):
        cast("Any", wire).max_size = size


class _Connector(aiohttp.TCPConnector):
    """A pool that passes over connections on which something came that nobody had asked for."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            # Written to, it would give that for an answer, before the request has even left.
            if connection.protocol is None or not connection.protocol.should_close:
                _take(connection.transport, _AT_ONCE)
                return connection
            connection.close()


class _Exchange:
    """One request, sent once, and its answer, within a limit for all and one for silence.

    It is a middleware of the HTTP library's, and what the watchdog guards.
    """

    __slots__ = ("_ends", "_heard", "_request", "_silence", "_watchdog", "fell_silent", "scope")

    def __init__(self, watchdog: Watchdog, lasts: float, silence: float) -> None:
        now = watchdog.now()
        self.scope = asyncio.timeout(None)
        self.fell_silent = False
        self._watchdog = watchdog
        self._ends = now + lasts
        self._silence = silence
        self._heard = 0.0
        self._request: aiohttp.ClientRequest | None = None
        watchdog.guard(self, now + min(lasts, silence))

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self._request = request
        request.response_class = _Answer
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            what = _said(error)
        raise _Broken(what)

    def __deepcopy__(self, memo: object) -> "_Exchange":
        """There is only one: tools that record requests copy all that belongs to them."""
        return self

    def heard(self) -> None:
        """Something came."""
        self._heard = self._watchdog.now()

    @property
    def was_sent(self) -> bool:
        """Whether any byte may have left: a response is awaited from the first one on."""
        return self._answer is not None

    @property
    def _answer(self) -> aiohttp.ClientResponse | None:
        return self._request.response if self._request is not None else None

    def due(self, now: float) -> float:
        # What was not sent yet is not silent, and has a limit of its own for connecting.
        began = self._answer.began if isinstance(self._answer, _Answer) else now
        return min(self._ends, max(self._heard, began) + self._silence)

    def end(self, now: float) -> None:
        self.fell_silent = now < self._ends
        self.scope.reschedule(now)


class _Body:
    """The rest of an answer's body."""

    def __init__(self, answer: aiohttp.ClientResponse, exchange: _Exchange) -> None:
        self._answer = answer
        self._exchange = exchange

    async def more(self) -> bytes:
        piece = await self._answer.content.readany()
        self._exchange.heard()
        return piece

    def at_end(self) -> bool:
        return self._answer.content.at_eof()

    def drop(self) -> None:
        self._answer.close()


def _nothing() -> None:
    """There is no connection to close any more."""


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class Transport:
    """One API origin over one pool of connections; bound to the loop of its first use."""

    def __init__(
        self, url: str, token: Secret, options: HttpOptions, lent: HttpSession | None = None
    ) -> None:
        self._origin = url
        self._token = token
        self._options = options
        self._session = lent
        self._lent = lent is not None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._closed = False
        self._bodies = Bodies(options.max_body, token.masked_body)
        self._watchdog: Watchdog | None = None
        self._bases: dict[str, URL] = {}
        # Names, TCP and TLS; the rest is the watchdog's.
        self._limits = aiohttp.ClientTimeout(total=None, connect=options.timeouts.connect)
        self._forgotten: (
            weakref.finalize[[HttpSession, asyncio.AbstractEventLoop], Transport] | None
        ) = None
        if lent is not None:
            _check_lent(lent, trust_env=options.trust_env)

    async def send(self, request: Request, timeout: float, sink: Sink | None = None) -> Response:
        """Send once and read the answer whole, within so many seconds of real time.

        A body that comes in pieces goes to the sink, if there is one, and is then not kept.
        Raises the classes of `TransportError`, `UnexpectedResponseError` for a body above the cap,
        and `ClientClosedError`.
        """
        session = self._open()
        outcome = await self._exchange(session, request, timeout, sink)
        if isinstance(outcome, Response):
            return outcome
        if self._closed:
            raise ClientClosedError(
                "the client was closed with this request in flight; it may have been acted upon",
                maybe_sent=True,
            )
        raise outcome

    async def close(self) -> None:
        """Close what was opened here; a lent session is left alone."""
        self._closed = True
        if self._forgotten is not None:
            self._forgotten.detach()
        if self._watchdog is not None:
            self._watchdog.close()
        if self._session is not None and not self._lent:
            await self._session.close()

    def _open(self) -> HttpSession:
        if self._closed:
            raise ClientClosedError("the client is closed; make a new one")
        # A forked child has no running loop at all, so the process is compared first.
        if self._home is None:
            self._home = (os.getpid(), asyncio.get_running_loop())
        elif self._home[0] != os.getpid() or self._home[1] is not asyncio.get_running_loop():
            raise ClientClosedError(
                "a client belongs to the event loop and the process of its first use; "
                "make another one here"
            )
        if self._watchdog is None:
            self._watchdog = Watchdog()
        if self._session is None:
            self._session = self._new_session()
            self._forgotten = weakref.finalize(self, _warn_unclosed, self._session, self._home[1])
        return self._session

    def _new_session(self) -> HttpSession:
        options = self._options
        # The C library gives large blocks back to the system at once until one has been freed;
        # asyncio's read buffers are such blocks, and three system calls each until then.
        bytes(_HEAP_BLOCK)
        connector = _Connector(
            limit=options.connections,
            keepalive_timeout=_KEEP_ALIVE,
            ttl_dns_cache=_DNS_CACHE,
            ssl=options.ssl_context or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=options.trust_env,
            read_bufsize=_READ_BUFFER,
        )

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {**_HEADERS, _AUTHORIZATION: f"bearer {self._token.reveal()}"}
        if request.body is not None:
            headers[_CONTENT_TYPE] = "application/json"
        return headers

    def _url(self, request: Request) -> URL:
        if not request.path.startswith("/v2/"):
            raise ConfigurationError(f"{request.path!r} is no path of this API")
        region, query = request.region, request.query
        base = self._bases.get(region) if not query else None
        if base is None:
            first = (("region", region),) if region else ()
            base = URL(f"{self._origin}/?{urlencode((*first, *query))}", encoded=True)
            if not query:
                self._bases[region] = base
        return base.with_path(request.path, encoded=True, keep_query=True)

    async def _exchange(
        self, session: HttpSession, request: Request, timeout: float, sink: Sink | None
    ) -> Response | CivoError:
        watchdog = cast("Watchdog", self._watchdog)
        url = self._url(request)
        exchange = _Exchange(watchdog, timeout, self._options.timeouts.read)
        try:
            async with (
                exchange.scope,
                session.request(
                    request.method,
                    url,
                    data=request.body,
                    headers=self._headers(request),
                    allow_redirects=False,
                    raise_for_status=False,
                    middlewares=(exchange,),
                    timeout=self._limits,
                    read_bufsize=_READ_BUFFER if sink is None else _READ_BUFFER_OF_LISTINGS,
                ) as answer,
            ):
                return await self._read(answer, exchange, sink)
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            return _translate(error, timeout, exchange)
        finally:
            watchdog.release(exchange)

    async def _read(
        self, answer: aiohttp.ClientResponse, exchange: _Exchange, sink: Sink | None
    ) -> Response | CivoError:
        wire = answer.wire if isinstance(answer, _Answer) else None
        cap, masked = self._options.max_body, self._token.masked
        poured = False
        body: bytes | CivoError
        first = await answer.content.readany()
        if answer.content.at_eof():
            body = first if len(first) <= cap else too_large(cap, answer.status)
        else:
            length = None if "Content-Encoding" in answer.headers else answer.content_length
            if length is not None:
                _take(wire, _AT_ONCE_PLAIN)
            if sink is not None and answer.status == 200:
                poured = True
                body = b""
                await self._bodies.pour(_Body(answer, exchange), first, sink, length)
            else:
                body = await self._bodies.collect(_Body(answer, exchange), first, answer.status)
        if isinstance(body, CivoError):
            return body
        headers = answer.headers
        return Response(
            answer.status,
            {name: masked(headers[key]) for name, key in _KEPT_HEADERS if key in headers},
            self._token.masked_body(body),
            wire.close if wire is not None else _nothing,
            poured,
        )


def _translate(  # noqa: PLR0911 - a table
    error: Exception, timeout: float, exchange: _Exchange
) -> CivoError:
    """What an exception of aiohttp means; only its class and text are kept."""
    said = _said(error)
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return TLSError(f"the server's certificate was refused: {said}")
        case aiohttp.ClientHttpProxyError() | aiohttp.ClientProxyConnectionError():
            return ProxyError(f"the proxy refused: {type(error).__name__}")
        case aiohttp.ClientConnectorSSLError() if "WRONG_VERSION_NUMBER" in said:
            return TLSError(f"the port does not speak TLS; check api_url: {said}")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return ConnectFailedError(f"no connection, so nothing was sent: {said}")
        case _Broken():
            return ConnectionLostError(f"the connection was lost before an answer: {error}")
        case aiohttp.ClientPayloadError():
            return ConnectionLostError("the connection was lost inside the answer")
        case TimeoutError() if exchange.fell_silent:
            return ConnectionLostError("the server fell silent")
        case TimeoutError() if not exchange.was_sent:
            return ConnectFailedError(f"no connection within {timeout:.3g} s: nothing was sent")
        case TimeoutError():
            return ConnectionLostError(f"no complete answer within {timeout:.3g} s")
        case aiohttp.ClientResponseError():
            # Its text and repr hold the request's headers.
            return ConnectionLostError("the answer was not valid HTTP")
        case RuntimeError():
            return ClientClosedError(f"the HTTP session cannot be used: {type(error).__name__}")
        case _:
            return ConnectionLostError(f"the exchange failed: {type(error).__name__}")


def _warn_unclosed(session: HttpSession, loop: asyncio.AbstractEventLoop) -> None:
    """Tell of a client that was forgotten, once, and let go of its sockets."""
    warnings.warn(
        "a CivoClient was not closed; use `async with CivoClient(...)` or `await close()`",
        ResourceWarning,
        stacklevel=2,
    )
    if not loop.is_closed():  # else the session says so in its own words as well
        loop.call_soon_threadsafe(lambda: loop.create_task(session.close()))


def _check_lent(session: HttpSession, *, trust_env: bool) -> None:
    """Refuse a session that would add its own credentials or follow its own rules."""
    problem = ""
    if session.closed:
        problem = "it is closed"
    elif session.auth is not None or "authorization" in session.headers:
        problem = "it has credentials of its own"
    elif "cookie" in session.headers or not isinstance(session.cookie_jar, aiohttp.DummyCookieJar):
        problem = "it keeps cookies; make it with cookie_jar=aiohttp.DummyCookieJar()"
    elif session.trust_env and not trust_env:
        problem = "it uses the environment's proxies; pass trust_env=True if that is meant"
    elif not session.auto_decompress:
        problem = "it does not decompress answers"
    if problem:
        raise ConfigurationError(f"the lent http_session is refused: {problem}")
