"""Snapshots that say complete before each volume of theirs is listed, against the fake region."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from civo_snapshots import (
    CivoClient,
    OutcomeKind,
    PollPolicy,
    SnapshotUnsettledError,
    State,
    Verdict,
    WaitTimeoutError,
)
from civo_snapshots.testing import FakeClock, FakeRegion

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
OWN = {"complete": "Sealed", "volume_complete": "Sealed"}
AT_EASE = PollPolicy(on_unsettled="return")


class Env:
    """A region whose snapshots have three volumes, and a client of it."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        self.region, self.civo, self.clock = region, civo, clock
        self.instance_id = region.instance_ids[0]
        self.never_listed = region.state.instances[self.instance_id].volume_ids[-1]


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"volume_listing": "partial"} | getattr(request, "param", {})
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, instances=4, volumes=3, **options) as region,
        CivoClient(
            region.token,
            region="LON1",
            api_url=region.url,
            clock=clock,
            states={"sealed": State.COMPLETE} if "states" in options else None,
        ) as civo,
    ):
        yield Env(region, civo, clock)


@pytest.mark.parametrize("env", [{}, {"states": OWN}], ids=["documented", "own"], indirect=True)
async def test_a_wait_for_a_volume_that_is_never_listed_ends_as_unsettled(env: Env) -> None:
    """R178: after the volume grace, also by the client's own states."""
    made = await env.civo.snapshots.create(env.instance_id)
    with pytest.raises(SnapshotUnsettledError) as caught:
        await env.civo.snapshots.wait_until_complete(made)
    error, record = caught.value, env.region.state.snapshots[made.id]
    assert error.unfinished_volumes == (env.never_listed,)
    assert env.never_listed in str(error)
    assert error.snapshot is not None
    assert error.snapshot.id == made.id
    assert record.complete_at + 60 <= env.clock.monotonic() <= record.complete_at + 80
    with pytest.raises(WaitTimeoutError, match=env.never_listed):
        await env.civo.snapshots.wait_until_complete(error.snapshot, timeout=30)


async def test_who_would_rather_have_it_is_given_it_as_it_is(env: Env) -> None:
    """R178."""
    made = await env.civo.snapshots.create(env.instance_id)
    seen = await env.civo.snapshots.wait_until_complete(made, poll=AT_EASE)
    assert (seen.state, len(seen.volumes), len(seen.included_volumes)) == ("Complete", 2, 3)
    assert seen.verdict is Verdict.SETTLING
    assert env.clock.monotonic() >= env.region.state.snapshots[made.id].complete_at + 60


@pytest.mark.parametrize(
    "env", [{"volume_listing": "late", "complete_early": 15, "duration": (20, 40)}], indirect=True
)
async def test_volumes_that_appear_late_complete_the_snapshot(env: Env) -> None:
    """R178: not before the last of them does."""
    for instance_id in env.region.instance_ids:
        made = await env.civo.snapshots.create(instance_id)
        done = await env.civo.snapshots.wait_until_complete(made)
        assert done.verdict is Verdict.COMPLETE
        assert len(done.volumes) == 3
        assert env.clock.monotonic() >= env.region.state.snapshots[made.id].done_at


@pytest.mark.parametrize(
    "env", [{"volume_listing": "none"}, {"volume_listing": "summary"}], indirect=True
)
async def test_a_region_that_lists_no_volume_is_believed(env: Env) -> None:
    """R178."""
    made = await env.civo.snapshots.create(env.instance_id)
    done = await env.civo.snapshots.wait_until_complete(made)
    assert (done.verdict, len(done.included_volumes)) == (Verdict.COMPLETE, 3)
    assert env.clock.monotonic() < env.region.state.snapshots[made.id].complete_at + 10


@pytest.mark.parametrize(
    "env", [{"region_ids": ids} for ids in ("outer", "inner", "name")], indirect=True
)
async def test_a_run_tells_it_as_unknown_and_repeats_nothing(env: Env) -> None:
    """R178, R160: however often, as nothing was seen failing."""
    for _ in range(2):
        run = await env.civo.snapshots.create_many(
            env.region.instance_ids, name="nightly", on_failed="retry"
        )
        assert {outcome.kind for outcome in run} == {OutcomeKind.UNKNOWN}
        assert {type(outcome.error) for outcome in run} == {SnapshotUnsettledError}
        assert all(outcome.snapshot for outcome in run)
        assert env.region.counts[CREATE] == 4
