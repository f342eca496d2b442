"""Waiting for a restore in regions of every kind: told restored, it has finished."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import support.env
from attrs import evolve

from civo_snapshots import (
    CivoClient,
    Instance,
    InvalidRequestError,
    OutcomeUnknownError,
    Restore,
    RestoreFailedError,
    Snapshot,
    WaitTimeoutError,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

INSTANCES = "GET /v2/instances"
RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"


class Env(support.env.Env):
    """A region with a finished snapshot, and a client of it."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        super().__init__(region, civo, clock)
        self.instance_id = region.instance_ids[0]
        record = region.state.add_stranger("kept", self.instance_id, age=3_600)
        self.snapshot = Snapshot(record.id, "kept", instance_id=self.instance_id)

    async def restore(self, hostname: str | None = None) -> Restore:
        """To a new instance of this hostname, or over the original."""
        return await self.civo.snapshots.restore(
            self.snapshot, hostname=hostname, overwrite_existing=hostname is None
        )

    async def restored(self, restore: Restore, timeout: float = 600) -> Instance:
        """Wait, and check with the region itself that what is told is so."""
        instance = await self.civo.snapshots.wait_until_restored(restore, timeout=timeout)
        record = self.region.state.restores[restore.id]
        assert instance.id == record.instance_id, self.region
        assert self.clock.monotonic() >= record.done_at, self.region
        return instance


@pytest.fixture
async def env(request: pytest.FixtureRequest) -> AsyncIterator[Env]:
    options: dict[str, Any] = getattr(request, "param", {})
    clock = FakeClock()
    async with Env.on(FakeRegion(clock=clock, **options), clock) as env:
        yield env


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"restore_ends": "SHUTOFF"}, id="stopped"),
        pytest.param({"domain": "fleet.example"}, id="domain"),
        pytest.param({"instance_skew": -5.0}, id="dated-before"),
        pytest.param({"created_at_form": "zero"}, id="undated"),
        pytest.param({"restore_queue": 60.0}, id="queued"),
        pytest.param({"shows_source": "both"}, id="shows-its-source"),
        pytest.param({"restore_queue": 60.0, "created_at_form": "empty"}, id="queued-undated"),
    ],
    indirect=True,
)
@pytest.mark.parametrize("namesakes", [0, 2])
@pytest.mark.parametrize("hostname", ["copy", None], ids=["new", "overwriting"])
async def test_a_restore_is_told_when_it_has_finished(
    env: Env, namesakes: int, hostname: str | None
) -> None:
    """R177: not before, and of its own instance."""
    for _ in range(namesakes):
        env.region.add_instance("copy")
    await env.restored(await env.restore(hostname), timeout=180)


@pytest.mark.parametrize(
    "env",
    [{"instance_skew": -5.0}, {"shows_source": "snapshot_id", "created_at_form": "empty"}],
    indirect=True,
)
async def test_a_restore_without_what_was_listed_before_it(env: Env) -> None:
    """R177: a date that differs by seconds does, and the instance's own snapshot does."""
    env.region.add_instance("copy")
    await env.clock.sleep(600)
    env.region.fault(INSTANCES, Fault.gateway_html())
    restore = await env.restore("copy")
    assert restore.namesakes is None
    await env.restored(restore)


@pytest.mark.parametrize("env", [{"restore_ends": "ERROR"}], indirect=True)
@pytest.mark.parametrize("hostname", ["copy", None], ids=["new", "overwriting"])
async def test_a_restore_that_fails_is_told(env: Env, hostname: str | None) -> None:
    with pytest.raises(RestoreFailedError):
        await env.restored(await env.restore(hostname))


@pytest.mark.parametrize("env", [{"restore_queue": 60.0}, {}], indirect=True)
@pytest.mark.parametrize("status", ["ERROR", "SHUTOFF"])
async def test_what_an_instance_was_before_it_was_overwritten_ends_nothing(
    env: Env, status: str
) -> None:
    """R177: an error from before is no failure, and what was stopped has not been restored."""
    record = env.region.state.instances[env.instance_id]
    record.settled_status = record.status_before = status
    assert (await env.restored(await env.restore())).status == "ACTIVE"


@pytest.mark.parametrize("env", [{"created_at_form": "zero"}], indirect=True)
async def test_an_older_instance_is_not_taken_where_no_time_is_given(env: Env) -> None:
    """R177: rather none, and the error names it."""
    old = env.region.add_instance("copy")
    with pytest.raises(WaitTimeoutError, match=f"{old} of that hostname, which may be older"):
        await env.civo.snapshots.wait_until_restored(Restore("r-1", hostname="copy"), timeout=300)


async def test_what_is_listed_before_a_restore_is_no_condition_of_it(env: Env) -> None:
    """R177: nor may it take the whole time of a call."""
    env.region.fault(INSTANCES, Fault.gateway_html(404), times=None)
    assert (await env.restore("copy")).namesakes is None
    env.region.clear_faults()
    env.region.fault(INSTANCES, Fault.stall(0.3))
    restore = await env.civo.snapshots.restore(env.snapshot, hostname="copy", timeout=0.4)
    assert restore.namesakes is None
    assert env.region.counts[RESTORE] == 2


async def test_an_overwriting_restore_lists_nothing_before_it(env: Env) -> None:
    restore = await env.restore()
    assert restore.namesakes is None
    assert env.region.total == 1


async def test_the_instances_of_a_hostname_are_noted_before_a_region_wide_restore(env: Env) -> None:
    """R177."""
    old = env.region.add_instance("copy")
    restore = await env.civo.region_snapshots.restore(env.snapshot.id, hostname="copy")
    assert restore.namesakes == (old,)
    await env.restored(restore)


@pytest.mark.parametrize("seed", range(60))
async def test_what_is_told_to_be_restored_has_finished(seed: int) -> None:
    """R177: in any region, as its own state says at the moment of the telling."""
    rng, clock = random.Random(seed), FakeClock()
    async with (
        FakeRegion.any(seed, clock=clock) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        env = Env(region, civo, clock)
        for _ in range(rng.choice([0, 0, 1, 2])):
            region.add_instance("copy", status=rng.choice(["ACTIVE", "SHUTOFF", "ERROR"]))
        original = region.state.instances[env.instance_id]
        original.settled_status = original.status_before = rng.choice(["ACTIVE", "ERROR"])
        await clock.sleep(age := rng.choice([0.0, 1.0, 100.0]))
        restore = await env.restore(rng.choice(["copy", None]))
        await clock.sleep(rng.choice([0.0, 0.0, 3.0, 50.0, 70.0]))
        trouble = rng.choice([Fault.gateway_html(404), Fault.outage(), Fault.drop_before_acting()])
        region.fault("*", trouble, times=8, probability=rng.choice([0, 0.4]))
        if age > 30 and rng.random() < 0.5:
            # As a caller has it who did not keep it all: dates decide, where there are any.
            restore = evolve(restore, namesakes=None)
            try:
                await env.restored(restore)
            except WaitTimeoutError:
                assert not restore.overwrite_existing, region
        else:
            await env.restored(restore)


# Two at once


@pytest.mark.parametrize("env", [{"restore_queue": 30.0}, {}], indirect=True)
@pytest.mark.parametrize("clients", [1, 2])
async def test_two_restores_to_one_hostname_are_told_apart_by_their_addresses(
    env: Env, clients: int
) -> None:
    """R177: whichever instance shows first, and whose client the other one is of."""
    first = await env.restore("copy")
    await env.clock.sleep(2)
    async with support.env.client_of(env.region, env.clock) as other:
        rival = Env(env.region, (env.civo, other)[clients - 1], env.clock)
        rival.snapshot = env.snapshot
        second = await rival.restore("copy")
        await asyncio.gather(env.restored(first), rival.restored(second))


@pytest.mark.parametrize("env", [{"restore_queue": 30.0, "restore_address": False}], indirect=True)
async def test_two_restores_that_nothing_tells_apart_stay_undecided(env: Env) -> None:
    """R177: rather none than the other one's."""
    first = await env.restore("copy")
    await env.clock.sleep(2)
    second = await env.civo.in_region("lon1").snapshots.restore(env.snapshot, hostname="copy")
    for restore in (first, second):
        with pytest.raises(WaitTimeoutError, match="2 new ones of that hostname"):
            await env.restored(restore, timeout=300)


@pytest.mark.parametrize("env", [{"restore_address": False}], indirect=True)
async def test_a_restore_after_another_one_of_its_hostname_is_told_at_once(env: Env) -> None:
    """R177: what the first one made is known, and one that was refused makes nothing."""
    await env.restored(await env.restore("copy"))
    env.region.fault(RESTORE, Fault.code("parameter_hostname_invalid", status=400))
    with pytest.raises(InvalidRequestError):
        await env.restore("copy")
    began = env.clock.monotonic()
    await env.restored(await env.restore("copy"))
    assert env.clock.monotonic() - began < 30


@pytest.mark.parametrize("env", [{"restore_address": False}], indirect=True)
async def test_a_restore_of_which_nothing_is_known_delays_the_next_one(env: Env) -> None:
    """R177: it may have acted; after as long as a queue may be it has not."""
    env.region.fault(RESTORE, Fault.drop_before_acting())
    with pytest.raises(OutcomeUnknownError):
        await env.restore("copy")
    began = env.clock.monotonic()
    await env.restored(await env.restore("copy"))
    assert 115 < env.clock.monotonic() - began < 140
