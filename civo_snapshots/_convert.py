"""JSON to records: the one cattrs converter, strict about types and lenient about absence.

cattrs alone would turn ``null`` into the text "None" and 5 into "5"; here a text must be a text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Optional, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn
from cattrs.v import transform_error

from ._decode import Fast, envelope_of, split
from ._protocol import JSON, Clean, Response, parse_json, too_large
from ._slices import Slicer
from .errors import UnexpectedResponseError
from .models import (
    Identifier,
    Instance,
    Moment,
    Page,
    RegionSnapshot,
    RestoreStatus,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
)

T = TypeVar("T")


def _text(value: object, _: type) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"expected text, got {type(value).__name__}")


def _identifier(value: object, _: object) -> str:
    text = _text(value, str)
    if not text:
        raise TypeError("expected an id, got an empty text")
    return text


def _integer(value: object, _: type) -> int:
    """Integers sometimes arrive as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    raise TypeError(f"expected a whole number, got {type(value).__name__}")


def _boolean(value: object, _: type) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError(f"expected true or false, got {type(value).__name__}")


def _flags(value: object, _: object) -> dict[str, bool]:
    """Switches by name; what is no switch is left out, because none of them is needed here."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    flags = cast("dict[str, object]", value)
    return {name: on for name, on in flags.items() if isinstance(on, bool)}


def _moment(value: object, _: object) -> datetime | None:
    """A time as sent; None for Go's zero time and texts that are no time."""
    if not isinstance(value, str):
        raise TypeError(f"expected a time, got {type(value).__name__}")
    try:
        moment = datetime.fromisoformat(value.strip().upper())  # cuts nanoseconds to microseconds
    except ValueError:
        return None
    if moment.year == 1:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Hook = Callable[[object, type], object]


def _record_hook(cls: type, converter: Converter) -> Hook:
    structure = cast("Hook", make_dict_structure_fn(cls, converter))
    empty_text_is_absent = cls in (SnapshotStatus, RestoreStatus, ScheduleStatus)

    def hook(value: object, target: type) -> object:
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            present = {name: part for name, part in fields.items() if part is not None}
            return structure(present, target)
        if value == "" and empty_text_is_absent:
            return cls()
        raise TypeError(f"expected an object, got {type(value).__name__}")

    return hook


def _array_hook(target: type, converter: Converter) -> Hook:
    structure = cast("Hook", homogenous_tuple_structure_factory(target, converter))

    def hook(value: object, target: type) -> object:
        if isinstance(value, list):
            return structure(cast("list[object]", value), target)
        # A text or an object is iterable too, and must not become a tuple of its parts.
        raise TypeError(f"expected a list, got {type(value).__name__}")

    return hook


def _is_identifier(target: object) -> bool:
    return bool(target == Identifier)


_OPTIONAL_MOMENT = Optional[Moment]  # noqa: UP045 - an alias cannot be joined with "|"


def _is_moment(target: object) -> bool:
    return target == _OPTIONAL_MOMENT


def _is_flags(target: object) -> bool:
    return target == dict[str, bool]


def _is_array(target: object) -> bool:
    return get_origin(target) is tuple


def _make_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _boolean)
    converter.register_structure_hook_func(_is_identifier, _identifier)
    converter.register_structure_hook_func(_is_moment, _moment)
    converter.register_structure_hook_func(_is_flags, _flags)
    converter.register_structure_hook_factory(attrs.has)(_record_hook)
    converter.register_structure_hook_factory(_is_array)(_array_hook)
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    return converter


_converter = _make_converter()


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return "a required field is missing"
    return str(error)


def structure(data: JSON, target: type[T], status: int = 200) -> T:
    """Build a record (or a tuple of records) from decoded JSON.

    Raises `UnexpectedResponseError` with the path of the first field that does not fit.
    """
    problems: list[str] = []
    try:
        return _converter.structure(data, target)
    except BaseValidationError as error:
        problems = transform_error(error, format_exception=_describe)
    except TypeError as error:  # the root itself is no object or list
        problems = [f"{error} @ $"]
    # The first one, because the path may hold further ones in a key of the server's.
    what, _, path = problems[0].partition(" @ ")
    raise UnexpectedResponseError(
        f"the body does not fit: {what} at {path}", status=status, path=path
    )


def unstructure(record: object) -> JSON:
    """Plain data for JSON, times as ISO 8601."""
    return cast("JSON", _converter.unstructure(record))


Reader = Callable[[Response], T]
"""Turns a response that is no error into what the caller asked for."""


_FAST: Mapping[object, Fast[Any]] = {
    target: Fast(target)
    for target in (
        Snapshot,
        Instance,
        RegionSnapshot,
        tuple[Snapshot, ...],
        tuple[Instance, ...],
        tuple[RegionSnapshot, ...],
    )
}


def record(body: bytes, target: type[T], status: int) -> T:
    """Build a record from a body that holds one object, by the fast way if that takes it.

    Raises `UnexpectedResponseError` with the path of the first field that does not fit.
    """
    fast: Fast[T] | None = _FAST.get(target)
    found = fast.read(body) if fast else None
    if found is not None:
        return found
    return structure(parse_json(body, status), target, status)


def _records(body: bytes, array: type[tuple[T, ...]], status: int) -> tuple[T, ...] | None:
    """The fast way for a list, item by item where one is odd; None if it has to be the slow one."""
    fast: Fast[tuple[T, ...]] | None = _FAST.get(array)
    found = fast.read(body) if fast else None
    if found is not None or fast is None or (items := split(body)) is None:
        return found
    target: type[T] = get_args(array)[0]
    try:
        return tuple(record(bytes(item), target, status) for item in items)
    except UnexpectedResponseError:
        return None  # the slow way tells where in the whole body it is


def one(target: type[T]) -> Reader[T]:
    """Read an object."""
    return lambda response: record(response.body, target, response.status)


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
        found = _records(body, self._array, 200)
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
        found = _records(wrapped.pop("items") if "items" in wrapped else body, array, status)
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
        number = _integer(value, int)
    except TypeError:
        return None
    return number if number > 0 else None
