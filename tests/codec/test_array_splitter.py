"""Cutting a JSON array that comes in pieces: nothing lost, nothing twice, nothing kept for long."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from civo_snapshots._codec import array_splitter
from civo_snapshots._codec.array_splitter import ArraySplitter

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "},{", "[{", '"', "\\", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)
ITEMS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=12)


def read(body: bytes) -> list[object] | None:
    try:
        return msgspec.json.decode(body, type=list[object])
    except msgspec.DecodeError:
        return None


def cut(body: bytes, step: int) -> tuple[list[list[object]], ArraySplitter]:
    """What a splitter makes of a body that comes in pieces of this size."""
    splitter = ArraySplitter()
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    found = [part for piece in pieces if (part := splitter.feed(piece, read)) is not None]
    return found, splitter


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cuts are tried from the first byte on."""
    monkeypatch.setattr(array_splitter, "_SIZE", 1)


@pytest.mark.usefixtures("small")
class TestSmall:
    @given(items=ITEMS, step=st.integers(1, 60), indent=st.sampled_from([None, 1]))
    def test_all_items_come_in_their_order(
        self, items: list[dict[str, object]], step: int, indent: int | None
    ) -> None:
        body = json.dumps(items, indent=indent).encode()
        found, splitter = cut(body, step)
        last = splitter.end(read)
        assert last is not None
        assert [item for part in [*found, last] for item in part] == items

    @given(items=ITEMS, step=st.integers(1, 60), lost=st.integers(1, 40))
    def test_a_body_that_breaks_off_has_no_end(
        self, items: list[dict[str, object]], step: int, lost: int
    ) -> None:
        body = json.dumps(items).encode()
        _, splitter = cut(body[: max(0, len(body) - lost)], step)
        assert splitter.end(read) is None

    @pytest.mark.parametrize("tail", [b",", b"x", b"[]", b'{"a":1}'])
    def test_nothing_may_follow_the_array(self, tail: bytes) -> None:
        _, splitter = cut(b'[{"a":1},{"a":2}]' + tail, 3)
        assert splitter.end(read) is None

    def test_a_comma_before_the_end_is_no_json(self) -> None:
        _, splitter = cut(b'[{"a":1},{"a":2},]', 3)
        assert splitter.end(read) is None

    @pytest.mark.parametrize("head", [b"", b" \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \t"])
    def test_what_may_stand_before_json_does(self, head: bytes) -> None:
        found, splitter = cut(head + b'[{"a":1},{"a":2}]', 100)
        assert [*found, splitter.end(read)] == [[{"a": 1}], [{"a": 2}]]


@pytest.mark.parametrize("inside", [1, 8, 30])
def test_the_first_cut_that_is_tried_is_between_two_items(small: None, inside: int) -> None:
    """However many objects the last item holds: a try within it would decode all in vain."""
    tried: list[bytes] = []

    def note(body: bytes) -> list[object] | None:
        tried.append(body)
        return read(body)

    items = [{"a": {"b": [{"c": 1}] * (inside + 1)}}] * 3
    body = json.dumps(items, separators=(",", ":")).encode()
    splitter = ArraySplitter()
    assert splitter.feed(body[: body.rindex(b"}]")], note) == items[:2]
    assert len(tried) == 1


@pytest.mark.parametrize("step", [20_000, 50_000, 300_000])
def test_items_that_end_like_objects_within_them_are_told_apart_by_their_last_field(
    step: int,
) -> None:
    """Once the first cut was right, no other is tried in vain."""
    tried: list[bool] = []

    def note(body: bytes) -> list[object] | None:
        found = read(body)
        tried.append(found is not None)
        return found

    volumes = [{"id": f"v-{n}", "state": "Pending"} for n in range(9)]
    item = {"id": "s", "status": {"volumes": volumes}, "created_at": "2025-04-01T09:11:14Z"}
    body = json.dumps([item] * 10_000, separators=(",", ":")).encode()
    splitter = ArraySplitter()
    for at in range(0, len(body), step):
        splitter.feed(body[at : at + step], note)
    assert len(tried) > 10
    assert all(tried[tried.index(True) :])


@pytest.mark.parametrize("body", [b"null", b'{"items":[{"a":1},{"a":2}]}', b"", b"<html>", b"{{{{"])
def test_anything_else_is_kept_whole(body: bytes) -> None:
    found, splitter = cut(body, 3)
    assert found == []
    assert splitter.end(read) is None
    assert splitter.remainder() == body
    assert not splitter.began


def items_and_most_kept(body: bytes) -> tuple[int, int]:
    """How many items come of a body in large pieces, and the most bytes that are kept meanwhile."""
    splitter = ArraySplitter()
    most = items = 0
    for at in range(0, len(body), 65_536):
        items += len(splitter.feed(body[at : at + 65_536], read) or ())
        most = max(most, splitter.size)
    items += len(splitter.end(read) or ())
    return items, most


def test_little_is_kept_of_a_large_array() -> None:
    item = {"id": "x" * 36, "instance": {"volumes": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}}
    body = json.dumps([item] * 20_000).encode()
    items, most = items_and_most_kept(body)
    assert items == 20_000
    assert most < 3 * array_splitter._SIZE


@pytest.mark.parametrize("later", [{"a": {"b": 1}}, {"b": "x" * 400}, {}])
def test_items_that_end_in_another_way_from_somewhere_on_are_cut_too(later: object) -> None:
    body = json.dumps([{"a": 1}] * 20_000 + [later] * 20_000).encode()
    items, most = items_and_most_kept(body)
    assert items == 40_000
    assert most < 5 * array_splitter._SIZE


def test_a_large_item_is_waited_for_with_few_tries() -> None:
    tries = 0

    def counted(body: bytes) -> list[object] | None:
        nonlocal tries
        tries += 1
        return read(body)

    inner = json.dumps({"a": [{"b": 1}] * 200_000}).encode()
    splitter = ArraySplitter()
    for at in range(0, len(inner), 65_536):
        piece = (b"[" if at == 0 else b"") + inner[at : at + 65_536]
        assert splitter.feed(piece, counted) is None
    assert tries < 60
    assert splitter.feed(b',{"c":1}]', counted) is None
    assert len(splitter.end(counted) or ()) == 2
