"""One request sent once, and its answer, within a limit for all of it and one for silence."""

import asyncio
from types import TracebackType

import aiohttp
from aiohttp import hdrs

from .aiohttp_errors import BrokenConnectionError, ClearProxyError, said
from .aiohttp_internals import (
    READ_SIZE,
    may_have_left,
    raise_read_size,
    response_of,
    track_response,
)
from .secret import Secret
from .timeouts import Watchdog


class Exchange:
    """A middleware of the HTTP library's, and what the watchdog guards, as a context manager.

    As a middleware it sees a lost connection before aiohttp does, which would send a GET, PUT or
    DELETE again on its own. Within its context a request that lasts too long ends with
    `TimeoutError`, as in that of `asyncio.timeout()`, but without a timer of its own.
    """

    __slots__ = (
        "_cancelling",
        "_ends",
        "_heard",
        "_is_ended",
        "_request",
        "_silence",
        "_task",
        "_token",
        "_watchdog",
        "fell_silent",
    )

    def __init__(self, watchdog: Watchdog, token: Secret, lasts: float, silence: float) -> None:
        task = asyncio.current_task(watchdog.loop)
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._watchdog = watchdog
        self._token = token
        self._heard = watchdog.now()
        self._ends = self._heard + lasts
        self._silence = silence
        self._request: aiohttp.ClientRequest | None = None
        self._is_ended = self.fell_silent = False

    def __enter__(self) -> None:
        silent = self._heard + self._silence
        self._watchdog.guard(self, silent if silent < self._ends else self._ends)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watchdog.release(self)
        if self._is_ended:
            is_ours = self._task.uncancel() <= self._cancelling
            if is_ours and kind is asyncio.CancelledError:
                raise TimeoutError from error

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        self._request = request
        track_response(request)
        if request.proxy is not None and request.url.scheme == "http":
            raise ClearProxyError
        # Not among the request's headers: with trust_env=True the library would refuse it beside
        # an entry of netrc. Here it replaces what netrc said.
        request.headers[hdrs.AUTHORIZATION] = f"bearer {self._token.reveal()}"
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            what = said(error)
        raise BrokenConnectionError(what)

    def __deepcopy__(self, memo: object) -> "Exchange":
        """There is only one: tools that record requests copy all that belongs to them."""
        return self

    def heard(self) -> None:
        """Something came."""
        self._heard = self._watchdog.now()

    @property
    def may_have_acted(self) -> bool:
        """Whether any byte of the request may have left."""
        return may_have_left(self._request)

    def due(self, now: float) -> float:
        """When the exchange has lasted, or the server been silent, for too long."""
        # What was not sent yet is not silent, and has a limit of its own for connecting.
        answer = response_of(self._request)
        return min(self._ends, max(self._heard, answer.began if answer else now) + self._silence)

    def end(self, now: float) -> None:
        """End it now."""
        self.fell_silent = now < self._ends
        self._is_ended = True
        self._task.cancel()


_MOST_AT_ONCE = 1 << 18


class AnswerBody:
    """The rest of an answer's body.

    Chunks, compression and interim answers cost time per byte, and a hostile server may send
    nothing else, so a connection begins with little at once. Where the length is known nothing of
    that can come; in chunks, more is taken as long as what comes is mostly content.
    """

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        wire: asyncio.BaseTransport | None,
        exchange: Exchange,
    ) -> None:
        self._answer = answer
        self._wire = wire
        self._exchange = exchange
        encoding = answer.headers.get(hdrs.CONTENT_ENCODING)
        self.length = None if encoding else answer.content_length
        self._at_once = _MOST_AT_ONCE if encoding else READ_SIZE
        if self.length is not None:
            self._take(_MOST_AT_ONCE)

    async def more(self) -> bytes:
        piece = await self._answer.content.readany()
        self._exchange.heard()
        if self._at_once < _MOST_AT_ONCE and 4 * len(piece) >= 3 * self._at_once:
            self._take(2 * self._at_once)
        return piece

    def _take(self, size: int) -> None:
        self._at_once = size
        raise_read_size(self._wire, size)

    def at_end(self) -> bool:
        return self._answer.content.at_eof()

    def drop(self) -> None:
        self._answer.close()
