"""Creates whose callers went away, and creates that were sent twice."""

import asyncio

import pytest
from support.env import client_of
from support.scene import turn
from support.stubs import StubApi

from civo_snapshots import (
    CivoClient,
    ExtraSnapshot,
    FleetRun,
    OutcomeKind,
    OutcomeUnknownError,
    Snapshot,
    Timeouts,
)
from civo_snapshots._create import CreateSupervisor
from civo_snapshots.events import Event
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"


async def in_flight(region: FakeRegion) -> None:
    while not region.total:  # noqa: ASYNC110 - the region counts, it does not signal
        await asyncio.sleep(0)


async def test_the_outcome_of_a_cancelled_create_is_found_and_reported(nothing_left: None) -> None:
    """F106: the cancelled caller does not wait for it."""
    async with FakeRegion(latency=0.02) as region:
        civo = client_of(region)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], name="n"))
        await in_flight(region)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert [(one.name, one.snapshot, one.error) for one in civo.unresolved.creates] == [
            ("n", None, None)
        ]
        await civo.close()
        [known] = civo.unresolved.creates
        assert known.snapshot is not None
        assert set(region.state.snapshots) == {known.snapshot.id}
        assert known.error is None


async def test_a_create_cancelled_before_it_was_sent_is_never_sent(nothing_left: None) -> None:
    async with FakeRegion(latency=0.01) as region:
        async with CivoClient(
            region.token, region=region.region, api_url=region.url, concurrency=1
        ) as civo:
            first = asyncio.create_task(civo.instances.get(region.instance_ids[0]))
            queued = asyncio.create_task(civo.snapshots.create(region.instance_ids[0]))
            await in_flight(region)
            queued.cancel()
            with pytest.raises(asyncio.CancelledError):
                await queued
            await first
        assert region.counts[CREATE] == 0
        assert civo.unresolved.creates == ()


async def test_a_create_nobody_waits_for_is_not_sent_again(nothing_left: None) -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.drop_before_acting(), times=None)
        civo = client_of(region, clock)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0]))
        await in_flight(region)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await civo.close()
        assert region.counts[CREATE] == 1
        [known] = civo.unresolved.creates
        assert isinstance(known.error, OutcomeUnknownError)


async def test_a_runs_create_that_outlives_the_cancel_grace_goes_on_and_is_reported(
    nothing_left: None,
) -> None:
    """F106."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.stall(0.2))  # the fake clock jumps over the cancel grace at once
        civo = client_of(region, clock)
        run = asyncio.create_task(civo.snapshots.create_many(region.instance_ids[:1]))
        await in_flight(region)
        run.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await run
        partial = FleetRun.of(caught.value)
        assert partial is not None
        assert [one.name for one in civo.unresolved.creates] == [one.name for one in partial]
        assert [one.kind for one in partial] == [OutcomeKind.UNKNOWN]
        while (snapshot := civo.unresolved.creates[0].snapshot) is None:  # noqa: ASYNC110 - no signal
            await asyncio.sleep(0.01)
        await civo.close()
        assert set(region.state.snapshots) == {snapshot.id}
        assert region.counts[CREATE] == 1


async def test_a_cancelled_run_searches_at_once_for_a_create_whose_answer_is_lost(
    nothing_left: None,
) -> None:
    """F106, T9: its id is in the partial run, though the reconcile window is far from over."""
    async with FakeRegion() as region:
        region.fault(CREATE, Fault.drop_after_acting())
        async with CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            timeouts=Timeouts(reconcile_window=300),
        ) as civo:
            run = asyncio.create_task(civo.snapshots.create_many(region.instance_ids[:1]))
            await in_flight(region)
            run.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await run
            partial = FleetRun.of(caught.value)
            assert partial is not None
            [outcome] = partial
            assert outcome.snapshot is not None
            assert set(region.state.snapshots) == {outcome.snapshot.id}
            assert civo.unresolved.creates == ()


class Ending:
    """A create that ends with a given result when `now` is set."""

    instance_id, name = "i", "n"
    lost = may_act_late = False
    extras, hold = (), None
    is_unsent = False

    def __init__(self, end: Snapshot | BaseException) -> None:
        self.call = self
        self.now = asyncio.Event()
        self._end = end

    async def run(self) -> Snapshot:
        await self.now.wait()
        if isinstance(self._end, BaseException):
            raise self._end
        return self._end

    def cancel(self) -> bool:
        return self.is_unsent

    def release_slot(self) -> None:
        """It has no slot."""


LOST = OutcomeUnknownError("lost", instance_id="i", name="n")


@pytest.mark.parametrize("end", [Snapshot("s-1"), LOST, asyncio.CancelledError()], ids=repr)
async def test_a_create_that_ends_just_as_its_caller_is_cancelled_is_reported(
    end: Snapshot | BaseException, nothing_left: None
) -> None:
    """F106."""
    creates, ending = CreateSupervisor(FakeClock(), lambda _: None), Ending(end)
    job = asyncio.create_task(creates.run(ending))  # type: ignore[arg-type]
    await turn(2)
    ending.now.set()
    await turn(1)  # it has ended, but its caller has not resumed yet
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    [known] = creates.unresolved.creates
    assert known.snapshot == (end if isinstance(end, Snapshot) else None)
    assert (known.error is None) is isinstance(end, Snapshot)


async def test_a_create_of_which_nothing_was_sent_ends_with_its_caller(nothing_left: None) -> None:
    creates, ending = CreateSupervisor(FakeClock(), lambda _: None), Ending(LOST)
    ending.is_unsent = True
    job = asyncio.create_task(creates.run(ending))  # type: ignore[arg-type]
    await turn(2)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert creates.unresolved.creates == ()


async def test_closing_gives_up_a_create_after_the_close_grace(nothing_left: None) -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.stall(60))
        civo = client_of(region, clock)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0]))
        await in_flight(region)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await civo.close()
        [known] = civo.unresolved.creates
        assert known.snapshot is None
        assert known.error is not None


async def test_a_client_closed_over_a_create_leaves_its_outcome_unknown(
    nothing_left: None,
) -> None:
    """L117."""
    async with FakeRegion() as region:
        region.fault(CREATE, Fault.stall(60))
        civo = client_of(region)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], name="n"))
        await in_flight(region)
        await civo.close()
        with pytest.raises(OutcomeUnknownError) as caught:
            await job
        assert caught.value.name == "n"


@pytest.mark.parametrize("close_at_once", [True, False])
async def test_a_commit_after_the_reconcile_window_is_reported_as_an_extra_snapshot(
    close_at_once: bool, nothing_left: None
) -> None:
    """T10: a duplicate that cannot be prevented is reported."""
    clock = FakeClock()
    told: list[Event] = []
    async with FakeRegion(clock=clock, duration=(1, 2)) as region:
        region.fault(CREATE, Fault.late_commit(9.0))
        async with CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            clock=clock,
            timeouts=Timeouts(reconcile_window=8.0),
            on_event=told.append,
        ) as civo:
            kept = await civo.snapshots.create(region.instance_ids[0], name="n")
            await clock.sleep(2.0 if close_at_once else 120.0)
        made = set(region.state.snapshots)
        assert len(made) == 2
        [extra] = civo.unresolved.extra_snapshots
        assert {extra.snapshot_id, extra.extra_id} == made
        assert extra.snapshot_id == kept.id
        assert extra in told


async def test_two_snapshots_of_one_name_and_one_lost_create(nothing_left: None) -> None:
    """S71, R172: told apart where another create has shown the clock that dates snapshots."""
    clock = FakeClock()
    async with FakeRegion(instances=2, clock=clock) as region, client_of(region, clock) as civo:
        await civo.snapshots.create(region.instance_ids[1])
        region.fault(CREATE, Fault.drop_after_acting())
        made: list[Snapshot] = []

        async def somebody_else() -> None:
            await in_flight(region)
            async with client_of(region, clock) as other:
                made.append(await other.snapshots.create(region.instance_ids[0], name="n"))

        ours, _ = await asyncio.gather(
            civo.snapshots.create(region.instance_ids[0], name="n"), somebody_else()
        )
        assert ours.id != made[0].id
        [extra] = civo.unresolved.extra_snapshots
        assert extra == ExtraSnapshot(ours, made[0])
        assert (extra.instance_id, extra.name) == (region.instance_ids[0], "n")


async def test_a_create_that_cannot_be_prepared_releases_its_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    api, creates = StubApi(clock), CreateSupervisor(clock, lambda _: None)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(creates, "prepare", broken)
    for _ in range(51):  # one more than there are slots
        with pytest.raises(ZeroDivisionError):
            await creates.create(api, "i", None, None, {})
