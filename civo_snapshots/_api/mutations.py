"""Calls that change something: what acknowledges them, and what a lost answer means."""

from collections.abc import Callable
from typing import TypeVar

from .._http import Kind, Reader, Response, parse_json
from .._session import CallOptions, RetryPolicy, Waits
from ..errors import CivoError, NotFoundError, OutcomeUnknownError, UnexpectedResponseError
from ..models import Acknowledgement, with_extra
from .context import Fields, RegionContext

T = TypeVar("T")

_UPDATES = 5
"""How often an update is sent, each time after the one before it was seen to have done nothing."""


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
    found = Acknowledgement(result if isinstance(result, str) else "success")
    return with_extra(found, {name: part for name, part in data.items() if name != "result"})


async def delete(
    context: RegionContext, *segments: str, options: CallOptions, missing_ok: bool
) -> Acknowledgement:
    """Delete; a 404 is success if an earlier attempt of this call may have done it."""
    request = context.request("DELETE", *segments)
    try:
        return await context.session.call(request, acknowledgement, options=options)
    except NotFoundError as error:
        if not missing_ok and not (error.call and error.call.may_have_acted):
            raise
    return Acknowledgement(already_gone=True)


async def update(
    context: RegionContext,
    target: type[T],
    *segments: str,
    fields: Fields,
    is_ours: Callable[[T], bool],
    options: CallOptions,
) -> T:
    """PUT; where the answer was lost, compare before it is sent again.

    Somebody else's newer change must not be undone by a blind repetition.
    """
    session = context.session
    deadline = session.deadline(Kind.COMPARED, options)
    deadline.began = session.clock.monotonic()
    waits = Waits(RetryPolicy())
    wanted = {name: value for name, value in fields.items() if value is not None}
    sends = 1 if options.get("retries") is False else _UPDATES

    async def call(method: str, body: Fields | None) -> T:
        within = deadline.options(options)
        return await context.record(
            target, method, *segments, body=body, is_ours=is_ours, options=within
        )

    while True:
        try:
            return await call("PUT", fields)
        except CivoError as error:
            failure = error
        sends -= 1
        if not failure.may_have_acted or not sends:
            raise failure
        try:
            current = await call("GET", None)
        except CivoError:
            current = None
        if current is None:
            raise failure
        if all(getattr(current, name) == value for name, value in wanted.items()):
            return current
        pause = waits.after(failure)
        if pause >= deadline.left():  # also where a Retry-After asks for more than there is
            raise failure
        await session.clock.sleep(pause)


async def post_once(
    context: RegionContext,
    read: Reader[T],
    *segments: str,
    body: Fields,
    options: CallOptions,
    what: str,
    instance_id: str = "",
    name: object = None,
    is_ours: Callable[[T], bool] | None = None,
) -> T:
    """POST; `OutcomeUnknownError` if it may have acted without an answer: it is never repeated."""
    clock = context.session.clock
    started = clock.now()
    failure: CivoError
    try:
        request = context.request("POST", *segments, body=body)
        return await context.session.call(request, read, is_ours=is_ours, options=options)
    except CivoError as error:
        failure = error
    if not failure.may_have_acted:
        raise failure
    raise OutcomeUnknownError(
        f"{what} was sent and may have acted: {failure.message}; look before doing it again",
        instance_id=instance_id,
        name=str(name or ""),
        started_at=started,
        ended_at=clock.now(),
        call=failure.call,
    )
