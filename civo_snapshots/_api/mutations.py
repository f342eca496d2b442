"""Calls that change something: what acknowledges them, and what a lost answer means."""

from collections.abc import Callable
from typing import Any, TypeVar

from .._http import Kind, Reader, Response, parse_json
from .._session import CallOptions, Deadline, Session
from ..errors import CivoError, NotFoundError, OutcomeUnknownError, UnexpectedResponseError
from ..models import Acknowledgement, with_extra
from .context import Fields, RegionContext
from .identity import Missing, bears, missing_of
from .listing import Listing

T = TypeVar("T")

_CONFIRMED_AFTER = 5.0
"""Seconds between two listings that prove an absence: longer than a replica lags behind."""

_RECORD_FIELDS = frozenset({"name", "created_at", "included_volumes", "instances", "hostname"})


def acknowledgement(response: Response) -> Acknowledgement:
    """Read the answer to a delete: an object that is nobody's record, or nothing at all."""
    if not response.body.strip():
        return Acknowledgement()
    data = parse_json(response.body, response.status)
    if not isinstance(data, dict):
        raise UnexpectedResponseError(
            "a delete is acknowledged by an object", status=response.status, path="$"
        )
    if data.keys() & _RECORD_FIELDS:
        raise UnexpectedResponseError(
            "the answer to a delete is a record, so it belongs to another request",
            status=response.status,
        )
    result = data.get("result")
    found = Acknowledgement(result if isinstance(result, str) else "success")
    return with_extra(found, {name: part for name, part in data.items() if name != "result"})


async def delete(
    context: RegionContext,
    *segments: str,
    options: CallOptions,
    missing_ok: bool,
    listing: Listing[Any] | None = None,
) -> Acknowledgement:
    """Delete; a 404 is success if an earlier attempt of this call may have done it.

    A 404 without a code proves nothing. It is believed only if the `listing` that would have the
    object lacks it as well, twice.
    """
    session = context.session
    request = context.request("DELETE", *segments)
    call = session.begin(request.kind, options)
    try:
        return await session.call(request, acknowledgement, within=call)
    except NotFoundError as error:
        if not missing_ok and not (error.call and error.call.may_have_acted):
            raise
        failure = error
    proven = missing_of(failure) is not Missing.NOTHING
    if not proven and not (listing and await _lacks(listing, segments[-1], session, call.deadline)):
        raise failure
    return Acknowledgement(already_gone=True)


async def _lacks(listing: Listing[Any], wanted: str, session: Session, deadline: Deadline) -> bool:
    """Whether a listing lacks an object, and still does some seconds later."""
    for pause in (0.0, _CONFIRMED_AFTER):
        if pause >= deadline.left():
            return False
        await session.clock.sleep(pause)
        try:
            listed = await listing.collect()
        except CivoError:
            return False
        if any(map(bears(wanted), listed)):
            return False
    return True


async def update(
    context: RegionContext,
    target: type[T],
    *segments: str,
    fields: Fields,
    is_ours: Callable[[str], Callable[[T], bool]],
    options: CallOptions,
) -> T:
    """PUT; where the answer was lost, compare before it is sent again.

    Somebody else's newer change must not be undone by a blind repetition.
    """
    session = context.session
    call = session.begin(Kind.COMPARED, options)
    wanted = {name: value for name, value in fields.items() if value is not None}

    async def current_record() -> T | None:
        # Asked for by a name that the PUT has changed, it is there under the new one.
        for asked in dict.fromkeys((segments[-1], str(wanted.get("name", segments[-1])))):
            try:
                return await context.record(
                    target,
                    "GET",
                    *(*segments[:-1], asked),
                    is_ours=is_ours(asked),
                    options=call.subcall(),
                )
            except NotFoundError:
                continue
            except CivoError:
                break
        return None

    while True:
        try:
            return await context.record(
                target, "PUT", *segments, body=fields, is_ours=is_ours(segments[-1]), options=call
            )
        except CivoError as error:
            failure = error
        if not failure.may_have_acted or call.policy.attempts == 1:
            raise failure
        current = await current_record()
        if current is not None and all(
            getattr(current, name) == value for name, value in wanted.items()
        ):
            return current
        pause = None if current is None else call.resend_pause(failure, Kind.COMPARED)
        if pause is None:
            raise call.summed_up(failure)
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
        return await context.session.call(request, read, is_ours=is_ours, within=options)
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
