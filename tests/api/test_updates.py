"""Updates whose answer was lost: what is compared with what, and what comes of it."""

from collections.abc import AsyncIterator

import pytest

from civo_snapshots import (
    CivoClient,
    ConflictError,
    ConnectionLostError,
    RegionSnapshot,
    Schedule,
    Snapshot,
)
from civo_snapshots._api.mutations import Comparison, compare
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

PUT = "PUT /v2/instances/{id}/snapshots/{sid}"
GET = "GET /v2/instances/{id}/snapshots/{sid}"


def record(name: str = "old", description: str = "") -> Snapshot:
    return Snapshot("s-1", name, description)


@pytest.mark.parametrize(
    ("before", "current", "expected"),
    [
        pytest.param(record(), record("new"), Comparison.DONE, id="done"),
        pytest.param(None, record("new"), Comparison.DONE, id="done-by-ids"),
        pytest.param(record(), record(), Comparison.UNTOUCHED, id="as-it-was"),
        pytest.param(record(), record(description="x"), Comparison.UNTOUCHED, id="other-field"),
        pytest.param(record(), record("theirs"), Comparison.CHANGED, id="theirs"),
        pytest.param(None, record(), Comparison.UNPROVEN, id="by-ids"),
        pytest.param(record(""), record(), Comparison.UNPROVEN, id="by-a-stub"),
    ],
)
def test_an_update_is_compared_with_what_was_and_what_is_wanted(
    before: Snapshot | None, current: Snapshot, expected: Comparison
) -> None:
    """R176."""
    assert compare(before, current, {"name": "new"}) is expected


def test_each_field_may_be_as_before_or_as_wanted() -> None:
    """R176."""
    wanted = {"name": "new", "description": "new"}
    assert compare(record("old", "old"), record("new", "old"), wanted) is Comparison.UNTOUCHED
    assert compare(record("old", "old"), record("new", "theirs"), wanted) is Comparison.CHANGED


class Env:
    """A region with one snapshot, read as it is, and a client of it."""

    def __init__(self, region: FakeRegion, civo: CivoClient, made: Snapshot) -> None:
        self.region, self.civo, self.made = region, civo, made

    def name(self) -> str:
        return self.region.state.snapshots[self.made.id].name

    async def renamed_by_somebody(self) -> None:
        async with CivoClient(self.region.token, region="LON1", api_url=self.region.url) as other:
            await other.snapshots.update(self.made, name="theirs")


@pytest.fixture
async def env() -> AsyncIterator[Env]:
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        CivoClient(region.token, region="LON1", api_url=region.url, clock=clock) as civo,
    ):
        made = await civo.snapshots.create(region.instance_ids[0], name="old")
        yield Env(region, civo, await civo.snapshots.wait_until_complete(made))


async def test_a_newer_change_is_not_undone(env: Env) -> None:
    """R176: neither as it was nor as asked for; the error says both and what it is now."""
    await env.renamed_by_somebody()
    env.region.fault(PUT, Fault.drop_before_acting())
    with pytest.raises(ConflictError) as caught:
        await env.civo.snapshots.update(env.made, name="new")
    assert {"'old'", "'new'", "'theirs'"} <= set(str(caught.value).replace(",", "").split())
    assert caught.value.may_have_acted
    assert env.name() == "theirs"
    assert env.region.counts[PUT] == 2  # theirs and ours


async def test_an_update_that_did_nothing_is_sent_again(env: Env) -> None:
    """R176."""
    env.region.fault(PUT, Fault.drop_before_acting(), times=2)
    assert (await env.civo.snapshots.update(env.made, name="new")).name == "new"
    assert env.region.counts[PUT] == 3


@pytest.mark.parametrize(
    ("lost", "sent"), [(Fault.drop_before_acting(), 2), (Fault.drop_after_acting(), 1)]
)
async def test_the_look_at_an_update_whose_answer_was_lost_may_be_lost_too(
    lost: Fault, sent: int, env: Env
) -> None:
    env.region.fault(PUT, lost)
    env.region.fault(GET, Fault.drop_before_acting(), times=2)
    assert (await env.civo.snapshots.update(env.made, name="new")).name == "new"
    assert env.region.counts[PUT] == sent


async def test_an_update_by_ids_that_does_not_show_is_not_sent_again(env: Env) -> None:
    """R176: what it was before is not known."""
    key = env.made.instance_id, env.made.id
    env.region.fault(PUT, Fault.drop_before_acting())
    with pytest.raises(ConnectionLostError, match="asked for name 'new', it shows name 'old'"):
        await env.civo.snapshots.update(*key, name="new")
    assert env.region.counts[PUT] == 1
    env.region.fault(PUT, Fault.drop_after_acting())
    assert (await env.civo.snapshots.update(*key, name="new")).name == "new"


async def test_a_newer_change_of_a_regions_snapshot_is_not_undone(env: Env) -> None:
    """R176."""
    before: RegionSnapshot = await env.civo.region_snapshots.get(env.made.id)
    await env.renamed_by_somebody()
    env.region.fault("PUT /v2/resourcesnapshots/{id}", Fault.drop_before_acting())
    with pytest.raises(ConflictError):
        await env.civo.region_snapshots.update(before, name="new")
    assert env.name() == "theirs"


async def test_a_newer_change_of_a_schedule_is_not_undone(env: Env) -> None:
    """R176."""
    before: Schedule = await env.civo.schedules.create(
        "old", cron_expression="0 2 * * *", max_snapshots=1, instances=[env.made.instance_id]
    )
    route = "PUT /v2/resourcesnapshotschedules/{id}"
    env.region.fault(route, Fault.drop_before_acting())
    paused = await env.civo.schedules.update(before, paused=True)
    assert env.region.counts[route] == 2
    await env.civo.schedules.update(paused, name="theirs")
    env.region.fault(route, Fault.drop_before_acting())
    with pytest.raises(ConflictError):
        await env.civo.schedules.update(paused, name="new")
    env.region.fault(route, Fault.drop_before_acting())
    with pytest.raises(ConnectionLostError):
        await env.civo.schedules.update(before.id, name="new")


async def test_values_of_any_length_make_no_long_error(env: Env) -> None:
    """R176, R194."""
    env.region.fault(PUT, Fault.drop_before_acting())
    with pytest.raises(ConnectionLostError) as caught:
        await env.civo.snapshots.update(env.made.instance_id, env.made.id, description="x" * 9_999)
    assert len(caught.value.message) < 500
