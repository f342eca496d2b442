"""Requests as the SDK tells them against requests as the server counted them."""

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain
from civo_snapshots import CivoClient, Event, RequestDone

_WORKERS = 100
CALLS_PER_ROUND = 5
DROPS = Faults(before=0.05, after=0.05)


async def mixed_round(civo: CivoClient, number: int) -> None:
    """One call of each kind: create, get, list, update, delete."""
    instance = f"i-{number % 500}"
    snapshot = await civo.snapshots.create(instance)
    await civo.snapshots.get(snapshot)
    await civo.snapshots.list(instance).collect()
    await civo.snapshots.update(snapshot, description=f"round {number}")
    await civo.snapshots.delete(snapshot)


async def _sdk(url: str, size: int) -> Figures:
    told: list[RequestDone] = []

    def listen(event: Event) -> None:
        if isinstance(event, RequestDone) and event.sent:
            told.append(event)

    async with sdk(url, workers=_WORKERS, reconcile_window=0.3, on_event=listen) as civo:
        errors = await work(
            size // CALLS_PER_ROUND, _WORKERS, lambda number: mixed_round(civo, number)
        )
    # After closing, because that may search once more for creates that were sent twice.
    figures = await _figures(url, civo.requests_sent, size, errors)
    apart = abs(figures["requests counted"] - len(told))
    return {**figures, "events apart": apart, "of them broken": sum(not one.status for one in told)}


async def _plain(url: str, size: int) -> Figures:
    async with Plain(url, attempts=4, connections=_WORKERS) as plain:

        async def one(number: int) -> None:
            instance = f"i-{number % 500}"
            key = await plain.create(instance, f"job-{number}")
            await plain.get(instance, key)
            await plain.list(instance)
            await plain.update(instance, key, f"round {number}")
            await plain.delete(instance, key)

        errors = await work(size // CALLS_PER_ROUND, _WORKERS, one)
    return await _figures(url, plain.told, size, errors)


async def _figures(url: str, told: int, size: int, errors: int) -> Figures:
    counted: int = (await stats_of(url))["total"]
    return {
        "requests counted": counted,
        "difference": abs(counted - told),
        "requests per call": counted / size,
        "rounds raised": errors,
    }


JOBS = (
    Job(
        "attempts",
        "calls (create, get, list, update, delete), 5 % + 5 % dropped: told and counted requests",
        10_000,
        DROPS,
        {"sdk": _sdk, "retry loop": _plain},
        # With one attempt in ten lost, four in a row are lost about once in 10,000 calls: a round
        # that raises is told, and no miss.
        (Bar("difference", most=0), Bar("events apart", most=0)),
    ),
)
