"""Reading bodies in pieces: within the cap, one large one at a time, into a sink while it wants."""

import asyncio

import pytest

from civo_snapshots import UnexpectedResponseError
from civo_snapshots._http import Mask
from civo_snapshots._http.body import BodyReader


class Pieces:
    """A body that comes in these pieces; the first is already there."""

    def __init__(self, *pieces: bytes, name: str = "", log: list[str] | None = None) -> None:
        self.first, *self._more = pieces
        self._name = name
        self._log = [] if log is None else log
        self.dropped = False

    async def more(self) -> bytes:
        self._log.append(self._name)
        await asyncio.sleep(0)
        return self._more.pop(0)

    def at_end(self) -> bool:
        return not self._more

    def drop(self) -> None:
        self.dropped = True

    @property
    def left(self) -> int:
        return len(self._more)


class BoundedSink:
    """A sink that takes so many pieces."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.pieces: list[bytes] = []
        self.begun: tuple[int | None, int] | None = None

    def begin(self, length: int | None, most: int, clean: Mask) -> bool:
        self.begun = (length, most)
        return self._size > 0

    def take(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return len(self.pieces) < self._size


async def test_a_body_is_joined_in_order() -> None:
    body = Pieces(b"ab", b"", b"c", b"de")
    assert await BodyReader(5, bytes).collect(body, body.first, 200) == b"abcde"
    assert not body.dropped


async def test_a_body_above_the_cap_is_read_no_further() -> None:
    body = Pieces(b"ab", b"cd", b"ef", b"gh")
    outcome = await BodyReader(5, bytes).collect(body, body.first, 201)
    assert isinstance(outcome, UnexpectedResponseError)
    assert outcome.status == 201
    assert "max_body" in str(outcome)
    assert (body.dropped, body.left) == (True, 1)


async def test_of_large_bodies_one_at_a_time_is_read_on() -> None:
    """Each may be as large as the cap: together they must not fill the memory."""
    bodies = BodyReader(10 << 20, bytes)
    log: list[str] = []
    part = bytes(200_000)
    many = [Pieces(part, part, part, part, name=name, log=log) for name in "abc"]
    read = await asyncio.gather(*(bodies.collect(one, one.first, 200) for one in many))
    assert read == [part * 4] * 3
    assert "".join(log) == "abc" + "aabbcc"  # until it is known to be large, each is read


async def test_a_cancelled_reading_lets_the_next_large_body_be_read() -> None:
    bodies = BodyReader(10 << 20, bytes)
    large = bytes(300_000)
    stuck = Pieces(large, large)
    reading = asyncio.ensure_future(bodies.collect(stuck, stuck.first, 200))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    body = Pieces(large, large)
    assert await bodies.collect(body, body.first, 200) == large * 2


@pytest.mark.parametrize(("size", "taken"), [(9, 3), (2, 2), (0, 0)])
async def test_a_sink_is_given_what_it_wants(size: int, taken: int) -> None:
    body, sink = Pieces(b"a", b"b", b"c"), BoundedSink(size)
    await BodyReader(5, bytes).stream(body, body.first, sink, 3)
    assert sink.begun == (3, 5)
    assert sink.pieces == [b"a", b"b", b"c"][:taken]
    assert body.dropped is (size < 3)
