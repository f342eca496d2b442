"""Whether a refusal that would end more than one wait or create is to be believed.

One 401 among good answers is the fault of one server behind a gateway; a revoked token is answered
so every time. So a read asks twice more, and any success meanwhile clears the doubt. There is one
such confirmation at a time, whose result everybody shares who was refused in the same way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from math import inf

from msgspec import Struct, field

from .._clock import Clock
from ..errors import AuthenticationError, CivoError, NotFoundError, PermissionDeniedError

_PAUSES = (1.0, 4.0)
"""Seconds before each of the reads."""

CONFIRMED_AFTER = sum(_PAUSES)
"""Seconds that a confirmation takes at least."""

_PROVEN_FOR = 60.0
"""Seconds for which what was confirmed needs no confirmation, while nothing succeeds."""


class Doubt(Enum):
    """What a refusal says of more than the object that was asked for."""

    ACCOUNT = "account"
    """The token, or its account, is not accepted (401)."""
    REGION = "region"
    """There is no such region."""
    RIGHTS = "rights"
    """This may not be done there (403), or a firewall dislikes this one request."""


def doubt_of(error: CivoError) -> Doubt | None:
    """What an error casts doubt on; None if it is about one object, or no refusal of access."""
    if isinstance(error, AuthenticationError):
        return Doubt.ACCOUNT
    if isinstance(error, PermissionDeniedError):
        if error.code == "database_account_access_denied":
            return Doubt.ACCOUNT
        return None if error.code == "authentication_access_denied" else Doubt.RIGHTS
    if isinstance(error, NotFoundError) and error.code == "database_region_not_found":
        return Doubt.REGION
    return None


class _Subject(Struct, eq=False):
    """What is in doubt: how often that was looked into, and when it was last proven."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    finished: int = 0
    proven: float = -inf
    proven_mark: int = 0


class Confirmation:
    """The doubts of one client, and what clears them."""

    def __init__(self, clock: Clock, pause: Callable[[float], Awaitable[None]]) -> None:
        self._clock = clock
        self._pause = pause
        self._successes = 0
        self._succeeded: dict[str, int] = {}
        self._subjects: dict[tuple[Doubt, str], _Subject] = {}

    def succeeded(self, region: str) -> None:
        """Note that a call in this region has just succeeded."""
        self._successes += 1
        self._succeeded[region.upper()] = self._successes

    def mark(self) -> int:
        """This moment, among the successes of the client."""
        return self._successes

    async def confirms(
        self,
        error: CivoError,
        read: Callable[[], Awaitable[object]],
        *,
        region: str,
        since: int,
    ) -> bool:
        """Whether an error that casts doubt is proven, by up to two calls of `read`.

        `since` is the mark of when the refused request was sent: a later success clears the doubt.
        """
        doubt = doubt_of(error)
        if doubt is None or self._is_cleared(doubt, region, since):
            return False
        key = (doubt, "" if doubt is Doubt.ACCOUNT else region.upper())
        subject = self._subjects.setdefault(key, _Subject())
        if self._is_proven(subject, doubt, region):
            return True
        finished = subject.finished
        async with subject.lock:
            if subject.finished == finished:  # else another one's confirmation answers for this
                is_proven = await self._look_twice(doubt, read, region, since)
                subject.proven = self._clock.monotonic() if is_proven else -inf
                subject.proven_mark = self.mark()
                subject.finished += 1
            return self._is_proven(subject, doubt, region)

    def _is_cleared(self, doubt: Doubt, region: str, since: int) -> bool:
        if doubt is Doubt.ACCOUNT:
            return self._successes > since
        return self._succeeded.get(region.upper(), 0) > since

    def _is_proven(self, subject: _Subject, doubt: Doubt, region: str) -> bool:
        recent = self._clock.monotonic() - subject.proven <= _PROVEN_FOR
        return recent and not self._is_cleared(doubt, region, subject.proven_mark)

    async def _look_twice(
        self, doubt: Doubt, read: Callable[[], Awaitable[object]], region: str, since: int
    ) -> bool:
        for pause in _PAUSES:
            await self._pause(pause)
            if self._is_cleared(doubt, region, since):
                return False
            try:
                await read()
            except CivoError as error:
                if doubt_of(error) is not doubt:
                    return False  # whatever that is, it confirms nothing
            else:
                return False
        return not self._is_cleared(doubt, region, since)
