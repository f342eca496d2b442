"""JSON to records: the one cattrs converter, strict about types and lenient about absence.

cattrs alone would turn ``null`` into the text "None" and 5 into "5"; here a text must be a text.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Optional, TypeVar, cast, get_args, get_origin

import attrs
from attrs import evolve
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.v import transform_error

from .._http import JSON, Reader, parse_json
from ..errors import UnexpectedResponseError
from ..models import (
    Identifier,
    Instance,
    Moment,
    Number,
    Quota,
    Record,
    RegionSnapshot,
    RestoreStatus,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
    Subnet,
    with_extra,
)
from .fast import FastDecoder, StrictDecoder, split
from .values import (
    PAIRED,
    boolean,
    flags,
    identifier,
    integer,
    moment,
    number,
    pairs_of,
    text,
    without_secrets,
)

T = TypeVar("T")


Hook = Callable[[object, type], object]


_OWN_FIELDS = frozenset({"pairs"})
"""Fields that are filled in here, whatever the server sends under such a name."""


def _record_hook(cls: type, converter: Converter) -> Hook:
    structure = cast("Hook", make_dict_structure_fn(cls, converter))
    known = {part.name for part in attrs.fields(cls)} - _OWN_FIELDS
    empty_text_is_absent = cls in (SnapshotStatus, RestoreStatus, ScheduleStatus)

    def hook(value: object, target: type) -> object:
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            present = {name: fields[name] for name in fields if name in known}
            found = structure(
                {name: part for name, part in present.items() if part is not None}, target
            )
            if len(present) < len(fields) and isinstance(found, Record):
                others = {name: fields[name] for name in fields if name not in known}
                with_extra(found, without_secrets(others))
            return found
        if value == "" and empty_text_is_absent:
            return cls()
        raise TypeError(f"expected an object, got {type(value).__name__}")

    return hook


def _plain_hook(cls: type, converter: Converter) -> Callable[[object], dict[str, object]]:
    """A record as it was sent, with the fields that it does not know."""
    own = {name: override(omit=True) for name in _OWN_FIELDS}
    make = cast("Callable[..., Callable[[object], dict[str, object]]]", make_dict_unstructure_fn)
    unstructure = make(cls, converter, **own)

    def hook(record: object) -> dict[str, object]:
        others = cast("Mapping[str, object]", getattr(record, "extra", {}))
        return {**unstructure(record), **others}

    return hook


def _quota_hook(cls: type, converter: Converter) -> Hook:
    """The record, and every pair that the server sent, whether it has a field of its own or not."""
    structure = _record_hook(cls, converter)

    def hook(value: object, target: type) -> object:
        quota = structure(value, target)
        assert isinstance(value, Mapping)
        sent = cast("Mapping[str, object]", value)
        found = cast("Quota", quota)
        others = {name: found.extra[name] for name in found.extra if not name.endswith(PAIRED)}
        return with_extra(evolve(found, pairs=pairs_of(sent)), others)

    return hook


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
    converter.register_structure_hook(str, text)
    converter.register_structure_hook(int, integer)
    converter.register_structure_hook(bool, boolean)
    converter.register_structure_hook_func(_is_identifier, identifier)
    converter.register_structure_hook_func(_is_moment, moment)
    converter.register_structure_hook_func(_is_number, number)
    converter.register_structure_hook_func(_is_flags, flags)
    converter.register_structure_hook_factory(attrs.has)(_record_hook)
    converter.register_structure_hook_factory(lambda cls: cls is Quota)(_quota_hook)
    converter.register_structure_hook_factory(lambda cls: cls is Subnet)(_subnet_hook)
    converter.register_structure_hook_factory(_is_array)(_array_hook)
    converter.register_unstructure_hook_factory(attrs.has)(_plain_hook)
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


_SINGLE = (Snapshot, Instance, RegionSnapshot)
_KNOWN: Mapping[object, Callable[[bytes], Any]] = {
    target: StrictDecoder(target).read for target in _SINGLE
}
_FAST: Mapping[object, Callable[[bytes], Any]] = {
    target: FastDecoder(target).read
    for target in (
        *_SINGLE,
        tuple[Snapshot, ...],
        tuple[Instance, ...],
        tuple[RegionSnapshot, ...],
    )
}


def record(body: bytes, target: type[T], status: int, *, extras: bool = False) -> T:
    """Build a record from a body that holds one object, by the fast way if that takes it.

    `extras` are the fields that the record does not know: to look for them takes time.
    Raises `UnexpectedResponseError` with the path of the first field that does not fit.
    """
    read: Callable[[bytes], T | None] | None = (_KNOWN if extras else _FAST).get(target)
    found = None if read is None else read(body)
    if found is not None:
        return found
    return structure(parse_json(body, status), target, status)


def records(body: bytes, array: type[tuple[T, ...]], status: int) -> tuple[T, ...] | None:
    """The fast way for a list, item by item where one is odd; None if it has to be the slow one."""
    read: Callable[[bytes], tuple[T, ...] | None] | None = _FAST.get(array)
    found = read(body) if read else None
    if found is not None or read is None or (items := split(body)) is None:
        return found
    target: type[T] = get_args(array)[0]
    try:
        return tuple(record(bytes(item), target, status) for item in items)
    except UnexpectedResponseError:
        return None  # the slow way tells where in the whole body it is


def known(target: type[T]) -> Callable[[bytes], T | None] | None:
    """What reads an object without a field that its record does not know, or None for another.

    The records that there is this for have neither `result` nor `code`, nor a number for a status:
    so a body that is read is no refusal.
    """
    return _KNOWN.get(target)


def one(target: type[T]) -> Reader[T]:
    """Read an object."""
    return lambda response: record(response.body, target, response.status, extras=True)
