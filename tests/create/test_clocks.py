"""Lost creates under names that others bear already, where clocks differ by minutes (R172)."""

import asyncio
import random

import pytest

from civo_snapshots import CivoClient, OutcomeUnknownError, Snapshot, SnapshotExistsError
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"

SKEWS = [
    pytest.param(date, created, id=f"date{date}-created{created}")
    for date in (-600.0, 0.0, 600.0)
    for created in (-600.0, 0.0, 600.0)
] + [pytest.param(79.61, -88.95, id="as-drawn")]
"""Seconds that a gateway's Date and a backend's created_at are ahead."""


def client_of(region: FakeRegion, clock: FakeClock) -> CivoClient:
    return CivoClient(region.token, region=region.region, api_url=region.url, clock=clock)


def made_in(region: FakeRegion) -> dict[str, str]:
    """The instance of each snapshot that is no stranger."""
    table = region.state.snapshots
    return {key: one.instance_id for key, one in table.items() if not one.is_strangers}


@pytest.mark.parametrize(("date_skew", "created_skew"), SKEWS)
async def test_no_older_namesake_is_returned_and_nothing_is_made_twice(
    date_skew: float, created_skew: float
) -> None:
    """R172: age is compared by what answered creates show of the backend's clock."""
    clock, dice = FakeClock(), random.Random(172)
    async with FakeRegion(
        instances=200, clock=clock, date_skew=date_skew, created_skew=created_skew
    ) as region:
        for instance_id in region.instance_ids:
            region.state.add_stranger("nightly", instance_id, age=dice.uniform(120, 20_000))
        region.fault(CREATE, Fault.drop_after_acting(), times=None, probability=0.05)
        region.fault(CREATE, Fault.drop_before_acting(), times=None, probability=0.05)
        async with client_of(region, clock) as civo:
            ends = await asyncio.gather(
                *(civo.snapshots.create(one, name="nightly") for one in region.instance_ids),
                return_exceptions=True,
            )
        made = made_in(region)
        assert len(set(made.values())) == len(made)  # no instance has two
        returned = {end.id: end.instance_id for end in ends if isinstance(end, Snapshot)}
        assert returned.items() <= made.items()
        assert [end for end in ends if not isinstance(end, (Snapshot, OutcomeUnknownError))] == []
        assert len(returned) >= 190
        assert [
            extra for extra in civo.unresolved.extra_snapshots if extra.snapshot is not None
        ] == []


@pytest.mark.parametrize(("date_skew", "created_skew"), SKEWS)
@pytest.mark.parametrize("fault", [Fault.drop_after_acting(), Fault.drop_before_acting()])
async def test_a_clock_that_nothing_has_shown_yet_is_not_trusted(
    fault: Fault, date_skew: float, created_skew: float
) -> None:
    """R172: the first create of a client; a gateway's date alone rules out only what is old."""
    clock = FakeClock()
    async with FakeRegion(
        instances=2, clock=clock, date_skew=date_skew, created_skew=created_skew
    ) as region:
        for instance_id, age in zip(region.instance_ids, (300.0, 86_400.0), strict=True):
            old = region.state.add_stranger("nightly", instance_id, age=age)
            region.fault(CREATE, fault)
            async with client_of(region, clock) as civo:
                try:
                    snapshot = await civo.snapshots.create(instance_id, name="nightly")
                except OutcomeUnknownError as error:
                    candidates = {one.id for one in error.candidates}
                    assert candidates <= {old.id, *made_in(region)}
                    assert candidates
                else:
                    assert made_in(region)[snapshot.id] == instance_id
                assert [
                    one for one in civo.unresolved.extra_snapshots if one.snapshot is not None
                ] == []
        made = made_in(region)
        assert len(set(made.values())) == len(made)


@pytest.mark.parametrize(("date_skew", "created_skew"), SKEWS)
@pytest.mark.parametrize("fault", [Fault.drop_after_acting(), Fault.drop_before_acting()])
async def test_after_a_baseline_no_outcome_is_unknown(
    fault: Fault, date_skew: float, created_skew: float
) -> None:
    """R172: each by a client of its own, which has seen no answer that shows a clock."""
    clock = FakeClock()
    async with FakeRegion(
        instances=5, clock=clock, date_skew=date_skew, created_skew=created_skew
    ) as region:
        for instance_id in region.instance_ids:
            region.fault(CREATE, fault)
            async with client_of(region, clock) as civo:
                snapshot = await civo.snapshots.create(instance_id, name="n", on_existing="error")
                assert made_in(region)[snapshot.id] == instance_id
                with pytest.raises(SnapshotExistsError) as caught:
                    await civo.snapshots.create(instance_id, name="n", on_existing="error")
                assert caught.value.snapshot is not None
                assert caught.value.snapshot.id == snapshot.id
                assert await civo.snapshots.create(instance_id, name="n", on_existing="adopt") == (
                    await civo.snapshots.get(snapshot)
                )
            assert civo.unresolved.extra_snapshots == ()
        assert len(made_in(region)) == 5
