"""Which instances the end of a run asks again."""

import pytest

from civo_snapshots import RegionSnapshot, Snapshot
from civo_snapshots._fleet.ending import _has_more


@pytest.mark.parametrize(
    ("listed", "outer", "more"),
    [
        (["s-1"], True, False),
        (["s-1", "s-2"], True, True),
        (["s-2"], True, True),  # ours does not show yet
        ([], True, False),
        (["x-1"], False, False),  # the listing has ids of its own
        (["x-1", "x-2"], False, True),
    ],
)
def test_only_an_instance_that_seems_to_have_more_is_asked(
    listed: list[str], outer: bool, more: bool
) -> None:
    """R161: a request for each instance would double what a run costs."""
    items = [RegionSnapshot(key, "n", instance=Snapshot("i-1")) for key in listed]
    assert _has_more(items, {"s-1"}, outer=outer) is more
