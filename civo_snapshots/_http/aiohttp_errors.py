"""What aiohttp's exceptions mean; only their class and text are kept.

Their attributes hold the request's headers and so the token: an error of ours must not hold them,
not even as its context, so it is raised outside the `except` block.
"""

import errno
import os
import socket

import aiohttp

from ..errors import (
    CivoError,
    ClientClosedError,
    ConnectFailedError,
    ConnectionLostError,
    ProxyError,
    TLSError,
)
from .aiohttp_internals import is_corrupt, what_was_unreadable
from .messages import unreadable

LIBRARY_ERRORS = (aiohttp.ClientError, OSError, RuntimeError, ValueError)
"""Everything that a request of aiohttp may raise, but for a cancellation."""


_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)


class BrokenConnectionError(aiohttp.ClientError):
    """A lost connection, in a class that aiohttp does not answer by sending the request again."""


class ClearProxyError(aiohttp.ClientError):
    """A proxy would have read the token, for without TLS it is sent no tunnel but the request."""


def said(error: BaseException) -> str:
    """The class and the text of an exception."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _unconnected(error: aiohttp.ClientError) -> str:
    """What the system says of an address that it cannot reach, else what the library says."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return said(error)
    cause, where = error.os_error, f"{error.host}:{error.port}"
    if isinstance(cause, socket.gaierror) and cause.strerror:
        return f"{where}: {cause.strerror}"
    is_known = isinstance(cause, ConnectionError) or cause.errno in _UNREACHABLE
    return f"{where}: {os.strerror(cause.errno)}" if is_known and cause.errno else said(error)


def translate(  # noqa: PLR0911, PLR0912 - a table
    error: Exception,
    timeout: float,
    *,
    was_closed: bool,
    fell_silent: bool,
    may_have_acted: bool,
) -> CivoError:
    """The error that an exception of aiohttp stands for."""
    match error:
        case _ if was_closed:
            return ClientClosedError(
                "the client was closed with this request in flight; it may have been acted upon",
                may_have_acted=True,
            )
        case ClearProxyError():
            return ProxyError(
                "a proxy would get the token in clear, because api_url is http://; use https://, "
                "or name the host in NO_PROXY"
            )
        case aiohttp.ClientConnectorCertificateError():
            return TLSError(f"the server's certificate was refused: {said(error)}")
        case aiohttp.ClientHttpProxyError() | aiohttp.ClientProxyConnectionError():
            return ProxyError(f"the proxy refused: {type(error).__name__}")
        case aiohttp.ClientConnectorSSLError() if "WRONG_VERSION_NUMBER" in said(error):
            return TLSError(f"the port does not speak TLS; check api_url: {said(error)}")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return ConnectFailedError(f"no connection, so nothing was sent: {_unconnected(error)}")
        case BrokenConnectionError():
            return ConnectionLostError(f"the connection was lost before an answer: {error}")
        case aiohttp.ClientPayloadError() if is_corrupt(error):
            return unreadable(
                "the body is not in the content encoding that its header names; have the gateway "
                "send it plain"
            )
        case aiohttp.ClientPayloadError():
            return ConnectionLostError("the connection was lost inside the answer")
        case TimeoutError() if fell_silent:
            return ConnectionLostError("the server fell silent")
        case TimeoutError() if not may_have_acted:
            return ConnectFailedError(f"no connection within {timeout:.3g} s: nothing was sent")
        case TimeoutError():
            return ConnectionLostError(f"no complete answer within {timeout:.3g} s")
        case aiohttp.ClientResponseError() if what := what_was_unreadable(error):
            return unreadable(what)
        case aiohttp.ClientResponseError():
            # Its text and repr hold the request's headers.
            return ConnectionLostError("the answer was not valid HTTP")
        case RuntimeError():
            return ClientClosedError(f"the HTTP session cannot be used: {type(error).__name__}")
        case _ if not may_have_acted:
            return ConnectFailedError(f"nothing was sent: {type(error).__name__}")
        case _:
            return ConnectionLostError(f"the exchange failed: {type(error).__name__}")
