"""What a server sends beyond the fields that a record knows."""

from collections.abc import Iterator, Mapping


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
        return f"{type(self).__name__}({self._fields!r})"


NOTHING_MORE = Extra()
"""The `extra` of a record without unknown fields."""

SECRETS = frozenset({"initial_password", "rescue_password", "civostatsd_token", "script"})
"""Fields of an instance that are never kept."""
