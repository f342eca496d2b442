"""What ends a whole run: the first proven answer that every further create would meet."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from civo_snapshots import (
    AuthenticationError,
    CivoClient,
    NotFoundError,
    OutcomeKind,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

CREATE = "POST /v2/instances/{id}/snapshots"
GET = "GET /v2/instances/{id}"
MANY = [f"i-{number}" for number in range(200)]


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    async with FakeRegion(instances=20, clock=FakeClock()) as region:
        yield region


def client(region: FakeRegion, code: str = "LON1", **more: Any) -> CivoClient:
    options: dict[str, Any] = {"token": region.token, "region": code, **more}
    token = options.pop("token")
    return CivoClient(token, api_url=region.url, clock=region.clock, **options)


@pytest.mark.parametrize("concurrency", [1, 10])
@pytest.mark.parametrize("name", [None, "nightly"])
async def test_an_unknown_region_stops_the_run_when_it_is_confirmed(
    region: FakeRegion, name: str | None, concurrency: int
) -> None:  # R190
    async with client(region, "NOWHERE1", concurrency=concurrency) as civo:
        run = await civo.snapshots.create_many(MANY, name=name)
    listing = 0 if name is None else 1
    assert region.total == listing + concurrency + 1
    assert region.counts[GET] == 1
    assert run.counts["refused"] == concurrency
    assert run.counts["not_attempted"] == 200 - concurrency
    unsent = [out.error for out in run if out.kind is OutcomeKind.NOT_ATTEMPTED]
    assert all(isinstance(one, NotFoundError) for one in unsent)
    assert len({id(one) for one in unsent}) == len(unsent)
    assert all("check the region's code" in str(one) for one in unsent)


async def test_a_region_that_is_unknown_only_once_stops_nothing(region: FakeRegion) -> None:
    """R190, R155: a gateway that is being changed says it of a region that there is."""
    region.fault(CREATE, Fault.code("database_region_not_found"), times=1)
    async with client(region, concurrency=1) as civo:
        run = await civo.snapshots.create_many(region.instance_ids)
    assert run.counts["refused"] == 1
    assert run.counts["complete"] == 19


@pytest.mark.parametrize("concurrency", [1, 10])
async def test_an_unknown_token_stops_the_run(region: FakeRegion, concurrency: int) -> None:
    """R190: at the first answer."""
    async with client(region, token="other-token", concurrency=concurrency) as civo:
        run = await civo.snapshots.create_many(MANY)
        assert region.total == concurrency
        assert run.counts["refused"] == concurrency
        assert run.counts["not_attempted"] == 200 - concurrency
        with pytest.raises(AuthenticationError):
            await civo.snapshots.create_many(MANY, name="nightly")
    assert region.total == concurrency + 1
