"""One region of one client: how requests to it are put together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from .. import _naming
from .._codec import known, one, page
from .._http import Kind, Request
from .._session import Session, Within
from ..errors import ConfigurationError, InvalidArgumentError
from ..models import Page
from .listing import Listing
from .rivals import SentRestores

T = TypeVar("T")
Fields = Mapping[str, object]

_KINDS = {
    "GET": Kind.SAFE,
    "PUT": Kind.COMPARED,
    "DELETE": Kind.CONVERGENT,
    "POST": Kind.CREATING,
}

_OWN_SEGMENTS = frozenset({"instances", "snapshots", "resourcesnapshots", "restore"})
"""Those that need no check; the others are anybody's ids."""


def path_of(*segments: str) -> str:
    """The path ``/v2/<segment>/...``; a segment that is no plain name or id is refused.

    Every path is made here, so that no id can reach another endpoint.
    """
    for segment in segments:
        if segment not in _OWN_SEGMENTS and not _naming.is_id(segment):
            raise InvalidArgumentError(f"{ascii(segment)[:80]} cannot be part of a URL path")
    return "/v2/" + "/".join(segments)


def json_body(fields: Fields) -> bytes:
    """A request body; None means that the field is not sent."""
    present = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(present)


class RegionContext(msgspec.Struct, frozen=True, eq=False):
    """One region of one client; None where no region was named anywhere."""

    session: Session
    region: str | None
    restores: SentRestores = msgspec.field(default_factory=SentRestores)

    def named_region(self) -> str:
        """The region; `ConfigurationError` if there is none."""
        if self.region is None:
            raise ConfigurationError(
                "no region: pass region=, set CIVO_REGION, or use a profile of the civo CLI's file "
                "with a default_region; none is guessed"
            )
        return self.region

    def request(
        self,
        method: str,
        segments: Sequence[str],
        body: Fields | None = None,
        query: Mapping[str, int] | None = None,
    ) -> Request:
        """A request to this region."""
        return Request(
            method,
            path_of(*segments),
            _KINDS[method],
            self.named_region(),
            tuple((name, str(value)) for name, value in query.items()) if query else (),
            None if body is None else json_body(body),
        )

    def record(
        self,
        target: type[T],
        method: str,
        *segments: str,
        body: Fields | None = None,
        is_ours: Callable[[T], bool] | None = None,
        poll: bool = False,
        options: Within | None = None,
    ) -> Awaitable[T]:
        """A call that answers with a record; `is_ours` tells whether it belongs to this call."""
        return self.session.call(
            self.request(method, segments, body),
            one(target),
            known=known(target),
            is_ours=is_ours,
            poll=poll,
            within=options,
        )

    def listing(
        self,
        array: type[tuple[T, ...]],
        *segments: str,
        key: Callable[[T], str],
        page_size: int | None = None,
        poll: bool = False,
        options: Within | None = None,
        complete: Callable[[Page[T]], Page[T]] | None = None,
    ) -> Listing[T]:
        """A listing of the given path, in pages if a page size is given.

        `complete` may add to a page what the API's answer leaves out.
        """

        async def fetch(number: int) -> Page[T]:
            query: dict[str, int] = {}
            if page_size is not None or number > 1:
                query["page"] = number
            if page_size is not None:
                query["per_page"] = page_size
            request = self.request("GET", segments, query=query)
            read = page(array, number, skip=found.skips_misfits)
            answer = await self.session.call(request, read, sink=read, poll=poll, within=options)
            return complete(answer) if complete else answer

        found = Listing(fetch, key, page_size)
        return found
