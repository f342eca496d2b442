"""Single creates that ask what exists first: `on_existing="adopt"` and `"error"`."""

import asyncio

import pytest
from support.regions import MakeRegion

from civo_snapshots import (
    CivoClient,
    CivoError,
    ConflictError,
    ConnectionLostError,
    InvalidArgumentError,
    SnapshotExistsError,
)
from civo_snapshots._create import OnExisting
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

SNAPSHOTS = "/v2/instances/{id}/snapshots"
CREATE, LIST = f"POST {SNAPSHOTS}", f"GET {SNAPSHOTS}"
IN_PROCESS = "database_snapshot_create_already_in_process"


def client_of(region: FakeRegion, clock: FakeClock, concurrency: int = 50) -> CivoClient:
    return CivoClient(
        region.token, region=region.region, api_url=region.url, clock=clock, concurrency=concurrency
    )


@pytest.mark.drawn(
    visible_after=0.0, read_lag=0.0, region_listing=True, listing_gaps=0.0, failure_rate=0.0
)
async def test_what_exists_is_adopted_or_refused_and_nothing_is_sent(
    make_region: MakeRegion,
) -> None:
    clock = FakeClock()
    async with make_region(clock=clock) as region, client_of(region, clock) as civo:
        old = region.state.add_stranger("n", age=3_600.0)
        instance_id = old.instance_id
        found = await civo.snapshots.create(instance_id, name="n", on_existing="adopt")
        assert (found.id, found.instance_id) == (old.id, instance_id)
        with pytest.raises(SnapshotExistsError, match="already") as caught:
            await civo.snapshots.create(instance_id, name="n", on_existing="error")
        assert caught.value.snapshot is not None
        assert caught.value.snapshot.id == old.id
        assert not caught.value.may_have_acted
        assert (region.counts[CREATE], region.counts[LIST]) == (0, 2)


async def test_one_is_made_beside_a_namesake_that_has_failed_unless_any_is_an_error() -> None:
    """R160: a failure is adopted by nobody, and stays for somebody to look at."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        bad = region.state.add_stranger("n", age=3_600.0, state="failed")
        with pytest.raises(SnapshotExistsError) as caught:
            await civo.snapshots.create(bad.instance_id, name="n", on_existing="error")
        assert caught.value.snapshot is not None
        assert caught.value.snapshot.id == bad.id
        made = await civo.snapshots.create(bad.instance_id, name="n", on_existing="adopt")
        assert set(region.state.snapshots) == {bad.id, made.id}
        again = await civo.snapshots.create(bad.instance_id, name="n", on_existing="adopt")
        assert (again.id, region.counts[CREATE]) == (made.id, 1)


async def test_only_who_asks_pays_for_the_look() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        instance_id = region.instance_ids[0]
        await civo.snapshots.create(instance_id, name="n")
        await civo.snapshots.create(instance_id, name="n", on_existing="create")
        for on_existing in ("create", "adopt", "error"):
            await civo.snapshots.create(instance_id, on_existing=on_existing)  # generated names
        assert (region.counts[CREATE], region.total) == (5, 5)
        await civo.snapshots.create(instance_id, name="other", on_existing="adopt")
        assert (region.counts[CREATE], region.total) == (6, 7)


@pytest.mark.parametrize("on_existing", ["adopt", "error"])
async def test_two_at_once_make_one(on_existing: OnExisting) -> None:
    """S71: the second looks when the first has ended, and one slot is enough for both."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock, 1) as civo:
        region.fault(CREATE, Fault.drop_after_acting())
        first, second = await asyncio.gather(
            *(
                civo.snapshots.create(region.instance_ids[0], name="n", on_existing=on_existing)
                for _ in range(2)
            ),
            return_exceptions=True,
        )
        assert len(region.state.snapshots) == 1
        if on_existing == "adopt":
            assert first == second
        else:
            assert isinstance(second, SnapshotExistsError)


async def test_the_look_is_repeated_and_without_it_nothing_is_sent() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        region.fault(LIST, Fault.gateway_html(503), times=3)
        await civo.snapshots.create(region.instance_ids[0], name="n", on_existing="error")
        assert (region.counts[LIST], region.counts[CREATE]) == (4, 1)
        region.fault(LIST, Fault.drop_before_acting(), times=None)
        began = clock.monotonic()
        with pytest.raises(CivoError, match="nothing was sent") as caught:
            await civo.snapshots.create(
                region.instance_ids[0], name="n", on_existing="error", timeout=10
            )
        assert not caught.value.may_have_acted
        assert clock.monotonic() - began <= 10
        asked = region.counts[LIST]
        with pytest.raises(ConnectionLostError, match="nothing was sent"):
            await civo.snapshots.create(
                region.instance_ids[0], name="n", on_existing="error", retries=False
            )
        assert (region.counts[LIST], region.counts[CREATE]) == (asked + 1, 1)


@pytest.mark.parametrize("code", [IN_PROCESS, "database_quota_lock_failed"])
@pytest.mark.parametrize("on_existing", ["adopt", "error", "create"])
async def test_what_another_process_makes_meanwhile_is_met_as_asked(
    on_existing: OnExisting, code: str
) -> None:
    """R152, R161: it shows before the repeat of what was told to try later."""
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        instance_id = region.instance_ids[0]
        await civo.snapshots.create(region.instance_ids[1])  # shows the backend's clock
        region.fault(CREATE, Fault.code(code, acts=True))  # acts: for the other process
        create = civo.snapshots.create(instance_id, name="n", on_existing=on_existing)
        if on_existing == "adopt":
            assert (await create).id in region.state.snapshots
        else:
            expected = SnapshotExistsError if on_existing == "error" else ConflictError
            with pytest.raises(expected):
                await create
        assert region.counts[CREATE] == 2


@pytest.mark.parametrize("on_existing", ["adopt", "error"])
async def test_a_taken_name_that_did_not_show_is_met_as_asked(on_existing: OnExisting) -> None:
    """R161: reads that lag behind have hidden it."""
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, unique_names="instance", visible_after=3.0) as region,
        client_of(region, clock) as civo,
        client_of(region, clock) as other,
    ):
        instance_id = region.instance_ids[0]
        old = await other.snapshots.create(instance_id, name="n")
        create = civo.snapshots.create(instance_id, name="n", on_existing=on_existing)
        if on_existing == "adopt":
            assert (await create).id == old.id
        else:
            with pytest.raises(SnapshotExistsError) as caught:
                await create
            assert caught.value.snapshot is not None
            assert caught.value.snapshot.id == old.id
        assert len(region.state.snapshots) == 1


async def test_a_taken_name_that_never_shows_is_a_conflict() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.code("database_snapshot_cannot_replace", status=409))
        with pytest.raises(ConflictError):
            await civo.snapshots.create(region.instance_ids[0], name="n", on_existing="adopt")


async def test_another_word_is_refused_before_anything_is_sent() -> None:
    async with FakeRegion() as region, client_of(region, FakeClock()) as civo:
        with pytest.raises(InvalidArgumentError, match="on_existing"):
            await civo.snapshots.create(
                region.instance_ids[0],
                on_existing="replace",  # type: ignore[arg-type]
            )
        assert region.total == 0
