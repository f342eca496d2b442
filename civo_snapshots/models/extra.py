"""What a server sends beyond the fields that a record knows."""

from collections.abc import Iterator, Mapping
from reprlib import Repr
from typing import Any, Self, TypeVar, cast

import attrs

from .plain import fields_as_plain, from_plain, record_from_plain


class Extra(Mapping[str, object]):
    """JSON values by the name of their field; it cannot be changed, and is empty by default."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        self._fields = dict(fields or {})

    def __getitem__(self, name: str) -> object:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __reduce__(self) -> tuple[type["Extra"], tuple[dict[str, object]]]:
        return type(self), (self._fields,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({BRIEFLY.repr(self._fields)})"


BRIEFLY = Repr()
"""Shows a value in a line, whatever a server has put into it."""
BRIEFLY.maxstring, BRIEFLY.maxother = 100, 200
BRIEFLY.maxtuple = BRIEFLY.maxlist = BRIEFLY.maxdict = 4

NOTHING_MORE = Extra()
"""The `extra` of a record without unknown fields."""

R = TypeVar("R", bound="Record")


class Record:
    """What the API answered; `extra` is what the server sent beyond the fields known here.

    It is no field of attrs: to fill in the default of one costs a long listing a third more. So
    equality, hash and `repr()` ignore it, and `attrs.evolve()`, which asks nothing but the fields,
    leaves it out.
    """

    __slots__ = ("_extra",)

    _extra: Extra

    @property
    def extra(self) -> Extra:
        """Unknown fields as the server sent them, by name; never the secrets of an instance."""
        try:
            return self._extra
        except AttributeError:
            return NOTHING_MORE

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON: times as ISO 8601 text, and what is in `extra` under that name."""
        return fields_as_plain(self) | ({"extra": dict(self.extra)} if self.extra else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """The record that `as_dict()` told.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            ValueError: it cannot be one.
        """
        record = record_from_plain(cls, data)
        extra = from_plain(dict[str, object], data.get("extra", {}))
        return with_extra(record, extra) if extra else record

    def __repr__(self) -> str:
        """What differs from the defaults, cut where it is long: a server's texts are any length."""
        parts = attrs.fields(cast("type[Any]", type(self)))
        told = {part.name: getattr(self, part.name) for part in parts}
        nothing = {part.name: default_of(part) for part in parts}
        shown = (f"{one}={BRIEFLY.repr(told[one])}" for one in told if told[one] != nothing[one])
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[object, ...]:
        names = (part.name for part in attrs.fields(cast("type[Any]", type(self))))
        fields = {name: getattr(self, name) for name in names}
        return _rebuilt, (type(self), fields, dict(self.extra))


def default_of(part: "attrs.Attribute[Any]") -> object:
    """What a field is if nothing is given; `attrs.NOTHING` if something must be."""
    factory = getattr(part.default, "factory", None)
    return factory() if factory is not None else part.default


def _rebuilt(kind: type[R], fields: Mapping[str, Any], extra: Mapping[str, Any]) -> R:
    record = kind(**fields)
    return with_extra(record, extra) if extra else record


def with_extra(record: R, extra: Mapping[str, Any]) -> R:
    """A record just made, with what the server sent besides."""
    object.__setattr__(record, "_extra", Extra(extra))
    return record


def has_extra(record: Record) -> bool:
    """Whether the server sent anything besides; to ask `extra` for it takes three times as long."""
    return hasattr(record, "_extra")


SECRETS = frozenset({"initial_password", "rescue_password", "civostatsd_token", "script"})
"""Fields of an instance that are never kept."""
