"""The pool of connections to one API origin: opens, sends, reads within bounds, closes.

aiohttp follows redirects, keeps cookies, repeats requests on its own and shows the token in its
errors; none of that happens here.
"""

import asyncio
import ssl
import warnings
import weakref
from http.cookies import BaseCookie, SimpleCookie
from urllib.parse import urlencode

import aiohttp
from aiohttp import hdrs
from msgspec import Struct
from yarl import URL

from .._version import __version__
from ..errors import CivoError, ClientClosedError, ConfigurationError, printable
from .aiohttp_errors import LIBRARY_ERRORS, translate
from .aiohttp_internals import (
    DECODED,
    CheckedConnector,
    TrackedResponse,
    free_one_large_block,
)
from .body import BodyReader
from .exchange import AnswerBody, Exchange
from .lending import check_lent, check_tls
from .messages import Request, Response, Sink, too_large, unreadable
from .timeouts import Watchdog
from .token_source import TokenSource

HttpSession = aiohttp.ClientSession
"""What a caller may lend; it stays the caller's to close."""

_USER_AGENT = f"civo-snapshots/{__version__} aiohttp/{aiohttp.__version__}"
_KEEP_ALIVE = 8.0
"""Seconds; below what servers commonly allow, so that we seldom write to a closing connection."""
_DNS_CACHE = 10
_READ_BUFFER = 1 << 16
"""Bytes that one step of decompressing may give, and that wait to be read before it stops."""
_READ_BUFFER_OF_LISTINGS = 1 << 20


class HttpOptions(Struct, frozen=True, eq=False):
    """How connections are made; checked by the client."""

    connect: float
    """Seconds for names, TCP and TLS."""
    silence: float
    """Seconds without a byte of an answer that is due."""
    connections: int
    max_body: int
    trust_env: bool = False
    ssl_context: ssl.SSLContext | None = None
    app: str = ""
    """The program that uses the client, for the User-Agent."""


class _NoCookies(aiohttp.DummyCookieJar):
    """Keeps none; the library's own makes a new empty container for each request."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        return self._none


class _Home(Struct, frozen=True, eq=False):
    """Where a transport was first used, which is where it belongs, and what it uses there."""

    session: HttpSession
    watchdog: Watchdog


class Transport:
    """One API origin over one pool of connections; bound to the loop of its first use."""

    def __init__(
        self, url: str, tokens: TokenSource, options: HttpOptions, lent: HttpSession | None = None
    ) -> None:
        self.url = url
        self.tokens = tokens
        agent = " ".join(filter(None, (_USER_AGENT, options.app)))
        self._usual_headers = {hdrs.ACCEPT: "application/json", hdrs.USER_AGENT: agent}
        # An own session adds the usual ones itself.
        self._headers = {} if lent is None else self._usual_headers
        self._headers_of_body = {**self._headers, hdrs.CONTENT_TYPE: "application/json"}
        self._options = options
        self._session = lent
        self._lent = lent is not None
        self._home: _Home | None = None
        self._closed = False
        self._bodies = BodyReader(options.max_body, tokens.masked_body)
        self._bases: dict[str, URL] = {}
        # Names, TCP and TLS; the rest is the watchdog's.
        self._limits = aiohttp.ClientTimeout(total=None, connect=options.connect)
        self._forgotten: (
            weakref.finalize[[HttpSession, asyncio.AbstractEventLoop], Transport] | None
        ) = None
        check_tls(options.ssl_context)
        if lent is not None:
            check_lent(
                lent, trust_env=options.trust_env, has_context=options.ssl_context is not None
            )

    async def send(
        self, request: Request, timeout: float, sink: Sink | None = None
    ) -> Response | CivoError:
        """Send once with the present token and read the answer, within so many real seconds.

        A body that comes in pieces goes to the sink, if there is one, and is then not kept.
        Errors are returned: the classes of `TransportError`, `UnexpectedResponseError` for a body
        above the cap, `ConfigurationError` and `ClientClosedError`. So none has one of the
        library's in its context, nor an answer (with what was sent for it) among the variables
        that its traceback holds.
        """
        home, url, token = self._open(), self._url(request), self.tokens.present
        if isinstance(home, CivoError):
            return home
        if token is None:
            return ConfigurationError("there is no token yet; `tokens.renew()` asks for one")
        exchange = Exchange(home.watchdog, token, timeout, self._options.silence)
        try:
            with exchange:
                answer = await home.session.request(
                    request.method,
                    url,
                    data=request.body,
                    headers=self._headers if request.body is None else self._headers_of_body,
                    allow_redirects=False,
                    raise_for_status=False,
                    middlewares=(exchange,),
                    timeout=self._limits,
                    read_bufsize=_READ_BUFFER if sink is None else _READ_BUFFER_OF_LISTINGS,
                )
                try:
                    if answer.headers.get(hdrs.CONTENT_ENCODING) and (
                        refused := self._refused_encoding(answer)
                    ):
                        return refused
                    if answer.content.is_eof():  # mostly all of it has come by now
                        return self._response(answer, answer.content.read_nowait())
                    return await self._read_on(answer, exchange, sink)
                finally:
                    if not answer.closed:  # one that was read to its end is
                        answer.release()
        except LIBRARY_ERRORS as error:
            return translate(
                error,
                timeout,
                was_closed=self._closed,
                fell_silent=exchange.fell_silent,
                may_have_acted=exchange.may_have_acted,
            )

    async def close(self) -> None:
        """End the requests in flight and close what was opened here; a lent session stays open."""
        self._closed = True
        if self._forgotten is not None:
            self._forgotten.detach()
        if self._home is not None:
            self._home.watchdog.close()
        try:
            await self.tokens.close()
        finally:
            if self._session is not None and not self._lent:
                await self._session.close()

    def _open(self) -> _Home | ClientClosedError:
        if self._closed:
            return ClientClosedError("the client is closed; make a new one")
        home = self._home or self._begin()
        try:
            is_at_home = home.watchdog.loop is asyncio.get_running_loop()
        except RuntimeError:  # in a forked child no loop runs, not even the one that it is in
            is_at_home = False
        if not is_at_home:
            return ClientClosedError(
                "a client belongs to the event loop and the process of its first use; "
                "make another one here"
            )
        return home

    def _begin(self) -> _Home:
        loop = asyncio.get_running_loop()
        if self._session is None:
            self._session = self._new_session()
            self._forgotten = weakref.finalize(self, _warn_unclosed, self._session, loop)
        self._home = _Home(self._session, Watchdog())
        return self._home

    def _new_session(self) -> HttpSession:
        options = self._options
        free_one_large_block()
        connector = CheckedConnector(
            limit=options.connections,
            keepalive_timeout=_KEEP_ALIVE,
            ttl_dns_cache=_DNS_CACHE,
            ssl=options.ssl_context or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._usual_headers,
            cookie_jar=_NoCookies(),
            trust_env=options.trust_env,
        )

    def _url(self, request: Request) -> URL:
        if not request.path.startswith("/v2/"):
            raise ConfigurationError(f"{request.path!r} is no path of this API")
        region, query = request.region, request.query
        base = self._bases.get(region) if not query else None
        if base is None:
            first = (("region", region),) if region else ()
            base = URL(f"{self.url}/?{urlencode((*first, *query))}", encoded=True)
            if not query:
                self._bases[region] = base
        return base.with_path(request.path, encoded=True, keep_query=True)

    async def _read_on(
        self, answer: aiohttp.ClientResponse, exchange: Exchange, sink: Sink | None
    ) -> Response | CivoError:
        """Read a body that still comes, or let the sink have it."""
        first = await answer.content.readany()
        if answer.content.at_eof():
            return self._response(answer, first)
        more = AnswerBody(answer, _wire_of(answer), exchange)
        if sink is not None and answer.status == 200:
            await self._bodies.stream(more, first, sink, more.length)
            return self._response(answer, b"", streamed=True)
        body = await self._bodies.collect(more, first, answer.status)
        return body if isinstance(body, CivoError) else self._response(answer, body)

    def _response(
        self, answer: aiohttp.ClientResponse, body: bytes, *, streamed: bool = False
    ) -> Response | CivoError:
        cap = self._options.max_body
        if len(body) > cap:
            return too_large(cap, answer.status)
        wire, tokens = _wire_of(answer), self.tokens
        return Response(
            answer.status,
            answer.headers,
            tokens.masked_body(body),
            _no_connection if wire is None else wire.close,
            streamed,
            tokens.masked,
        )

    def _refused_encoding(self, answer: aiohttp.ClientResponse) -> CivoError | None:
        """The error of a body that nothing here decodes; None if it is read as it is."""
        encoding = self.tokens.masked(answer.headers[hdrs.CONTENT_ENCODING]).strip().lower()
        if encoding in DECODED or answer.status >= 300:
            return None
        # A short body has come already, and its connection is back in the pool.
        wire = _wire_of(answer)
        (answer.close if wire is None else wire.close)()
        return unreadable(
            f"the body has the content encoding {printable(encoding, 40)!r}, which no setting "
            "makes readable here; have the gateway send it plain or as gzip",
            answer.status,
        )


def _wire_of(answer: aiohttp.ClientResponse) -> asyncio.BaseTransport | None:
    """The connection that an answer came on."""
    return answer.wire if isinstance(answer, TrackedResponse) else None


def _no_connection() -> None:
    """There is no connection to close any more."""


def _warn_unclosed(session: HttpSession, loop: asyncio.AbstractEventLoop) -> None:
    """Tell of a client that was forgotten, once, and let go of its sockets."""
    warnings.warn(
        "a CivoClient was not closed; use `async with CivoClient(...)` or `await close()`",
        ResourceWarning,
        stacklevel=2,
    )
    if not loop.is_closed():  # else the session says so in its own words as well
        loop.call_soon_threadsafe(lambda: loop.create_task(session.close()))
