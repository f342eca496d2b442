"""Walking a listing page by page, over a function "fetch page n"; knows no resource and no HTTP.

A server's page counts are hints: `pages` has been off by one, `per_page` null. A listing therefore
ends on what the pages hold, and it raises rather than end early or never.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from typing import Generic, Self, TypeVar

from attrs import evolve

from .._session import Doubt, doubt_of
from .._version import made_by_a_client
from ..errors import (
    ApiError,
    CivoError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ServiceDisabledError,
    UnexpectedResponseError,
)
from ..models import Page

T = TypeVar("T")

MAX_PAGES = 1_000
_AHEAD = 8
"""Pages on their way or unread at once: 500 pages take a seventh of their time."""


class Walk(Generic[T]):
    """The pure half: which items of a page are new, and which page to ask for next."""

    def __init__(self, key: Callable[[T], str], page_size: int | None) -> None:
        self._key = key
        self._page_size = page_size
        self._seen: set[str] = set()
        self._previous: list[str] = []
        self._promised: int | None = None
        self._own_size: int | None = None
        self.next: int | None = 1
        self.drifted = False
        self.misfits = 0

    @property
    def is_probe(self) -> bool:
        """Whether the next page lies beyond those the server promised."""
        return self.next is not None and self.next > (self._promised or 1)

    def ahead(self, count: int) -> range:
        """The promised pages, from the next one, of which so many may be asked for at once."""
        if self.next is None or self._promised is None:
            return range(0)
        return range(self.next, min(self._promised, MAX_PAGES, self.next + count - 1) + 1)

    def take(self, page: Page[T]) -> tuple[T, ...]:
        """The page's items that were not seen before; sets `next` to None at the end."""
        keys = [*map(self._key, page.items)]
        fresh = self._unseen(keys, page.items)
        only_misfits = page.misfits > 0 and not keys
        if self.is_probe and not fresh and not only_misfits:
            # Beyond its last page a server answers with nothing, or with the last page again.
            self.next = None
            return ()
        astray = page.echoed is not None and page.echoed != page.number
        repeated = bool(keys) and keys == self._previous
        if astray or repeated:
            said = f"page {page.echoed}" if astray else "the page before it again"
            raise UnexpectedResponseError(
                f"asked for page {page.number} of the listing, got {said}; read no further",
                status=200,
            )
        self.misfits += page.misfits
        changed = self._promised is not None and page.pages not in (None, self._promised)
        self.drifted = self.drifted or changed or len(fresh) < len(keys)
        self._previous = keys
        self._promised = page.pages if page.pages is not None else self._promised
        self._advance(page)
        return fresh

    def _unseen(self, keys: list[str], items: tuple[T, ...]) -> tuple[T, ...]:
        """Those of the items whose keys are new, which from now on they are not."""
        new = set(keys)
        if len(new) == len(keys) and self._seen.isdisjoint(new):  # as on most pages
            self._seen |= new
            return items
        fresh: dict[str, T] = {}
        for key, item in zip(keys, items, strict=True):
            if key not in self._seen:
                fresh.setdefault(key, item)
        self._seen |= new
        return tuple(fresh.values())

    def _advance(self, page: Page[T]) -> None:
        more_promised = page.number < (self._promised or 0)
        maybe_more = self._is_full(page)
        self.next = page.number + 1 if more_promised or maybe_more else None
        if self.next is not None and self.next > MAX_PAGES:
            raise UnexpectedResponseError(
                f"the listing has more than {MAX_PAGES} pages; nothing after them was read",
                status=200,
            )

    def _is_full(self, page: Page[T]) -> bool:
        """Whether a page holds as much as one may, so that another could follow."""
        asked, count = self._page_size, len(page.items) + page.misfits
        size = page.per_page or asked
        if self._own_size is None:
            self._own_size = count
        if size is None or count > size:  # more than a page holds: the server does not page at all
            return False
        both_told = self._promised is not None and page.per_page is not None
        if count == size or asked is None or both_told or size < asked:
            return count == size
        # A size of the server's own is not told, nor the number of pages, or that may be one too
        # low: a server that caps its pages looks so, and what its first page holds is their size.
        return 0 < self._own_size <= count


class Listing(Generic[T]):
    """All items of a listing, fetched while they are read: at most 8 pages ahead of the reader.

    Iterate it for items, `pages()` for whole pages, or `await collect()`; each use starts anew.
    A listing without a page size is one page, unless the server itself says otherwise.
    Errors are those of the requests, and `UnexpectedResponseError` if the pages make no sense.

    Attributes:
        drifted: whether the last walk saw the listing change under it (an item twice, another
            number of pages); items that moved to an earlier page may then be missing.
        misfits: how many items the last walk left out because they are not as documented; always 0
            unless the listing was asked for with ``on_misfit="skip"``.
        skips_misfits: whether it was.
    """

    @made_by_a_client
    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Page[T]]],
        key: Callable[[T], str],
        page_size: int | None = None,
    ) -> None:
        self._fetch = fetch
        self._key = key
        self._page_size = page_size
        self.drifted = False
        self.misfits = 0
        self.skips_misfits = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: use `async for`, `pages()` or `await ... .collect()`>"

    def skipping(self, skips: bool) -> Self:
        """The same listing, which then leaves out items that are not as documented, or does not."""
        self.skips_misfits = skips
        return self

    async def pages(self) -> AsyncGenerator[Page[T]]:
        """The pages in order, each without items that an earlier one had.

        Up to 8 of the promised pages are asked for ahead. Leaving the loop early ends what is on
        its way when the iterator is closed: at once with `contextlib.aclosing()`.
        """
        walk = Walk(self._key, self._page_size)
        asked: dict[int, asyncio.Future[Page[T]]] = {}
        try:
            while walk.next is not None:
                wanted = walk.next
                for number in walk.ahead(_AHEAD):
                    if number not in asked:
                        asked[number] = asyncio.ensure_future(self._fetch(number))
                try:
                    page = await (asked.get(wanted) or self._fetch(wanted))
                except (NotFoundError, InvalidRequestError):
                    if not walk.is_probe:
                        raise
                    return
                asked.pop(wanted, None)
                fresh = walk.take(page)
                self.drifted, self.misfits = walk.drifted, walk.misfits
                if fresh or page.number == 1:
                    yield evolve(page, items=fresh)
        finally:
            await _forget(asked.values())

    async def __aiter__(self) -> AsyncGenerator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def collect(self) -> list[T]:
        """Every item, in one list."""
        items: list[T] = []
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                items.extend(page.items)
        return items


async def _forget(tasks: Collection[asyncio.Future[Page[T]]]) -> None:
    """End requests that nobody needs any more."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)


def is_listing_refusal(error: CivoError) -> bool:
    """Whether an error means that there is no region-wide listing here, rather than no luck."""
    if isinstance(error, (NotFoundError, PermissionDeniedError, ServiceDisabledError)):
        return doubt_of(error) is not Doubt.REGION  # an unknown region has no snapshots at all
    return isinstance(error, ApiError) and error.status in (405, 501)
