"""Waits as users write them: over the fake region, with every ending."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import support.env
from attrs import evolve
from support.regions import MakeRegion
from support.scene import turn

from civo_snapshots import (
    AuthenticationError,
    CivoClient,
    CivoError,
    ClientClosedError,
    ConnectionLostError,
    Event,
    InvalidArgumentError,
    NotFoundError,
    PollFailedError,
    PollPolicy,
    RateLimitError,
    Restore,
    RestoreFailedError,
    Snapshot,
    SnapshotFailedError,
    SnapshotVanishedError,
    State,
    Transition,
    UnknownState,
    UnusualState,
    WaitTimeoutError,
)
from civo_snapshots._http import Request
from civo_snapshots._watch import RegisteredWait, Wait
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

GET = "GET /v2/instances/{id}/snapshots/{sid}"
INSTANCES = "GET /v2/instances"
INSTANCE = "GET /v2/instances/{id}"


class Env(support.env.Env):
    """A fake region and a client of it, on one fake clock."""

    def __init__(self, region: FakeRegion, civo: CivoClient, clock: FakeClock) -> None:
        super().__init__(region, civo, clock)
        self.instance_id = region.instance_ids[0]
        self.restored = region.switches.restore_ends
        """The status of what a restore has made."""
        self.copy = f"copy.{region.switches.domain}".removesuffix(".")
        """What comes back as the hostname of a restore to `copy`."""

    async def made(self, instance: int = 0) -> Snapshot:
        return await self.civo.snapshots.create(self.region.instance_ids[instance])

    async def done(self) -> Snapshot:
        return await self.civo.snapshots.wait_until_complete(await self.made())


@pytest.fixture
async def env(request: pytest.FixtureRequest, make_region: MakeRegion) -> AsyncIterator[Env]:
    options: dict[str, Any] = getattr(request, "param", {})
    clock = FakeClock()
    async with Env.on(make_region(clock=clock, instances=3, **options), clock) as env:
        yield env


async def ends(wait: Any, kind: type[CivoError]) -> Any:
    with pytest.raises(kind) as caught:
        await wait
    assert type(caught.value) is kind
    return caught.value


# wait_until_complete


@pytest.mark.drawn(
    states="documented", included_volumes="listed", volume_listing="each", read_lag=0.0
)
async def test_a_wait_returns_the_finished_snapshot(env: Env) -> None:
    made = await env.made()
    done = await env.civo.snapshots.wait_until_complete(made)
    assert (done.id, done.instance_id, done.state) == (made.id, made.instance_id, "Complete")
    assert {volume.state for volume in done.volumes} == {"Completed"}
    assert 5 <= env.clock.monotonic() <= 22
    assert env.civo.requests_sent == env.region.total


async def test_nothing_of_a_finished_wait_is_left_to_the_collector_of_cycles(env: Env) -> None:
    """Ten thousand waits that keep each other are a pause of the process when it comes."""
    made = await env.made()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await env.civo.snapshots.wait_until_complete(made)
        await env.clock.sleep(1.0)  # let the watcher end
        gc.collect()
        left = {type(one) for one in gc.garbage if type(one).__module__ == Wait.__module__}
        left |= {type(one) for one in gc.garbage if isinstance(one, RegisteredWait | Snapshot)}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not left


async def test_a_finished_snapshot_is_looked_at_once(env: Env) -> None:
    """R168: a record that says complete is not believed for ever."""
    done = await env.done()
    spent, now = env.region.total, env.clock.monotonic()
    assert await env.civo.snapshots.wait_until_complete(done) == done
    assert await env.civo.snapshots.wait_until_complete(done, on_change=print) == done
    assert [change async for change in env.civo.snapshots.watch(done)] == []
    assert env.region.total == spent + 3
    assert env.clock.monotonic() == now
    await env.civo.snapshots.delete(done)
    await ends(env.civo.snapshots.wait_until_complete(done), SnapshotVanishedError)


async def test_a_failed_snapshot_is_looked_at_once(env: Env) -> None:
    """R168."""
    env.region.fail_volume(env.instance_id)
    made = await env.made()
    error = await ends(env.civo.snapshots.wait_until_complete(made), SnapshotFailedError)
    spent = env.region.total
    await ends(env.civo.snapshots.wait_until_complete(error.snapshot), SnapshotFailedError)
    assert env.region.total == spent + 1


@pytest.mark.parametrize("known", [True, False])
async def test_a_timeout_that_a_pause_outlasts_ends_a_wait_without_a_poll(
    env: Env, known: bool
) -> None:
    """R168, R169: the record says nothing, and nothing is sent."""
    done = await env.done()
    env.region.fault("*", Fault.rate_limited("30"))
    with pytest.raises(RateLimitError):
        await env.civo.snapshots.get(done, retries=False)
    spent, now = env.region.total, env.clock.monotonic()
    key = (done,) if known else (done.instance_id, done.id)
    error = await ends(env.civo.snapshots.wait_until_complete(*key, timeout=2), WaitTimeoutError)
    assert error.polls == 0
    assert env.clock.monotonic() == now + 2
    assert env.region.total == spent


@pytest.mark.parametrize("leave_pending", [False, True])
@pytest.mark.drawn(volume_listing="each")
async def test_a_failed_volume_is_named(env: Env, leave_pending: bool) -> None:  # P89, P90
    env.region.fail_volume(env.instance_id, 1, leave_pending=leave_pending)
    made = await env.made()
    error = await ends(env.civo.snapshots.wait_until_complete(made), SnapshotFailedError)
    volume = env.region.state.instances[env.instance_id].volume_ids[1]
    assert error.failed_volumes == (volume,)
    assert volume in str(error)
    assert error.snapshot.id == made.id


@pytest.mark.drawn(states="documented", empty_status=0.0)
async def test_a_wait_that_timed_out_can_be_repeated(env: Env) -> None:  # P99
    made = await env.made()
    error = await ends(env.civo.snapshots.wait_until_complete(made, timeout=2), WaitTimeoutError)
    assert issubclass(WaitTimeoutError, TimeoutError)
    assert error.snapshot.state == "Pending"
    assert "wait again" in str(error)
    done = await env.civo.snapshots.wait_until_complete(error.snapshot, timeout=60)
    assert done.state == "Complete"


async def test_a_timeout_of_zero_is_one_poll(env: Env) -> None:  # P100
    made = await env.made()
    for snapshot in ((made,), (made.instance_id, made.id)):
        spent = env.region.counts[GET]
        await ends(env.civo.snapshots.wait_until_complete(*snapshot, timeout=0), WaitTimeoutError)
        assert env.region.counts[GET] == spent + 1
    assert env.clock.monotonic() == 0


async def test_a_wait_is_finite_by_default(env: Env) -> None:  # P100
    for made in ["s-1"]:
        env.region.fault(GET, Fault.json({"id": made, "status": {"state": "x"}}), times=None)
        error = await ends(
            env.civo.snapshots.wait_until_complete(env.instance_id, made), WaitTimeoutError
        )
    assert error.elapsed == pytest.approx(1800, abs=1)


@pytest.mark.parametrize("env", [{"visible_after": 30.0}], indirect=True)
@pytest.mark.drawn(states="documented")
async def test_a_snapshot_that_is_not_visible_yet_is_waited_for(env: Env) -> None:  # P94
    made = await env.made()
    assert (await env.civo.snapshots.wait_until_complete(made)).state == "Complete"


async def test_a_snapshot_that_never_was_has_vanished(env: Env) -> None:  # P94
    wait = env.civo.snapshots.wait_until_complete(env.instance_id, "s-1")
    error = await ends(wait, SnapshotVanishedError)
    assert (error.snapshot.instance_id, error.snapshot.id) == (env.instance_id, "s-1")
    assert 60 <= error.elapsed <= 70


@pytest.mark.drawn(delete_pending=True, delete_takes=0.0, empty_status=0.0, states="documented")
async def test_a_snapshot_deleted_meanwhile_has_vanished(env: Env) -> None:  # P95
    made = await env.made()
    wait = asyncio.create_task(env.civo.snapshots.wait_until_complete(made))
    await env.clock.sleep(2.5)
    await env.civo.snapshots.delete(made)
    error = await ends(wait, SnapshotVanishedError)
    assert error.snapshot.state == "Pending"


async def test_an_instance_deleted_meanwhile_is_not_found(env: Env) -> None:  # S80
    made = await env.made()
    wait = asyncio.create_task(env.civo.snapshots.wait_until_complete(made))
    await env.clock.sleep(2.5)
    env.region.state.remove_instance(env.instance_id)
    assert (await ends(wait, NotFoundError)).code == "database_instance_find"


@pytest.mark.drawn(states="documented")
async def test_an_outage_of_a_minute_is_survived(env: Env) -> None:  # P96
    made = await env.made()
    env.region.outage(50, after=1)
    assert (await env.civo.snapshots.wait_until_complete(made)).state == "Complete"
    assert env.region.statuses[503] > 3


async def test_a_longer_outage_ends_the_wait_which_can_be_repeated(env: Env) -> None:
    made = await env.made()
    env.region.outage(90, after=1)  # P96
    wait = env.civo.snapshots.wait_until_complete(made, poll=PollPolicy(tolerate=60))
    error = await ends(wait, PollFailedError)
    assert error.snapshot.id == made.id
    env.region.clear_faults()
    assert (await env.civo.snapshots.wait_until_complete(error.snapshot)).state == "Complete"


async def test_a_revoked_token_ends_the_wait_within_six_seconds(env: Env) -> None:
    """P97, R153: after three requests."""
    made = await env.made()
    env.region.fault(GET, Fault.unauthorized(), after=2, times=None)
    error = await ends(env.civo.snapshots.wait_until_complete(made), PollFailedError)
    assert isinstance(error.error, AuthenticationError)
    assert env.region.counts[GET] == 2 + 3
    first = next(one.at for one in env.region.requests if one.status == 401)
    assert env.clock.monotonic() - first <= 6


@pytest.mark.parametrize(
    "fault",
    [
        Fault.unauthorized(),
        Fault.code("authentication_failed"),
        Fault.code("database_account_access_denied"),
        Fault.code("authentication_access_denied"),
        Fault.gateway_html(403),
        Fault.code("database_region_not_found"),
    ],
    ids=lambda fault: fault.name,
)
async def test_one_stray_refusal_ends_no_wait(env: Env, fault: Fault) -> None:
    """R153, R154, R155."""
    made = await env.made()
    env.region.fault(GET, fault, after=2)
    assert (await env.civo.snapshots.wait_until_complete(made)).state == "Complete"


async def test_other_calls_of_the_client_clear_a_doubt(env: Env) -> None:
    """R153: nobody asks whether the token is good while it is seen to be."""
    made = await env.made()
    env.region.fault(GET, Fault.unauthorized(), times=5)
    wait = asyncio.create_task(env.civo.snapshots.wait_until_complete(made))
    while not wait.done():
        await env.civo.snapshots.list(env.instance_id).collect()
        await env.clock.sleep(0.5)
    assert (await wait).state == "Complete"


async def test_a_call_of_its_own_raises_at_once(env: Env) -> None:
    """R153: only waits and runs ask again."""
    made = await env.made()
    env.region.fault(GET, Fault.unauthorized())
    with pytest.raises(AuthenticationError):
        await env.civo.snapshots.get(made)
    assert env.region.counts[GET] == 1


@pytest.mark.drawn(states="documented")
async def test_a_rate_limit_delays_every_wait_and_fails_none(env: Env) -> None:  # P98
    made = await env.made()
    env.region.fault("*", Fault.rate_limited("30"), times=2)
    assert (await env.civo.snapshots.wait_until_complete(made)).state == "Complete"
    assert env.clock.monotonic() >= 60
    assert env.region.counts[GET] <= 4


@pytest.mark.drawn(states="documented")
async def test_bad_answers_are_survived(env: Env) -> None:  # P96
    made = await env.made()
    faults = (
        Fault.malformed_json(),
        Fault.cut_body(),
        Fault.drop_before_acting(),
        Fault.drop_before_acting(reset=True),
        Fault.gateway_html(),
        Fault.json({"id": "other"}),
        Fault.json([]),
    )
    for fault in faults:
        env.region.fault(GET, fault)
    assert (await env.civo.snapshots.wait_until_complete(made)).state == "Complete"


async def test_a_waits_own_policy_sets_how_often_it_polls(env: Env) -> None:
    made = await env.made()
    policy = PollPolicy(floor=3.0, ceiling=3.0, jitter=0)
    await env.civo.snapshots.wait_until_complete(made, poll=policy)
    times = [received.at for received in env.region.requests if received.route == GET]
    assert times == [3.0 * number for number in range(1, len(times) + 1)]


async def test_a_hundred_waits_cost_one_listing_per_tick() -> None:  # P101
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, instances=100) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        made = [await civo.snapshots.create(one) for one in region.instance_ids]
        await asyncio.gather(*map(civo.snapshots.wait_until_complete, made))
        watcher = civo._state.watcher(civo._api)
        assert region.total == 100 + watcher.ticks
        assert region.counts[GET] <= 3


@pytest.mark.drawn
async def test_waits_for_snapshots_of_one_instance_cost_its_listing(env: Env) -> None:
    made = [await env.made() for _ in range(3)]
    done = await asyncio.gather(*map(env.civo.snapshots.wait_until_complete, made))
    assert [found.id for found in done] == [snapshot.id for snapshot in made]
    assert {found.instance_id for found in done} == {env.instance_id}
    assert env.region.counts["GET /v2/instances/{id}/snapshots"] >= 1
    assert env.region.counts["GET /v2/resourcesnapshots"] == 0


async def test_states_of_a_deployment_can_be_added() -> None:
    clock = FakeClock()
    events: list[Event] = []
    async with (
        FakeRegion(clock=clock) as region,
        CivoClient(
            region.token,
            region="LON1",
            api_url=region.url,
            clock=clock,
            states={"Fertig": State.COMPLETE},
            on_event=events.append,
        ) as civo,
    ):
        for text in ("Kopiert", "Kopiert", "fertig "):
            region.fault(GET, Fault.json({"id": "s-1", "status": {"state": text}}))
        done = await civo.snapshots.wait_until_complete(region.instance_ids[0], "s-1")
        assert done.state == "fertig "
    assert [event.state for event in events if isinstance(event, UnknownState)] == ["Kopiert"]


@pytest.mark.parametrize("how", ["polled", "known", "run"])
async def test_a_state_that_only_some_systems_use_ends_a_wait_and_is_told_once(how: str) -> None:
    """P86, P87: however a client meets it first, and in whichever of its regions."""
    clock = FakeClock()
    events: list[Event] = []
    words = {"complete": "Ready", "volume_complete": "available"}
    async with (
        FakeRegion(clock=clock, states=words, more_regions=["FRA1"]) as region,
        CivoClient(
            region.token, region="LON1", api_url=region.url, clock=clock, on_event=events.append
        ) as civo,
    ):
        for view in (civo, civo.in_region("FRA1")):
            ids = [instance.id async for instance in view.instances.list()]
            made = await view.snapshots.create(ids[0])
            if how == "known":
                await clock.sleep(30)
                made = await view.snapshots.get(made)
            if how == "run":
                run = await view.snapshots.create_many(ids)
                assert run.counts["complete"] == 3
                continue
            assert (await view.snapshots.wait_until_complete(made)).state == "Ready"
    unusual = [event for event in events if isinstance(event, UnusualState)]
    assert sorted(event.state for event in unusual) == ["Ready", "available"]
    assert not [event for event in events if isinstance(event, UnknownState)]


# Changes


async def test_changes_are_told_to_a_function_or_a_coroutine(env: Env) -> None:
    made = await env.made()
    told: list[Transition] = []

    async def tell(change: Transition) -> None:
        await asyncio.sleep(0)
        told.append(change)

    await env.civo.snapshots.wait_until_complete(made, on_change=tell)
    again: list[Transition] = []
    waits = env.civo.snapshots
    await waits.wait_until_complete(made.instance_id, made.id, on_change=again.append)
    assert [change.after for change in told] == ["Completed", "Complete", "Completed"]
    assert {change.before for change in told} == {"Pending"}
    assert [change.before for change in again] == [None] * 3


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_error_of_the_callback_ends_this_wait_only_and_at_once(  # P104
    env: Env, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    mine, others = await env.made(0), await env.made(1)

    def broken(change: Transition) -> None:
        raise ZeroDivisionError

    async def broken_later(change: Transition) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    callback = broken if kind == "sync" else broken_later
    waits = env.civo.snapshots
    other = asyncio.create_task(waits.wait_until_complete(others))
    with pytest.raises(ZeroDivisionError) as caught:
        await waits.wait_until_complete(mine, on_change=callback)
    watcher = env.civo._state.watcher(env.civo._api)
    assert len(watcher._registry) <= 1  # the error is still held, and yet no wait is registered
    assert caught.value.__traceback__ is not None
    assert (await other).id == others.id


async def test_a_slow_callback_delays_nobody_else(env: Env) -> None:  # P104
    made = [await env.made(number) for number in range(3)]

    async def slowly(change: Transition) -> None:
        await env.clock.sleep(1000)

    waits = env.civo.snapshots
    slow = asyncio.create_task(waits.wait_until_complete(made[0], on_change=slowly))
    await asyncio.gather(*map(waits.wait_until_complete, made[1:]))
    assert env.clock.monotonic() < 30
    assert (await slow).state == "Complete"


async def test_watching_yields_each_transition(env: Env) -> None:
    made = await env.made()
    changes = [change async for change in env.civo.snapshots.watch(made)]
    assert [change.after for change in changes].count("Complete") == 1
    assert {change.volume_id for change in changes} == {None, *made.included_volumes}


async def test_watching_ends_with_the_same_errors(env: Env) -> None:
    env.region.fail_volume(env.instance_id)
    made = await env.made()
    seen: list[str] = []

    async def read(changes: AsyncIterator[Transition]) -> None:
        async for change in changes:
            seen.append(change.after)  # noqa: PERF401 - what was seen before the error counts

    await ends(read(env.civo.snapshots.watch(made)), SnapshotFailedError)
    assert "Failed" in seen
    never = env.civo.snapshots.watch(env.instance_id, "s-1", timeout=5)
    await ends(read(never), WaitTimeoutError)


async def test_a_reader_that_leaves_ends_its_wait(env: Env) -> None:
    made = await env.made()
    async with aclosing(env.civo.snapshots.watch(made.instance_id, made.id)) as changes:
        async for _ in changes:
            break
    assert not env.civo._state.watcher(env.civo._api)._registry
    spent = env.region.total
    await env.clock.sleep(100)
    assert env.region.total == spent


async def test_a_cancelled_wait_ends_at_once_and_polls_no_more(env: Env) -> None:  # L120
    for on_change in (None, print):
        made = await env.made()
        wait = asyncio.create_task(
            env.civo.snapshots.wait_until_complete(made, on_change=on_change)
        )
        await env.clock.sleep(1.5)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        spent = env.region.total
        await env.clock.sleep(60)
        assert env.region.total == spent


async def test_closing_the_client_ends_its_waits(env: Env) -> None:  # L117
    made = await env.made()
    waits = [
        asyncio.create_task(env.civo.snapshots.wait_until_complete(made)),
        asyncio.create_task(env.civo.snapshots.wait_until_deleted(made)),
    ]
    await env.clock.sleep(1.5)
    await env.civo.close()
    for wait in waits:
        error = await ends(wait, ClientClosedError)
        assert "the snapshot goes on" in str(error)


# wait_until_deleted


@pytest.mark.parametrize("env", [{"delete_takes": 20.0}], indirect=True)
@pytest.mark.drawn(delete_pending=True, visible_after=0.0, read_lag=0.0)
async def test_a_deletion_is_waited_for(env: Env) -> None:
    made = await env.made()
    await env.civo.snapshots.delete(made)
    await env.civo.snapshots.wait_until_deleted(made)
    assert 20 <= env.clock.monotonic() <= 25
    await env.civo.snapshots.wait_until_deleted(made.instance_id, made.id)


@pytest.mark.parametrize("env", [{"delete_takes": 20.0}], indirect=True)
@pytest.mark.drawn(
    delete_pending=True, visible_after=0.0, read_lag=0.0, region_listing=True, listing_gaps=0.0
)
async def test_many_deletions_are_told_by_their_own_404(env: Env) -> None:  # P102
    made = [await env.made(number) for number in range(3)]
    for snapshot in made:
        await env.civo.snapshots.delete(snapshot)
    await asyncio.gather(*map(env.civo.snapshots.wait_until_deleted, made))
    assert env.clock.monotonic() >= 20
    assert env.region.statuses[404] == 3


async def test_a_snapshot_that_stays_is_a_timeout(env: Env) -> None:
    made = await env.made()
    wait = env.civo.snapshots.wait_until_deleted(made, timeout=30)
    error = await ends(wait, WaitTimeoutError)
    assert error.snapshot.id == made.id


# wait_until_restored


@pytest.mark.drawn(
    restore_queue=0.0,
    tells_pages=True,
    pages_off_by=0,
    page_cap=100,
    null_per_page=False,
    read_lag=0.0,
)
async def test_a_new_instance_is_found_by_its_hostname(env: Env) -> None:
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    instance = await env.civo.snapshots.wait_until_restored(restore)
    assert (instance.hostname, instance.status) == (env.copy, env.restored)
    assert env.region.counts[INSTANCES] == 2  # before the restore and after it, then by its id
    assert env.region.counts[INSTANCE] >= 1


@pytest.mark.drawn
async def test_a_namesake_from_before_is_not_taken_for_it(env: Env) -> None:
    old = env.region.add_instance("copy")
    done = await env.done()
    await env.clock.sleep(10)
    restore = await env.civo.snapshots.restore(done, hostname="copy")
    assert (await env.civo.snapshots.wait_until_restored(restore)).id != old


@pytest.mark.drawn
async def test_an_overwritten_instance_counts_after_it_was_away(env: Env) -> None:
    done = await env.done()
    restore = await env.civo.snapshots.restore(done, overwrite_existing=True)
    instance = await env.civo.snapshots.wait_until_restored(restore)
    assert (instance.id, instance.status) == (done.instance_id, env.restored)
    assert env.region.counts[INSTANCES] == 0


@pytest.mark.drawn
async def test_a_restore_that_fails_is_told(env: Env) -> None:
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    (record,) = [one for one in env.region.state.instances.values() if one.hostname == env.copy]
    record.settled_status = "ERROR"
    error = await ends(env.civo.snapshots.wait_until_restored(restore), RestoreFailedError)
    assert error.restore == restore
    assert error.instance.hostname == env.copy


@pytest.mark.drawn(restore_queue=0.0, read_lag=0.0)
async def test_a_restore_that_takes_too_long_can_be_waited_for_again(env: Env) -> None:
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    error = await ends(env.civo.snapshots.wait_until_restored(restore, timeout=0), WaitTimeoutError)
    assert error.instance.status == "BUILDING"
    again = await env.civo.snapshots.wait_until_restored(error.restore, timeout=60)
    assert again.status == env.restored


async def test_an_instance_that_never_shows_up_is_a_timeout(env: Env) -> None:
    restore = Restore(id="r-1", hostname="nowhere")
    error = await ends(
        env.civo.snapshots.wait_until_restored(restore, timeout=30), WaitTimeoutError
    )
    assert error.instance is None
    missing = Restore(id="r-1", overwrite_existing=True, instance_id="i-1")
    error = await ends(
        env.civo.snapshots.wait_until_restored(missing, timeout=30), WaitTimeoutError
    )
    assert error.restore == missing


@pytest.mark.drawn
async def test_an_outage_during_a_restore_is_survived(env: Env) -> None:  # P96
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    env.region.outage(40)
    assert (await env.civo.snapshots.wait_until_restored(restore)).hostname == env.copy


async def test_a_longer_outage_ends_the_wait_for_a_restore(env: Env) -> None:  # P96
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    env.region.outage(900, after=1)
    other = evolve(restore, hostname="else")
    wait = env.civo.snapshots.wait_until_restored(other, poll=PollPolicy(tolerate=60))
    error = await ends(wait, PollFailedError)
    assert error.restore.id == restore.id
    assert error.instance is None


async def test_a_revoked_token_ends_the_wait_for_a_restore(env: Env) -> None:  # P97
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    env.region.fault("*", Fault.unauthorized(), times=None)
    error = await ends(env.civo.snapshots.wait_until_restored(restore), PollFailedError)
    assert isinstance(error.error, AuthenticationError)


async def test_one_stray_401_ends_no_wait_for_a_restore(env: Env) -> None:
    """R153."""
    restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    env.region.fault("*", Fault.unauthorized())
    assert (await env.civo.snapshots.wait_until_restored(restore)).hostname == "copy"


async def test_a_poll_for_a_restore_gets_only_the_time_left(
    env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed: list[float] = []

    async def send(request: Request, timeout: float, sink: object = None) -> CivoError:
        allowed.append(timeout)
        await env.clock.sleep(timeout)
        return ConnectionLostError("silence")

    monkeypatch.setattr(env.civo._state.session._transport, "send", send)
    for restore in (
        Restore(id="r-1", hostname="copy"),
        Restore(id="r-1", overwrite_existing=True, instance_id="i-1"),
    ):
        wait = env.civo.snapshots.wait_until_restored(restore, timeout=10)
        error = await ends(wait, WaitTimeoutError)
        assert allowed == [11.0]  # R168
        assert error.elapsed == 11.0
        allowed.clear()


async def test_a_restore_without_a_name_cannot_be_waited_for(env: Env) -> None:
    for restore in (Restore(id="r-1"), Restore(id="r-1", overwrite_existing=True)):
        await ends(env.civo.snapshots.wait_until_restored(restore), InvalidArgumentError)
    await turn()
    assert env.region.total == 0
