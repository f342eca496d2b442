"""Finding awaited snapshots in the region-wide listing, whichever id it shows."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from attrs import evolve

from civo_snapshots import PollPolicy, _naming
from civo_snapshots._codec import ListingItem, as_snapshot, items_of, name_of
from civo_snapshots._watch import CompletionWait, RegisteredWait
from civo_snapshots._watch.listing_match import ListingMatcher, Match
from civo_snapshots._watch.schedule import WaitRegistry
from civo_snapshots.models import RegionSnapshot, Snapshot, SnapshotStatus, VolumeStatus
from civo_snapshots.states import DEFAULT_STATES

AT = datetime(2025, 4, 1, 9, 11, 14, tzinfo=UTC)
LATER = datetime(2025, 4, 1, 9, 12, tzinfo=UTC)
STATUS = SnapshotStatus("Pending", (VolumeStatus("v-1", "Pending"),))
DONE = SnapshotStatus("Complete", (VolumeStatus("v-1", "Complete"),))
NAME = _naming.name_for("nightly", "i-1")
"""A name that nobody else chooses: it holds the digest of the instance."""

WANTED = Snapshot("s-1", NAME, "outer", ("v-1",), STATUS, AT, "i-1")


def item(
    outer: str, inner: str | None, name: str = NAME, status: SnapshotStatus = STATUS
) -> RegionSnapshot:
    body = None if inner is None else Snapshot(inner, name, "inner", ("v-1",), status, LATER)
    return RegionSnapshot(outer, name, "outer", "instance", AT, body)


def waiting(
    registry: WaitRegistry,
    snapshot_id: str = "s-1",
    instance_id: str = "i-1",
    known: Snapshot | None = None,
) -> RegisteredWait:
    progress = CompletionWait(instance_id, snapshot_id, PollPolicy(), DEFAULT_STATES, 0.0)
    if known is not None:
        progress.seed(known, is_fresh=True)
    wait = RegisteredWait(progress, 0.0, 100.0, lambda _: None)
    registry.add(wait)
    return wait


def read(registry: WaitRegistry, items: Sequence[RegionSnapshot], parts: int = 1) -> ListingMatcher:
    """A reading of the listing in so many parts."""
    matcher = ListingMatcher(registry, 1e9)
    found = items_of(items)
    for part in range(parts):
        matcher.consume(found[part::parts])
    matcher.end()
    return matcher


def told(match: Match) -> Snapshot:
    """The record that the wait has once it was told."""
    progress = match.wait.progress
    if isinstance(match.shown, Snapshot):
        progress.observe(match.shown, 0.0)
    else:
        progress.observe_pending(match.shown)
    assert progress.last is not None
    return progress.last


def named(name: str) -> Snapshot:
    """What a create answered before its status was known."""
    return Snapshot("s-1", name, instance_id="i-1")


@pytest.mark.parametrize("parts", [1, 2])
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
    items: list[RegionSnapshot], proven: bool, parts: int
) -> None:
    """P101: what only a name supports is not proven."""
    registry = WaitRegistry()
    wait = waiting(registry, known=named(NAME))
    matcher = read(registry, items, parts)
    (found,) = matcher.changed
    assert found.wait is wait
    assert told(found) == WANTED
    assert found.is_proven is proven
    assert matcher.missing() == []
    assert matcher.size == len(items)


def test_the_outer_id_decides_before_the_inner_one() -> None:
    registry = WaitRegistry()
    waiting(registry)
    (found,) = read(registry, [item("x-1", "s-1", "inner"), item("s-1", "i-1", "outer")]).changed
    assert told(found).name == "outer"


def test_of_several_items_with_one_inner_id_the_first_is_taken() -> None:
    """Where the inner id is the instance's, all of its snapshots share it."""
    registry = WaitRegistry()
    waiting(registry, "i-1")
    (found,) = read(registry, [item("x-1", "i-1", "first"), item("x-2", "i-1", "second")]).changed
    assert told(found).name == "first"


@pytest.mark.parametrize(
    ("items", "name"),
    [
        pytest.param([], NAME, id="empty-listing"),
        pytest.param([item("x-1", "i-1", "m")], NAME, id="other-name"),
        pytest.param([item("x-1", "i-1"), item("x-2", "i-2")], NAME, id="two-of-one-name"),
        pytest.param([item("x-1", "i-1", "")], "", id="no-name-to-match"),
        pytest.param([item("x-1", "i-2", "mine")], "mine", id="a-name-that-anybody-may-choose"),
        pytest.param([item("s-1", None)], NAME, id="found-but-without-a-state"),
        pytest.param([item("x-1", None)], NAME, id="named-but-without-a-state"),
    ],
)
def test_a_snapshot_is_not_found_where_nothing_tells_it_from_others(
    items: list[RegionSnapshot], name: str
) -> None:
    """P102: then it has to be asked for, because absence here proves nothing."""
    registry = WaitRegistry()
    wait = waiting(registry, known=named(name))
    matcher = read(registry, items)
    assert matcher.changed == []
    assert matcher.unchanged == 0
    assert matcher.missing() == [wait]


def test_an_item_that_does_not_fit_is_not_found() -> None:
    registry = WaitRegistry()
    wait = waiting(registry)
    matcher = ListingMatcher(registry, 1e9)
    odd = ListingItem(id="s-1", instance=b'{"id":"i-1","status":5}')  # type: ignore[arg-type]
    matcher.consume([odd])
    matcher.end()
    assert matcher.missing() == [wait]


def test_each_wait_for_one_snapshot_is_told() -> None:
    registry = WaitRegistry()
    waits = [waiting(registry), waiting(registry)]
    assert [found.wait for found in read(registry, [item("s-1", "i-1")]).changed] == waits


def test_an_item_that_is_there_twice_counts_once() -> None:
    registry = WaitRegistry()
    waiting(registry)
    lacking = waiting(registry, "s-2", "i-2")
    matcher = read(registry, [item("s-1", "i-1"), item("s-1", "i-1")])
    assert len(matcher.changed) == 1
    assert matcher.missing() == [lacking]


def test_one_wait_added_and_one_discarded_do_not_cancel_out() -> None:
    registry = WaitRegistry()
    gone = waiting(registry)
    matcher = ListingMatcher(registry, 1e9)
    matcher.consume(items_of([item("s-1", "i-1")]))
    registry.discard(gone)
    new = waiting(registry, "s-2", "i-2")
    matcher.end()
    assert matcher.missing() == [new]


def test_what_was_shown_before_is_not_told_again() -> None:
    registry = WaitRegistry()
    wait = waiting(registry)
    (first,) = read(registry, [item("s-1", "i-1")]).changed
    assert first.digest is not None
    wait.shown = first.digest
    again = read(registry, [item("s-1", "i-1")])
    assert (again.unchanged, again.changed) == (1, [])
    assert again.missing() == []
    (changed,) = read(registry, [item("s-1", "i-1", status=DONE)]).changed
    assert told(changed).status == DONE
    assert changed.digest != first.digest


def test_the_status_that_the_create_answered_is_not_told_again() -> None:
    registry = WaitRegistry()
    wait = waiting(registry, known=evolve(WANTED, description=""))
    matcher = read(registry, [item("s-1", "i-1")])
    assert (matcher.unchanged, matcher.changed) == (1, [])
    assert wait.shown is not None
    assert registry.has_outer_ids
    assert len(read(registry, [item("s-1", "i-1", status=DONE)]).changed) == 1


def test_a_changed_message_is_a_change() -> None:
    """R199: to the status that a create answered, and to what a listing showed before."""
    registry = WaitRegistry()
    wait = waiting(registry, known=evolve(WANTED, description=""))
    copying = evolve(STATUS, message="1 of 2 volumes")
    (first,) = read(registry, [item("s-1", "i-1", status=copying)]).changed
    assert told(first).message == "1 of 2 volumes"
    wait.shown = first.digest
    assert read(registry, [item("s-1", "i-1", status=copying)]).changed == []
    (later,) = read(registry, [item("s-1", "i-1", status=evolve(STATUS, message="2"))]).changed
    assert told(later).message == "2"


def test_where_the_outer_ids_are_known_to_be_the_snapshots_own_nothing_else_counts() -> None:
    registry = WaitRegistry()
    waiting(registry, known=evolve(WANTED, description=""))
    read(registry, [item("s-1", "i-1")])
    late = waiting(registry, "s-2", "i-2", known=named(NAME))
    matcher = read(registry, [item("s-1", "i-1"), item("x-2", "s-2", NAME)])
    assert matcher.changed == []
    assert matcher.missing() == [late]


def test_a_complete_snapshot_with_a_pending_volume_is_told_each_time() -> None:
    """P88: the volume grace may end the wait although nothing changes."""
    settling = SnapshotStatus("Complete", (VolumeStatus("v-1", "Pending"),))
    registry = WaitRegistry()
    waiting(registry, known=evolve(WANTED, status=settling))
    for _ in range(2):
        assert len(read(registry, [item("s-1", "i-1", status=settling)]).changed) == 1


def test_reading_anew_forgets_what_was_seen() -> None:
    registry = WaitRegistry()
    wait = waiting(registry)
    matcher = ListingMatcher(registry, 1e9)
    matcher.consume(items_of([item("s-1", "i-1"), item("x-1", "s-1")]))
    matcher.begin(bytes)
    matcher.end()
    assert (matcher.changed, matcher.size) == ([], 0)
    assert matcher.missing() == [wait]


def test_what_is_shown_was_made_safe() -> None:
    """X141: a server may echo the token."""
    registry = WaitRegistry()
    waiting(registry)
    matcher = ListingMatcher(registry, 1e9)
    matcher.begin(lambda body: body.replace(b"outer", b"***"))
    matcher.consume(items_of([item("s-1", "i-1")]))
    assert told(matcher.changed[0]).description == "***"


def test_the_name_counts_wherever_it_stands() -> None:
    assert name_of(evolve(item("x-1", "s-1"), name="")) == NAME
    assert name_of(RegionSnapshot("x-1")) == ""


def test_an_item_becomes_a_snapshot_under_the_ids_that_are_known() -> None:
    assert as_snapshot(item("x-1", "y-1"), "s-1", "i-1") == WANTED
    bare = evolve(item("x-1", "y-1"), description="", created_at=None)
    assert as_snapshot(bare, "s-1", "i-1") == evolve(WANTED, description="inner", created_at=LATER)
    assert as_snapshot(RegionSnapshot("x-1"), "s-1", "i-1") == Snapshot("s-1", instance_id="i-1")


KNOWN = evolve(WANTED, status=SnapshotStatus("Pending"))


def once_read(known: Snapshot, items: Sequence[RegionSnapshot], *, heard: bool = False) -> Snapshot:
    """What one reading makes of a snapshot that is known already."""
    registry = WaitRegistry()
    wait = waiting(registry, known=known)
    wait.on_change = (lambda _: None) if heard else None
    (match,) = read(registry, items).changed
    return told(match)


def test_a_change_that_nobody_hears_is_its_status_alone_and_shares_the_rest() -> None:
    """P110: 10,000 snapshots in flight keep one record each."""
    found = once_read(KNOWN, [item("s-1", "i-1")])
    assert found == WANTED
    for name in ("id", "name", "description", "included_volumes", "created_at"):
        assert getattr(found, name) is getattr(KNOWN, name), name


def test_a_record_that_is_kept_has_the_id_of_a_volume_once() -> None:
    """P110: thousands are kept to the end of a run."""
    found = once_read(KNOWN, [item("s-1", "i-1", status=DONE)])
    assert found.status == DONE
    assert found.volumes[0].id is found.included_volumes[0] is KNOWN.included_volumes[0]


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("status", [STATUS, DONE])
def test_what_ends_a_wait_or_is_heard_is_the_whole_record(
    status: SnapshotStatus, heard: bool
) -> None:
    """P110: its description may have changed meanwhile."""
    older = evolve(KNOWN, description="older")
    found = once_read(older, [item("s-1", "i-1", status=status)], heard=heard)
    ends_unheard = status is DONE and not heard
    assert found.description == ("outer" if heard or ends_unheard else "older")
    assert found.status == status


def test_a_token_that_a_status_echoes_is_masked_also_where_that_is_all_that_is_read() -> None:
    """P150: of a pending snapshot's item only the status is read."""
    registry = WaitRegistry()
    waiting(registry, known=KNOWN)
    matcher = ListingMatcher(registry, 1e9)
    matcher.begin(lambda body: body.replace(b"the-token", b"***"))
    matcher.consume(items_of([item("s-1", "i-1", status=evolve(STATUS, message="the-token"))]))
    matcher.end()
    (match,) = matcher.changed
    assert told(match).message == "***"
