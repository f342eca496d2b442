"""Regions (API page "Regions")."""

from typing import Unpack

from .._flight import CallOptions
from .._pages import page
from .._paging import Listing
from .._protocol import Kind, Request, path_of
from ..models import Page, Region
from ._scope import Scope


class Regions:
    """Reads the regions that a token can see; the one resource that needs no region itself."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(self, **options: Unpack[CallOptions]) -> Listing[Region]:
        """Every region."""

        async def fetch(number: int) -> Page[Region]:
            query = () if number == 1 else (("page", str(number)),)
            request = Request("GET", path_of("regions"), Kind.SAFE, self._scope.region or "", query)
            return await self._scope.session.call(
                request, page(tuple[Region, ...], number), options=options
            )

        return Listing(fetch, lambda region: region.code)
