"""What every error has, and the errors that are not about an answer of the API or a wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from .._naming import printable
from ..models import Call, Instance, Schedule, Snapshot, as_plain, from_plain

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

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON: the class as `kind`, the message, and what the error knows.

        Of a wait's error the snapshot travels, not how long that wait took.
        """
        known = {name: getattr(self, name) for name in _TRAVELLING if hasattr(self, name)}
        if "candidates" in known:
            known["candidates"] = [one for one in known["candidates"] if isinstance(one, Snapshot)]
        if known.get("snapshot") == Snapshot(""):  # it was a restore that was waited for
            known["snapshot"] = None
        told = {name: as_plain(value) for name, value in known.items()}
        return {"kind": type(self).__name__, "message": self.message, **told}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> CivoError:
        """An error of the class that `as_dict()` told; of one that is not known, a `CivoError`.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            ValueError: it cannot be one.
        """
        message = from_plain(str, data.get("message"))
        kinds = {kind.__name__: kind for kind in _kinds_of(CivoError)}
        error = kinds.get(str(data.get("kind")), CivoError)(message)
        error.args, error.message = (message,), message  # it was cut before
        for name, hint in _TRAVELLING.items():
            if data.get(name) is not None:
                setattr(error, name, from_plain(hint, data[name]))
        return error

    def __str__(self) -> str:
        shown = printable(self.message)
        return f"{shown} [{printable(self.call.told(self.message))}]" if self.call else shown


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """The exception, those in it if it is a group, and those behind it, each once."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        current = left.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            left += cast("BaseExceptionGroup[BaseException]", current).exceptions
        left.append(current.__cause__ or current.__context__)


def _kinds_of(kind: type[CivoError]) -> Iterator[type[CivoError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds_of(below)


_TRAVELLING: Mapping[str, object] = {
    "may_have_acted": bool,
    "call": Call | None,
    "status": int,
    "code": str,
    "reason": str,
    "details": str,
    "request_id": str,
    "retry_after": float | None,
    "path": str,
    "instance_id": str,
    "name": str,
    "started_at": datetime | None,
    "ended_at": datetime | None,
    "candidates": tuple[Snapshot, ...],
    "snapshot": Snapshot | None,
    "failed_volumes": tuple[str, ...],
    "unfinished_volumes": tuple[str, ...],
    "error": CivoError | None,
}
"""What `as_dict()` tells of an error that has it, and the type of each."""


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
        started_at: when the request was sent (UTC).
        ended_at: when its outcome was given up (UTC).
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
    """A snapshot of this name exists, and was not to be adopted, or is too old for that.

    Attributes:
        snapshot: its record; None if it is not known.
    """

    def __init__(
        self, message: str, *, snapshot: Snapshot | None = None, call: Call | None = None
    ) -> None:
        super().__init__(message, call=call)
        self.snapshot = snapshot


class QuiesceError(CivoError):
    """Quiescing an instance failed or took too long, so that its create was not sent."""


class AmbiguousNameError(CivoError):
    """Several bear the name that was to mean one.

    Attributes:
        candidates: those that do.
    """

    candidates: tuple[Instance | Schedule | Snapshot, ...] = ()


class ClientClosedError(CivoError):
    """The client was closed, or belongs to another event loop or process."""
