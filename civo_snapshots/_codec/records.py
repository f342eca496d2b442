"""JSON to records: the one cattrs converter, strict about types and lenient about absence.

cattrs alone would turn ``null`` into the text "None" and 5 into "5"; here a text must be a text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Optional, TypeVar, cast, get_args, get_origin

import attrs
from attrs import evolve
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn
from cattrs.v import transform_error

from .._http import JSON, Reader, parse_json
from ..errors import UnexpectedResponseError
from ..models import (
    Identifier,
    Instance,
    Moment,
    Number,
    Quota,
    RegionSnapshot,
    RestoreStatus,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
    Subnet,
)
from .fast import FastDecoder, split

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


_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0*)?", re.ASCII)


def _number(value: object, _: object) -> int:
    """A number of a quota or an instance, which comes as an integer, a float or a text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        return int(found[1])
    return _integer(value, int)


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


_OWN_FIELDS = frozenset({"pairs"})
"""Fields that are filled in here, whatever the server sends under such a name."""


def _record_hook(cls: type, converter: Converter) -> Hook:
    structure = cast("Hook", make_dict_structure_fn(cls, converter))
    empty_text_is_absent = cls in (SnapshotStatus, RestoreStatus, ScheduleStatus)

    def hook(value: object, target: type) -> object:
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            present = {
                name: part
                for name, part in fields.items()
                if part is not None and name not in _OWN_FIELDS
            }
            return structure(present, target)
        if value == "" and empty_text_is_absent:
            return cls()
        raise TypeError(f"expected an object, got {type(value).__name__}")

    return hook


def _quota_hook(cls: type, converter: Converter) -> Hook:
    """The record, and every pair that the server sent, whether it has a field of its own or not."""
    structure = _record_hook(cls, converter)

    def hook(value: object, target: type) -> object:
        quota = structure(value, target)
        assert isinstance(value, Mapping)
        return evolve(cast("Quota", quota), pairs=_pairs(cast("Mapping[str, object]", value)))

    return hook


_PAIRED = ("_limit", "_usage")


def _pairs(sent: Mapping[str, object]) -> dict[str, tuple[int | None, int | None]]:
    names = dict.fromkeys(name[:-6] for name in sent if name.endswith(_PAIRED))
    pairs = ((name, [_number_or_none(sent.get(name + end)) for end in _PAIRED]) for name in names)
    return {name: (limit, usage) for name, (limit, usage) in pairs}


def _number_or_none(value: object) -> int | None:
    """One that is no number must not make the others unreadable: only snapshots are counted."""
    try:
        return _number(value, int)
    except TypeError:
        return None


def _subnet_hook(cls: type, converter: Converter) -> Hook:
    structure = _record_hook(cls, converter)

    def hook(value: object, target: type) -> object:
        # What one looks like is documented nowhere, and no snapshot needs it.
        return Subnet(value) if isinstance(value, str) else structure(value, target)

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


def _is_number(target: object) -> bool:
    return bool(target == Number)


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
    converter.register_structure_hook_func(_is_number, _number)
    converter.register_structure_hook_func(_is_flags, _flags)
    converter.register_structure_hook_factory(attrs.has)(_record_hook)
    converter.register_structure_hook_factory(lambda cls: cls is Quota)(_quota_hook)
    converter.register_structure_hook_factory(lambda cls: cls is Subnet)(_subnet_hook)
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


_FAST: Mapping[object, FastDecoder[Any]] = {
    target: FastDecoder(target)
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
    fast: FastDecoder[T] | None = _FAST.get(target)
    found = fast.read(body) if fast else None
    if found is not None:
        return found
    return structure(parse_json(body, status), target, status)


def records(body: bytes, array: type[tuple[T, ...]], status: int) -> tuple[T, ...] | None:
    """The fast way for a list, item by item where one is odd; None if it has to be the slow one."""
    fast: FastDecoder[tuple[T, ...]] | None = _FAST.get(array)
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
