"""A pytest plugin: `pytest_plugins = ["civo_snapshots.testing.plugin"]` gives `civo_region`."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from civo_snapshots.testing._region import FakeRegion


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "civo_region(**options): options of the FakeRegion behind `civo_region`"
    )


@pytest_asyncio.fixture
async def civo_region(request: pytest.FixtureRequest) -> AsyncIterator[FakeRegion]:
    """A running FakeRegion, whose snapshots complete within moments of real time.

    `@pytest.mark.civo_region(instances=10, ...)` gives it other options.
    """
    marker = request.node.get_closest_marker("civo_region")
    options: dict[str, Any] = {"duration": (0.0, 0.05), "restore_duration": (0.0, 0.05)}
    if marker:
        options |= marker.kwargs
    async with FakeRegion(**options) as region:
        yield region
