"""Requests and responses as values; no I/O."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol, TypeVar

from msgspec import Struct

from ..errors import UnexpectedResponseError

T = TypeVar("T")


class Kind(Enum):
    """What repeating a request would do (RFC 9110, 9.2.2)."""

    SAFE = "safe"
    """It changes nothing."""
    CONVERGENT = "convergent"
    """Repeating it ends in the same state: DELETE."""
    COMPARED = "compared"
    """Repeating it blindly could undo a newer change: PUT."""
    CREATING = "creating"
    """Repeating it makes another object."""


class Request(Struct, frozen=True):
    """One request, ready but for the token; the body is made before the first attempt."""

    method: str
    path: str
    kind: Kind
    region: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


def _nothing() -> None:
    """There is no connection behind this response."""


_KEPT_HEADERS = (
    "date",
    "location",
    "retry-after",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
)


class Response(Struct, eq=False):
    """One response, read whole.

    Attributes:
        sent: all its headers as they came, found by names in lower case. They may echo the token,
            so they are here to be compared only.
        discard: closes the connection it came on, for an answer that belongs to another request.
        streamed: whether the body went to a sink instead.
        mask: makes a text that was sent safe to keep.
    """

    status: int
    sent: Mapping[str, str]
    body: bytes
    discard: Callable[[], None] = _nothing
    streamed: bool = False
    mask: Callable[[str], str] = str

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the headers that mean something here, masked; names in lower case."""
        sent = self.sent
        return {name: self.mask(sent[name]) for name in _KEPT_HEADERS if name in sent}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}, {len(self.body)} bytes>"


Mask = Callable[[bytes], bytes]
"""Masks the token in a part of a body, should the server have echoed it."""


class Sink(Protocol):
    """Takes a body piece by piece, so that a large one need not be kept whole."""

    def begin(self, length: int | None, most: int, mask: Mask) -> bool:
        """A body begins, of so many bytes if that is known; whether it is wanted at all.

        `most` is the client's own cap.
        """
        ...

    def take(self, piece: bytes) -> bool:
        """The next piece; whether more of them are wanted."""
        ...


def too_large(cap: int, status: int) -> UnexpectedResponseError:
    """The error that a body above the cap ends with."""
    return unreadable(
        f"the body is larger than {cap} bytes; raise max_body if that is expected", status
    )


def unreadable(what: str, status: int = 0) -> UnexpectedResponseError:
    """The error of an answer that could not be read, and could not be a second time either."""
    error = UnexpectedResponseError(what, status=status)
    error.is_final = True
    return error


Reader = Callable[[Response], T]
"""Turns a response that is no error into what the caller asked for."""
