"""The account's quota (API page "Quota")."""

from typing import Unpack

from .._api.context import Scope
from .._codec.records import one
from .._session.deadline import CallOptions
from ..models import Quota


class Quotas:
    """Reads the part of the quota that snapshots use."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, **options: Unpack[CallOptions]) -> Quota:
        """Limit and usage; a deleted snapshot counts until its deletion completes."""
        request = self._scope.request("GET", "quota")
        return await self._scope.session.call(request, one(Quota), options=options)
