"""A pytest plugin: `pytest_plugins = ["civo_snapshots.testing.plugin"]` gives three fixtures.

`civo_region` is a running region, `civo_client` a client of it, and `civo_clock` a clock that needs
no time: a test that takes it as well lets both of the others go by it.
"""

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
import pytest_asyncio

from civo_snapshots.testing._fake_clock import FakeClock
from civo_snapshots.testing._region import FakeRegion


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "civo_region(**options): options of the FakeRegion behind `civo_region`; "
        "any=SEED draws the rest",
    )
    config.addinivalue_line(
        "markers", "civo_client(**options): options of the CivoClient behind `civo_client`"
    )


@pytest.fixture
def civo_clock() -> FakeClock:
    """A clock on which waits cost nothing; `civo_region` and `civo_client` go by it too."""
    return FakeClock()


@pytest_asyncio.fixture
async def civo_region(request: pytest.FixtureRequest) -> AsyncIterator[FakeRegion]:
    """A running FakeRegion, whose snapshots complete within moments.

    `@pytest.mark.civo_region(instances=10, ...)` gives it other options, and with `any=7` every
    open reading is drawn from that seed.
    """
    moments: dict[str, Any] = {"duration": (0.0, 0.05), "restore_duration": (0.0, 0.05)}
    clock = _clock(request)
    defaults: dict[str, Any] = {"clock": clock} if clock else moments
    options = defaults | _marked(request, "civo_region")
    seed = options.pop("any", None)
    made = FakeRegion(**options) if seed is None else FakeRegion.any(seed, **options)
    async with made as region:
        yield region


@pytest_asyncio.fixture
async def civo_client(
    request: pytest.FixtureRequest, civo_region: FakeRegion
) -> AsyncIterator[object]:
    """A `CivoClient` of `civo_region`; `@pytest.mark.civo_client(...)` gives it options."""
    # Loaded when it is used: the fake region stands below the SDK and shares nothing with it.
    make = import_module(__name__.partition(".")[0]).CivoClient
    options: dict[str, Any] = {"clock": _clock(request)} | _marked(request, "civo_client")
    async with make(
        civo_region.token, region=civo_region.region, api_url=civo_region.url, **options
    ) as client:
        yield client


def _marked(request: pytest.FixtureRequest, name: str) -> dict[str, Any]:
    node: pytest.Item = request.node
    marker = node.get_closest_marker(name)
    return dict(marker.kwargs) if marker else {}


def _clock(request: pytest.FixtureRequest) -> FakeClock | None:
    if "civo_clock" not in request.fixturenames:
        return None
    clock: FakeClock = request.getfixturevalue("civo_clock")
    return clock
