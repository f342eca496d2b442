"""The token that requests bear: a text, or what a callable gives, asked again after a 401."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from math import inf

from ..errors import CivoError, ClientClosedError, ConfigurationError, DeadlineExceededError
from .secret import Secret, problem_of

TokenCallable = Callable[[], str | Awaitable[str]]

_REMEMBERED = 4
"""Tokens that are masked: an answer may still echo one that is no longer used."""


class TokenSource:
    """What one client's requests bear, now and after a 401.

    Attributes:
        present: the token to send; None until the callable was first asked.
        origin: where it came from, for messages.
        can_renew: whether there is a callable to ask for another one.
    """

    def __init__(self, origin: str, given: Secret | TokenCallable) -> None:
        self.origin = origin
        self.present = given if isinstance(given, Secret) else None
        self.can_renew = self.present is None
        self._given = given
        self._known: tuple[Secret, ...] = () if self.present is None else (self.present,)
        self._asking: asyncio.Task[str] | None = None
        self._waiting = 0
        self._closed = False

    async def renew(self, within: float) -> Secret | CivoError:
        """Another token, asked for once however many wait for it, each so many seconds.

        Errors are returned, so that they are raised with none in their context.
        """
        if (closed := self._refusal()) is not None:
            return closed
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        asking = self._asking
        self._waiting += 1
        try:
            await asyncio.wait({asking}, timeout=None if within == inf else within)
        finally:
            self._waiting -= 1
            if not self._waiting:  # else one that hangs would hang for ever
                asking.cancel()
                self._asking = None
        if (closed := self._refusal()) is not None:
            return closed
        if not asking.done():
            return DeadlineExceededError(f"the call's time ran out before {self.origin} returned")
        problem = "was cancelled" if asking.cancelled() else asking.result()
        if problem or self.present is None:
            return ConfigurationError(f"no API token: {self.origin} {problem}")
        return self.present

    def _refusal(self) -> CivoError | None:
        return ClientClosedError("the client is closed; make a new one") if self._closed else None

    async def close(self) -> None:
        """Ask no more; who waits for a token gets none."""
        self._closed = True
        if (asking := self._asking) is not None:
            asking.cancel()
            await asyncio.wait({asking})

    def masked(self, text: str) -> str:
        """A text without any token."""
        for secret in self._known:
            text = secret.masked(text)
        return text

    def masked_body(self, body: bytes) -> bytes:
        """A body without any token."""
        for secret in self._known:
            body = secret.masked_body(body)
        return body

    async def _ask(self) -> str:
        """Ask the callable, and return what was wrong; neither that nor a traceback has a token."""
        if isinstance(self._given, Secret):
            return "cannot be asked again"
        try:
            answer = self._given()
            value = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # it may be anything, and hold the token
            return f"raised {type(error).__name__}"
        if problem := problem_of(value):
            return f"returned one that {problem}"
        self.present = Secret(value)
        self._known = (*self._known[1 - _REMEMBERED :], self.present)
        return ""
