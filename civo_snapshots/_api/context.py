"""What every resource works with: the session, the region, and how requests are put together."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from attrs import frozen

from .._codec.page_reader import page
from .._create.supervisor import Creations
from .._http.api_errors import Kind, Request, path_of
from .._session.call import Session
from .._session.deadline import CallOptions
from .._validation import identifier
from ..errors import ConfigurationError, InvalidArgumentError
from ..models import Instance, Page, Restore, Snapshot
from .listing import Listing

T = TypeVar("T")

_KINDS = {
    "GET": Kind.SAFE,
    "PUT": Kind.COMPARED,
    "DELETE": Kind.CONVERGENT,
    "POST": Kind.CREATING,
}


@frozen
class Scope:
    """One region of one client; None where no region was named anywhere."""

    session: Session
    region: str | None
    creations: Creations

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
        *segments: str,
        body: Mapping[str, object] | None = None,
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

    def listing(
        self,
        array: type[tuple[T, ...]],
        *segments: str,
        key: Callable[[T], str],
        page_size: int | None = None,
        poll: bool = False,
        options: CallOptions | None = None,
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
            request = self.request("GET", *segments, query=query)
            read = page(array, number)
            found = await self.session.call(request, read, sink=read, poll=poll, options=options)
            return complete(found) if complete else found

        return Listing(fetch, key, page_size)


def json_body(fields: Mapping[str, object]) -> bytes:
    """A request body; None means that the field is not sent."""
    present = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(present)


def instance_id_of(instance: str | Instance) -> str:
    """The id of an instance given as such or as a record."""
    if isinstance(instance, Instance):
        instance = instance.id
    return identifier(instance, "instance_id")


def snapshot_key(first: str | Snapshot, snapshot_id: str | None) -> tuple[str, str]:
    """(instance id, snapshot id) from either form that callers may use."""
    if isinstance(first, Snapshot):
        if snapshot_id is not None:
            raise InvalidArgumentError("pass a Snapshot, or an instance id and a snapshot id")
        return identifier(first.instance_id, "snapshot.instance_id"), identifier(
            first.id, "snapshot.id"
        )
    if snapshot_id is None:
        raise InvalidArgumentError("pass a Snapshot, or an instance id and a snapshot id")
    return identifier(first, "instance_id"), identifier(snapshot_id, "snapshot_id")


def record_id(record: Snapshot | Instance | Restore) -> str:
    """The key by which listings tell items apart."""
    return record.id
