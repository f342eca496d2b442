"""What a run was asked for: its settings, and the instances as callers name them."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable, Iterator
from itertools import chain
from typing import Literal, TypeGuard

from attrs import frozen

from .. import _naming, _validation
from .._validation import Id
from .._watch import PollPolicy
from ..errors import InvalidArgumentError
from ..events import Transition
from ..models import Instance
from ..states import StateTable

OnExisting = Literal["adopt", "error", "create"]
Instances = Iterable[Id | Instance] | AsyncIterable[Id | Instance]
Source = Iterator[str] | AsyncIterator[str]


@frozen
class RunSettings:
    """What one run was asked for.

    Attributes:
        is_new: nothing can exist under its name yet.
        allow_empty: whether an input without instances is a run without outcomes.
    """

    name: str
    timeout: float
    concurrency: int
    max_in_flight: int
    policy: PollPolicy
    states: StateTable
    on_existing: OnExisting = "adopt"
    is_new: bool = False
    description: str | None = None
    on_change: Callable[[Transition], None] | None = None
    allow_empty: bool = False

    def name_for(self, instance_id: str) -> str:
        """The name of an instance's snapshot on the wire."""
        return _naming.name_for(self.name, instance_id)


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


def check_empty(settings: RunSettings) -> None:
    """Refuse an input that yields nothing, unless the caller expects that."""
    if not settings.allow_empty:
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
