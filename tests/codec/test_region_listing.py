"""Reading the region-wide listing as it comes: what is shown of it, and when it is given up."""

import json
import sys
import time
import weakref
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wire import Wire, answer

from civo_snapshots import CivoClient, UnexpectedResponseError
from civo_snapshots._codec import ListingItem, RegionListingReader, array_splitter, items_of
from civo_snapshots._codec.records import structure, unstructure
from civo_snapshots._http import JSON, Mask, Response
from civo_snapshots.models import RegionSnapshot, Snapshot, SnapshotStatus, VolumeStatus

STREAMED = Response(200, {}, b"", streamed=True)


class Seen:
    """A consumer that keeps every item."""

    def __init__(self, limit: float = 1e9) -> None:
        self.limit = limit
        self.begun = 0
        self.mask: Mask = bytes
        self.items: list[ListingItem] = []
        self.left_out = 0

    def begin(self, mask: Mask) -> None:
        self.begun += 1
        self.mask = mask
        self.items, self.left_out = [], 0

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        self.items += items
        self.left_out += left_out

    @property
    def records(self) -> list[RegionSnapshot | None]:
        return [item.record(self.mask) for item in self.items]


def item(number: int, **more: Any) -> dict[str, Any]:
    inner = {
        "id": f"i-{number}",
        "name": f"n-{number}",
        "status": {"state": "Pending", "volumes": [{"id": "v-1", "state": "Pending"}]},
        "included_volumes": ["v-1"],
        "created_at": "2025-04-01T09:11:14.123456789Z",
    }
    outer = {"id": f"s-{number}", "name": f"n-{number}", "description": "kept", "instance": inner}
    return {**outer, "created_at": "2025-04-01T09:11:14Z", "unknown": [number], **more}


def feed(body: bytes, consumer: Seen, step: int = 50_000, most: int = 1 << 30) -> bool:
    """Feed a body to a reader in pieces. Return whether it was read whole."""
    reader = RegionListingReader(consumer)
    wanted = reader.begin(len(body), most, bytes)
    for at in range(0, len(body), step):
        if wanted:
            wanted = reader.take(body[at : at + step])
    return reader(STREAMED)


@pytest.mark.parametrize("step", [1_000, 50_000, 1 << 30])
def test_every_item_is_shown_once_as_the_record_it_is(step: int) -> None:
    raw = [item(number) for number in range(1_000)]
    consumer = Seen()
    assert feed(json.dumps(raw).encode(), consumer, step)
    expected = [structure(one, RegionSnapshot) for one in raw]
    # Nothing that is shown needs the type of the resource.
    assert consumer.records == [evolve(one, resource_type="") for one in expected]
    assert consumer.left_out == 0


def test_a_reading_leaves_nothing_for_the_collector_of_cyclic_garbage() -> None:
    consumer = Seen()
    reader = RegionListingReader(consumer)
    body = json.dumps([item(number) for number in range(1_000)]).encode()
    reader.begin(len(body), 1 << 30, bytes)
    reader.take(body)
    assert reader(STREAMED)
    left = weakref.ref(reader)
    del reader
    assert left() is None
    assert len(consumer.items) == 1_000


def test_a_body_that_came_at_once_is_shown_too() -> None:
    consumer = Seen()
    assert RegionListingReader(consumer)(Response(200, {}, json.dumps([item(1)]).encode()))
    assert [one.id for one in consumer.items] == ["s-1"]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"id": 5}, id="number-for-an-id"),
        pytest.param({"id": ""}, id="empty-id"),
        pytest.param({"name": ["n"]}, id="list-for-a-name"),
        pytest.param("text", id="no-object"),
        pytest.param(None, id="null"),
    ],
)
def test_an_item_that_does_not_fit_hides_no_other(odd: Any) -> None:
    """B62, B63: it is left out, and its own GET tells what it is."""
    wrong = {**item(2), **odd} if isinstance(odd, dict) else odd
    consumer = Seen()
    assert feed(json.dumps([item(1), wrong, item(3)]).encode(), consumer)
    fitting = [found.id for found in consumer.records if found is not None]
    assert fitting == ["s-1", "s-3"]
    assert consumer.left_out + consumer.records.count(None) == 1


LONE = "\ud800"  # half a surrogate pair: JSON can spell it, but it is no text


@pytest.mark.parametrize("at", [0, 1_000, 1_998, 1_999])
@pytest.mark.parametrize("step", [50_000, 1 << 30])
def test_half_a_surrogate_pair_hides_only_its_item_in_a_large_listing(at: int, step: int) -> None:
    raw = [item(number) for number in range(2_000)]
    raw[at]["name"] = LONE
    consumer = Seen()
    assert feed(json.dumps(raw).encode(), consumer, step)
    assert [one.id for one in consumer.items] == [one["id"] for one in raw if one is not raw[at]]
    assert None not in consumer.records
    assert consumer.left_out == 1


@pytest.mark.parametrize("lost", [1, 10, 100_000])
def test_a_large_listing_with_half_a_surrogate_pair_that_breaks_off_is_an_error(lost: int) -> None:
    """T19: what was shown of it does not count."""
    raw = [item(number) for number in range(2_000)]
    raw[1_000]["name"] = LONE
    with pytest.raises(UnexpectedResponseError, match="breaks off"):
        feed(json.dumps(raw).encode()[:-lost], Seen())


ODD = st.sampled_from([LONE, None, 5, "", "text", ["n"], {}, {"id": LONE}, {"status": LONE}])
ITEM = st.one_of(
    ODD,
    st.fixed_dictionaries({"id": st.sampled_from("abc")}),
    st.fixed_dictionaries(
        {"id": st.just("odd")},
        optional=dict.fromkeys(["name", "description", "created_at", "instance", "unknown"], ODD),
    ),
    st.fixed_dictionaries({"id": ODD}),
)


def shown(raw: Any) -> list[RegionSnapshot]:
    """An item as the record that should be shown of it, if any."""
    try:
        record = structure(raw, RegionSnapshot)
        msgspec.json.encode(unstructure(record))
    except (UnexpectedResponseError, UnicodeEncodeError):
        return []
    return [record]


@given(raw=st.lists(ITEM, max_size=8), step=st.integers(1, 200))
@settings(max_examples=300)
def test_a_listing_in_pieces_is_shown_as_the_whole_is(raw: list[Any], step: int) -> None:
    """B62, B63: what fits is shown in its order, and of everything else it is told how many."""
    body = json.dumps(raw).encode()
    whole, in_pieces = Seen(), Seen()
    assert RegionListingReader(whole)(Response(200, {}, body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_splitter, "_SIZE", 1)
        assert feed(body, in_pieces, step)
    expected = [record for one in raw for record in shown(one)]
    for consumer in (whole, in_pieces):
        assert [record for record in consumer.records if record is not None] == expected
        assert consumer.left_out + consumer.records.count(None) == len(raw) - len(expected)


def test_bytes_that_are_no_utf8_hide_only_their_item() -> None:
    """B52."""
    body = json.dumps([item(1), item(2, description="here"), item(3)]).encode()
    consumer = Seen()
    assert feed(body.replace(b"here", b"\xff"), consumer)
    assert [found.id for found in consumer.records if found] == ["s-1", "s-3"]


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (b"null", []),
        (b"[]", []),
        (json.dumps({"items": [item(1)]}).encode(), ["s-1"]),
        (b"\xef\xbb\xbf" + json.dumps([item(1)]).encode(), ["s-1"]),
    ],
)
def test_the_other_forms_of_a_list_are_read(body: bytes, ids: list[str]) -> None:
    in_pieces, at_once = Seen(), Seen()
    assert feed(body, in_pieces)
    assert RegionListingReader(at_once)(Response(200, {}, body))
    assert [found.id for found in in_pieces.items] == [found.id for found in at_once.items] == ids


def test_further_pages_that_the_server_promises_are_reported() -> None:
    reader = RegionListingReader(Seen())
    body = json.dumps({"items": [item(1)], "pages": 2}).encode()
    assert reader(Response(200, {}, body))
    assert reader.has_pages


@pytest.mark.parametrize("body", [b"", b"{}", b"5", b"<html>", b'[{"id":"s-1"}', b"[NaN]"])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    """B50, B51, B54."""
    with pytest.raises(UnexpectedResponseError):
        feed(body, Seen())


def test_a_large_listing_that_breaks_off_is_an_error() -> None:
    """T19: what was shown of it does not count."""
    body = json.dumps([item(number) for number in range(2_000)]).encode()
    with pytest.raises(UnexpectedResponseError, match="breaks off"):
        feed(body[:-10], Seen())


def test_a_listing_that_is_too_long_is_not_begun() -> None:
    consumer = Seen(limit=10)
    reader = RegionListingReader(consumer)
    assert not reader.begin(11, 1 << 30, bytes)
    assert reader(STREAMED) is False
    assert consumer.items == []


def test_a_listing_of_unknown_length_is_given_up_when_it_is_too_long() -> None:
    body = json.dumps([item(number) for number in range(2_000)]).encode()
    reader = RegionListingReader(Seen(limit=300_000))
    assert reader.begin(None, 1 << 30, bytes)
    taken = [reader.take(body[at : at + 100_000]) for at in range(0, 400_000, 100_000)]
    assert taken == [True, True, True, False]
    assert reader(STREAMED) is False


def test_no_more_than_the_cap_is_kept_of_what_is_no_list() -> None:
    """B57, X150."""
    reader = RegionListingReader(Seen())
    reader.begin(None, 100_000, bytes)
    assert reader.take(b"x" * 100_000)
    assert not reader.take(b"x")


def test_items_can_be_masked() -> None:
    """X141: a server may echo the token."""
    consumer = Seen()
    reader = RegionListingReader(consumer)
    body = json.dumps([item(1, description="secret")]).encode()
    reader.begin(len(body), 1 << 30, lambda part: part.replace(b"secret", b"***"))
    reader.take(body)
    assert reader(STREAMED)
    (found,) = consumer.records
    assert found is not None
    assert found.description == "***"


def test_a_repeated_reading_begins_anew() -> None:
    consumer = Seen()
    reader = RegionListingReader(consumer)
    for _ in range(2):
        body = json.dumps([item(1)]).encode()
        reader.begin(len(body), 1 << 30, bytes)
        reader.take(body)
    assert reader(STREAMED)
    assert [one.id for one in consumer.items] == ["s-1"]


def test_the_time_that_reading_takes_is_measured_without_that_of_showing() -> None:
    ticks = iter(range(100))
    reader = RegionListingReader(Seen(), timer=lambda: float(next(ticks)))
    reader.begin(None, 1 << 30, bytes)
    for _ in range(3):
        reader.take(b" ")
    assert reader.spent == 3


@pytest.mark.skipif(sys.platform == "win32", reason="it tells such times too coarsely")
def test_while_other_programs_have_the_processor_reading_takes_no_time() -> None:
    """What it takes says how far ticks are apart, and a busy machine is no reason for that."""

    def waits(part: bytes) -> bytes:
        time.sleep(0.2)
        return part

    reader = RegionListingReader(Seen())
    body = json.dumps([item(1, name=LONE)]).encode()  # what is odd is masked while it is read
    reader.begin(len(body), 1 << 30, waits)
    reader.take(body)
    assert reader(STREAMED)
    assert 0 < reader.spent < 0.2


def test_the_time_that_an_odd_listing_takes_at_its_end_is_measured_too() -> None:
    ticks = iter(range(100))
    reader = RegionListingReader(Seen(), timer=lambda: float(next(ticks)))
    assert reader(Response(200, {}, json.dumps([item(1, name=LONE)]).encode()))
    assert reader.spent == 2


def test_records_are_items_and_items_are_records() -> None:
    status = SnapshotStatus("Pending", (VolumeStatus("v-1", "Pending"),))
    inner = Snapshot("i-1", "n", "d", ("v-1",), status)
    records = [RegionSnapshot("s-1", "n", "d", instance=inner), RegionSnapshot("s-2")]
    assert [one.record() for one in items_of(records)] == records
    assert [one.inner().id for one in items_of(records)] == ["i-1", None]
    listed = items_of(records)[0].status()
    assert listed is not None
    assert listed.of(Snapshot("i-1")).status == status
    assert items_of([RegionSnapshot("s-3", "\ud800")]) == []


def test_the_digest_changes_with_the_content() -> None:
    def digest(state: str) -> int:
        data: JSON = unstructure(Snapshot("i-1", status=SnapshotStatus(state)))
        return ListingItem("s-1", instance=msgspec.Raw(msgspec.json.encode(data))).digest()

    assert digest("Pending") == digest("Pending") != digest("Complete")


async def test_promised_pages_of_the_listing_are_read_as_well() -> None:
    """S83: it is documented as one answer, but no snapshot may be missed."""
    first = {"items": [item(1)], "page": 1, "pages": 2}
    second = {"items": [item(2)], "page": 2, "pages": 2}
    async with (
        Wire(answer(first), answer(first), answer(second)) as wire,
        CivoClient("token", region="LON1", api_url=wire.url) as civo,
    ):
        consumer = Seen()
        assert await civo._api.read_region_listing(consumer, {}) is not None
        assert [one.id for one in consumer.items] == ["s-1", "s-2"]
        assert wire.counts["GET"] == 3
