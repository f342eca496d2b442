"""Reading the pages of a listing, each from a body that is there whole or comes in pieces.

Whichever way it comes, the same records are made of it, and the first field that does not fit is
named by the same path.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from .._http.api_errors import JSON, Clean, Response, parse_json, too_large
from ..errors import UnexpectedResponseError
from ..models import Page
from .array_splitter import Slicer
from .fast import envelope_of, split
from .records import records, structure

T = TypeVar("T")


class PageReader(Generic[T]):
    """Reads a list (``tuple[Record, ...]``), bare or in an envelope ``{"items": [...], ...}``.

    null is the empty list: that is how Go writes one. A bare list is decoded as it comes, so that
    a large one stops the event loop for no longer than a part of it takes.
    """

    def __init__(self, array: type[tuple[T, ...]], number: int) -> None:
        self._array = array
        self._number = number
        self.begin(None, 0, bytes)

    def begin(self, length: int | None, most: int, clean: Clean) -> bool:
        self._most = most
        self._clean = clean
        self._size = 0
        self._found: list[T] = []
        self._refused: UnexpectedResponseError | None = None
        self._slicer = Slicer(self._slice)
        return self._fits(length or 0)

    def take(self, piece: bytes) -> bool:
        self._size += len(piece)
        if self._fits(self._size):
            self._found += self._slicer.feed(piece) or ()
        return self._refused is None

    def __call__(self, response: Response) -> Page[T]:
        if not response.poured:
            return self._whole(response.body, response.status)
        if self._refused is None:
            last = self._slicer.end()
            if last is None and not self._slicer.began:
                return self._whole(self._clean(self._slicer.rest()), response.status)
            if last is None:  # half a surrogate pair, which msgspec does not take
                last = self._slowly(self._clean(self._slicer.rest()))
            if last is not None and self._refused is None:
                return Page(self._number, (*self._found, *last))
        raise self._refused or no_array(response.status)

    def _fits(self, size: int) -> bool:
        if size > self._most:
            self._refused = too_large(self._most, 200)
        return self._refused is None

    def _slice(self, body: bytes) -> tuple[T, ...] | None:
        """The records of some items; what is wrong with one of them is raised at the end."""
        body = self._clean(body)
        found = records(body, self._array, 200)
        if found is not None or split(body) is None:
            return found
        return self._slowly(body)

    def _slowly(self, body: bytes) -> tuple[T, ...] | None:
        try:
            data = parse_json(body)
        except UnexpectedResponseError:
            return None
        try:
            return structure(data, self._array)
        except UnexpectedResponseError as error:
            self._refused = _moved(error, len(self._found))
            return ()

    def _whole(self, body: bytes, status: int) -> Page[T]:
        array, number = self._array, self._number
        wrapped = envelope_of(body)
        found = records(wrapped.pop("items") if "items" in wrapped else body, array, status)
        if found is not None:
            return Page(number, found, *_hints({k: parse_json(v) for k, v in wrapped.items()}))
        data = parse_json(body, status)
        envelope: dict[str, JSON] = {}
        if isinstance(data, dict) and "items" in data:
            envelope, data = data, data["items"]
        items = structure([] if data is None else data, array, status)
        return Page(number, items, *_hints(envelope))


def _moved(error: UnexpectedResponseError, by: int) -> UnexpectedResponseError:
    """The error with its place in the whole list instead of in a part of it."""

    def moved(text: str) -> str:
        return re.sub(r"\$\[([0-9]+)\]", lambda found: f"$[{int(found[1]) + by}]", text, count=1)

    return UnexpectedResponseError(
        moved(error.message), status=error.status, path=moved(error.path)
    )


def no_array(status: int) -> UnexpectedResponseError:
    """The error of a list that came in parts and had no end."""
    return UnexpectedResponseError("the list breaks off or is not JSON", status=status, path="$")


def page(array: type[tuple[T, ...]], number: int) -> PageReader[T]:
    """A reader for one page of a listing, large or small."""
    return PageReader(array, number)


def _hints(envelope: Mapping[str, JSON]) -> Iterator[int | None]:
    return (_hint(envelope.get(key)) for key in ("page", "pages", "per_page"))


def _hint(value: JSON) -> int | None:
    """A positive number of an envelope; anything else says nothing."""
    try:
        number = structure(value, int)
    except UnexpectedResponseError:
        return None
    return number if number > 0 else None
