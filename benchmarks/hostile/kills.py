"""Twenty times kill -9 in the middle of a fan-out of 1,000, then a new process that continues it.

The region has a process of its own and outlives them all; what counts is its table.
"""

import asyncio
import random
import time
from collections import Counter

from attrs import Factory, define

from benchmarks.hostile import _processes
from benchmarks.hostile._figures import Figure, show

KILLS = 20
INSTANCES = 1_000
_AT_ONCE = 2
_NAME = "nightly-20261123"


@define
class Tally:
    """What all rounds came to."""

    in_the_middle: int = 0
    present: list[int] = Factory(list[int])
    duplicates: int = 0
    adopted: list[int] = Factory(list[int])
    problems: list[str] = Factory(list[str])


async def _killed(server: dict[str, object], share: float) -> int:
    """Start a fan-out and kill it once about that share is made; how many were."""
    options = {"url": server["url"], "token": server["token"], "name": _NAME}
    process = await _processes.start("_fan_out", instances=server["instances"], **options)
    made, until = 0, time.monotonic() + 30
    try:
        while made < share * INSTANCES and time.monotonic() < until:
            await asyncio.sleep(0.01)
            made = len(await _processes.snapshots_at(str(server["url"])))
    finally:
        await _processes.end(process)
    # Whatever the process sent before it died has been received by now.
    await asyncio.sleep(0.1)
    return len(await _processes.snapshots_at(str(server["url"])))


async def _round(number: int, tally: Tally) -> None:
    share = random.Random(number).uniform(0.02, 0.85)
    options = {"instances": INSTANCES, "duration": (0.05, 0.2)}
    async with _processes.running("_region_server", **options) as server:
        made = await _killed(server, share)
        tally.in_the_middle += 0 < made < INSTANCES
        again = {"url": server["url"], "token": server["token"], "name": _NAME}
        async with _processes.running(
            "_fan_out", instances=server["instances"], **again
        ) as continued:
            pass
        table = await _processes.snapshots_at(server["url"])
    each = Counter(str(one["instance_id"]) for one in table)
    tally.present.append(len(each))
    tally.duplicates += sum(each.values()) - len(each)
    tally.adopted.append(continued["adopted"])
    wanted = {"complete": INSTANCES, "failed": 0, "timed_out": 0, "unknown": 0}
    counts = {kind: continued["counts"][kind] for kind in wanted}
    if counts != wanted or continued["ids"] != INSTANCES or continued["adopted"] != made:
        tally.problems.append(f"round {number}: {made} made before, then {continued}")


async def run() -> list[Figure]:
    """The figures of bar 5."""
    tally = Tally()
    rounds = iter(range(KILLS))

    async def work() -> None:
        for number in rounds:
            await _round(number, tally)

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    show(tally.problems)
    print(f"       adopted by the second process: {sorted(tally.adopted)}")
    return [
        Figure("kills in the middle", tally.in_the_middle, at_least=KILLS),
        Figure("fewest instances with a snapshot", min(tally.present), at_least=INSTANCES),
        Figure("duplicates", tally.duplicates, 0),
        Figure("second runs whose outcomes disagree", len(tally.problems), 0),
    ]
