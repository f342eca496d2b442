"""The switches of the fake region that no draw may set yet, for tests and walks alike."""

from collections.abc import Mapping
from typing import Any

from civo_snapshots.testing import FakeRegion

NOT_MENDED: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "read_lag": (0.0, ()),  # R161: reads that are stale, all of them or by turns
    "listing_gaps": (0.0, ()),  # R161: a region-wide listing that never shows some
    "unique_names": ("free", ()),  # R161: a name that is taken, while reads are stale
}
"""Switches that the SDK does not serve yet: what does no harm, and which values do (none: any)."""


def pinned(seed: int) -> dict[str, Any]:
    """Switches whose draw would meet a known fault, and what they are set to instead."""
    drawn = FakeRegion.any(seed, instances=0).switches
    return {
        name: harmless
        for name, (harmless, harmful) in NOT_MENDED.items()
        if not harmful or getattr(drawn, name) in harmful
    }
