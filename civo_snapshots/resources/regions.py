"""Regions (API page "Regions")."""

from typing import Unpack

from .._api.context import Scope
from .._api.listing import Listing
from .._codec.page_reader import page
from .._http.api_errors import Kind, Request, path_of
from .._session.deadline import CallOptions
from ..models import Page, Region


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
