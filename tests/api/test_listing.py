"""Walking a listing: every item once or an error, always an end, never a request too many."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civo_snapshots import CivoClient
from civo_snapshots._api import Listing
from civo_snapshots._api import listing as paging
from civo_snapshots.errors import (
    CivoError,
    InvalidRequestError,
    NotFoundError,
    ServerError,
    UnexpectedResponseError,
)
from civo_snapshots.models import Page
from civo_snapshots.testing import FakeRegion

Answer = Page[str] | CivoError


class Server:
    """Answers page n by a rule and counts what it was asked for."""

    def __init__(self, rule: Callable[[int], Answer]) -> None:
        self.rule = rule
        self.asked: list[int] = []

    async def __call__(self, number: int) -> Page[str]:
        self.asked.append(number)
        answer = self.rule(number)
        if isinstance(answer, CivoError):
            raise answer
        return answer


def scripted(*pages: Answer, beyond: Answer | None = None) -> Server:
    """A server with these pages, and one answer for whatever lies beyond them."""

    def rule(number: int) -> Answer:
        if number <= len(pages):
            return pages[number - 1]
        return beyond if beyond is not None else Page(number, ())

    return Server(rule)


def listing(server: Callable[[int], Awaitable[Page[str]]], size: int | None = 2) -> Listing[str]:
    return Listing(server, key=lambda item: item, page_size=size)


def page(number: int, items: str, pages: int | None = None, **more: Any) -> Page[str]:
    return Page(number, tuple(items), pages=pages, **more)


# How a listing is used


async def test_items_come_in_order_across_pages() -> None:
    server = scripted(page(1, "ab", 3), page(2, "cd", 3), page(3, "e", 3))
    assert await listing(server).collect() == list("abcde")
    assert server.asked == [1, 2, 3]


async def test_pages_come_as_they_are() -> None:
    one, two = page(1, "ab", 2, echoed=1, per_page=2), page(2, "c", 2, echoed=2, per_page=2)
    server = scripted(one, two)
    assert [page async for page in listing(server).pages()] == [one, two]


async def test_nothing_is_fetched_that_nobody_asked_for() -> None:
    server = scripted(page(1, "ab", 2), page(2, "c", 2))
    items = listing(server)
    assert server.asked == []
    async for item in items:
        assert item == "a"
        break
    assert server.asked == [1]


async def test_each_use_starts_anew() -> None:
    server = scripted(page(1, "ab", 2), page(2, "c", 2))
    items = listing(server)
    assert await items.collect() == [item async for item in items] == list("abc")
    assert server.asked == [1, 2, 1, 2]


async def test_an_empty_listing_is_one_empty_page() -> None:
    server = scripted(page(1, ""))
    assert [page async for page in listing(server).pages()] == [page(1, "")]
    assert server.asked == [1]


@pytest.mark.parametrize("items", ["", "a", "ab", "abcdefgh"])
async def test_without_a_page_size_there_is_one_page(items: str) -> None:
    """An instance's own list of snapshots is not paged at all."""
    server = scripted(page(1, items))
    assert await listing(server, None).collect() == list(items)
    assert server.asked == [1]


async def test_more_items_than_a_page_holds_mean_that_the_server_does_not_page() -> None:
    server = scripted(page(1, "abc"))
    assert await listing(server, 2).collect() == list("abc")
    assert server.asked == [1]


# What a server may get wrong


@pytest.mark.parametrize(
    "beyond",
    [
        pytest.param(page(3, ""), id="empty-page"),
        pytest.param(page(3, "cd"), id="last-page-again"),
        pytest.param(page(3, "cd", echoed=2), id="last-page-again-saying-so"),
        pytest.param(NotFoundError("404", status=404), id="404"),
        pytest.param(InvalidRequestError("400", status=400), id="400"),
    ],
)
async def test_one_page_beyond_a_full_last_one_is_tried(beyond: Answer) -> None:
    """S84; `pages` has been one too low."""
    server = scripted(page(1, "ab", 1), page(2, "cd", 1), beyond=beyond)
    items = listing(server)
    assert await items.collect() == list("abcd")
    assert server.asked == [1, 2, 3]
    assert not items.drifted


async def test_a_page_too_many_promised_is_no_harm() -> None:
    server = scripted(page(1, "ab", 3), page(2, "c", 3))
    assert await listing(server).collect() == list("abc")
    assert server.asked == [1, 2, 3]


@pytest.mark.parametrize("pages", [0, None])
async def test_without_a_promise_the_pages_themselves_decide(pages: int | None) -> None:
    """S84: `pages: 0` with items in them."""
    server = scripted(page(1, "ab", pages), page(2, "c", pages))
    assert await listing(server).collect() == list("abc")
    assert server.asked == [1, 2]


async def test_an_empty_page_in_the_middle_is_passed_over() -> None:
    """S84."""
    server = scripted(page(1, "ab", 3), page(2, "", 3), page(3, "c", 3))
    assert [page.number async for page in listing(server).pages()] == [1, 3]
    assert server.asked == [1, 2, 3]


async def test_a_page_size_that_the_server_lowered_is_believed() -> None:
    server = scripted(page(1, "ab", per_page=2), page(2, "c", per_page=2))
    assert await listing(server, 100).collect() == list("abc")


@pytest.mark.parametrize("error", [NotFoundError("404"), InvalidRequestError("400")])
@pytest.mark.parametrize("number", [1, 2])
async def test_a_refusal_of_a_promised_page_is_an_error(error: CivoError, number: int) -> None:
    server = scripted(*[page(1, "ab", 3)][: number - 1], beyond=error)
    with pytest.raises(type(error)):
        await listing(server).collect()


async def test_any_other_error_is_raised_wherever_it_happens() -> None:
    server = scripted(page(1, "ab"), beyond=ServerError("503", status=503))
    with pytest.raises(ServerError):
        await listing(server).collect()


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param(page(2, "ab", 3), "the page before it again", id="S83-repeated"),
        pytest.param(page(2, "cd", 3, echoed=3), "page 3", id="S84-echoed-wrongly"),
        pytest.param(page(2, "", 3, echoed=1), "page 1", id="S84-empty-and-astray"),
    ],
)
async def test_a_page_that_was_not_asked_for_ends_the_walk(second: Page[str], said: str) -> None:
    """S83, S84, T13: rather an error than a listing with a hole in it."""
    server = scripted(page(1, "ab", 3, echoed=1), second)
    with pytest.raises(UnexpectedResponseError, match=f"asked for page 2 .* got {said}") as caught:
        async for _ in listing(server):
            pass
    assert caught.value.status == 200
    assert server.asked == [1, 2, 3]  # the last one ahead


async def test_new_items_beyond_the_end_are_not_taken_from_a_wrong_page() -> None:
    server = scripted(page(1, "ab", 1), page(2, "xy", 1, echoed=5))
    with pytest.raises(UnexpectedResponseError, match="got page 5"):
        await listing(server).collect()


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page(1, "ab", 2), page(2, "bc", 2)], id="item-seen-twice"),
        pytest.param([page(1, "ab", 2), page(2, "cd", 3), page(3, "e", 3)], id="pages-grew"),
        pytest.param([page(1, "ab", 3), page(2, "c", 2)], id="pages-shrank"),
        pytest.param([page(1, "aa", 1)], id="twice-in-one-page"),
    ],
)
async def test_a_listing_that_changes_under_the_walk_is_flagged(pages: list[Page[str]]) -> None:
    """S83: no item comes twice, and the listing says that items may be missing."""
    items = listing(scripted(*pages))
    found = await items.collect()
    assert items.drifted
    assert sorted(found) == sorted({item for part in pages for item in part.items})


async def test_a_steady_listing_is_not_flagged() -> None:
    items = listing(scripted(page(1, "ab", 2), page(2, "cd", None), page(3, "")))
    assert await items.collect() == list("abcd")
    assert not items.drifted


async def test_a_listing_without_end_is_cut_off_with_an_error() -> None:
    """X150."""
    server = Server(lambda number: Page(number, (f"{number}a", f"{number}b")))
    found: list[str] = []
    with pytest.raises(UnexpectedResponseError, match="more than 1000 pages"):
        found.extend([item async for item in listing(server)])
    assert len(server.asked) == paging.MAX_PAGES


async def test_a_promise_of_endless_pages_is_cut_off_too() -> None:
    """X150."""
    server = Server(lambda number: page(number, "", 10**9))
    with pytest.raises(UnexpectedResponseError, match="more than 1000 pages"):
        await listing(server).collect()
    assert len(server.asked) == paging.MAX_PAGES


# Any server

small = st.integers(-1, 6)
answers = st.builds(
    Page,
    number=st.just(0),
    items=st.lists(st.sampled_from("abcdefgh"), max_size=4).map(tuple),
    echoed=st.none() | small,
    pages=st.none() | small,
    per_page=st.none() | st.integers(0, 4),
) | st.sampled_from([NotFoundError("404"), InvalidRequestError("400"), ServerError("500")])


async def walk(server: Server, size: int | None) -> tuple[list[str], CivoError | None]:
    found: list[str] = []
    try:
        async for item in listing(server, size):
            found.append(item)  # noqa: PERF401 - what came before an error counts too
    except CivoError as error:
        return found, error
    return found, None


def numbered(answer: Answer, number: int) -> Answer:
    if isinstance(answer, CivoError):
        return answer
    return Page(number, answer.items, answer.echoed, answer.pages, answer.per_page)


@settings(deadline=None)
@given(script=st.lists(answers, max_size=6), size=st.none() | st.integers(1, 4))
async def test_any_script_ends_without_an_item_twice(
    script: Sequence[Answer], size: int | None
) -> None:
    """S83, S84: whatever the pages say, each is asked for once, in order."""
    server = scripted(*(numbered(answer, n) for n, answer in enumerate(script, 1)))
    found, error = await walk(server, size)
    assert server.asked == list(range(1, len(server.asked) + 1))
    promised = [part.pages or 0 for part in script if isinstance(part, Page)]
    assert len(server.asked) <= max([len(script), *promised]) + 1
    assert len(found) == len(set(found))
    # Page by page, what was asked for is what was read; reading ahead gives just the same.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(paging, "_AHEAD", 1)
        slow = scripted(*(numbered(answer, n) for n, answer in enumerate(script, 1)))
        one_by_one, same = await walk(slow, size)
    assert (found, type(error)) == (one_by_one, type(same))
    shown = {item for n in slow.asked for item in items_of(script, n)}
    # A page that ends in an error gives none of its items; all those before it were given.
    before = {item for n in slow.asked[:-1] for item in items_of(script, n)}
    assert before <= set(found) <= shown
    if error is None:
        assert set(found) == shown


def items_of(script: Sequence[Answer], number: int) -> tuple[str, ...]:
    answer = script[number - 1] if number <= len(script) else None
    return answer.items if isinstance(answer, Page) else ()


@settings(deadline=None)
@given(
    count=st.integers(0, 30),
    size=st.integers(1, 7),
    error_in_pages=st.sampled_from([-1, 0, 1, None]),
    says_size=st.booleans(),
    echoes=st.booleans(),
    beyond=st.sampled_from(["empty", "last", "404", "400"]),
)
async def test_an_honest_server_gives_every_item_once_in_at_most_one_request_more(
    *,
    count: int,
    size: int,
    error_in_pages: int | None,
    says_size: bool,
    echoes: bool,
    beyond: str,
) -> None:
    """S83: `pages` right, off by one or absent; `per_page` told or null; any answer beyond."""
    everything = [f"item-{n}" for n in range(count)]
    chunks = [tuple(everything[at : at + size]) for at in range(0, count, size)] or [()]
    pages = None if error_in_pages is None else max(0, len(chunks) + error_in_pages)

    def rule(number: int) -> Answer:
        if number > len(chunks) and beyond in ("404", "400"):
            # A page that was promised is no probe: its refusal would be an error, rightly.
            if pages is None or number > max(pages, 1):
                return NotFoundError("404") if beyond == "404" else InvalidRequestError("400")
            return Page(number, ())
        shown = min(number, len(chunks)) if beyond == "last" else number
        items = chunks[shown - 1] if shown <= len(chunks) else ()
        if number > len(chunks) and pages is not None and number <= pages:
            items = ()
        echoed = (shown if items else number) if echoes else None
        return Page(number, items, echoed, pages, size if says_size else None)

    server = Server(rule)
    found, error = await walk(server, size)
    assert error is None
    assert found == everything
    assert len(server.asked) <= len(chunks) + 1


async def test_collecting_asks_for_promised_pages_ahead_and_for_none_too_many() -> None:
    asked: list[int] = []
    running = most = 0

    async def fetch(number: int) -> Page[str]:
        nonlocal running, most
        asked.append(number)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        size = 2 if number < 20 else 1
        return Page(number, tuple(f"{number}-{part}" for part in range(size)), number, 20, 2)

    items = await Listing(fetch, str, 2).collect()
    assert items == [f"{n}-{part}" for n in range(1, 21) for part in range(2 if n < 20 else 1)]
    assert sorted(asked) == list(range(1, 21))
    assert most == 8


async def test_pages_asked_for_ahead_are_forgotten_when_one_before_them_fails() -> None:
    ended: list[int] = []

    async def fetch(number: int) -> Page[str]:
        try:
            if number == 2:
                raise ServerError("no", status=503)
            if number == 3:
                raise ServerError("no", status=500)
            if number > 3:
                await asyncio.sleep(60)
            return Page(number, ("a", "b"), number, 20, 2)
        finally:
            ended.append(number)

    with pytest.raises(ServerError) as caught:
        await Listing(fetch, str, 2).collect()
    assert caught.value.status == 503
    assert sorted(ended) == list(range(1, 10))


# Reading ahead of whoever iterates


class Slow(Server):
    """Answers when it is let, and counts what is on its way."""

    def __init__(self, rule: Callable[[int], Answer]) -> None:
        super().__init__(rule)
        self.let = asyncio.Event()
        self.on_its_way = 0
        self.cancelled = 0

    async def __call__(self, number: int) -> Page[str]:
        self.on_its_way += 1
        try:
            if number > 1:
                await self.let.wait()
            else:
                await asyncio.sleep(0)
            return await super().__call__(number)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.on_its_way -= 1


def long(number: int) -> Page[str]:
    """One of a hundred pages of two."""
    return Page(number, (f"{number}a", f"{number}b"), pages=100)


async def turns(times: int = 30) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


READERS: dict[str, Callable[[Listing[str]], AsyncGenerator[object]]] = {
    "items": aiter,
    "pages": lambda listing: listing.pages(),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_an_iteration_reads_ahead_but_only_so_far(
    reader: Callable[[Listing[str]], AsyncGenerator[object]],
) -> None:
    server = Slow(long)
    server.let.set()
    async with aclosing(reader(listing(server))) as found:
        for _ in range(8):
            await anext(found)
        await turns()
        read = 4 if reader is aiter else 8
        assert max(server.asked) == read + 7
        await turns()
        assert max(server.asked) == read + 7  # a slow reader is not run away from
    assert server.on_its_way == 0


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_what_is_on_its_way_ends_with_the_iteration(
    reader: Callable[[Listing[str]], AsyncGenerator[object]],
) -> None:
    server = Slow(long)
    found = reader(listing(server))
    await anext(found)
    if reader is aiter:
        await anext(found)
    waiting = asyncio.ensure_future(anext(found))
    await turns()
    assert server.on_its_way == 8
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (server.on_its_way, server.cancelled) == (0, 8)


async def test_a_plain_break_leaves_nothing_when_the_iterator_is_gone() -> None:
    server = Slow(long)
    server.let.set()
    async for item in listing(server):
        if item == "3a":
            server.let.clear()
            break
    gc.collect()
    await turns()
    assert server.on_its_way == 0
    assert max(server.asked, default=0) <= 10


async def test_misfits_are_counted_over_all_pages_and_fill_their_places() -> None:
    """R200: a page that is full but for a misfit is no last page."""
    server = scripted(page(1, "a", misfits=1), page(2, "bc"), page(3, "", misfits=2), page(4, "d"))
    found = listing(server)
    assert await found.collect() == ["a", "b", "c", "d"]
    assert found.misfits == 3
    assert await found.collect() == ["a", "b", "c", "d"]
    assert found.misfits == 3


async def test_misfits_of_a_last_page_that_is_sent_again_count_once() -> None:
    """R200."""
    last = page(2, "c", pages=2, misfits=1)
    server = scripted(page(1, "ab", pages=2), last, beyond=page(3, "c", pages=2, misfits=1))
    found = listing(server)
    assert await found.collect() == ["a", "b", "c"]
    assert found.misfits == 1


async def test_an_error_of_a_page_read_ahead_is_raised_in_its_turn() -> None:
    server = scripted(page(1, "ab", 4), page(2, "cd", 4), ServerError("no", status=500))
    items = aiter(listing(server))
    assert [await anext(items) for _ in range(4)] == list("abcd")
    with pytest.raises(ServerError):
        await anext(items)


# A server that caps its pages and tells neither their number nor their size


@pytest.mark.parametrize("told", [None, 100], ids=["size not told", "size told as asked"])
@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        (["ab", "cd", "e"], 3),  # shorter than the server's own page
        (["ab", "cd", "ef"], 4),  # an empty one
        (["a"], 2),
        ([""], 1),
    ],
)
async def test_a_cap_that_nobody_tells_loses_nothing(
    pages: Sequence[str], asked: int, told: int | None
) -> None:  # R195
    server = scripted(*(page(n, text, per_page=told) for n, text in enumerate(pages, 1)))
    assert await listing(server, 100).collect() == list("".join(pages))
    assert server.asked == list(range(1, asked + 1))


@pytest.mark.parametrize("beyond", [page(4, "ef"), NotFoundError("404")], ids=["again", "404"])
async def test_a_capped_listing_ends_whatever_lies_beyond_it(beyond: Answer) -> None:  # R195
    server = scripted(page(1, "ab"), page(2, "cd"), page(3, "ef"), beyond=beyond)
    assert await listing(server, 100).collect() == list("abcdef")
    assert server.asked == [1, 2, 3, 4]


async def test_a_size_of_the_servers_own_is_believed() -> None:  # R195
    server = scripted(page(1, "abc", per_page=3), page(2, "d", per_page=3))
    assert await listing(server, 100).collect() == list("abcd")
    assert server.asked == [1, 2]


@pytest.mark.parametrize(
    ("instances", "requests"), [(0, 1), (1, 2), (2, 2), (3, 2), (7, 4), (8, 5)]
)
async def test_every_instance_of_a_region_that_caps_its_pages(
    instances: int, requests: int
) -> None:  # R195
    async with (
        FakeRegion(
            instances=instances, page_cap=2, tells_pages=False, null_per_page=True
        ) as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        found = civo.instances.list()
        assert [one.id for one in await found.collect()] == region.instance_ids
        assert not found.drifted
        assert region.total == requests


async def test_too_few_pages_told_lose_nothing_where_no_page_size_is_told() -> None:
    """R195: seven of eight instances, from a server that caps its pages at seven."""
    async with (
        FakeRegion(instances=8, page_cap=7, pages_off_by=-1, null_per_page=True) as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        found = await civo.instances.list().collect()
    assert {one.id for one in found} == set(region.instance_ids)
