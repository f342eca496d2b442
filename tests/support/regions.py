"""Regions as tests get them: as documented, and with every open reading drawn anew.

A test makes its region with `make_region`. If it is marked `@pytest.mark.drawn` it runs four times:
as documented, and with three draws. What it depends on beyond the API's description it states in
the mark: `@pytest.mark.drawn(delete_takes=0.0)`.
"""

import os
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from civo_snapshots.testing import FakeRegion

MakeRegion: TypeAlias = Callable[..., FakeRegion]

SEED = "REGION_SEED"
"""The environment variable that repeats the draws of an earlier run."""

DRAWS = 3

NOT_MENDED: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "restore_queue": (0.0, ()),  # R177: an instance that is overwritten only after a queue
    "restore_ends": ("ACTIVE", ()),  # R177: an instance that ends stopped
    "domain": ("", ()),  # R177: a hostname with a domain behind it
    "instance_skew": (0.0, ()),  # R177: an instance that is dated before its restore
    "read_lag": (0.0, ()),  # R161: reads that are stale, all of them or by turns
    "listing_gaps": (0.0, ()),  # R161: a region-wide listing that never shows some
    "unique_names": ("free", ()),  # R161: a name that is taken, while reads are stale
}
"""Switches that the SDK does not serve yet: what does no harm, and which values do (none: any)."""


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
        region = FakeRegion.any(seed, **pinned(seed) | needed | settings)
        node.add_report_section("call", "region", f"{SEED}={os.environ[SEED]}\n{region!r}")
        return region

    return make


def pinned(seed: int) -> dict[str, Any]:
    """Switches whose draw would meet a known fault, and what they are set to instead."""
    drawn = FakeRegion.any(seed, instances=0).switches
    return {
        name: harmless
        for name, (harmless, harmful) in NOT_MENDED.items()
        if not harmful or getattr(drawn, name) in harmful
    }
