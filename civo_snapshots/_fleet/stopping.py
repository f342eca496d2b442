"""Which error ends a whole run: one that every further create would meet as well."""

from collections.abc import Awaitable, Callable
from copy import copy
from typing import TypeVar

from .._api import RegionApi
from .._session import ONCE, Doubt, doubt_of
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
        self._successes = 0

    async def confirmed(
        self, call: Callable[[], Awaitable[T]], instance_id: str | None = None
    ) -> T:
        """Await a call, which is tried again if it is refused and a read does not confirm that.

        The read is of the instance's snapshots, without an instance the call itself. A call that
        was refused access has done nothing. Raises the run's own error if that is why it ends.
        """
        successes = self._successes
        pauses = iter(_PAUSES)
        while True:
            began = self._api.session.confirmation.mark()
            try:
                done = await call()
            except CivoError as error:
                if isinstance(error, (QuotaExceededError, ServiceDisabledError)):
                    self.error = self.error or error
                if doubt_of(error) is None:
                    raise
                refusal = error
            else:
                self._successes += 1
                return done
            pause = next(pauses, None)
            if await self._is_confirmed(refusal, instance_id, call, began) or (
                pause is None and self._is_read_only(refusal, successes)
            ):
                self.error = self.error or refusal
            if self.error is not None:
                raise copy(self.error)
            if pause is None or pause >= self._left():
                raise refusal
            await self._api.session.pause(pause)

    def _is_read_only(self, error: CivoError, successes: int) -> bool:
        """Whether the token serves for reads alone: nothing else succeeded while one was tried."""
        return doubt_of(error) is Doubt.ACCOUNT and self._successes == successes

    async def _is_confirmed(
        self,
        error: CivoError,
        instance_id: str | None,
        call: Callable[[], Awaitable[object]],
        since: int,
    ) -> bool:
        def read() -> Awaitable[object]:
            if instance_id is None:
                return call()
            return self._api.list_snapshots(instance_id, ONCE, poll=True).collect()

        return await self._api.session.confirmation.confirms(
            error, read, region=self._api.named_region(), since=since
        )
