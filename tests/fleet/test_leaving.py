"""Runs that are left early or cancelled, wherever they stand: no create goes on untold."""

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import pytest
from support.env import Env, client_of
from support.scene import turn

from civo_snapshots import (
    ClientClosedError,
    FleetRun,
    FleetStream,
    Outcome,
    OutcomeKind,
    QuotaExceededError,
)
from civo_snapshots.testing import FakeClock, FakeRegion

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
AT_ONCE = 2
"""Creates at once."""


@pytest.fixture
async def env() -> AsyncGenerator[Env]:
    clock = FakeClock()
    region = FakeRegion(instances=20, clock=clock)
    async with Env.on(region, clock) as env:
        yield env


@pytest.fixture
async def _eager_tasks() -> AsyncGenerator[None]:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]
    yield
    loop.set_task_factory(None)


def told_of(env: Env, run: FleetRun | None) -> set[str]:
    """The ids that a run and the client know of."""
    made = {one.snapshot.id for one in run or () if one.snapshot}
    for further in env.civo.unresolved.runs:
        made |= {one.snapshot.id for one in further if one.snapshot}
    return made | {one.snapshot.id for one in env.civo.unresolved.creates if one.snapshot}


def early(env: Env) -> FleetStream:
    """A stream whose first outcome is known after one request, with most still to be sent."""
    instances = ["no-such-instance", *env.region.instance_ids]
    return env.civo.snapshots.create_each(instances, name="nightly", concurrency=AT_ONCE)


def same(found: Sequence[FleetRun | None], run: FleetRun) -> bool:
    """Whether this one run was found; its errors are made anew each time it is asked for."""
    return [one.to_json() for one in found if one] == [run.to_json()]


# Leaving the stream


async def test_a_plain_break_sends_no_more_than_what_has_begun(env: Env) -> None:
    """R184: the stream still has a name, so nothing tells that nobody reads it any more."""
    stream = early(env)
    async for _ in stream:
        break
    sent = env.region.counts[CREATE]
    await env.clock.sleep(1_000)
    assert sent <= env.region.counts[CREATE] <= sent + AT_ONCE
    assert len(env.region.instance_ids) > sent + AT_ONCE


async def test_a_dropped_stream_ends_its_run_and_the_client_knows_it(env: Env) -> None:
    """R184."""
    async for _ in early(env):
        break
    gc.collect()
    await env.civo.close()
    [run] = env.civo.unresolved.runs
    assert (run.name, run.partial) == ("nightly", True)
    assert told_of(env, None) == set(env.region.state.snapshots)


async def test_leaving_the_async_with_ends_the_run_as_a_cancellation_does(env: Env) -> None:
    """R184."""
    async with early(env) as stream:
        async for _ in stream:
            break
    sent = env.region.counts[CREATE]
    await env.clock.sleep(1_000)
    assert env.region.counts[CREATE] == sent < len(env.region.instance_ids)
    assert same(env.civo.unresolved.runs, stream.run)
    assert told_of(env, None) == set(env.region.state.snapshots)
    assert [outcome async for outcome in stream] == []


async def test_an_error_that_leaves_the_async_with_has_the_run_so_far(env: Env) -> None:
    """R184."""
    stream = early(env)

    async def leave() -> None:
        async with stream:
            async for _ in stream:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await leave()
    assert same([FleetRun.of(caught.value)], stream.run)
    assert told_of(env, stream.run) == set(env.region.state.snapshots)


async def test_an_async_with_that_is_read_to_its_end_interrupts_nothing(env: Env) -> None:
    """R184."""
    async with env.civo.snapshots.create_each(env.region.instance_ids) as stream:
        outcomes = [outcome async for outcome in stream]
    assert len(outcomes) == stream.run.counts["complete"] == len(env.region.instance_ids)
    assert not env.civo.unresolved


async def test_a_reader_that_takes_its_time_gets_every_outcome(env: Env) -> None:
    """R184: creates wait for the reader, and never for ever."""
    read: list[Outcome] = []
    async with env.civo.snapshots.create_each(
        env.region.instance_ids, concurrency=AT_ONCE
    ) as stream:
        async for outcome in stream:
            await env.clock.sleep(100)
            read.append(outcome)
    assert [one.kind for one in read] == [OutcomeKind.COMPLETE] * len(env.region.instance_ids)


async def test_what_the_input_gave_after_a_break_is_part_of_the_run_and_not_sent(env: Env) -> None:
    """R184."""
    goes_on = asyncio.Event()
    first, second = env.region.instance_ids[:2]

    async def slow() -> AsyncIterator[str]:
        yield first
        await goes_on.wait()
        yield second

    async with env.civo.snapshots.create_each(slow()) as stream:
        async for _ in stream:
            break
        goes_on.set()
        await turn(10)
        assert [one.kind for one in stream.run] == [
            OutcomeKind.COMPLETE,
            OutcomeKind.QUEUED,
        ]
    assert stream.run.outcomes[1].kind is OutcomeKind.NOT_ATTEMPTED
    assert env.region.counts[CREATE] == 1


async def test_closing_the_client_ends_a_run_that_nobody_reads(env: Env) -> None:
    """R184, R181: who reads on is told that it is no end of the run's own."""
    stream = early(env)
    async for _ in stream:
        break
    await env.civo.close()
    with pytest.raises(ClientClosedError) as caught:
        await anext(stream)
    assert same([FleetRun.of(caught.value)], stream.run)
    assert same(env.civo.unresolved.runs, stream.run)


async def test_closing_waits_for_a_run_that_is_ending_already(env: Env) -> None:
    """R181."""
    stream = early(env)
    await anext(stream)
    leaving = asyncio.create_task(stream.aclose())
    await turn(1)
    await asyncio.gather(env.civo.close(), env.civo.close())
    assert leaving.done()
    await leaving
    assert same(env.civo.unresolved.runs, stream.run)


# Cancelled, wherever it runs


async def begun(env: Env) -> None:
    while not env.region.counts[CREATE]:  # noqa: ASYNC110 - the region counts, it does not signal
        await asyncio.sleep(0)


async def test_a_run_that_a_task_group_swallowed_is_in_unresolved(env: Env) -> None:
    """R182: the group raises its own error, and the run's cancellation is gone."""

    async def fails() -> None:
        await begun(env)
        raise ZeroDivisionError

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(env.civo.snapshots.create_many(env.region.instance_ids, name="a"))
            group.create_task(env.civo.snapshots.create_many(env.region.instance_ids, name="b"))
            group.create_task(fails())

    with pytest.raises(ExceptionGroup) as caught:
        await grouped()
    assert FleetRun.of(caught.value) is None
    assert {run.name for run in env.civo.unresolved.runs} == {"a", "b"}
    await env.civo.close()
    assert told_of(env, None) == set(env.region.state.snapshots) != set()


async def test_runs_whose_gather_was_cancelled_are_in_unresolved(env: Env) -> None:
    """R182."""
    many = env.civo.snapshots.create_many
    both = asyncio.gather(
        many(env.region.instance_ids, name="a"), many(env.region.instance_ids, name="b")
    )
    await begun(env)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    assert {run.name for run in env.civo.unresolved.runs} == {"a", "b"}
    await env.civo.close()
    assert told_of(env, None) == set(env.region.state.snapshots) != set()


async def test_a_run_that_was_refused_before_it_began_was_not_interrupted() -> None:
    """R182: its error says all there is."""
    async with FakeRegion(instances=2, snapshot_limit=1) as region, client_of(region) as civo:
        with pytest.raises(QuotaExceededError):
            await civo.snapshots.create_many(region.instance_ids, quota="check")
        assert not civo.unresolved


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks before 3.12")
@pytest.mark.usefixtures("_eager_tasks")
@pytest.mark.parametrize("turns", [0, 1, 3, 10, 30, 60, 100])
async def test_an_eager_run_is_told_wherever_it_is_cancelled(env: Env, turns: int) -> None:
    """R182: a worker that begins before its run has noted it is still part of it."""
    task = asyncio.create_task(env.civo.snapshots.create_many(env.region.instance_ids, name="a"))
    await turn(turns)
    if not task.cancel():
        return
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    run = FleetRun.of(caught.value)
    assert run is not None
    assert same(env.civo.unresolved.runs, run)
    await env.civo.close()
    assert told_of(env, run) == set(env.region.state.snapshots)


async def test_closing_waits_for_a_run_whose_gather_is_gone_already(env: Env) -> None:
    """R182: `gather()` has raised when the first of its runs had ended."""
    tasks = [
        asyncio.create_task(env.civo.snapshots.create_many(env.region.instance_ids, name=name))
        for name in ("a", "b")
    ]
    await begun(env)
    for task in tasks:
        task.cancel()
    await turn(1)
    with env.clock.hold():
        await env.civo.close()
    assert all(task.done() for task in tasks)
    assert told_of(env, None) == set(env.region.state.snapshots) != set()
