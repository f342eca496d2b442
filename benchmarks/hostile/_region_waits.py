"""Waits of a real client over HTTP against the fake region, judged by the region's own table."""

import asyncio
import random

from attrs import define, field

from civo_snapshots import (
    CivoClient,
    CivoError,
    PollPolicy,
    Snapshot,
    SnapshotFailedError,
    WaitTimeoutError,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

_POLL_ROUTES = (
    "GET /v2/instances/{id}/snapshots/{sid}",
    "GET /v2/instances/{id}/snapshots",
    "GET /v2/resourcesnapshots",
)
_FAULTS = (
    Fault.drop_after_acting(),
    Fault.drop_after_acting(reset=True),
    Fault.cut_body(),
    Fault.malformed_json(),
    Fault.gateway_html(502),
    Fault.rate_limited("1"),
    Fault.status(404, b"404 page not found\n"),
)
_SLACK = 30.0
"""Seconds before a deadline within which failed polls may hide the end: more than ten in a row."""


@define
class Wide:
    """What the waits over HTTP came to."""

    waits: int = 0
    latest: float = float("-inf")
    problems: list[str] = field(factory=list[str])


async def over_http(waits: int, at_once: int = 20) -> Wide:
    """So many waits, some of them sharing a region."""
    wide = Wide()
    for seed in range(waits // at_once):
        await _region(seed, at_once, wide)
    return wide


async def _region(seed: int, waits: int, wide: Wide) -> None:
    rng = random.Random(seed)
    clock = FakeClock(idle_turns=200)
    policy = PollPolicy(floor=0.5, ceiling=2.0, volume_grace=5.0)
    async with (
        FakeRegion(instances=waits, clock=clock, seed=seed, duration=(1, 120)) as region,
        CivoClient(
            region.token, region=region.region, api_url=region.url, clock=clock, poll=policy
        ) as civo,
    ):
        for instance_id in rng.sample(region.instance_ids, waits // 4):
            region.fail_volume(instance_id, leave_pending=rng.random() < 0.5)
        made = [await civo.snapshots.create(one) for one in region.instance_ids]
        for route in _POLL_ROUTES:
            for fault in _FAULTS:
                region.fault(route, fault, times=None, probability=0.1 / len(_FAULTS))
        timeouts = [rng.choice((0.0, 10.0, 60.0, 200.0)) for _ in made]
        jobs = (
            _wait(civo, region, snapshot, timeout)
            for snapshot, timeout in zip(made, timeouts, strict=True)
        )
        for late, problem in await asyncio.gather(*jobs):
            wide.waits += 1
            wide.latest = max(wide.latest, late)
            if problem:
                wide.problems.append(f"region {seed}: {problem}")


async def _wait(
    civo: CivoClient, region: FakeRegion, snapshot: Snapshot, timeout: float
) -> tuple[float, str]:
    """How late the wait ended, and what is wrong with its end."""
    clock, problem = region.clock, ""
    deadline = clock.monotonic() + timeout
    end: Snapshot | CivoError
    try:
        end = await civo.snapshots.wait_until_complete(snapshot, timeout=timeout)
    except CivoError as error:
        end = error
    now = clock.monotonic()
    volumes = region.state.snapshots[snapshot.id].volumes
    failed_at = min((fate.done_at for fate in volumes if fate.fails), default=None)
    done_at = max(fate.done_at for fate in volumes)
    decided_at = failed_at if failed_at is not None else done_at
    if isinstance(end, Snapshot):
        if failed_at is not None or now < done_at:
            problem = f"complete at {now}, but done at {done_at}, failed at {failed_at}"
    elif isinstance(end, SnapshotFailedError):
        if failed_at is None or now < failed_at:
            problem = f"failed at {now}, but failed at {failed_at}"
    elif isinstance(end, WaitTimeoutError):
        if now < deadline or decided_at < deadline - _SLACK:
            problem = f"timed out at {now}, deadline {deadline}, decided at {decided_at}"
    else:
        problem = repr(end)
    return now - deadline, problem
