"""How resources change things: fields to send, acknowledgements to read, outcomes not known."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from .. import _validation
from .._clock import Clock
from .._create.creation import SENDS
from .._http.api_errors import Kind, Request, Response, parse_json
from .._session.call import Session
from .._session.deadline import CallOptions
from .._session.retry import RetryPolicy, Waits, may_have_acted
from ..errors import (
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    OutcomeUnknownError,
    UnexpectedResponseError,
)
from ..models import Acknowledgement

T = TypeVar("T")
Fields = Mapping[str, object]


def named_fields(name: str | None, description: str | None) -> dict[str, object]:
    """The checked fields of an update; at least one must be given."""
    if name is None and description is None:
        raise InvalidArgumentError("nothing to update: pass name= or description=")
    return {
        "name": _validation.optional(_validation.label, name),
        "description": _validation.optional(_validation.description, description),
    }


def restore_fields(
    *, description: str | None, hostname: str | None, private_ip: str | None, overwrite: bool
) -> dict[str, object]:
    """The checked fields of a restore, but for the private address, which has two spellings."""
    if _validation.boolean(overwrite, "overwrite_existing") and hostname is not None:
        raise InvalidArgumentError(
            "overwrite_existing=True restores onto the original instance, which keeps its "
            "hostname: pass one or the other"
        )
    return {
        "description": _validation.optional(_validation.description, description),
        "hostname": _validation.optional(_validation.hostname, hostname),
        "private_ipv4": _validation.optional(_validation.ipv4, private_ip),
        "overwrite_existing": overwrite,
    }


def acknowledgement(response: Response) -> Acknowledgement:
    """Read the answer to a delete: an object, or nothing at all."""
    if not response.body.strip():
        return Acknowledgement()
    data = parse_json(response.body, response.status)
    if not isinstance(data, dict):
        raise UnexpectedResponseError(
            "a delete is acknowledged by an object", status=response.status, path="$"
        )
    result = data.get("result")
    return Acknowledgement(result if isinstance(result, str) else "success")


async def delete(
    session: Session, request: Request, *, missing_ok: bool, options: CallOptions
) -> Acknowledgement:
    """Delete; a 404 is success if an earlier attempt of this call may have done it."""
    try:
        return await session.call(request, acknowledgement, options=options)
    except NotFoundError as error:
        if not missing_ok and not (error.call and error.call.unanswered):
            raise
    return Acknowledgement(already_gone=True)


async def update(
    session: Session,
    call: Callable[[str, Fields | None, CallOptions], Awaitable[T]],
    fields: Fields,
    options: CallOptions,
) -> T:
    """PUT; where the answer was lost, compare before it is sent again.

    Somebody else's newer change must not be undone by a blind repetition.
    """
    flight = session.flight(Kind.COMPARED, options)
    flight.began = session.clock.monotonic()
    waits = Waits(RetryPolicy())
    wanted = {name: value for name, value in fields.items() if value is not None}
    sends = 1 if options.get("retries") is False else SENDS
    while True:
        try:
            return await call("PUT", fields, flight.options(options))
        except CivoError as error:
            failure = error
        sends -= 1
        if not may_have_acted(failure) or not sends:
            raise failure
        try:
            current = await call("GET", None, flight.options(options))
        except CivoError:
            current = None
        if current is None:
            raise failure
        if all(getattr(current, name) == value for name, value in wanted.items()):
            return current
        pause = waits.after(failure)
        if pause >= flight.left():  # also where a Retry-After asks for more than there is
            raise failure
        await session.clock.sleep(pause)


async def creating(
    call: Awaitable[T], clock: Clock, *, what: str, instance_id: str = "", name: str = ""
) -> T:
    """Await a creating call; `OutcomeUnknownError` if it may have acted without an answer."""
    started: datetime = clock.now()
    failure: CivoError
    try:
        return await call
    except CivoError as error:
        failure = error
    if not may_have_acted(failure):
        raise failure
    raise OutcomeUnknownError(
        f"{what} was sent and may have acted: {failure.message}; look before doing it again",
        instance_id=instance_id,
        name=name,
        started_at=started,
        ended_at=clock.now(),
        call=failure.call,
    )
