"""Creates over dropped connections and late commits: how many are duplicated, lost or raised."""

import asyncio
from collections.abc import Mapping

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Contestant, Figures, Job, sdk, stats_of, work
from benchmarks.reliability._plain import Plain

_WORKERS = 200
_SNAPSHOTS_PER_INSTANCE = 20
_WINDOW = 0.8
_HASTY = 0.1
_TOO_LATE = (3.0, 3.5)
"""Seconds: also a search on a busy machine must be over by then."""

DROPS = Faults(before=0.05, after=0.05)
LATE = Faults(before=0.05, after=0.05, late=0.02, late_to=0.3)
TOO_LATE = Faults(before=0.05, after=0.05, late=0.02, late_from=_TOO_LATE[0], late_to=_TOO_LATE[1])
_EXACTLY_ONCE = (
    Bar("duplicates", most=0),
    Bar("lost", most=0),
    Bar("wrong ids", most=0),
    Bar("errors", most=0),
)


async def tally(url: str, size: int, told: Mapping[str, str], errors: int) -> Figures:
    """What the server has, against what the callers were told (ids by name)."""
    stats = await stats_of(url)
    names: dict[str, list[str]] = stats["names"]
    known = set(told.values())
    return {
        "POSTs per create": stats["requests"].get("POST", 0) / size,
        "duplicates": sum(len(ids) - 1 for ids in names.values()),
        "lost": sum(_name(number) not in names for number in range(size)),
        "orphans": sum(key not in known for ids in names.values() for key in ids),
        "wrong ids": sum(key not in names.get(name, ()) for name, key in told.items()),
        "errors": errors,
    }


async def _sdk(url: str, size: int) -> Figures:
    told: dict[str, str] = {}
    async with sdk(url, workers=_WORKERS, reconcile_window=_WINDOW) as civo:

        async def one(number: int) -> None:
            made = await civo.snapshots.create(_instance(number, size), name=_name(number))
            told[_name(number)] = made.id

        errors = await work(size, _WORKERS, one)
    return await tally(url, size, told, errors)


async def _hasty_sdk(url: str, size: int) -> Figures:
    """A reconcile window shorter than the server's delay: duplicates must be reported."""
    told: dict[str, str] = {}
    async with sdk(url, workers=_WORKERS, reconcile_window=_HASTY) as civo:

        async def one(number: int) -> None:
            made = await civo.snapshots.create(_instance(number, size), name=_name(number))
            told[_name(number)] = made.id

        errors = await work(size, _WORKERS, one)
        await asyncio.sleep(_TOO_LATE[1] + 0.5)  # the last act; closing searches for them
    names: dict[str, list[str]] = (await stats_of(url))["names"]
    known = set(told.values())
    extras = {key for ids in names.values() for key in ids if key not in known}
    reported = [event.extra_id for event in civo.unresolved.extra_snapshots]
    return {
        **await tally(url, size, told, errors),
        "extras": len(extras),
        "reported": len(reported),
        "not reported": len(extras.difference(reported)),
        "reported wrongly": len(reported) - len(extras.intersection(reported)),
    }


def _plain(attempts: int) -> Contestant:
    async def run(url: str, size: int) -> Figures:
        told: dict[str, str] = {}
        async with Plain(url, attempts=attempts, connections=_WORKERS) as plain:

            async def one(number: int) -> None:
                made = await plain.create(_instance(number, size), _name(number))
                told[_name(number)] = made

            errors = await work(size, _WORKERS, one)
        await asyncio.sleep(_WINDOW)  # for what acts late
        return await tally(url, size, told, errors)

    return run


def _name(number: int) -> str:
    return f"job-{number}"


def _instance(number: int, size: int) -> str:
    return f"i-{number % max(1, size // _SNAPSHOTS_PER_INSTANCE)}"


JOBS = (
    Job(
        "creates",
        f"creates, 5 % of connections dropped before and 5 % after acting (window {_WINDOW} s)",
        10_000,
        DROPS,
        {"sdk": _sdk, "retry loop": _plain(4), "no retry": _plain(1)},
        (Bar("POSTs per create", most=1.08), *_EXACTLY_ONCE),
    ),
    Job(
        "late-commits",
        f"the same, and 2 % act up to 0.3 s after the drop (window {_WINDOW} s)",
        10_000,
        LATE,
        {"sdk": _sdk, "retry loop": _plain(4)},
        _EXACTLY_ONCE,
    ),
    Job(
        "too-late-commits",
        f"the same, and 2 % act 3 to 3.5 s after the drop (window only {_HASTY} s)",
        10_000,
        TOO_LATE,
        {"sdk": _hasty_sdk},
        (
            Bar("extras", least=1),
            Bar("not reported", most=0),
            Bar("reported wrongly", most=0),
            Bar("lost", most=0),
            Bar("wrong ids", most=0),
            Bar("errors", most=0),
        ),
    ),
)
