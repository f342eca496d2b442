"""The steps of a fan-out over a region's instances: adopt, create, watch.

They are what a fan-out takes instead of a client; one object of them belongs to one run.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterable
from functools import partial
from typing import TypeGuard

from .._api.context import Scope, instance_id_of
from .._api.region_api import creation_of
from .._create.creation import Creation
from .._session.call import logger
from .._watch.progress import PollPolicy, Progress
from .._watch.schedule import Watch
from .._watch.wait import looks_of
from .._watch.watcher import Watcher
from ..events import Transition
from ..models import Instance, Snapshot
from ..states import StateTable
from .adoption import Adoption, best_of
from .member import Unwatch
from .run import OnEnd, Source

Instances = Iterable[str | Instance] | AsyncIterable[str | Instance]


class FanOut:
    """The steps of one run."""

    def __init__(
        self,
        scope: Scope,
        watcher: Watcher,
        policy: PollPolicy,
        table: StateTable,
        *,
        adopts: str | None,
        unique: bool,
        description: str | None,
        on_change: Callable[[Transition], None] | None,
    ) -> None:
        """`adopts` is what the names begin with under which something may exist already; `unique`
        tells that nothing but this run's can bear the others.
        """
        self._scope = scope
        self._watcher = watcher
        self._policy = policy
        self._table = table
        self._adoption = None if adopts is None else Adoption(looks_of(scope, {}), adopts)
        self._unique = unique
        self._description = description
        self._on_change = None if on_change is None else _guarded(on_change)
        self._creations: dict[str, Creation] = {}

    @property
    def adopts(self) -> bool:
        return self._adoption is not None

    async def prepare(self) -> None:
        """Read what the region has, once for all instances."""
        if self._adoption is not None:
            await self._adoption.prepare()

    async def find(self, instance_id: str, name: str) -> list[Snapshot]:
        assert self._adoption is not None
        return sorted(await self._adoption.find(instance_id, name), key=best_of(self._table))

    async def create(self, instance_id: str, name: str, within: float) -> Snapshot:
        creation = self._creations[instance_id] = creation_of(
            self._scope,
            instance_id,
            name,
            self._description,
            {"timeout": min(within, self._scope.session.timeouts.create)},
            unique=self._unique,
        )
        try:
            return await self._scope.creations.run_here(creation)
        finally:
            del self._creations[instance_id]

    def call_off(self, instance_id: str) -> bool:
        return instance_id not in self._creations or self._creations[instance_id].call_off()

    async def news(self, instance_id: str) -> None:
        if creation := self._creations.get(instance_id):
            await creation.news()

    def forsake(self, instance_id: str, worker: asyncio.Task[None]) -> None:
        self._scope.creations.forsake(self._creations[instance_id], worker)

    def watch(self, snapshot: Snapshot, deadline: float, on_end: OnEnd) -> Unwatch:
        """Register with the region's watcher; tells the end at once if it is known."""
        now = self._scope.session.clock.monotonic()
        progress = Progress(snapshot.instance_id, snapshot.id, self._policy, self._table, now)
        progress.begin_with(snapshot)
        if progress.outcome is not None:
            on_end(progress.outcome)
            return _nothing
        watch = Watch(progress, now + self._policy.floor, deadline, on_end, self._on_change)
        self._watcher.add(watch)
        return partial(self._watcher.remove, watch)


def _nothing() -> None:
    """There is nothing to stop."""


def _guarded(on_change: Callable[[Transition], None]) -> Callable[[Transition], None]:
    """A callback's error is logged: it must not end what others wait for."""

    def tell(transition: Transition) -> None:
        try:
            on_change(transition)
        except Exception:
            logger.exception("the on_change callback raised")

    return tell


def is_whole(instances: Instances) -> TypeGuard[Collection[str | Instance]]:
    """Whether the input is known as a whole, so that it can be checked before anything is sent."""
    return isinstance(instances, Collection)


def ids_of(instances: Instances) -> Source:
    """The instances' ids, checked one by one."""
    if isinstance(instances, AsyncIterable):
        return (instance_id_of(instance) async for instance in instances)
    return map(instance_id_of, instances)


async def all_of(source: Source) -> list[str]:
    """The whole input."""
    return [one async for one in source] if isinstance(source, AsyncIterator) else list(source)
