"""10,000 random steps with drawn regions: is anybody told what is not so?

Callers, other people and the network act at once on a region; whatever a caller is told is held
against the region's own table at that moment. A walk has its own region and client; the first lie
ends it, is brought down to the steps that it takes, and is shown with them.
"""

import random
from collections.abc import Sequence

from attrs import define, field

from benchmarks.hostile._figures import Figure
from benchmarks.hostile._mischief import NETWORK, PEOPLE
from benchmarks.hostile._walk import CALLERS, TIME, Step, Walk

LENGTH = 40


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


def draw(seed: int, length: int) -> list[Step]:
    """The steps of one walk; in a third of them nothing goes wrong on the wire."""
    rng = random.Random(f"walk {seed}")
    weights = {**CALLERS, **TIME, **(NETWORK if seed % 3 else {}), **(PEOPLE if seed % 4 else {})}
    kinds = rng.choices(list(weights), list(weights.values()), k=length)
    return [Step(kind, rng.getrandbits(32), number) for number, kind in enumerate(kinds)]


async def _told(seed: int, steps: Sequence[Step]) -> Walk:
    walk = Walk(seed)
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
