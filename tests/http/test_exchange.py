"""The time of one request, kept without a timer of its own."""

import asyncio
import gzip

import pytest
from support.wire import Wire, raw

from civo_snapshots import CivoClient
from civo_snapshots._http import Secret
from civo_snapshots._http import exchange as exchange_module
from civo_snapshots._http.aiohttp_internals import READ_SIZE, raise_read_size
from civo_snapshots._http.exchange import Exchange
from civo_snapshots._http.timeouts import Watchdog

ITEM = b'{"id": "s-1", "name": "%s"}' % (b"n" * 400_000)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunks(size: int) -> bytes:
    pieces = (ITEM[at : at + size] for at in range(0, len(ITEM), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def exchange(lasts: float) -> Exchange:
    return Exchange(Watchdog(), Secret("a-token"), lasts, silence=60.0)


def cancelling() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def test_one_that_lasts_too_long_is_a_timeout_and_leaves_no_cancellation_behind() -> None:
    with pytest.raises(TimeoutError), exchange(0.01):
        await asyncio.sleep(60)
    assert cancelling() == 0


async def test_nor_does_one_that_ended_in_another_way_when_its_time_was_over() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError from None

    with pytest.raises(OSError), exchange(0.01):
        await failing()
    assert cancelling() == 0


async def test_its_callers_cancellation_is_none_of_its_own() -> None:
    async def call() -> None:
        with exchange(60.0):
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_in_the_moment_when_its_time_is_over_is_obeyed() -> None:
    begun: list[Exchange] = []

    async def call() -> None:
        begun.append(exchange(60.0))
        with begun[0]:
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    begun[0].end(0.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_one_within_a_cancelled_task_still_has_its_time() -> None:
    async def call() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            with pytest.raises(TimeoutError), exchange(0.01):
                await asyncio.sleep(60)
        return "ended by itself"

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "ended by itself"


@pytest.mark.parametrize(
    ("answered", "grows"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ITEM) + ITEM, True),
        (CHUNKED + chunks(4_096), True),
        (CHUNKED + chunks(1), False),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
            % len(gzip.compress(ITEM))
            + gzip.compress(ITEM),
            False,
        ),
    ],
    ids=["a length", "chunks", "chunks of a byte", "gzip"],
)
async def test_more_is_taken_at_once_of_what_is_mostly_content(
    answered: bytes, grows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [READ_SIZE]

    def note(wire: asyncio.BaseTransport | None, size: int) -> None:
        taken.append(size)
        raise_read_size(wire, size)

    monkeypatch.setattr(exchange_module, "raise_read_size", note)
    async with (
        Wire(raw(answered)) as wire,
        CivoClient("a-token", region="LON1", api_url=wire.url) as civo,
    ):
        found = await civo.snapshots.get("i-1", "s-1")
    assert len(found.name) == 400_000
    assert (max(taken) > 1 << 15) is grows
