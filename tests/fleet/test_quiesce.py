"""Instances that are frozen while their creates are on their way, over the fake region."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import support.env
from support.freezer import Freezer
from support.scene import turn

from civo_snapshots import (
    CivoClient,
    FleetRun,
    InvalidArgumentError,
    OutcomeKind,
    QuiesceError,
    Timeouts,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
BUSY = Fault.code("database_snapshot_create_already_in_process")


class Env(support.env.Env):
    """A fake region, a client of it, and a freezer of its instances, on one fake clock."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        super().__init__(region, civo, clock)
        self.ids = region.instance_ids
        self.freezer = Freezer(clock, freezing=0.5)

    async def many(self, **more: Any) -> FleetRun:
        more = {"name": "nightly", "quiesce": self.freezer.hold, **more}
        return await self.civo.snapshots.create_many(self.ids, **more)

    @property
    def sent(self) -> list[float]:
        """When each create came."""
        return [one.at for one in self.region.requests if one.route == CREATE]

    def check(self) -> None:
        """Each POST was sent while its instance was frozen, and every freeze has ended with it."""
        assert not self.freezer.frozen
        assert len(self.freezer.spells) == len(self.sent)
        assert sorted(since for _, since, _ in self.freezer.spells) == self.sent
        assert all(since == until for _, since, until in self.freezer.spells)


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = {"instances": 6, **getattr(request, "param", {})}
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


async def reached(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the region counts, it does not signal
        await asyncio.sleep(0)


async def test_each_instance_is_frozen_for_its_own_create_and_no_longer(env: Env) -> None:
    run = await env.many()
    assert [(out.kind.value, out.quiesced) for out in run] == [("complete", True)] * 6
    assert {one for one, _, _ in env.freezer.spells} == set(env.ids)
    env.check()


async def test_every_way_of_creating_can_be_quiesced(env: Env) -> None:
    one, *others = env.ids
    snapshots, hold = env.civo.snapshots, env.freezer.hold
    await snapshots.create(one, quiesce=hold)
    started = await snapshots.start_many(others[:2], name="started", quiesce=hold)
    streamed = [out async for out in snapshots.create_each(others[2:], quiesce=hold)]
    assert [out.quiesced for out in (*started, *streamed)] == [True] * 5
    env.check()


async def test_what_is_adopted_is_not_frozen(env: Env) -> None:
    """Whether it was by then, only the run that made it can tell."""
    await env.civo.snapshots.create_many(env.ids[:2], name="nightly")
    run = await env.many()
    assert [out.quiesced for out in run] == [None, None, True, True, True, True]
    assert env.freezer.asked == 4
    assert (await env.civo.snapshots.create_many(env.ids)).outcomes[0].quiesced is None


@pytest.mark.parametrize(
    "fault",
    [BUSY, Fault.drop_before_acting(), Fault.drop_after_acting(), Fault.rate_limited("7")],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize("concurrency", [1, 6])
async def test_nothing_is_frozen_through_a_pause_a_search_or_a_queue(
    env: Env, fault: Fault, concurrency: int
) -> None:
    """After a try later, a loss and a 429; each request that is sent has a freeze of its own."""
    env.region.fault(CREATE, fault, times=4)
    run = await env.many(concurrency=concurrency)
    assert run.counts["complete"] == 6
    unheld = len(env.freezer.spells) - len(env.sent)  # thawed unsent, as a 429 came meanwhile
    assert unheld >= 0
    assert fault.name == "status 429" or unheld == 0
    assert not env.freezer.frozen
    assert all(since == until for since, until in env.freezer.times)
    assert set(env.sent) <= {since for since, _ in env.freezer.times}


async def test_what_is_found_after_a_loss_is_not_said_to_have_been_held(env: Env) -> None:
    """The region may have acted after the instance was thawed."""
    env.region.fault(CREATE, Fault.drop_after_acting())
    run = await env.many()
    assert sorted(str(out.quiesced) for out in run) == ["False", *["True"] * 5]


async def test_a_freeze_that_fails_leaves_out_that_instance_alone(env: Env) -> None:
    env.freezer.fails[env.ids[2]] = OSError("no agent there")
    run = await env.many()
    assert run.counts["complete"] == 5
    left_out = run.outcomes[2]
    assert left_out.kind is OutcomeKind.NOT_ATTEMPTED
    assert isinstance(left_out.error, QuiesceError)
    assert "no agent there" in str(left_out.error)
    assert (left_out.attempts, left_out.started_at, left_out.quiesced) == (0, None, None)
    assert len(env.sent) == 5


async def test_a_freeze_that_fails_may_be_done_without(env: Env) -> None:
    env.freezer.fails[env.ids[2]] = OSError("no agent there")
    run = await env.many(on_quiesce_error="continue")
    assert run.counts["complete"] == 6
    assert [out.quiesced for out in run] == [True, True, False, True, True, True]


async def test_a_single_create_says_that_it_was_not_sent(env: Env) -> None:
    env.freezer.fails[env.ids[0]] = OSError("no agent there")
    with pytest.raises(QuiesceError):
        await env.civo.snapshots.create(env.ids[0], quiesce=env.freezer.hold)
    assert env.region.total == 0


async def test_a_freeze_that_fails_after_a_loss_leaves_it_at_that_nothing_was_made(
    env: Env,
) -> None:
    env.region.fault(CREATE, Fault.drop_before_acting())

    async def breaking() -> None:
        await reached(lambda: env.sent)
        env.freezer.fails[env.ids[0]] = OSError("the agent has died")

    meanwhile = asyncio.create_task(breaking())
    with pytest.raises(QuiesceError, match="nothing was made"):
        await env.civo.snapshots.create(env.ids[0], quiesce=env.freezer.hold)
    await meanwhile
    assert len(env.sent) == 1


async def test_an_answer_that_takes_too_long_finds_the_instance_thawed(env: Env) -> None:
    """The snapshot is made all the same, and the outcome tells."""
    env.region.fault(CREATE, Fault.stall(0.2))
    run = await env.many(quiesce_timeout=3.0)
    assert run.counts["complete"] == 6
    assert sum(out.quiesced is False for out in run) == 1
    assert max(until - since for since, until in env.freezer.times) == pytest.approx(2.5)
    assert not env.freezer.frozen


@pytest.mark.parametrize("in_flight", [False, True], ids=["freezing", "in-flight"])
async def test_a_cancelled_run_thaws_everything(env: Env, in_flight: bool) -> None:
    """Those in flight when their creates are answered, which the run waits for; R182."""
    if in_flight:
        env.region.fault(CREATE, Fault.stall(0.05), times=None)
    env.freezer.freezing = 0.0 if in_flight else 5.0
    running = asyncio.create_task(env.many(concurrency=4))
    await reached(lambda: len(env.sent) == 4 if in_flight else env.freezer.asked == 4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    await env.civo.close()
    assert not env.freezer.frozen
    assert len(env.freezer.spells) == len(env.sent) == 4 * in_flight
    run = FleetRun.of(caught.value)
    assert run is not None
    assert run.counts["not_attempted"] == (2 if in_flight else 6)


@pytest.mark.parametrize("in_flight", [False, True], ids=["freezing", "in-flight"])
async def test_a_cancelled_create_thaws_its_instance(env: Env, in_flight: bool) -> None:
    if in_flight:
        env.region.fault(CREATE, Fault.stall(0.05))
    one = env.civo.snapshots.create(env.ids[0], name="n", quiesce=env.freezer.hold)
    creating = asyncio.create_task(one)
    await reached(lambda: env.sent if in_flight else env.freezer.asked)
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    await env.civo.close()
    assert not env.freezer.frozen
    assert len(env.region.state.snapshots) == len(env.civo.unresolved.creates) == in_flight


async def test_a_client_that_is_closed_thaws_everything(env: Env) -> None:
    env.region.fault(CREATE, Fault.stall(5.0), times=None)
    running = asyncio.create_task(env.many(concurrency=4, quiesce_timeout=3_600.0))
    await reached(lambda: len(env.sent) == 4)
    closed_at = env.clock.monotonic()
    await env.civo.close()
    await asyncio.wait({running})
    assert not env.freezer.frozen
    # The moment in which their requests were lost.
    assert {until for _, until in env.freezer.times} == {closed_at}


async def test_a_reader_that_leaves_thaws_everything(env: Env) -> None:
    stream = env.civo.snapshots.create_each(env.ids, quiesce=env.freezer.hold, concurrency=2)
    async for _ in stream:
        break
    await stream.aclose()
    await turn()
    assert not env.freezer.frozen
    assert len(env.freezer.spells) == len(env.sent)


KILLED = """
import asyncio, sys
from contextlib import asynccontextmanager
from pathlib import Path
from civo_snapshots import CivoClient

@asynccontextmanager
async def frozen(instance_id):
    Path(instance_id).touch()
    yield
    Path(instance_id).unlink()

async def main():
    async with CivoClient(concurrency=3) as civo:
        await civo.snapshots.create_many(sys.argv[1:], name="nightly", quiesce=frozen)

asyncio.run(main())
"""


@pytest.mark.parametrize("acts", [True, False], ids=["made", "not-made"])
async def test_a_run_that_was_killed_tells_what_may_be_frozen_still(
    acts: bool, tmp_path: Path
) -> None:
    """Nobody thaws what was in flight then. The run that goes on tells the candidates.

    What it adopted, of which it cannot know; and what was not made, because it cannot be frozen
    again.
    """
    async with FakeRegion(instances=6, duration=(0.05, 0.1)) as region:
        region.fault(CREATE, Fault.stall(60.0, acts=acts), after=2, times=3)
        settings = {"CIVO_TOKEN": region.token, "CIVO_API_URL": region.url, "CIVO_REGION": "LON1"}
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", KILLED, *region.instance_ids),
            cwd=tmp_path,
            env=os.environ | settings,
        )
        while region.counts[CREATE] < 5:  # noqa: ASYNC110 - the region does not signal
            await asyncio.sleep(0.01)
        killed.kill()
        await killed.wait()
        left = set(os.listdir(tmp_path))
        assert len(left) == 3

        @asynccontextmanager
        async def frozen(instance_id: str) -> AsyncIterator[None]:
            if instance_id in left:
                raise OSError("fsfreeze: already frozen")
            yield

        hasty = Timeouts(reconcile_window=0.3)
        options: dict[str, Any] = {"region": "LON1", "api_url": region.url, "timeouts": hasty}
        async with CivoClient(region.token, **options) as civo:
            run = await civo.snapshots.create_many(
                region.instance_ids, name="nightly", resume=True, quiesce=frozen
            )
    told = {
        out.instance_id
        for out in run
        if (out.adopted and out.quiesced is None) or isinstance(out.error, QuiesceError)
    }
    assert left <= told
    assert len(told) < 6
    assert run.counts["complete"] == (6 if acts else 3)


@pytest.mark.parametrize(
    "options",
    [
        {"quiesce": "fsfreeze"},
        {"quiesce_timeout": 0},
        {"on_quiesce_error": "ignore"},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_what_cannot_quiesce_is_refused_before_anything_is_sent(
    env: Env, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgumentError):
        await env.many(**options)
    with pytest.raises(InvalidArgumentError):
        await env.civo.snapshots.create(env.ids[0], **options)
    assert env.region.total == 0


async def test_a_coroutine_or_a_generator_is_no_context_manager(env: Env) -> None:
    async def coroutine(instance_id: str) -> None: ...

    async def generator(instance_id: str) -> AsyncIterator[None]:
        yield

    for wrong in (coroutine, generator):
        with pytest.raises(InvalidArgumentError, match="asynccontextmanager"):
            await env.many(quiesce=wrong)
