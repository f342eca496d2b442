"""What is done after lost answers, how it ends, and what is still looked for afterwards."""

import asyncio

import pytest

from civo_snapshots import (
    CivoClient,
    CivoError,
    ConnectionLostError,
    OutcomeKind,
    OutcomeUnknownError,
    Snapshot,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

SNAPSHOTS = "/v2/instances/{id}/snapshots"
CREATE, LIST = f"POST {SNAPSHOTS}", f"GET {SNAPSHOTS}"


def client_of(region: FakeRegion, clock: FakeClock) -> CivoClient:
    return CivoClient(region.token, region=region.region, api_url=region.url, clock=clock)


@pytest.mark.parametrize("timeout", [9.0, 12.0, 16.0, 17.5, 24.1, 60.0, 120.0])
async def test_a_create_that_does_nothing_is_not_sent_without_time_to_prove_it(
    timeout: float,
) -> None:
    """R174: the last of fifteen sends had no time left for a search, and all ended as unknown."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.drop_before_acting(), times=None)
        with pytest.raises(ConnectionLostError, match="nothing was made") as caught:
            await civo.snapshots.create(region.instance_ids[0], timeout=timeout)
        assert not caught.value.may_have_acted
        sends = region.counts[CREATE]
        assert max(1, timeout // 8 - 1) <= sends <= timeout / 8
        assert clock.monotonic() <= timeout


async def test_a_first_send_is_never_held_back() -> None:
    """R174: it may well be answered, though its loss could not be looked into."""
    clock = FakeClock()
    async with FakeRegion(instances=2, clock=clock) as region, client_of(region, clock) as civo:
        first, second = region.instance_ids
        await civo.snapshots.create(first, timeout=1.0)
        region.fault(CREATE, Fault.drop_after_acting())
        assert (await civo.snapshots.create(first, timeout=1.0)).id in region.state.snapshots
        region.fault(CREATE, Fault.drop_before_acting())
        with pytest.raises(OutcomeUnknownError):
            await civo.snapshots.create(second, timeout=1.0)
        assert region.counts[CREATE] == 3


async def test_a_repeat_that_is_not_answered_leaves_time_to_look_for_it() -> None:
    """R174: it may take what is left but for the search, not its usual time."""
    async with (
        FakeRegion() as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        civo._state.session.timeouts = type(civo._state.session.timeouts)(reconcile_window=1.2)
        region.fault(CREATE, Fault.drop_before_acting())
        region.fault(CREATE, Fault.stall(60.0, acts=False), after=1, times=None)
        with pytest.raises(CivoError, match="nothing was made") as caught:
            await civo.snapshots.create(region.instance_ids[0], timeout=4.8)
        assert not caught.value.may_have_acted
        assert region.counts[CREATE] == 2


async def test_a_repeat_that_finds_no_connection_leaves_it_at_that_nothing_was_made() -> None:
    """R174: what was proven before is not open again because nothing more could be sent."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.drop_before_acting())
        create = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], timeout=60))
        while region.counts[LIST] < 5:  # noqa: ASYNC110 - the region counts, it does not signal
            await asyncio.sleep(0)
        while region.statuses[200] < 5:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await region.stop()
        with pytest.raises(CivoError, match="nothing was made") as caught:
            await create
        assert not isinstance(caught.value, OutcomeUnknownError)
        assert not caught.value.may_have_acted
        assert region.state.snapshots == {}


# R175: late looks, whenever something was lost.


@pytest.mark.parametrize(
    "refusal",
    [
        Fault.code("quota_limit_reached", status=403),
        Fault.code("database_snapshot_cannot_replace", status=409),
        Fault.code("database_snapshot_create_instance_not_found", status=404),
    ],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize("closes_at_once", [True, False])
async def test_what_commits_after_its_repeat_was_refused_is_told(
    refusal: Fault, *, closes_at_once: bool
) -> None:
    """R175: an orphan that nobody was told of."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.late_commit(20.0))
        region.fault(CREATE, refusal, after=1)
        async with client_of(region, clock) as civo:
            with pytest.raises(OutcomeUnknownError) as caught:
                await civo.snapshots.create(region.instance_ids[0], name="n")
            await clock.sleep(max(20.5 - clock.monotonic(), 0) if closes_at_once else 120.0)
        [orphan] = region.state.snapshots
        [told] = civo.unresolved.extra_snapshots
        assert (told.snapshot, told.extra_id) == (None, orphan)
        assert (told.instance_id, told.name) == (region.instance_ids[0], "n")
        assert caught.value.name == "n"


async def test_an_older_one_that_no_look_could_show_is_told_as_no_extra() -> None:
    """R172, R175: the listing failed as long as the create went on."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.state.add_stranger("n", age=300.0)
        region.fault(CREATE, Fault.drop_before_acting())
        region.fault(LIST, Fault.gateway_html(503), times=None)
        async with client_of(region, clock) as civo:
            with pytest.raises(OutcomeUnknownError):
                await civo.snapshots.create(region.instance_ids[0], name="n")
            await clock.sleep(20.0)
            region.clear_faults()
            await clock.sleep(120.0)
        assert civo.unresolved.extra_snapshots == ()


async def test_in_a_run_it_is_unknown_and_told_when_it_shows() -> None:
    """R175."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.late_commit(20.0))
        region.fault(CREATE, Fault.code("quota_limit_reached", status=403), after=1)
        async with client_of(region, clock) as civo:
            run = await civo.snapshots.create_many(region.instance_ids[:1], name="nightly")
            assert [one.kind for one in run] == [OutcomeKind.UNKNOWN]
            await clock.sleep(120.0)
        assert [one.extra_id for one in civo.unresolved.extra_snapshots] == list(
            region.state.snapshots
        )


async def test_ours_that_commits_after_anothers_was_adopted_is_told() -> None:
    """R175: the other process made the same run at the same time."""
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        client_of(region, clock) as civo,
        client_of(region, clock) as other,
    ):
        instances = region.instance_ids[:1]
        region.fault(CREATE, Fault.late_commit(12.0))
        ours = asyncio.create_task(civo.snapshots.create_many(instances, name="nightly"))
        while not region.counts[CREATE]:  # noqa: ASYNC110 - the region counts, it does not signal
            await asyncio.sleep(0)
        [theirs] = await other.snapshots.create_many(instances, name="nightly")
        [adopted] = await ours
        assert theirs.snapshot is not None
        assert adopted.snapshot is not None
        assert adopted.snapshot.id == theirs.snapshot.id
        await clock.sleep(120.0)
        [late] = set(region.state.snapshots) - {adopted.snapshot.id}
        told = {one.extra_id for one in civo.unresolved.extra_snapshots}
        assert told == {late}
        assert civo.unresolved.extra_snapshots[0].snapshot_id == adopted.snapshot.id


async def test_what_was_adopted_after_a_refusal_is_told_as_no_extra() -> None:
    """R175, R161: the name was taken by another process, whose snapshot this run adopts."""
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, unique_names="instance", visible_after=5.0) as region,
        client_of(region, clock) as civo,
        client_of(region, clock) as other,
    ):
        instances = region.instance_ids[:1]
        first = await other.snapshots.create_many(instances, name="nightly")
        run = await civo.snapshots.create_many(instances, name="nightly")
        assert [one.snapshot and one.snapshot.id for one in run] == list(region.state.snapshots)
        await clock.sleep(120.0)
        assert (first.counts["complete"], civo.unresolved.extra_snapshots) == (1, ())


# R171: the time of a lost create is running.


class BusyClock(FakeClock):
    """A clock that moves with what a region receives, as if each request took its time."""

    async def follow(self, region: FakeRegion, seconds: float) -> None:
        """Move by so many seconds for each request."""
        seen = 0
        while True:
            received = region.total
            self.advance((received - seen) * seconds)
            seen = received
            await asyncio.sleep(0)


async def test_looks_for_lost_creates_go_before_creates_that_have_not_begun() -> None:
    """R171: 41 of 1,500 were unknown because their looks queued behind all others."""
    clock = BusyClock()
    async with FakeRegion(instances=1_500, clock=clock) as region:
        region.fault(CREATE, Fault.drop_after_acting(), times=None, probability=0.015)
        region.fault(CREATE, Fault.drop_before_acting(), times=None, probability=0.015)
        async with client_of(region, clock) as civo:
            follower = asyncio.create_task(clock.follow(region, 0.05 / 50))
            made = await asyncio.gather(
                *(civo.snapshots.create(one, name="n") for one in region.instance_ids)
            )
            follower.cancel()
        assert {one.instance_id: one.id for one in made if isinstance(one, Snapshot)} == {
            one.instance_id: key for key, one in region.state.snapshots.items()
        }
        assert len(region.state.snapshots) == 1_500
        arrivals = [request.path for request in region.requests]
        is_post = [request.route == CREATE for request in region.requests]
        lost = [n for n, one in enumerate(region.requests) if is_post[n] and one.status is None]
        first_looks = [arrivals.index(arrivals[n], n + 1) for n in lost]
        # Those in flight, a quarter of a second, and what the loop (of some Pythons more) receives
        # before this clock follows: nobody waited for the 500 creates behind.
        waits = [look - at for at, look in zip(lost, first_looks, strict=True) if at < 1_000]
        assert len(waits) >= 20
        assert max(waits) <= 50 + 0.26 / (0.05 / 50) + 180
