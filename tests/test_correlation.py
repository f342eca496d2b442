"""Finding one's own snapshots in the region-wide listing, whichever id it shows."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from civo_snapshots import _names
from civo_snapshots._correlation import RegionIndex, as_snapshot, name_of
from civo_snapshots.models import RegionSnapshot, Snapshot, SnapshotStatus, VolumeStatus

AT = datetime(2025, 4, 1, 9, 11, 14, tzinfo=UTC)
LATER = datetime(2025, 4, 1, 9, 12, tzinfo=UTC)
STATUS = SnapshotStatus("Pending", (VolumeStatus("v-1", "Pending"),))


NAME = _names.name_for("nightly", "i-1")
"""A name that nobody else chooses: it holds the digest of the instance."""


def item(outer: str, inner: str | None, name: str = NAME) -> RegionSnapshot:
    body = None if inner is None else Snapshot(inner, name, "inner", ("v-1",), STATUS, LATER)
    return RegionSnapshot(outer, name, "outer", "instance", AT, body)


WANTED = Snapshot("s-1", NAME, "outer", ("v-1",), STATUS, AT, "i-1")


@pytest.mark.parametrize(
    ("items", "proven"),
    [
        pytest.param([item("s-1", "i-1"), item("s-2", "i-1", "m")], True, id="outer-id"),
        pytest.param([item("x-1", "s-1"), item("x-2", "s-2", "m")], True, id="inner-id"),
        pytest.param([item("s-1", "s-1")], True, id="both"),
        pytest.param([item("x-1", "i-1"), item("x-2", "i-2", "m")], False, id="only-the-name"),
        # A name may be there twice: the id still tells which one is meant.
        pytest.param([item("s-9", "i-2"), item("s-1", "i-1")], True, id="namesake-of-another"),
    ],
)
def test_a_snapshot_is_found_by_outer_id_inner_id_or_name(
    items: list[RegionSnapshot], proven: bool
) -> None:
    """P101: what only a name supports is not proven."""
    found = RegionIndex.of(items).find("i-1", "s-1", NAME)
    assert found is not None
    assert found.snapshot == WANTED
    assert found.proven is proven


def test_the_outer_id_decides_before_the_inner_one() -> None:
    first, second = item("x-1", "s-1", "inner"), item("s-1", "i-1", "outer")
    found = RegionIndex.of([first, second]).find("i-1", "s-1", NAME)
    assert found is not None
    assert found.snapshot.name == "outer"


def test_of_several_items_with_one_inner_id_the_first_is_taken() -> None:
    """Where the inner id is the instance's, all of its snapshots share it."""
    index = RegionIndex.of([item("x-1", "i-1", "first"), item("x-2", "i-1", "second")])
    found = index.find("i-1", "i-1", "")
    assert found is not None
    assert found.snapshot.name == "first"


@pytest.mark.parametrize(
    ("items", "name"),
    [
        pytest.param([], "n", id="empty-listing"),
        pytest.param([item("x-1", "i-1", "m")], "n", id="other-name"),
        pytest.param([item("x-1", "i-1"), item("x-2", "i-2")], "n", id="two-of-one-name"),
        pytest.param([item("x-1", "i-1", "")], "", id="no-name-to-match"),
        pytest.param([item("s-1", None)], "n", id="found-but-without-a-state"),
        pytest.param([item("x-1", None)], "n", id="named-but-without-a-state"),
    ],
)
def test_a_snapshot_is_not_found_where_nothing_tells_it_from_others(
    items: list[RegionSnapshot], name: str
) -> None:
    """P102: then it has to be asked for, because absence here proves nothing."""
    assert RegionIndex.of(items).find("i-1", "s-1", name) is None


def test_an_index_knows_its_size_and_every_namesake() -> None:
    """F115: duplicates of a run are reported, not hidden."""
    items = [item("x-1", "i-1"), item("x-2", "i-2"), item("x-3", "i-3", "m")]
    index = RegionIndex.of(iter(items))
    assert index.size == 3
    assert index.named(NAME) == items[:2]
    assert index.named("nobody") == []


def test_the_name_counts_wherever_it_stands() -> None:
    inside = evolve(item("x-1", "s-1"), name="")
    assert name_of(inside) == NAME
    assert RegionIndex.of([inside]).named(NAME) == [inside]
    assert name_of(RegionSnapshot("x-1")) == ""


def test_an_item_becomes_a_snapshot_under_the_ids_that_are_known() -> None:
    assert as_snapshot(item("x-1", "y-1"), "s-1", "i-1") == WANTED
    bare = evolve(item("x-1", "y-1"), description="", created_at=None)
    assert as_snapshot(bare, "s-1", "i-1") == evolve(WANTED, description="inner", created_at=LATER)
    assert as_snapshot(RegionSnapshot("x-1"), "s-1", "i-1") == Snapshot("s-1", instance_id="i-1")


def test_a_name_that_anybody_may_choose_identifies_nothing() -> None:
    """P102: it may be another instance's."""
    index = RegionIndex.of([item("x-1", "i-2", "before-upgrade")])
    assert index.find("i-1", "s-1", "before-upgrade") is None
