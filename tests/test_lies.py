"""Nobody is told what is not so: random walks through drawn regions, and the lies they found.

`python -m benchmarks.hostile lies` walks further; a walk that fails here is repeated there by its
seed.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable

import pytest

from benchmarks.hostile import lies
from benchmarks.hostile._truth import wire_name
from civo_snapshots import (
    Acknowledgement,
    CivoClient,
    FleetRun,
    Outcome,
    OutcomeKind,
    PollPolicy,
    Snapshot,
)
from civo_snapshots.resources import Snapshots
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

STEPS = 600
CREATE = "POST /v2/instances/{id}/snapshots"


async def test_no_caller_is_told_what_is_not_so() -> None:
    seed = 0 if "CI" in os.environ else random.SystemRandom().randrange(1, 1_000)
    found = await lies.search(STEPS, seed)
    assert found.steps == STEPS
    assert not found.lies, "\n".join(map(str, found.lies))


# The judge


async def _complete_at_once(self: Snapshots, *key: Snapshot | str, **options: object) -> Snapshot:
    if isinstance(key[0], Snapshot):
        return key[0]
    return Snapshot(str(key[1]), instance_id=str(key[0]))


async def _deleted_at_once(self: Snapshots, *key: object, **options: object) -> Acknowledgement:
    return Acknowledgement()


async def _gone_at_once(self: Snapshots, *key: object, **options: object) -> None:
    return None


async def _not_rolled_back(self: Snapshots, run: FleetRun) -> None:
    return None


def _says_refused(of: OutcomeKind) -> Callable[[Snapshots], Awaitable[FleetRun]]:
    create_many = Snapshots.create_many

    async def says(self: Snapshots, *args: object, **options: object) -> FleetRun:
        run = await create_many(self, *args, **options)  # type: ignore[arg-type]
        told = (Outcome(one.instance_id, one.name, of) for one in run)
        return FleetRun(run.name, tuple(told))

    return says


@pytest.mark.parametrize(
    ("method", "liar", "told"),
    [
        ("wait_until_complete", _complete_at_once, "told complete"),
        ("delete", _deleted_at_once, "told deleted"),
        ("wait_until_deleted", _gone_at_once, "told gone"),
        ("roll_back", _not_rolled_back, "told deleted"),
        ("create_many", _says_refused(OutcomeKind.REFUSED), "told that nothing was made"),
        ("create_many", _says_refused(OutcomeKind.COMPLETE), "complete, with None"),
        ("create_many", _says_refused(OutcomeKind.UNKNOWN), "unknown, and nothing went wrong"),
    ],
)
async def test_the_judge_notices_a_client_that_lies(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    liar: Callable[..., Awaitable[object]],
    told: str,
) -> None:
    monkeypatch.setattr(Snapshots, method, liar)
    found = await lies.search(400, seed=7, shrink=0)
    assert any(told in lie.text for lie in found.lies), [lie.text for lie in found.lies]


async def test_a_lie_is_brought_down_to_the_steps_that_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Snapshots, "delete", _deleted_at_once)
    found = await lies.search(200, seed=7)
    first = found.lies[0]
    kinds = [step.kind for step in first.steps]
    assert len(kinds) <= 4, first
    assert {"delete", "delete_and_wait"} & {*kinds}


# Lies that walks have found


def client_of(region: FakeRegion) -> CivoClient:
    return CivoClient(region.token, region=region.region, api_url=region.url, clock=region.clock)


async def test_what_the_other_of_two_runs_at_once_has_made_is_adopted_and_not_taken_back(
    nothing_left: None,
) -> None:
    """R161: two runs of one name in one client; one of them makes, the other one takes over."""
    async with (
        FakeRegion(instances=3, clock=FakeClock()) as region,
        client_of(region) as civo,
    ):
        many = civo.snapshots.create_many
        one, other = await asyncio.gather(
            *(many(region.instance_ids, name="nightly", description=tag) for tag in ("1", "2"))
        )
        for tag, run in (("1", one), ("2", other)):
            for outcome in run:
                assert outcome.snapshot is not None
                record = region.state.snapshots[outcome.snapshot.id]
                assert outcome.adopted is (record.description != tag)
        await civo.snapshots.roll_back(other)
        left = {key for key, record in region.state.snapshots.items() if not record.deleted}
        assert left == {out.snapshot.id for out in one if out.snapshot and not out.adopted}


async def test_an_undated_snapshot_that_a_lost_create_makes_late_is_told(
    nothing_left: None,
) -> None:
    """R172, R175: where no date tells whose it is, no earlier look has shown it."""
    async with (
        FakeRegion(instances=1, clock=FakeClock(), created_at_form="zero") as region,
        client_of(region) as civo,
    ):
        region.fault(CREATE, Fault.late_commit(20.0))
        made = await civo.snapshots.create(region.instance_ids[0], name="mine")
        await region.clock.sleep(120)
        late = region.state.snapshots.keys() - {made.id}
        assert {extra.extra_id for extra in civo.extra_snapshots} == late
        assert len(late) == 1


async def test_an_undated_namesake_that_was_there_before_is_not_told_as_an_extra(
    nothing_left: None,
) -> None:
    """R172."""
    async with (
        FakeRegion(instances=1, clock=FakeClock(), created_at_form="zero") as region,
        client_of(region) as civo,
    ):
        region.state.add_stranger("mine", age=3_600)
        region.fault(CREATE, Fault.late_commit(20.0))
        with pytest.raises(Exception, match="may have acted"):
            await civo.snapshots.create(region.instance_ids[0], name="mine")
        await region.clock.sleep(120)
        made = [one.id for one in region.state.snapshots.values() if not one.is_strangers]
        assert [extra.extra_id for extra in civo.unresolved.extra_snapshots] == made


async def test_a_namesake_in_the_listing_is_not_taken_for_one_that_does_not_show_yet(
    nothing_left: None,
) -> None:
    """P82: a run that was to create anew waits for its own snapshot, whoever bears its name."""
    policy = PollPolicy(jitter=0)
    async with (
        FakeRegion(instances=4, clock=FakeClock(), region_ids="name", visible_after=30.0) as region,
        client_of(region) as civo,
    ):
        for instance_id in region.instance_ids:
            name = wire_name("nightly", instance_id)
            region.state.add_stranger(name, instance_id, age=60, state="pending")
        # Once it has seemed to be seen, a few GETs without it would be its end.
        region.fault("GET /v2/resourcesnapshots", Fault.no_such_page(), after=3, times=None)
        run = await civo.snapshots.create_many(
            region.instance_ids, name="nightly", on_existing="create", poll=policy
        )
        assert [(out.kind, out.error) for out in run] == [(OutcomeKind.COMPLETE, None)] * 4


async def test_a_run_whose_name_was_generated_knows_its_own_without_a_date(
    nothing_left: None,
) -> None:
    """R152, R172: nobody else can bear the name, whatever `on_existing` says."""
    async with (
        FakeRegion(instances=1, clock=FakeClock(), created_at_form="zero") as region,
        client_of(region) as civo,
    ):
        region.fault(CREATE, Fault.drop_after_acting())
        run = await civo.snapshots.create_many(region.instance_ids, on_existing="create")
        assert [out.kind for out in run] == [OutcomeKind.COMPLETE]
        assert region.counts[CREATE] == 1
