"""Single values of JSON, strict about their types and lenient about their forms; pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from ..models import SECRETS


def text(value: object, _: type) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"expected text, got {type(value).__name__}")


def identifier(value: object, _: object) -> str:
    found = text(value, str)
    if not found:
        raise TypeError("expected an id, got an empty text")
    return found


def integer(value: object, _: type) -> int:
    """Integers sometimes arrive as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    raise TypeError(f"expected a whole number, got {type(value).__name__}")


_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0*)?", re.ASCII)


def number(value: object, _: object) -> int:
    """A number of a quota or an instance, which comes as an integer, a float or a text."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        return int(found[1])
    return integer(value, int)


def boolean(value: object, _: type) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError(f"expected true or false, got {type(value).__name__}")


def flags(value: object, _: object) -> dict[str, bool]:
    """Switches by name; what is no switch is left out, because none of them is needed here."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    found = cast("dict[str, object]", value)
    return {name: on for name, on in found.items() if isinstance(on, bool)}


def moment(value: object, _: object) -> datetime | None:
    """A time as sent; None for Go's zero time and texts that are no time."""
    if not isinstance(value, str):
        raise TypeError(f"expected a time, got {type(value).__name__}")
    try:
        found = datetime.fromisoformat(value.strip().upper())  # cuts nanoseconds to microseconds
    except ValueError:
        return None
    if found.year == 1:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_DEEP = 50


def without_secrets(value: Any, deep: int = _DEEP) -> Any:
    """JSON without what is never kept of an instance, wherever in it one stands.

    What is nested too deeply to be searched is left out.
    """
    if not deep:
        return None
    if isinstance(value, list):
        return [without_secrets(one, deep - 1) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        kept = (name for name in fields if name not in SECRETS)
        return {name: without_secrets(fields[name], deep - 1) for name in kept}
    return value


PAIRED = ("_limit", "_usage")


def pairs_of(sent: Mapping[str, object]) -> dict[str, tuple[int | None, int | None]]:
    """Limit and usage by their common name."""
    names = dict.fromkeys(name[:-6] for name in sent if name.endswith(PAIRED))
    pairs = ((name, [_number_or_none(sent.get(name + end)) for end in PAIRED]) for name in names)
    return {name: (limit, usage) for name, (limit, usage) in pairs}


def _number_or_none(value: object) -> int | None:
    """One that is no number must not make the others unreadable: only snapshots are counted."""
    try:
        return number(value, int)
    except TypeError:
        return None
