"""Finding the one object that bears a name: what every resource's `get_by_name()` does."""

from typing import TypeVar

from .. import _validation
from .._api import Listing
from ..errors import AmbiguousNameError, NotFoundError
from ..models import Instance, Schedule, Snapshot

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
        raise NotFoundError(f"there is no {what} whose {field} is {wanted!a}")
    ids = ", ".join(one.id for one in found[:10])
    error = AmbiguousNameError(
        f"{len(found)} {what}s have the {field} {wanted!a}; use an id: {ids}"
    )
    error.candidates = tuple(found)
    raise error
