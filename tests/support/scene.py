"""A region to poll without a network, and waits that register with a watcher directly."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from attrs import define, field

from civo_snapshots import (
    CivoError,
    Listing,
    NotFoundError,
    PollPolicy,
    RegionSnapshot,
    Snapshot,
    SnapshotStatus,
    Transition,
    VolumeStatus,
)
from civo_snapshots._codec import ListingConsumer, ListingItem, items_of
from civo_snapshots._naming import name_for
from civo_snapshots._session import Within
from civo_snapshots._watch import CompletionWait, RegisteredWait, Watcher
from civo_snapshots.states import DEFAULT_STATES, StateTable
from civo_snapshots.testing import FakeClock

from .stubs import StubApi, listing_of

Shown = str | tuple[str, ...]
"""A snapshot's own state, or that and those of its volumes."""

EVEN = PollPolicy(jitter=0)
"""Without dice, so that polls come at known times."""


def snapshot(key: str, shown: Shown = "Pending", instance: str = "", name: str = "") -> Snapshot:
    state, *volumes = (shown,) if isinstance(shown, str) else shown
    listed = tuple(VolumeStatus(f"v-{number}", text) for number, text in enumerate(volumes, 1))
    return Snapshot(
        id=key, name=name, status=SnapshotStatus(state, listed), instance_id=instance or "i-1"
    )


def named(instance: str, key: str) -> str:
    """A name that was made here, so that it identifies the snapshot in its region."""
    return name_for(key, instance)


def gone(code: str = "database_snapshot_not_found") -> NotFoundError:
    return NotFoundError("not found", status=404, code=code)


@define(slots=False)
class Scene:
    """A region as a test sets it up: what polls show or fail with, and which were made.

    Attributes:
        shown: by (instance, snapshot): a state, or a function of the time.
        unlisted: ids that the region's listing does not show.
        faults: what a kind of poll ("get", "instance", "region") ends with, first to last; None
            is a success, and the last one stays.
        asked: the kind and the key of each poll, and when.
        latency: seconds that a poll takes.
        ids: whether the listing has the snapshot's id outside, inside or nowhere.
        strangers: how many snapshots that nobody waits for the listing holds.
        too_large_for: for how many waits at most the listing is too long to pay.
        spent: seconds of the event loop that reading the listing takes.
        denied: by snapshot, what a GET of it ends with.
        has_own_slot: whether each poll but the region's listing used the polls' own slots.
    """

    clock: FakeClock = field(factory=FakeClock)
    shown: dict[tuple[str, str], Shown | Callable[[float], Shown | None]] = field(factory=dict)
    unlisted: set[str] = field(factory=set)
    faults: dict[str, list[CivoError | None]] = field(factory=dict)
    asked: list[tuple[str, str, float]] = field(factory=list)
    latency: float = 0.0
    ids: Literal["outer", "inner", "name"] = "outer"
    strangers: int = 0
    too_large_for: int = 0
    spent: float = 0.0
    denied: dict[str, CivoError] = field(factory=dict)
    has_own_slot: list[bool] = field(factory=list)

    def add(self, count: int, each: int = 1, shown: Shown = "Pending") -> list[tuple[str, str]]:
        """Add `count` instances with `each` snapshots each. Return the keys of the snapshots."""
        keys = [(f"i-{i}", f"s-{i}-{s}") for i in range(count) for s in range(each)]
        self.shown.update(dict.fromkeys(keys, shown))
        return keys

    def finish(self, *keys: tuple[str, str], at: float = 0.0, shown: Shown = "Complete") -> None:
        """Let these snapshots, or all, finish at that time."""
        for key in keys or tuple(self.shown):
            self.shown[key] = lambda now: shown if now >= at else "Pending"

    @property
    def counts(self) -> Counter[str]:
        return Counter(kind for kind, _, _ in self.asked)

    def times(self, kind: str | None = None) -> list[float]:
        return [at for asked, _, at in self.asked if kind in (None, asked)]

    def api(self) -> "SceneApi":
        return SceneApi(self)

    def _now(self, instance: str, key: str) -> Snapshot | None:
        shown = self.shown.get((instance, key))
        if callable(shown):
            shown = shown(self.clock.monotonic())
        return None if shown is None else snapshot(key, shown, instance, named(instance, key))

    async def _ask(self, kind: str, key: str) -> None:
        self.asked.append((kind, key, self.clock.monotonic()))
        if self.latency:
            await self.clock.sleep(self.latency)
        faults = self.faults.get(kind) or [None]
        fault = faults.pop(0) if len(faults) > 1 else faults[0]
        if fault is not None:
            raise fault

    async def get(self, instance: str, key: str, *, poll: bool) -> Snapshot:
        self.has_own_slot.append(poll)
        await self._ask("get", key)
        if key in self.denied:
            raise self.denied[key]
        found = self._now(instance, key)
        if found is None:
            raise gone()
        return found

    async def list_instance(self, instance: str, *, poll: bool) -> Sequence[Snapshot]:
        self.has_own_slot.append(poll)
        await self._ask("instance", instance)
        listed = [self._now(*key) for key in self.shown if key[0] == instance]
        return [found for found in listed if found and found.id not in self.unlisted]

    async def list_region(self, consumer: ListingConsumer) -> float | None:
        await self._ask("region", "")
        if consumer.limit <= 400_000 * self.too_large_for:
            return None
        listed = [self._now(*key) for key in self.shown]
        own = [self._item(found) for found in listed if found and found.id not in self.unlisted]
        consumer.consume(items_of(own))
        consumer.consume([ListingItem(id=f"x-{number}") for number in range(self.strangers)])
        return self.spent

    def _item(self, found: Snapshot) -> RegionSnapshot:
        outer = found.id if self.ids == "outer" else f"outer-{found.id}"
        inner = found.id if self.ids == "inner" else found.instance_id
        inside = Snapshot(id=inner, status=found.status)
        return RegionSnapshot(id=outer, name=found.name, instance=inside)


class SceneApi(StubApi):
    """The calls that a watcher makes."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.clock)
        self.scene = scene

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        return await self.scene.get(instance_id, snapshot_id, poll=poll)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        return listing_of(lambda: self.scene.list_instance(instance_id, poll=poll))

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        return await self.scene.list_region(consumer)


class Waiter:
    """One wait, as a caller of the watcher would register it."""

    def __init__(
        self,
        scene: Scene,
        watcher: Watcher,
        key: tuple[str, str],
        *,
        timeout: float = 1800.0,
        due: float | None = None,
        policy: PollPolicy = EVEN,
        known: Snapshot | None = None,
        on_change: Callable[[Transition], None] | None = None,
        kind: type[CompletionWait] = CompletionWait,
        table: StateTable = DEFAULT_STATES,
    ) -> None:
        now = scene.clock.monotonic()
        self.progress = kind(*key, policy, table, now)
        if known is not None:
            self.progress.seed(known, is_fresh=True)
        self.changes: list[Transition] = []
        self.ended_at: float | None = None
        self.ends = 0
        self._clock = scene.clock
        self._watcher = watcher
        self._future: asyncio.Future[Snapshot | CivoError] = asyncio.Future()
        self.wait = RegisteredWait(
            self.progress,
            now if due is None else due,
            now + timeout,
            self._end,
            on_change or self.changes.append,
        )
        watcher.add(self.wait)

    def _end(self, outcome: Snapshot | CivoError) -> None:
        self.ends += 1
        self.ended_at = self._clock.monotonic()
        self._future.set_result(outcome)

    @property
    def done(self) -> bool:
        return self._future.done()

    def remove(self) -> None:
        self._watcher.remove(self.wait)

    async def end(self) -> Snapshot | CivoError:
        return await self._future

    async def snapshot(self) -> Snapshot:
        outcome = await self._future
        assert isinstance(outcome, Snapshot), outcome
        return outcome


async def turn(times: int = 10) -> None:
    """Let the event loop turn, so that ended tasks can finish."""
    for _ in range(times):
        await asyncio.sleep(0)
