"""Every error of the SDK.

::

    CivoError
    ├─ ConfigurationError, InvalidArgumentError      (also ValueError) nothing was sent
    ├─ TransportError                                no usable answer
    │   ├─ ConnectFailedError, TLSError, ProxyError  nothing was sent
    │   ├─ ConnectionLostError                       the request may have been sent
    ├─ DeadlineExceededError                         (also TimeoutError) the call's own time ran out
    ├─ ApiError                                      the API said no
    │   ├─ InvalidRequestError  AuthenticationError  PermissionDeniedError  NotFoundError
    │   ├─ ConflictError  TryLaterError  RateLimitError  QuotaExceededError  ServiceDisabledError
    │   ├─ ServerError
    ├─ UnexpectedResponseError                       an answer that makes no sense
    ├─ OutcomeUnknownError                           a create or restore that may have acted
    ├─ SnapshotExistsError                           a fan-out was told not to adopt what exists
    ├─ AmbiguousNameError                            several bear the name that was to mean one
    ├─ WaitError                                     a wait that ended without success
    │   ├─ SnapshotFailedError  SnapshotVanishedError  PollFailedError  RestoreFailedError
    │   └─ WaitTimeoutError                          (also TimeoutError)
    └─ ClientClosedError

They pickle, and they hold neither headers nor the token nor anything of the HTTP library.
"""

from __future__ import annotations

from datetime import datetime

from .models import Call, Instance, Restore, Schedule, Snapshot


def printable(text: str, limit: int = 2_000) -> str:
    """The text, cut, with control characters escaped so that it cannot forge log lines."""
    cut = text if len(text) <= limit else f"{text[:limit]}..."
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


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


class ApiError(CivoError):
    """The API answered with an error.

    Attributes:
        status: the HTTP status; 0 if the SDK refused on the API's behalf.
        code: the API's own code, such as ``database_snapshot_not_found``; may be empty.
        reason: the API's explanation; untrusted text.
        details: further explanation; untrusted text.
        request_id: what to quote to support; may be empty.
        retry_after: seconds the server asked to wait; None if it named none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        reason: str = "",
        details: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        call: Call | None = None,
    ) -> None:
        super().__init__(message, call=call)
        self.status = status
        self.code = code
        self.reason = reason
        self.details = details
        self.request_id = request_id
        self.retry_after = retry_after
        if status == 408 and not code:  # the server gave up on what it had begun to read
            self.may_have_acted = True


class InvalidRequestError(ApiError):
    """The API found the request itself wrong (400, 422)."""


class AuthenticationError(ApiError):
    """The token was not accepted (401)."""


class PermissionDeniedError(ApiError):
    """The token is valid but may not do this (403)."""


class NotFoundError(ApiError):
    """The instance, snapshot or schedule does not exist (404)."""


class ConflictError(ApiError):
    """The object's state does not allow this now (409)."""


class TryLaterError(ApiError):
    """Something is busy and nothing was done; the same request may succeed a little later."""


class RateLimitError(ApiError):
    """Too many requests (429)."""


class QuotaExceededError(ApiError):
    """The account's quota is used up."""


class ServiceDisabledError(ApiError):
    """Snapshots are not offered there: they need a CivoStack Enterprise private region."""


class ServerError(ApiError):
    """The server failed (5xx)."""

    may_have_acted = True


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


class WaitError(CivoError):
    """A wait ended without the success it waited for; it can be started again.

    Attributes:
        snapshot: the last record seen, or the one the wait began with.
        restore: what was waited for, if it was a restore.
        instance: the restored instance as last seen, if it was a restore.
        elapsed: seconds waited.
        polls: how often the server's state was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        snapshot: Snapshot | None = None,
        restore: Restore | None = None,
        instance: Instance | None = None,
        elapsed: float = 0.0,
        polls: int = 0,
        call: Call | None = None,
    ) -> None:
        super().__init__(message, call=call)
        self.snapshot = snapshot
        self.restore = restore
        self.instance = instance
        self.elapsed = elapsed
        self.polls = polls


class SnapshotFailedError(WaitError):
    """The snapshot or one of its volumes ended as failed.

    Attributes:
        failed_volumes: the ids of the volumes that failed; empty if only the snapshot did.
    """

    failed_volumes: tuple[str, ...] = ()


class SnapshotVanishedError(WaitError):
    """The snapshot is gone, or never showed up."""


class WaitTimeoutError(WaitError, TimeoutError):
    """The wait's time ran out before a terminal state was seen."""


class PollFailedError(WaitError):
    """Polls failed for too long, or access was refused; the snapshot itself may be fine."""

    error: CivoError | None = None
    """What the last poll failed with."""


class RestoreFailedError(WaitError):
    """The restore ended as failed."""


class ClientClosedError(CivoError):
    """The client was closed, or belongs to another event loop or process."""
