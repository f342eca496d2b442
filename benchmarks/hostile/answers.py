"""5,000 answers spoiled on the wire, over real sockets: only errors of the package, and on time."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

from attrs import Factory, define

from benchmarks.hostile import _processes
from benchmarks.hostile._figures import Figure, percentile, show
from civo_snapshots import CivoClient, CivoError, Instance, Snapshot, Timeouts

CALLS = 5_000
AT_ONCE = 30
CALLS_OF_ONE = 10
"""Of one client: to many more of these it would hold back what it sends, as in an outage."""
LIMIT = 0.6
LATE = 0.25
_LIMITS = Timeouts(
    connect=1.0, read=0.4, attempt=0.5, call=LIMIT, create=LIMIT, reconcile_window=0.1
)
Call = Callable[[CivoClient, str], Awaitable[object]]


@define
class Tally:
    """How the calls ended."""

    ends: Counter[str] = Factory(Counter[str])
    late: list[float] = Factory(list[float])
    problems: list[str] = Factory(list[str])


async def _get(civo: CivoClient, seed: str) -> Instance:
    return await civo.instances.get(seed, retries=False)


async def _get_again(civo: CivoClient, seed: str) -> Instance:
    return await civo.instances.get(seed)


async def _get_snapshot(civo: CivoClient, seed: str) -> Snapshot:
    return await civo.snapshots.get("i-1", seed, retries=False)


async def _list(civo: CivoClient, seed: str) -> object:
    # One page: each of a listing has a limit of its own, and a hostile server promises thousands.
    async with aclosing(civo.snapshots.list(seed, retries=False).pages()) as pages:
        return await anext(pages)


async def _delete(civo: CivoClient, seed: str) -> object:
    return await civo.snapshots.delete("i-1", seed)


async def _update(civo: CivoClient, seed: str) -> object:
    return await civo.snapshots.update("i-1", seed, name="other")


async def _create(civo: CivoClient, seed: str) -> object:
    return await civo.snapshots.create(seed, name="before-upgrade")


async def _restore(civo: CivoClient, seed: str) -> object:
    return await civo.snapshots.restore("i-1", seed, hostname="copy")


async def _schedule(civo: CivoClient, seed: str) -> object:
    return await civo.schedules.get(seed, retries=False)


_CALLS: Mapping[Call, int] = {
    _get: 35,
    _get_snapshot: 10,
    _list: 20,
    _delete: 8,
    _get_again: 8,
    _update: 5,
    _create: 8,
    _restore: 3,
    _schedule: 3,
}


async def _one(civo: CivoClient, seed: str, call: Call, tally: Tally) -> None:
    began = time.perf_counter()
    try:
        found = await asyncio.wait_for(call(civo, seed), 20)
    except CivoError as error:
        tally.ends[type(error).__name__] += 1
    except Exception as error:
        tally.ends["(leaked)"] += 1
        tally.problems.append(f"{call.__name__} {seed}: {type(error).__name__}: {error}")
    else:
        tally.ends["(answered)"] += 1
        if isinstance(found, (Instance, Snapshot)) and call is not _create and found.id != seed:
            tally.problems.append(f"{call.__name__} {seed}: got {found.id}")
    late = time.perf_counter() - began - LIMIT
    tally.late.append(late)
    if late > LATE:
        tally.problems.append(f"{call.__name__} {seed}: {late:.2f} s late")


async def run() -> list[Figure]:
    """The figures of bar 3, second half."""
    rng = random.Random(3)
    seeds = iter(range(CALLS))
    tally = Tally()
    clients: list[CivoClient] = []
    async with _processes.running("_answer_server") as server:

        async def work() -> None:
            for number, seed in enumerate(seeds):
                if number % CALLS_OF_ONE == 0:
                    civo = CivoClient(
                        "fake-token",
                        region="LON1",
                        api_url=f"http://127.0.0.1:{server['port']}",
                        timeouts=_LIMITS,
                    )
                    clients.append(civo)
                [call] = rng.choices(list(_CALLS), list(_CALLS.values()))
                await _one(civo, f"x-{seed}", call, tally)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        sent = sum(civo.requests_sent for civo in clients)
        await asyncio.gather(*(civo.close() for civo in clients))
    show(tally.problems)
    print(f"       {dict(tally.ends.most_common())}, {sent} requests")
    return [
        Figure("answers spoiled on the wire", sent, at_least=CALLS),
        Figure("errors of other kinds", tally.ends["(leaked)"], 0),
        Figure("other problems", len(tally.problems), 0),
        Figure("latest end after a limit", max(tally.late), LATE, unit="s"),
        Figure("99th percentile of it", percentile(tally.late, 0.99), LATE, unit="s"),
    ]
