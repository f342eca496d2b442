"""The fast way and the converter read every body alike."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots._codec import array_splitter, fast, page_reader, records
from civo_snapshots._http import Response, is_success, parse_json
from civo_snapshots.errors import UnexpectedResponseError
from civo_snapshots.models import Instance, RegionSnapshot, Snapshot

PAYLOADS = sorted((Path(__file__).parents[1] / "payloads").glob("*.json"))
RECORDS = [Snapshot, Instance, RegionSnapshot]


def many(target: Any) -> Any:
    """The type of a list of records."""
    return tuple[target, ...]


def slowly(body: bytes, target: Any) -> Any:
    """What the converter alone makes of a body, or the path of what it refuses."""
    try:
        return records.structure(parse_json(body), target)
    except UnexpectedResponseError as error:
        return ("refused", error.path)


def quickly(body: bytes, target: Any) -> Any:
    """What callers get."""
    try:
        return records.one(target)(Response(200, {}, body))
    except UnexpectedResponseError as error:
        return ("refused", error.path)


def listed(body: bytes, target: Any) -> Any:
    try:
        return page_reader.page(many(target), 1)(Response(200, {}, body)).items
    except UnexpectedResponseError as error:
        return ("refused", error.path)


def in_parts(body: bytes, target: Any, step: int) -> Any:
    """What callers get of a list that comes in pieces."""
    reader = page_reader.page(many(target), 1)
    wanted = reader.begin(len(body), 1 << 20, bytes)
    for at in range(0, len(body), step):
        wanted = wanted and reader.take(body[at : at + step])
    try:
        return reader(Response(200, {}, b"", streamed=True)).items
    except UnexpectedResponseError as error:
        return ("refused", error.path)


MOMENTS = st.sampled_from(
    [
        "2025-04-01T09:11:14Z",
        "2025-04-01t09:11:14z",
        "2025-04-01 09:11:14Z",
        "2025-04-01T09:11:14.5Z",
        "2025-04-01T09:11:14.123456Z",
        "2025-04-01T09:11:14.123456789Z",
        "2025-04-01T09:11:14.9999999Z",
        "2025-04-01T09:11:14+02:00",
        "2025-04-01T09:11:14+0200",
        "2025-04-01T09:11:14-00:00",
        "2025-04-01T09:11:14",
        "2025-04-01",
        "2025-02-30T09:11:14Z",
        "2025-04-01T24:00:00Z",
        "2025-04-01T09:11:60Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-10:00",
        " 2025-04-01T09:11:14Z ",
        "",
        "yesterday",
    ]
)
ODD: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.just([]) | st.just({})
)
TEXT = st.text(max_size=6) | st.sampled_from(["Pending", "Complete", "\ud800", "a.1234567", "é"])


def either(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, usual, usual, usual, ODD | TEXT)


VOLUMES = st.lists(either(st.fixed_dictionaries({}, optional={"id": either(TEXT), "state": TEXT})))
IDS = either(st.text("abc", min_size=1, max_size=3))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": either(TEXT),
    "hostname": either(TEXT),
    "included_volumes": either(st.lists(either(TEXT), max_size=2)),
    "tags": either(st.lists(either(TEXT), max_size=2)),
    "attached_volumes": either(VOLUMES),
    "status": either(
        st.fixed_dictionaries(
            {}, optional={"state": TEXT, "volumes": VOLUMES, "message": either(TEXT)}
        )
    ),
    "created_at": either(MOMENTS),
    "cpu_cores": either(st.integers() | st.sampled_from([2.0, 2.5, "2", "2.0", "two", 10**20])),
    "gpu_count": either(st.integers(0, 9)),
    "subnets": either(st.lists(either(st.fixed_dictionaries({}, optional={"id": TEXT})))),
    "notes": either(TEXT),
    "extra": either(st.just({})),
    "unknown": st.none() | st.integers() | st.floats() | TEXT,
}
OBJECT = st.fixed_dictionaries({"id": IDS}, optional=FIELDS)
REGIONAL = st.fixed_dictionaries({"id": IDS}, optional={**FIELDS, "instance": OBJECT})
BODIES = st.one_of(OBJECT, REGIONAL, ODD).map(lambda data: json.dumps(data).encode())


@pytest.mark.parametrize("target", RECORDS)
@given(body=BODIES)
@settings(deadline=None, max_examples=300)
def test_an_object_is_read_alike_either_way(target: type, body: bytes) -> None:
    """B50 to B66: the same records and the same refusals."""
    assert quickly(body, target) == slowly(body, target)


@given(
    items=st.lists(OBJECT, max_size=4),
    wrapped=st.sampled_from(["bare", "items", "full", "odd"]),
    target=st.sampled_from(RECORDS),
)
@settings(deadline=None, max_examples=300)
def test_a_list_is_read_alike_either_way(items: list[object], wrapped: str, target: type) -> None:
    """B62."""
    data: object = {
        "bare": items,
        "items": {"items": items},
        "full": {"page": 1, "pages": "2", "per_page": None, "items": items},
        "odd": {"entries": items},
    }[wrapped]
    body = json.dumps(data).encode()
    plain = json.dumps(items).encode()
    expected = slowly(plain, many(target))
    if wrapped == "odd":
        expected = ("refused", "$")
    assert listed(body, target) == expected


@given(items=st.lists(OBJECT, max_size=6), step=st.integers(1, 90), target=st.sampled_from(RECORDS))
@settings(deadline=None, max_examples=300)
def test_a_list_in_pieces_is_read_alike(items: list[object], step: int, target: type) -> None:
    """B62: also where the first wrong field is."""
    body = json.dumps(items).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_splitter, "_SIZE", 1)
        found, expected = in_parts(body, target, step), slowly(body, many(target))
    if expected == ("refused", "$"):  # no JSON further on: a wrong field before it may be met first
        assert found[:1] == ("refused",)
    else:
        assert found == expected


@pytest.mark.parametrize("last", [{"id": "b", "name": "\ud800"}, {"id": None, "name": "\ud800"}])
def test_half_a_surrogate_pair_late_in_a_list_is_read_alike(
    last: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_splitter, "_SIZE", 1)
    body = json.dumps([{"id": "a"}, last]).encode()
    assert in_parts(body, Snapshot, 1) == slowly(body, many(Snapshot))


@given(body=st.binary(max_size=80) | BODIES.map(lambda body: body[:-1] + b"\xff}"))
@settings(deadline=None, max_examples=200)
def test_bytes_that_are_no_json_are_refused_either_way(body: bytes) -> None:
    for target in RECORDS:
        assert quickly(body, target) == slowly(body, target)
        if body[:1] not in (b"{", b"n"):  # which may be an envelope, or null for the empty list
            assert listed(body, target) == slowly(body, many(target))


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_every_recorded_body_is_read_alike_either_way(path: Path) -> None:
    body = path.read_bytes()
    for target in RECORDS:
        assert quickly(body, target) == slowly(body, target)


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"a","x":' + b"1" * 9_000 + b"}",
        b'{"id":"a","x":"' + b"." * 5_000 + b'","y":' + b"1" * 4_301 + b"}",
        b'{"id":"a","x":"\xff"}',
        b'{"id":"a","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"id":"a","id":"b"}',
        b'\xef\xbb\xbf{"id":"a"}',
    ],
    ids=["endless-number", "endless-number-later", "no-utf-8", "deep", "twice", "bom"],
)
def test_hostile_bodies_are_read_alike_either_way(body: bytes) -> None:
    """B51 to B55."""
    for target in RECORDS:
        assert quickly(body, target) == slowly(body, target)
        both = b"[" + body.removeprefix(b"\xef\xbb\xbf") + b"]"
        assert listed(both, target) == slowly(both, many(target))


@given(body=BODIES)
@settings(deadline=None, max_examples=200)
def test_unknown_fields_are_kept_alike_either_way(body: bytes) -> None:
    for target in RECORDS:
        found, expected = quickly(body, target), slowly(body, target)
        if isinstance(found, target):
            assert getattr(found, "extra", 0) == expected.extra


def test_a_documented_object_takes_the_fast_way_and_one_with_unknown_fields_the_other() -> None:
    read = fast.StrictDecoder(Instance).read
    documented = b'{"id":"a","script":"x","attached_volumes":[{"id":"v"}]}'
    assert read(documented) == slowly(documented, Instance)
    assert read(b'{"id":"a","attached_volumes":[{"id":"v","size":1}]}') is None


@pytest.mark.parametrize("target", RECORDS)
@pytest.mark.parametrize(
    "told",
    ['"code":"x"', '"result":"failed"', '"c\\u006fde":"x"', '"status":404', '"status":500.5'],
)
def test_what_is_read_without_a_look_for_refusals_can_be_none(target: Any, told: str) -> None:
    body = f'{{"id":"a",{told}}}'.encode()
    assert not is_success(Response(200, {}, body))
    read = records.known(target)
    assert read is not None
    assert read(body) is None


def test_an_ordinary_body_takes_the_fast_way() -> None:
    status = b'{"state":"Pending","message":"2 of 3"}'
    body = b'{"id":"a","status":' + status + b',"created_at":"2025-04-01T09:11:14.5Z"}'
    assert fast.FastDecoder(Snapshot).read(body) == slowly(body, Snapshot)


def test_one_odd_item_does_not_slow_down_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = records.structure

    def counted(data: Any, target: Any, status: int = 200) -> Any:
        asked.append(data)
        return real(data, target, status)

    monkeypatch.setattr(records, "structure", counted)
    items = [{"id": f"s{number}"} for number in range(100)]
    items[7]["description"] = None  # type: ignore[assignment]
    found = listed(json.dumps(items).encode(), Snapshot)
    assert [snapshot.id for snapshot in found] == [item["id"] for item in items]
    assert asked == [items[7]]
