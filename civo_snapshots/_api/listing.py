"""Walking a listing page by page, over a function "fetch page n"; knows no resource and no HTTP.

A server's page counts are hints: `pages` has been off by one, `per_page` null. A listing therefore
ends on what the pages hold, and it raises rather than end early or never.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from typing import Generic, Self, TypeVar

from attrs import evolve

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


class Walk(Generic[T]):
    """The pure half: which items of a page are new, and which page to ask for next."""

    def __init__(self, key: Callable[[T], str], page_size: int | None) -> None:
        self._key = key
        self._page_size = page_size
        self._seen: set[str] = set()
        self._previous: list[str] = []
        self._promised: int | None = None
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
        keys = [self._key(item) for item in page.items]
        fresh: list[T] = []
        for key, item in zip(keys, page.items, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(item)
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
        return tuple(fresh)

    def _advance(self, page: Page[T]) -> None:
        size = page.per_page or self._page_size
        more_promised = page.number < (self._promised or 0)
        # More items than a page holds: the server does not page at all.
        maybe_more = size is not None and len(page.items) + page.misfits == size
        self.next = page.number + 1 if more_promised or maybe_more else None
        if self.next is not None and self.next > MAX_PAGES:
            raise UnexpectedResponseError(
                f"the listing has more than {MAX_PAGES} pages; nothing after them was read",
                status=200,
            )


class Listing(Generic[T]):
    """All items of a listing, fetched only as far as they are asked for.

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

    def skipping(self, skips: bool) -> Self:
        """The same listing, which then leaves out items that are not as documented, or does not."""
        self.skips_misfits = skips
        return self

    def pages(self) -> AsyncGenerator[Page[T]]:
        """The pages in order, each without items that an earlier one had."""
        return self._pages(ahead=1)

    async def _pages(self, ahead: int) -> AsyncGenerator[Page[T]]:
        walk = Walk(self._key, self._page_size)
        asked: dict[int, asyncio.Future[Page[T]]] = {}
        try:
            while walk.next is not None:
                if ahead > 1:
                    for number in walk.ahead(ahead):
                        if number not in asked:
                            asked[number] = asyncio.ensure_future(self._fetch(number))
                try:
                    page = await (asked.pop(walk.next, None) or self._fetch(walk.next))
                except (NotFoundError, InvalidRequestError):
                    if not walk.is_probe:
                        raise
                    return
                fresh = walk.take(page)
                self.drifted, self.misfits = walk.drifted, walk.misfits
                if fresh or page.number == 1:
                    yield evolve(page, items=fresh)
        finally:
            await _forget(asked.values())

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def collect(self) -> list[T]:
        """Every item, in one list; asks for up to 8 of the promised pages at once."""
        items: list[T] = []
        async for page in self._pages(_AHEAD):
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
        return True
    return isinstance(error, ApiError) and error.status in (405, 501)
