"""Regions (API page "Regions")."""

from typing import Unpack

from .._api import Listing, RegionApi
from .._session import CallOptions, call_options
from .._version import made_by_a_client
from ..models import Region
from ._resource import Resource


class Regions(Resource):
    """Reads the regions that a token can see; the one resource that needs no region itself.

    The API's page is "Regions".
    """

    @made_by_a_client
    def __init__(self, api: RegionApi) -> None:
        self._api = api

    def list(self, **options: Unpack[CallOptions]) -> Listing[Region]:
        """Every region.

        Args:
            options: as in `CallOptions`.
        """
        return self._api.list_regions(call_options(options))
