"""What every error has, and the errors that are not about an answer of the API or a wait."""

from __future__ import annotations

from datetime import datetime

from .._naming import printable
from ..models import Call, Instance, Schedule, Snapshot

_LONGEST = 5_000
"""Characters of a message, whatever stands in it."""


class CivoError(Exception):
    """The base of every error this package raises.

    Attributes:
        message: what went wrong and what to do about it, as the SDK put it.
        call: what was asked, how often and for how long; None if nothing was.
        may_have_acted: whether the server may have done what was asked although this came of it.
    """

    may_have_acted: bool = False

    # Context is keyword-only with defaults, so that pickling needs no code of its own: the base
    # class rebuilds from `args` and restores `__dict__`.
    def __init__(
        self, message: str, *, call: Call | None = None, may_have_acted: bool = False
    ) -> None:
        if len(message) > _LONGEST:
            message = f"{message[:_LONGEST]}..."
        super().__init__(message)
        self.message = message
        self.call = call
        if may_have_acted:
            self.may_have_acted = True

    def __str__(self) -> str:
        shown = printable(self.message)
        return f"{shown} [{printable(str(self.call))}]" if self.call else shown


class ConfigurationError(CivoError, ValueError):
    """The client cannot be made as configured; nothing was sent."""


class InvalidArgumentError(CivoError, ValueError):
    """An argument was refused before anything was sent."""


class TransportError(CivoError):
    """No usable HTTP answer arrived."""


class ConnectFailedError(TransportError):
    """No connection could be made: the request was certainly not sent."""


class ConnectionLostError(TransportError):
    """The connection broke or fell silent: the request may have been sent and acted upon."""

    may_have_acted = True


class TLSError(TransportError):
    """The server's certificate or its TLS was refused; nothing was sent."""


class ProxyError(TransportError):
    """The configured proxy refused to connect us; nothing was sent."""


class DeadlineExceededError(CivoError, TimeoutError):
    """The call's deadline passed; `call.history` tells what happened until then."""


class UnexpectedResponseError(CivoError):
    """An answer that is not what the API documents.

    Attributes:
        status: its HTTP status.
        path: where in the body the first wrong field is, such as ``$.status.volumes[0].id``.
        is_final: whether the same request would meet the same again: it is not repeated then.
    """

    is_final: bool = False

    def __init__(
        self, message: str, *, status: int = 0, path: str = "", call: Call | None = None
    ) -> None:
        super().__init__(message, call=call)
        self.may_have_acted = not 300 <= status < 400
        self.status = status
        self.path = path


class OutcomeUnknownError(CivoError):
    """A create or restore was sent, no answer came, and it may have acted.

    Attributes:
        instance_id: the instance it was for.
        name: the name that was sent, by which a snapshot can be looked for.
        started_at, ended_at: when the request was sent, and its outcome given up (UTC).
        candidates: snapshots of that name, of which it cannot be told whether they are its own.
    """

    may_have_acted = True
    candidates: tuple[Snapshot, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        instance_id: str = "",
        name: str = "",
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        call: Call | None = None,
    ) -> None:
        super().__init__(message, call=call)
        self.instance_id = instance_id
        self.name = name
        self.started_at = started_at
        self.ended_at = ended_at


class SnapshotExistsError(CivoError):
    """A `snapshot` of this name exists, and the fan-out was not to adopt it, or it is too old."""

    def __init__(
        self, message: str, *, snapshot: Snapshot | None = None, call: Call | None = None
    ) -> None:
        super().__init__(message, call=call)
        self.snapshot = snapshot


class AmbiguousNameError(CivoError):
    """Several bear the name that was to mean one: the `candidates`."""

    candidates: tuple[Instance | Schedule | Snapshot, ...] = ()


class ClientClosedError(CivoError):
    """The client was closed, or belongs to another event loop or process."""
