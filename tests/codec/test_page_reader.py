"""Pages of a listing: the exact page of every documented and every odd list, or a typed error.

That a list in pieces is read like a whole one is tested in `test_fast`.
"""

import gc
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support.payloads import (
    AT,
    DOCUMENTED,
    INNER,
    INSTANCE,
    ITEM,
    JSON_VALUES,
    SCHEDULE,
    answer,
    names,
    status,
)

from civo_snapshots._codec import page
from civo_snapshots._codec.page_reader import PageReader
from civo_snapshots._http import Response
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import Instance, Page, Region, RegionSnapshot, Schedule, Snapshot

STATES = [
    "Complete",
    "Completed",
    "complete",
    "completed",
    "COMPLETE ",
    "Failed",
    "error",
    "Pending",
    "pending",
    "available",
    "in_progress",
    "in-progress",
    "new",
    "Ready",
    "",
    "Copying",
]

# What was asked for is page 7 throughout: an echo is the server's word, not ours.
PAGES: dict[str, Page[Any]] = {
    "snapshots_bare": Page(7, (DOCUMENTED, Snapshot("s-2"))),
    "snapshots_wrapped": Page(7, (DOCUMENTED, Snapshot("s-2"))),
    "snapshots_empty": Page(7, ()),
    "snapshots_null": Page(7, ()),
    "snapshots_wrapped_null": Page(7, ()),
    "snapshots_every_state": Page(
        7, tuple(Snapshot(f"s-{n}", status=status(text)) for n, text in enumerate(STATES, 1))
    ),
    "region_snapshots_inner_is_the_snapshot": Page(7, (ITEM,)),
    "region_snapshots_inner_is_the_instance": Page(
        7,
        (
            RegionSnapshot(
                "s-1",
                "nightly-0123456789ab",
                "d",
                "instance",
                AT,
                Snapshot("i-1", "db1", "d", ("v-1",), INNER.status, AT),
            ),
        ),
    ),
    "region_snapshots_without_inner": Page(
        7, (RegionSnapshot("s-1", "n", resource_type="volume"),)
    ),
    "region_snapshots_inner_null": Page(7, (RegionSnapshot("s-1", "n", "", "instance"),)),
    "region_snapshots_named_inside": Page(
        7, (RegionSnapshot("s-1", instance=Snapshot("s-1", "n", created_at=AT)),)
    ),
    "region_snapshots_wrapped": Page(7, (ITEM,)),
    "schedules_bare": Page(7, (SCHEDULE,)),
    "instances_page": Page(7, (INSTANCE,), 2, 3, 20),
    "instances_per_page_null": Page(7, (INSTANCE,), 1, 1, None),
    "instances_numbers_as_text": Page(7, (evolve(INSTANCE, cpu_cores=2, ram_mb=4096),), 2, 3, 20),
    "instances_pages_zero": Page(7, ()),
    "instances_counts_are_no_numbers": Page(7, ()),
    "regions": Page(
        7,
        (
            Region(
                "LON1",
                "London 1",
                "public",
                "uk",
                "United Kingdom",
                False,
                True,
                {"iaas": True, "kubernetes": False},
            ),
            Region("lon1-private", type="private"),
        ),
    ),
}

ARRAYS: dict[str, Any] = {
    "snapshots": tuple[Snapshot, ...],
    "region_snapshots": tuple[RegionSnapshot, ...],
    "schedules": tuple[Schedule, ...],
    "instances": tuple[Instance, ...],
    "regions": tuple[Region, ...],
}


def array_for(name: str) -> Any:
    return next(array for kind, array in ARRAYS.items() if name.startswith(kind))


MISFITS: dict[str, tuple[str, str]] = {
    "misfit_snapshots_object": ("$", "expected a list, got dict"),
    "misfit_snapshots_items_object": ("$", "expected a list, got dict"),
    "misfit_snapshots_text_inside": ("$[1]", "expected an object, got str"),
    "misfit_snapshots_text": ("$", "expected a list, got str"),
    "misfit_regions_features_list": ("$[0].features", "expected an object, got list"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_list_becomes_exactly_this_page(name: str) -> None:
    """B62: bare or wrapped in `items`; null is how Go writes an empty list."""
    assert page(array_for(name), 7)(answer(name)) == PAGES[name]


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_is_named_by_its_path(name: str) -> None:
    """B62, B63: nothing is indexed into on trust."""
    path, said = MISFITS[name]
    with pytest.raises(UnexpectedResponseError) as caught:
        page(array_for(name.removeprefix("misfit_")), 1)(answer(name, 201))
    assert (caught.value.path, caught.value.status) == (path, 201)
    assert caught.value.message == f"the body does not fit: {said} at {path}"
    assert caught.value.__context__ is None


def test_every_recorded_list_is_read_by_a_test() -> None:
    assert names(lists=True) == {*PAGES, *MISFITS}


def test_an_empty_body_is_not_the_empty_list() -> None:
    """B50."""
    with pytest.raises(UnexpectedResponseError, match="it is empty"):
        page(tuple[Snapshot, ...], 1)(Response(200, {}, b""))


@settings(deadline=None)
@given(data=JSON_VALUES, array=st.sampled_from([*ARRAYS.values()]))
def test_any_json_is_a_page_or_an_unexpected_response(data: Any, array: Any) -> None:
    body = json.dumps(data, allow_nan=True).encode()
    try:
        result = page(array, 3)(Response(200, {}, body))
    except UnexpectedResponseError:
        return
    assert result.number == 3
    assert all(hint is None or hint > 0 for hint in (result.echoed, result.pages, result.per_page))


# Items that do not fit


def listed(count: int, *misfits: int) -> bytes:
    """A list of snapshots, of which those of these numbers have a name that is none."""
    items = [{"id": f"s-{n}", "name": 5 if n in misfits else "n"} for n in range(count)]
    return json.dumps(items).encode()


def in_pieces(reader: PageReader[Snapshot], body: bytes, size: int) -> Page[Snapshot]:
    reader.begin(len(body), 1 << 30, bytes)
    for at in range(0, len(body), size):
        reader.take(body[at : at + size])
    return reader(Response(200, {}, b"", streamed=True))


def whole(reader: PageReader[Snapshot], body: bytes) -> Page[Snapshot]:
    return reader(Response(200, {}, body))


READINGS: dict[str, Callable[[PageReader[Snapshot], bytes], Page[Snapshot]]] = {
    "whole": whole,
    "wrapped": lambda reader, body: whole(reader, b'{"items":' + body + b"}"),
    "in-pieces": lambda reader, body: in_pieces(reader, body, 7_000),
}


@pytest.mark.parametrize("way", READINGS)
def test_the_error_of_one_misfit_among_thousands_says_which_and_where(way: str) -> None:
    """R200."""
    with pytest.raises(UnexpectedResponseError) as caught:
        READINGS[way](page(tuple[Snapshot, ...], 1), listed(8_000, 7_531))
    assert caught.value.path == "$[7531].name"
    assert "expected text, got int at $[7531].name" in caught.value.message


@pytest.mark.parametrize("way", READINGS)
def test_misfits_may_be_left_out_and_are_counted(way: str) -> None:
    """R200."""
    misfits = (0, 17, 4_000, 7_999)
    found = READINGS[way](page(tuple[Snapshot, ...], 1, skip=True), listed(8_000, *misfits))
    assert [int(one.id[2:]) for one in found.items] == [
        number for number in range(8_000) if number not in misfits
    ]
    assert found.misfits == 4


def test_the_page_of_a_misfit_is_named() -> None:
    """R200."""
    with pytest.raises(UnexpectedResponseError, match=r"at \$\[1\]\.name of page 3"):
        whole(page(tuple[Snapshot, ...], 3), listed(2, 1))


@pytest.mark.parametrize("body", [b"[1", b"{}", b'"x"', b""])
def test_a_body_that_is_no_list_is_no_misfit(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        whole(page(tuple[Snapshot, ...], 1, skip=True), body)


# Memory


@pytest.fixture
def uncollected() -> Iterator[None]:
    """The collector of cyclic garbage does not run."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_long_list_leaves_no_record_for_the_collector_of_cyclic_garbage() -> None:
    """R179: a program that turns the collector off, or rarely needs it, keeps no list for good."""
    found = in_pieces(page(tuple[Snapshot, ...], 1), listed(8_000), 7_000)
    assert len(found.items) == 8_000
    del found
    assert not [one for one in gc.get_objects() if isinstance(one, Snapshot) and one.name == "n"]
