"""10,000 random steps with drawn regions: is anybody told what is not so?

Callers, other people and the network act at once on a region; whatever a caller is told is held
against the region's own table at that moment. A walk has its own region and client; the first lie
ends it, is brought down to the steps that it takes, and is shown with them.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from benchmarks.hostile._figures import Figure
from benchmarks.hostile._mischief import NETWORK, PEOPLE
from benchmarks.hostile._walk import CALLERS, TIME, Step, Walk
from civo_snapshots.testing import FakeRegion

LENGTH = 40

NOT_MENDED: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "quota_lock": (0.0, ()),  # R152: a quota that is locked for longer than a moment
    "one_at_a_time": (False, ()),  # R152: a create while another one of the instance runs
    "restore_queue": (0.0, ()),  # R177: an instance that is overwritten only after a queue
    "restore_ends": ("ACTIVE", ()),  # R177: an instance that ends stopped
    "domain": ("", ()),  # R177: a hostname with a domain behind it
    "instance_skew": (0.0, ()),  # R177: an instance that is dated before its restore
    "volume_listing": ("each", ("partial",)),  # R178: a volume that is never listed
    "read_lag": (0.0, ()),  # R161: reads that are stale, all of them or by turns
    "listing_gaps": (0.0, ()),  # R161: a region-wide listing that never shows some
    "unique_names": ("free", ()),  # R161: a name that is taken, while reads are stale
    "date_skew": (0.0, ()),  # R172: a gateway and a backend that disagree about the time
    "created_skew": (0.0, ()),  # R172
    "pages_off_by": (0, (-1,)),  # R195: too few pages told, of pages that are capped in silence
}
"""Switches that the SDK does not serve yet: what does no harm, and which values do (none: any)."""


@define
class Lie:
    """What was told and not so, and how to come to it again."""

    seed: int
    text: str
    steps: Sequence[Step]
    region: str
    trace: Sequence[str]

    def __str__(self) -> str:
        lines = [f"walk {self.seed}: {self.text}", self.region, *self.trace]
        return "\n       ".join(lines)


@define
class Found:
    """What walks came to."""

    steps: int = 0
    walks: int = 0
    lies: list[Lie] = field(factory=list[Lie])


def pinned(seed: int) -> dict[str, Any]:
    """Switches whose draw would meet a known fault, and what they are set to instead."""
    drawn = FakeRegion.any(seed, instances=0).switches
    return {
        name: harmless
        for name, (harmless, harmful) in NOT_MENDED.items()
        if not harmful or getattr(drawn, name) in harmful
    }


def draw(seed: int, length: int) -> list[Step]:
    """The steps of one walk; in a third of them nothing goes wrong on the wire."""
    rng = random.Random(f"walk {seed}")
    weights = {**CALLERS, **TIME, **(NETWORK if seed % 3 else {}), **(PEOPLE if seed % 4 else {})}
    kinds = rng.choices(list(weights), list(weights.values()), k=length)
    return [Step(kind, rng.getrandbits(32), number) for number, kind in enumerate(kinds)]


async def _told(seed: int, steps: Sequence[Step]) -> Walk:
    walk = Walk(seed, pinned(seed))
    await walk.play(steps)
    return walk


async def shrunk(seed: int, steps: Sequence[Step]) -> Lie:
    """The lie with no step that it does without."""
    last = await _told(seed, steps)
    kept, size = list(steps), len(steps) // 2
    while size:
        for start in range(len(kept) - size, -1, -size):
            fewer = kept[:start] + kept[start + size :]
            walk = await _told(seed, fewer)
            if walk.judge.lies:
                kept, last = fewer, walk
        size //= 2
    text = next(iter(last.judge.lies), "did not come again")
    return Lie(seed, text, kept, repr(last.region), last.trace)


async def search(steps: int, seed: int, *, length: int = LENGTH, shrink: int = 1) -> Found:
    """Walk until so many steps are done; the first lies are brought down to what they take."""
    found = Found()
    while found.steps < steps:
        walk_seed = seed * 1_000_000 + found.walks
        drawn = draw(walk_seed, min(length, steps - found.steps))
        walk = await _told(walk_seed, drawn)
        found.steps += len(drawn)
        found.walks += 1
        if walk.judge.lies:
            lie = Lie(walk_seed, walk.judge.lies[0], drawn, repr(walk.region), walk.trace)
            if len(found.lies) < shrink:
                lie = await shrunk(walk_seed, drawn)
            found.lies.append(lie)
    return found


async def run(steps: int = 10_000, seed: int = 1) -> list[Figure]:
    """The figures of issue 13's bar."""
    print(f"       seed {seed}")
    found = await search(steps, seed)
    for lie in found.lies[:1]:
        print(f"       {lie}")
    for lie in found.lies[1:]:
        print(f"       walk {lie.seed}: {lie.text}")
    return [
        Figure("steps", found.steps, at_least=steps),
        Figure("walks, each in a region of its own", found.walks),
        Figure("lies told", len(found.lies), 0),
    ]
