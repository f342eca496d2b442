"""Which error ends a whole run: one that every further create would meet as well."""

from collections.abc import Awaitable, Callable
from copy import copy
from typing import TypeVar

from .._api import RegionApi
from .._session import ONCE, doubt_of
from ..errors import CivoError, QuotaExceededError, ServiceDisabledError

T = TypeVar("T")

_PAUSES = (1.0, 4.0)
"""Seconds before what was refused is tried again, if the refusal was not confirmed."""


class StopCondition:
    """The first proven error that ends the run; `error` is None until there is one."""

    def __init__(self, api: RegionApi, left: Callable[[], float]) -> None:
        """`left` tells how many seconds the run has left."""
        self.error: CivoError | None = None
        self._api = api
        self._left = left

    async def confirmed(
        self, call: Callable[[], Awaitable[T]], instance_id: str | None = None
    ) -> T:
        """Await a call, which is tried again if it is refused and a read does not confirm that.

        The read is of the instance's snapshots, without an instance the call itself. A call that
        was refused access has done nothing. Raises the run's own error if that is why it ends.
        """
        for pause in (*_PAUSES, None):
            began = self._api.session.clock.monotonic()
            try:
                return await call()
            except CivoError as error:
                if isinstance(error, (QuotaExceededError, ServiceDisabledError)):
                    self.error = self.error or error
                if doubt_of(error) is None:
                    raise
                refusal = error
            if await self._is_confirmed(refusal, instance_id, call, began):
                self.error = self.error or refusal
            if self.error is not None:
                raise copy(self.error)
            if pause is None or pause >= self._left():
                break
            await self._api.session.clock.sleep(pause)
        raise refusal

    async def _is_confirmed(
        self,
        error: CivoError,
        instance_id: str | None,
        call: Callable[[], Awaitable[object]],
        since: float,
    ) -> bool:
        def read() -> Awaitable[object]:
            if instance_id is None:
                return call()
            return self._api.list_snapshots(instance_id, ONCE).collect()

        return await self._api.session.confirmation.confirms(
            error, read, region=self._api.named_region(), since=since
        )
