"""The account's quota (API page "Quota")."""

from typing import Unpack

from .._api import RegionApi
from .._session import CallOptions, call_options
from .._version import made_by_a_client
from ..models import Quota
from ._resource import Resource


class Quotas(Resource):
    """Reads the account's limits, and what is used of them.

    The API's page is "Quota".
    """

    @made_by_a_client
    def __init__(self, api: RegionApi) -> None:
        self._api = api

    async def get(self, **options: Unpack[CallOptions]) -> Quota:
        """Limit and usage; a deleted snapshot counts until its deletion completes.

        Args:
            options: as in `CallOptions`.
        """
        return await self._api.get_quota(call_options(options))
