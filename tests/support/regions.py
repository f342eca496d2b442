"""Regions as tests get them: as documented, and with every open reading drawn anew.

A test makes its region with `make_region`. If it is marked `@pytest.mark.drawn` it runs four times:
as documented, and with three draws. What it depends on beyond the API's description it states in
the mark: `@pytest.mark.drawn(delete_takes=0.0)`.
"""

import os
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from civo_snapshots.testing import FakeRegion

MakeRegion: TypeAlias = Callable[..., FakeRegion]

SEED = "REGION_SEED"
"""The environment variable that repeats the draws of an earlier run."""

DRAWS = 3


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "drawn(**settings): run in drawn regions too, with these settings"
    )
    # The workers of a parallel run take it over, or each would collect other draws.
    os.environ.setdefault(SEED, str(random.SystemRandom().randrange(1_000_000)))


def pytest_report_header() -> str:
    return f"drawn regions: {SEED}={os.environ[SEED]}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("drawn"):
        seeds = random.Random(os.environ[SEED]).sample(range(1_000_000), DRAWS)
        names = ["documented", *(f"drawn{number}" for number in range(DRAWS))]
        metafunc.parametrize("make_region", [None, *seeds], ids=names, indirect=True)


@pytest.fixture
def make_region(request: pytest.FixtureRequest) -> MakeRegion:
    """Make a region with these settings; a failure of the test tells what else was drawn."""
    seed: int | None = getattr(request, "param", None)
    node: pytest.Item = request.node
    mark = node.get_closest_marker("drawn")
    needed: dict[str, Any] = dict(mark.kwargs) if mark else {}

    def make(**settings: Any) -> FakeRegion:
        if seed is None:
            return FakeRegion(**needed | settings)
        region = FakeRegion.any(seed, **needed | settings)
        node.add_report_section("call", "region", f"{SEED}={os.environ[SEED]}\n{region!r}")
        return region

    return make
