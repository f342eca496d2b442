"""What single creates make of a snapshot that bears their name, and of a create that was lost."""

import asyncio
import random

import pytest
from support.env import client_of

from civo_snapshots import SnapshotExistsError
from civo_snapshots.errors import CivoError, InvalidArgumentError, OutcomeUnknownError
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
LIST = "GET /v2/instances/{id}/snapshots"


async def test_by_default_one_more_is_made_without_a_look() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        first = await civo.snapshots.create(region.instance_ids[0], name="n")
        second = await civo.snapshots.create(region.instance_ids[0], name="n")
        assert first.id != second.id
        assert (region.total, region.counts[LIST]) == (2, 0)


async def test_what_exists_is_adopted_on_request() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        instance_id = region.instance_ids[0]
        first = await civo.snapshots.create(instance_id, name="n", on_existing="adopt")
        again = await civo.snapshots.create(instance_id, name="n", on_existing="adopt")
        assert again.id == first.id
        assert (region.counts[CREATE], region.counts[LIST]) == (1, 2)


async def test_what_has_failed_is_not_adopted() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        instance_id = region.instance_ids[0]
        region.fail_volume(instance_id)
        first = await civo.snapshots.create(instance_id, name="n")
        with pytest.raises(CivoError):
            await civo.snapshots.wait_until_complete(first)
        again = await civo.snapshots.create(instance_id, name="n", on_existing="adopt")
        assert again.id != first.id


async def test_what_exists_is_refused_on_request_with_its_record() -> None:
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        instance_id = region.instance_ids[0]
        first = await civo.snapshots.create(instance_id, name="n", on_existing="error")
        with pytest.raises(SnapshotExistsError) as caught:
            await civo.snapshots.create(instance_id, name="n", on_existing="error")
        assert caught.value.snapshot is not None
        assert caught.value.snapshot.id == first.id
        assert region.counts[CREATE] == 1
        with pytest.raises(InvalidArgumentError, match="on_existing"):
            await civo.snapshots.create(instance_id, on_existing="replace")  # type: ignore[arg-type]
        await civo.snapshots.create(instance_id, on_existing="error")  # a name of its own
        assert region.counts[LIST] == 2


@pytest.mark.parametrize("skew", [-600.0, 0.0, 600.0])
@pytest.mark.parametrize("on_existing", ["adopt", "error"])
async def test_with_a_look_before_no_doubt_is_left(skew: float, on_existing: str) -> None:
    """R172: whatever the clocks say."""
    clock = FakeClock()
    region = FakeRegion(instances=20, clock=clock, date_skew=skew)
    async with region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.drop_after_acting(), times=5, after=3)
        region.fault(CREATE, Fault.drop_before_acting(), times=5, after=9)
        made = await asyncio.gather(
            *(
                civo.snapshots.create(one, name="n", on_existing=on_existing)  # type: ignore[arg-type]
                for one in region.instance_ids
            )
        )
        assert {one.id for one in made} == set(region.state.snapshots)
        assert len(made) == 20


@pytest.mark.parametrize("skew", [-600.0, -30.0, 0.0, 30.0, 600.0])
async def test_an_older_namesake_is_neither_returned_nor_are_new_ones_told_as_too_many(
    skew: float,
) -> None:
    """R172: 200 instances, each with a namesake, 5 % of the creates lost."""
    dice = random.Random(int(skew))
    clock = FakeClock()
    region = FakeRegion(instances=200, clock=clock, date_skew=skew, created_skew=-skew / 2)
    async with region, client_of(region, clock) as earlier:
        old = {(await earlier.snapshots.create(one, name="n")).id for one in region.instance_ids}
    await clock.sleep(dice.uniform(60, 7200))
    async with region, client_of(region, clock) as civo:
        region.fault(CREATE, Fault.drop_after_acting(), times=None, probability=0.025)
        region.fault(CREATE, Fault.drop_before_acting(), times=None, probability=0.025)
        ends = await asyncio.gather(
            *(civo.snapshots.create(one, name="n") for one in region.instance_ids),
            return_exceptions=True,
        )
        told = [end for end in ends if not isinstance(end, BaseException)]
        assert not {one.id for one in told} & old
        assert all(isinstance(end, OutcomeUnknownError) for end in ends if end not in told)
        new = set(region.state.snapshots) - old
        assert len(new) <= 200
        assert {one.id for one in told} <= new
        assert civo.unresolved.extra_snapshots == ()
        assert len(told) >= 190  # the clock that dates them is known from those that were answered
