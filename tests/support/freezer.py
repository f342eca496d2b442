"""File systems that a test freezes, and a record of when each was frozen and thawed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from attrs import define, field

from civo_snapshots import Clock


@define
class Freezer:
    """Its `hold` is a `quiesce` of runs and creates.

    Attributes:
        freezing, thawing: seconds that these take.
        fails: by instance, what freezing it ends with.
        frozen: since when each is frozen that is so now.
        spells: of each freeze that is over: the instance, and from when to when it lasted.
        asked: how often anything was to be frozen.
    """

    clock: Clock
    freezing: float = 0.0
    thawing: float = 0.0
    fails: dict[str, Exception] = field(factory=dict)
    thaw_fails: bool = False
    frozen: dict[str, float] = field(factory=dict)
    spells: list[tuple[str, float, float]] = field(factory=list)
    asked: int = 0

    @asynccontextmanager
    async def hold(self, instance_id: str) -> AsyncGenerator[None]:
        self.asked += 1
        try:
            await self.clock.sleep(self.freezing)
            if instance_id in self.fails:
                raise self.fails[instance_id]
            assert instance_id not in self.frozen
            self.frozen[instance_id] = self.clock.monotonic()
            yield
        finally:
            if instance_id in self.frozen:
                await self.clock.sleep(self.thawing)
                since = self.frozen.pop(instance_id)
                self.spells.append((instance_id, since, self.clock.monotonic()))
                if self.thaw_fails:
                    raise OSError("fsfreeze: unfreeze failed")

    @property
    def times(self) -> list[tuple[float, float]]:
        return [(since, until) for _, since, until in self.spells]
