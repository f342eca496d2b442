"""Records as plain data for JSON, and back; the classes themselves say what each field is."""

import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs
import msgspec

T = TypeVar("T")


def as_plain(value: object) -> object:
    """The value in JSON's own types: times as ISO 8601 text, records as objects."""
    own = getattr(value, "as_dict", None)
    if own is not None:
        return own()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, object]", value)
        return {name: as_plain(part) for name, part in parts.items()}
    if isinstance(value, tuple | list):
        return [as_plain(part) for part in cast("list[object]", value)]
    return value


def fields_as_plain(record: object) -> dict[str, object]:
    """The fields of an attrs class, each in JSON's own types."""
    names = (part.name for part in attrs.fields(cast("type[Any]", type(record))))
    return {name: as_plain(getattr(record, name)) for name in names}


def record_from_plain(target: type[T], data: object) -> T:
    """An object of an attrs class of which `fields_as_plain()` told the fields.

    Fields that it does not know are passed over: they are a later release's. Raises `ValueError`,
    which says where the first field is that does not fit.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{target.__name__}: expected an object, got {type(data).__name__}")
    given = cast("Mapping[str, object]", data)
    built: dict[str, Any] = {}
    for part in attrs.fields(cast("type[Any]", target)):
        if part.name not in given:
            continue
        try:
            built[part.name] = from_plain(part.type, given[part.name])
        except ValueError as error:
            raise ValueError(f"{target.__name__}.{part.name}: {error}") from None
    try:
        return target(**built)
    except TypeError as error:  # one is missing
        raise ValueError(f"{target.__name__}: {error}") from None


def from_plain(hint: Any, value: object) -> Any:
    """The value that a field of this type had; raises `ValueError`."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = [part for part in parts if part is not type(None)]
        is_absent = value is None and len(kinds) < len(parts)
        return None if is_absent else from_plain(kinds[0], value)
    if origin is tuple and parts[-1:] == (...,):
        if not isinstance(value, list | tuple):
            raise ValueError(f"expected a list, got {type(value).__name__}")
        return tuple(from_plain(parts[0], one) for one in cast("list[object]", value))
    own = getattr(hint, "from_dict", None)
    if own is None:
        try:
            return msgspec.convert(value, hint)
        except msgspec.ValidationError as error:  # no ValueError before msgspec 0.21
            raise ValueError(str(error)) from None
    if not isinstance(value, Mapping):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    return own(value)
