"""Instances: what snapshots are made of (API page "Instances")."""

from typing import Unpack

from .._api.context import Scope, instance_id_of, record_id
from .._api.listing import Listing
from .._codec.records import one
from .._session.deadline import CallOptions
from .._validation import count
from ..models import Instance

MAX_PER_PAGE = 100


class Instances:
    """Reads the instances of a region."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(
        self, *, per_page: int = MAX_PER_PAGE, **options: Unpack[CallOptions]
    ) -> Listing[Instance]:
        """Every instance, page by page as they are read; `per_page` is 1 to 100."""
        size = count(per_page, "per_page", most=MAX_PER_PAGE)
        return self._scope.listing(
            tuple[Instance, ...], "instances", key=record_id, page_size=size, options=options
        )

    async def get(self, instance_id: str, **options: Unpack[CallOptions]) -> Instance:
        """One instance; `NotFoundError` if there is none."""
        wanted = instance_id_of(instance_id)
        return await self._scope.session.call(
            self._scope.request("GET", "instances", wanted),
            one(Instance),
            is_ours=lambda found: found.id == wanted and self._is_here(found),
            options=options,
        )

    def _is_here(self, instance: Instance) -> bool:
        """Whether the answer, if it names a region, names this one: codes differ in case only."""
        here = self._scope.named_region()
        return instance.region.casefold() in ("", here.casefold())
