"""Reading the pages of a listing, each from a body that is there whole or comes in pieces.

Whichever way it comes, the same records are made of it, and the first field that does not fit is
named by the same path.
"""

import re
from collections.abc import Mapping
from typing import Generic, TypeVar, get_args

from .._http import JSON, Mask, Response, parse_json, too_large
from ..errors import UnexpectedResponseError
from ..models import Page
from .array_splitter import ArraySplitter
from .fast import envelope_of, split
from .records import records, structure

T = TypeVar("T")


class PageReader(Generic[T]):
    """Reads a list (``tuple[Record, ...]``), bare or in an envelope ``{"items": [...], ...}``.

    null is the empty list: that is how Go writes one. A bare list is decoded as it comes, so that
    a large one stops the event loop for no longer than a part of it takes.
    """

    def __init__(self, array: type[tuple[T, ...]], number: int, *, skip: bool = False) -> None:
        """`skip` leaves out items that do not fit, and counts them, instead of raising."""
        self._array = array
        self._number = number
        self._skip = skip
        self.begin(None, 0, bytes)

    def begin(self, length: int | None, most: int, mask: Mask) -> bool:
        self._most = most
        self._mask = mask
        self._found: list[T] = []
        self._misfits = 0
        self._refused: UnexpectedResponseError | None = None
        self._splitter = ArraySplitter()
        self._size = 0
        return self._fits(length or 0)

    def take(self, piece: bytes) -> bool:
        self._size += len(piece)
        if self._fits(self._size):
            self._found += self._splitter.feed(piece, self._slice) or ()
        return self._refused is None

    def __call__(self, response: Response) -> Page[T]:
        status = response.status
        if not response.streamed:
            return self._whole(response.body, status)
        if self._refused is None:
            last = self._splitter.end(self._slice)
            if last is None:
                body = self._mask(self._splitter.remainder())
                if not self._splitter.began:
                    return self._whole(body, status)
                # Half a surrogate pair stands in it, which msgspec does not take.
                last = self._slowly(body)
                if last is None:
                    raise no_array(status)
            self._found += last
        if self._refused is not None:
            raise self._refused
        return Page(self._number, tuple(self._found), misfits=self._misfits)

    def _fits(self, size: int) -> bool:
        if size > self._most:
            self._refused = too_large(self._most, 200)
        return self._refused is None

    def _slice(self, body: bytes) -> tuple[T, ...] | None:
        """The records of some items; what is wrong with one of them is raised at the end."""
        # A cut that is none shows in a third of the time that the records would take; but once one
        # was right, what comes after is hardly ever wrong.
        is_likely = self._splitter.began
        if not is_likely and split(body) is None:
            return None
        masked = self._mask(body)
        found = records(masked, self._array, 200)
        if found is not None or (is_likely and split(body) is None):
            return found
        return self._slowly(masked)

    def _slowly(self, body: bytes) -> tuple[T, ...] | None:
        try:
            data = parse_json(body)
        except UnexpectedResponseError:
            return None
        try:
            return self._fitting(data, 200)
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
        try:
            items = self._fitting([] if data is None else data, status)
        except UnexpectedResponseError as error:
            if number > 1:
                error.args = (f"{error.message} of page {number}",)
                error.message = error.args[0]
            raise
        return Page(number, items, *_hints(envelope), misfits=self._misfits)

    def _fitting(self, data: JSON, status: int) -> tuple[T, ...]:
        """The records of a list; of those items that fit, if others may be left out."""
        if not (self._skip and isinstance(data, list)):
            return structure(data, self._array, status)
        target: type[T] = get_args(self._array)[0]
        found: list[T] = []
        for item in data:
            try:
                found.append(structure(item, target, status))
            except UnexpectedResponseError:
                self._misfits += 1
        return tuple(found)


def no_array(status: int) -> UnexpectedResponseError:
    """The error of a list that came in parts and had no end."""
    return UnexpectedResponseError("the list breaks off or is not JSON", status=status, path="$")


def _moved(error: UnexpectedResponseError, by: int) -> UnexpectedResponseError:
    """The error with its place in the whole list instead of in a part of it."""

    def moved(text: str) -> str:
        return re.sub(r"\$\[([0-9]+)\]", lambda found: f"$[{int(found[1]) + by}]", text, count=1)

    return UnexpectedResponseError(
        moved(error.message), status=error.status, path=moved(error.path)
    )


def page(array: type[tuple[T, ...]], number: int, *, skip: bool = False) -> PageReader[T]:
    """A reader for one page of a listing, large or small."""
    return PageReader(array, number, skip=skip)


def _hints(envelope: Mapping[str, JSON]) -> tuple[int | None, int | None, int | None]:
    number, pages, per_page = (envelope.get(key) for key in ("page", "pages", "per_page"))
    return _hint(number), _hint(pages), _hint(per_page)


def _hint(value: JSON) -> int | None:
    """A positive number of an envelope; anything else says nothing."""
    try:
        number = structure(value, int)
    except UnexpectedResponseError:
        return None
    return number if number > 0 else None
