"""Deletes: what acknowledges them, and which 404 proves that there is nothing left to delete."""

from collections.abc import Callable
from math import inf
from typing import Any

from .._http import Kind, Response, parse_json
from .._session import CallOptions, LogicalCall, Within
from ..errors import CivoError, NotFoundError, UnexpectedResponseError
from ..models import Acknowledgement, with_extra
from .context import RegionContext
from .identity import LAG, Missing, bears, missing_of, outlasts_lag
from .listing import Listing
from .orphans import REGION_WIDE, orphan_of

_RECORD_FIELDS = frozenset({"name", "created_at", "included_volumes", "instances", "hostname"})

_LEAST_PAUSE = 0.1
"""Seconds: the remainder of a pause may be too small to move a clock at all."""

ListedWithin = Callable[[Within], Listing[Any]]
"""The listing that would have an object, read within these bounds."""


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
    options: Within,
    missing_ok: bool,
    listed: ListedWithin | None = None,
    believed_from: float = -inf,
) -> Acknowledgement:
    """Delete; a proven 404 is success if that is ok, or an earlier attempt may have done it.

    A 404 without a code proves nothing: it is believed only if the listing that would have the
    object lacks it as well, twice. Until `believed_from`, a moment on the client's clock, reads
    may lag behind the object's create, and a 404 is asked again.
    """
    clock = context.session.clock
    call = _begun(context, options)
    request = context.request("DELETE", segments)
    gone_is_fine, pause = missing_ok, 1.0
    while True:
        try:
            return await context.session.call(request, acknowledgement, within=call)
        except NotFoundError as error:
            failure = error
        gone_is_fine = gone_is_fine or bool(failure.call and failure.call.may_have_acted)
        doubted = believed_from - clock.monotonic()
        if missing_of(failure) is not Missing.OBJECT or doubted <= 0:
            break
        pause = max(min(pause, doubted), _LEAST_PAUSE)
        if pause >= call.deadline.left():
            failure.message += "; it was created a moment ago, so that this proves nothing yet"
            raise failure
        await context.session.pause(pause)
        pause *= 2
    if not gone_is_fine:
        raise failure
    proven = missing_of(failure) is Missing.OBJECT
    if missing_of(failure) is Missing.NOTHING and listed is not None:
        listing = listed(call.subcall(retried=True))
        proven = await _lacks(context, listing, segments[-1], call, believed_from)
    if not proven:
        raise failure
    return Acknowledgement(already_gone=True)


def _begun(context: RegionContext, within: Within) -> LogicalCall:
    if isinstance(within, LogicalCall):
        return within
    return context.session.begin(Kind.CONVERGENT, within)


async def _lacks(
    context: RegionContext,
    listing: Listing[Any],
    wanted: str,
    call: LogicalCall,
    believed_from: float,
) -> bool:
    """Whether a listing lacks an object, and still does when it can no longer be a delay."""
    clock = context.session.clock
    since: float | None = None
    while True:
        try:
            found = await listing.collect()
        except CivoError:
            return False
        if any(map(bears(wanted), found)):
            return False
        now = clock.monotonic()
        since = now if since is None else since
        if outlasts_lag(since, now) and now >= believed_from:
            return True
        pause = max(since + LAG - now, believed_from - now, _LEAST_PAUSE)
        if pause >= call.deadline.left():
            return False
        await context.session.pause(pause)


async def delete_snapshot(
    context: RegionContext,
    *segments: str,
    options: CallOptions,
    missing_ok: bool,
    listed: ListedWithin,
    believed_from: float,
) -> Acknowledgement:
    """Delete a snapshot of an instance, also where the instance is gone and it is not."""
    call = _begun(context, options)
    try:
        return await delete(
            context,
            *segments,
            options=call,
            missing_ok=missing_ok,
            listed=listed,
            believed_from=believed_from,
        )
    except NotFoundError as error:
        if missing_of(error) is not Missing.INSTANCE:
            raise
        failure = error
    try:
        orphan = await orphan_of(context, segments[-1], call.subcall(retried=True))
    except NotFoundError:
        failure.message += "; whether its snapshot is gone as well cannot be told"
        raise failure from None
    if orphan is not None:
        return await delete(
            context,
            *(REGION_WIDE, orphan.id),
            options=call,
            missing_ok=missing_ok,
            believed_from=believed_from,
        )
    if not missing_ok or context.session.clock.monotonic() < believed_from:
        raise failure
    return Acknowledgement(already_gone=True)
