"""Names: finding the one object that bears one, and refusing one where only an id will do."""

import re
from typing import TypeVar

from .. import _validation
from .._api import Listing, RegionApi
from .._session import CallOptions
from .._validation import Id
from ..errors import AmbiguousNameError, InvalidArgumentError, NotFoundError, short
from ..models import Instance, Schedule, Snapshot

_ID_FORM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

R = TypeVar("R", Instance, Schedule, Snapshot)


async def the_one(listing: Listing[R], field: str, wanted: str, what: str) -> R:
    """The one of a listing whose field has this very text; reads the listing once, to its end.

    Raises `NotFoundError` if there is none, `AmbiguousNameError` if there are several.
    """
    _validation.text(wanted, field)
    found = [one for one in await listing.collect() if getattr(one, field) == wanted]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"there is no {what} whose {field} is {short(wanted)!a}")
    ids = ", ".join(short(one.id) for one in found[:10])
    error = AmbiguousNameError(
        f"{len(found)} {what}s have the {field} {short(wanted)!a}; use an id: {ids}"
    )
    error.candidates = tuple(found)
    raise error


async def refuse_name(
    api: RegionApi, given: Id | Snapshot, key: tuple[str, str], why: str, options: CallOptions
) -> None:
    """Raise `InvalidArgumentError` for a snapshot's name where only its id will do.

    The server takes both, so that a text which does not look like an id is looked up first.
    """
    instance_id, text = key
    if isinstance(given, Snapshot) or _ID_FORM.fullmatch(text):
        return
    try:
        listed = await api.list_snapshots(instance_id, options).collect()
    except NotFoundError:
        return  # there is nothing that could bear the name
    named = [one.id for one in listed if one.name == text]
    if named and not any(one.id == text for one in listed):
        raise InvalidArgumentError(
            f"{text} is the name of a snapshot, not its id, and {why}; its id is "
            f"{' or '.join(named[:10])}"
        )
