"""The instances of a run as callers name them, and how a run takes them in."""

import asyncio
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Collection,
    Container,
    Iterable,
    Iterator,
)
from itertools import chain
from typing import TypeGuard

from .. import _validation
from .._validation import Id
from ..errors import InvalidArgumentError
from ..models import Instance

Instances = Iterable[Id | Instance] | AsyncIterable[Id | Instance]
Source = Iterator[str] | AsyncIterator[str]


class Intake:
    """Hands out the instances of an input, one at a time, while the run's reader wants more.

    Attributes:
        order: the ids as they came, also those that came before.
        error: what the input raised; it counts as its end. None if nothing.
    """

    def __init__(self, source: Source, known: Container[str]) -> None:
        """`known` are the instances that came before; who is handed one adds it at once."""
        self.order: list[str] = []
        self.error: Exception | None = None
        self._source = source
        self._known = known
        self._lock = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._wanted.set()

    def pause(self) -> None:
        """The reader has an outcome and may never come back: hand out nothing more."""
        self._wanted.clear()

    def resume(self) -> None:
        """The reader wants the next outcome: hand out at least one."""
        self._wanted.set()

    async def next(self) -> str | None:
        """An instance that did not come before; None at the end."""
        while True:
            async with self._lock:
                instance_id = await self._pull()
                if instance_id is None:
                    return None
                self.order.append(instance_id)
                await self._wanted.wait()
            if instance_id not in self._known:
                return instance_id

    async def _pull(self) -> str | None:
        if self.error is not None:
            return None
        source = self._source
        try:
            return next(source) if isinstance(source, Iterator) else await anext(source)
        except (StopIteration, StopAsyncIteration):
            return None
        except Exception as error:
            self.error = error
            return None


def is_whole(instances: Instances) -> TypeGuard[Collection[Id | Instance]]:
    """Whether the input is known as a whole, so that it can be checked before anything is sent."""
    return isinstance(instances, Collection)


def ids_of_all(instances: Iterable[Id | Instance]) -> Iterable[str]:
    return map(_validation.instance_id, instances)


def ids_of(instances: Instances) -> Source:
    """The instances' ids, checked one by one."""
    if isinstance(instances, AsyncIterable):
        return (_validation.instance_id(instance) async for instance in instances)
    return iter(ids_of_all(instances))


def check_empty(*, allow_empty: bool) -> None:
    """Refuse an input that yields nothing, unless the caller expects that."""
    if not allow_empty:
        raise InvalidArgumentError(
            "there are no instances to snapshot, so nothing would be protected; pass "
            "allow_empty=True if that is expected"
        )


async def begun(source: Source) -> Source | None:
    """The same source after it has yielded something; None if it yields nothing."""
    if isinstance(source, AsyncIterator):
        async for first in source:
            return _continued(first, source)
        return None
    for first in source:
        return chain((first,), source)
    return None


async def _continued(first: str, source: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for one in source:
        yield one


async def each(source: Source) -> AsyncIterator[str]:
    if isinstance(source, AsyncIterator):
        async for one in source:
            yield one
    else:
        for one in source:
            yield one
