"""Which error ends a whole run: one that every further create would meet as well."""

import asyncio

from .._api import RegionApi
from ..errors import (
    AuthenticationError,
    CivoError,
    NotFoundError,
    QuotaExceededError,
    ServiceDisabledError,
)

_STOPPING = (AuthenticationError, QuotaExceededError, ServiceDisabledError)


class StopCondition:
    """The first proven error that ends the run; `error` is None until there is one."""

    def __init__(self, api: RegionApi) -> None:
        self.error: CivoError | None = None
        self._api = api
        self._proving = asyncio.Lock()

    async def consider(self, error: CivoError, instance_id: str) -> None:
        """Take what a create ended with.

        That there is no such region is believed when a read of the instance says so too, because
        a gateway that is being changed says it as well.
        """
        if isinstance(error, _STOPPING):
            self.error = self.error or error
        elif _is_unknown_region(error):
            async with self._proving:
                if self.error is None and await self._is_confirmed(instance_id):
                    self.error = error

    async def _is_confirmed(self, instance_id: str) -> bool:
        try:
            await self._api.get_instance(instance_id, {})
        except CivoError as error:
            return _is_unknown_region(error)
        return False


def _is_unknown_region(error: CivoError) -> bool:
    return isinstance(error, NotFoundError) and error.code == "database_region_not_found"
