"""What ends a whole run: the first proven answer that every further create would meet."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.scene import turn

from civo_snapshots import (
    AuthenticationError,
    CivoClient,
    CivoError,
    FleetRun,
    NotFoundError,
    OutcomeKind,
    PermissionDeniedError,
)
from civo_snapshots.resources._runs import QuotaCheck
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
LISTING = "GET /v2/resourcesnapshots"
MANY = [f"i-{number}" for number in range(200)]


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    async with FakeRegion(instances=20, clock=FakeClock()) as region:
        yield region


def client(region: FakeRegion, code: str = "LON1", **more: Any) -> CivoClient:
    options: dict[str, Any] = {"token": region.token, "region": code, **more}
    token = options.pop("token")
    return CivoClient(token, api_url=region.url, clock=region.clock, **options)


REFUSED = pytest.mark.parametrize(
    ("options", "kind"),
    [({"token": "other-token"}, AuthenticationError), ({"code": "NOWHERE1"}, NotFoundError)],
    ids=["token", "region"],
)


@REFUSED
@pytest.mark.parametrize("concurrency", [1, 10])
async def test_an_unknown_token_or_region_stops_the_run(
    region: FakeRegion, options: dict[str, str], kind: type[CivoError], concurrency: int
) -> None:
    """R190, R153: when the two reads have confirmed what the creates on their way met."""
    async with client(region, concurrency=concurrency, **options) as civo:
        run = await civo.snapshots.create_many(MANY)
    assert region.counts[CREATE] == concurrency
    assert region.total == concurrency + 2
    assert region.clock.monotonic() == 5
    assert run.counts["refused"] == concurrency
    assert run.counts["not_attempted"] == 200 - concurrency
    errors = [out.error for out in run]
    assert all(isinstance(one, kind) for one in errors)
    assert len({str(one) for one in errors}) == 1  # one cause
    assert len({id(one) for one in errors}) == 200  # each has its own to raise


@REFUSED
@pytest.mark.parametrize("quota", ["check", "ignore"])
async def test_a_named_run_raises_the_proven_error_before_it_creates_anything(
    region: FakeRegion, options: dict[str, str], kind: type[CivoError], quota: QuotaCheck
) -> None:
    """R190: an unknown token and an unknown region alike, after three requests."""
    async with client(region, **options) as civo:
        with pytest.raises(kind) as caught:
            await civo.snapshots.create_many(MANY, name="nightly", quota=quota)
    assert region.total == 3
    assert region.clock.monotonic() == 5
    left = FleetRun.of(caught.value)
    assert left is not None
    assert left.counts["not_attempted"] == 200


STRAYS = [
    Fault.unauthorized(),
    Fault.code("authentication_failed"),
    Fault.code("database_account_access_denied"),
    Fault.gateway_html(403),
    Fault.code("database_region_not_found"),
]


@pytest.mark.parametrize("stray", STRAYS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("route", [CREATE, LISTING])
@pytest.mark.parametrize("concurrency", [1, 10])
async def test_one_stray_refusal_among_a_hundred_creates_or_polls_ends_nothing(
    stray: Fault, route: str, concurrency: int
) -> None:
    """R153, R155, R190: a gateway whose settings are being changed says it once."""
    clock = FakeClock()
    async with FakeRegion(instances=100, clock=clock) as region:
        region.fault(route, stray, after=4)
        async with client(region, concurrency=concurrency) as civo:
            run = await civo.snapshots.create_many(region.instance_ids)
    assert run.counts["complete"] == 100
    assert region.counts[CREATE] == 100 + (route == CREATE)
    assert len(region.state.snapshots) == 100


@pytest.mark.parametrize("name", [None, "nightly"])
async def test_stray_refusals_at_the_start_of_a_run_end_nothing(
    region: FakeRegion, name: str | None
) -> None:
    """R153: of the preparation, of the quota, and of each kind of request."""
    region.fault("*", Fault.unauthorized())
    region.fault("GET /v2/quota", Fault.unauthorized())
    region.fault("GET /v2/instances/{id}/snapshots", Fault.unauthorized())
    async with client(region) as civo:
        run = await civo.snapshots.create_many(region.instance_ids, name=name, quota="check")
    assert run.counts["complete"] == 20


async def test_a_token_that_is_revoked_half_way_stops_creates_and_waits(
    region: FakeRegion,
) -> None:
    """R153: creates and polls share one confirmation of two reads, known within six seconds."""
    region.fault("*", Fault.unauthorized(), after=12, times=None)
    async with client(region, concurrency=1) as civo:
        run = await civo.snapshots.create_many(region.instance_ids)
    refused = [one for one in region.requests if one.status == 401]
    assert len(refused) <= 1 + 2 + 1  # the first refused, the reads, and a poll meanwhile
    assert refused[-1].at - refused[0].at <= 6
    assert run.counts["unknown"] == 12
    assert run.counts["refused"] + run.counts["not_attempted"] == 8


async def test_an_object_that_may_not_be_touched_is_that_instances_outcome_alone(
    region: FakeRegion,
) -> None:
    """R154: whether its create or the polls for it are refused."""
    region.refuse_create(region.instance_ids[3], "authentication_access_denied")
    async with client(region) as civo:
        run = await civo.snapshots.create_many(region.instance_ids)
    assert run.outcomes[3].kind is OutcomeKind.REFUSED
    assert isinstance(run.outcomes[3].error, PermissionDeniedError)
    assert run.counts["complete"] == 19
    assert region.counts[CREATE] == 20


async def test_one_instance_that_a_firewall_dislikes_does_not_stop_the_run(
    region: FakeRegion,
) -> None:
    """R153: its create is tried again, and reads and other creates show that access is fine."""
    region.refuse_create(region.instance_ids[3], "", status=403)
    async with client(region, concurrency=1) as civo:
        run = await civo.snapshots.create_many(region.instance_ids)
    assert run.outcomes[3].kind is OutcomeKind.REFUSED
    assert run.counts["complete"] == 19
    assert region.counts[CREATE] == 19 + 3


async def test_a_run_that_is_cancelled_during_a_confirmation_tells_the_refusal(
    region: FakeRegion,
) -> None:
    """R153: it was sent, and nothing was made."""
    async with client(region, token="other-token", concurrency=2) as civo:
        stream = civo.snapshots.create_each(MANY)
        reading = asyncio.ensure_future(anext(stream))
        while region.total < 3:  # two creates, and the first read
            await turn()
        reading.cancel()
        await asyncio.wait({reading})
        await stream.aclose()
    assert stream.run.counts["refused"] == 2
    assert stream.run.counts["not_attempted"] == 198


@pytest.mark.parametrize("timeout", [0.5, 3.0])
async def test_no_create_is_tried_again_after_the_runs_time(
    region: FakeRegion, timeout: float
) -> None:
    """R153, R167."""
    region.fault(CREATE, Fault.unauthorized(), times=None)
    async with client(region, concurrency=1) as civo:
        run = await civo.snapshots.create_many(region.instance_ids, timeout=timeout)
    assert run.counts["refused"] == 1
    assert run.counts["not_attempted"] == 19
    assert max(one.at for one in region.requests if one.route == CREATE) < timeout
