"""Checks of what callers pass, made before anything is sent; each failure says what would do."""

import ipaddress
import re
from collections.abc import Callable, Sequence

from . import _cron, _naming
from .errors import InvalidArgumentError

MAX_DESCRIPTION = 4_096
"""Characters; the API names no limit, but a description is not a place for a payload."""

MAX_RETAINED = 10
_DURATION = re.compile(r"(?=[0-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?")
MAX_SECONDS = 366 * 24 * 3600
MAX_COUNT = 1_000_000_000


def _shown(value: object) -> str:
    try:
        text = ascii(value)
    except ValueError:  # an integer of more digits than Python shows
        text = type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."


def optional(check: Callable[[object], str], value: object) -> str | None:
    """A checked text, or None where the caller gave none."""
    return None if value is None else check(value)


def identifier(value: object, what: str) -> str:
    """An id that may stand in a URL path."""
    if isinstance(value, str) and _naming.is_id(value):
        return value
    raise InvalidArgumentError(
        f"{what} must be 1-128 letters, digits, '-', '_' or '.', starting with a letter or digit; "
        f"got {_shown(value)}"
    )


def label(value: object, what: str = "name", *, max_length: int = _naming.MAX_NAME) -> str:
    """An RFC 1123 label."""
    if isinstance(value, str) and _naming.is_label(value) and len(value) <= max_length:
        return value
    hint = ""
    if isinstance(value, str) and (suggestion := _naming.suggest_label(value, max_length)):
        hint = f"; {suggestion!r} would do"
    raise InvalidArgumentError(
        f"{what} must be an RFC 1123 label (1-{max_length} lower-case letters, digits or '-', "
        f"a letter or digit at both ends); got {_shown(value)}{hint}"
    )


def run_name(value: object) -> str:
    """A fan-out's name: a label that leaves room for each instance's digest."""
    return label(value, max_length=_naming.MAX_RUN_NAME)


def hostname(value: object) -> str:
    """A host name: RFC 1123 labels joined by dots."""
    if (
        isinstance(value, str)
        and len(value) <= 253
        and all(map(_naming.is_label, value.split(".")))
    ):
        return value
    raise InvalidArgumentError(
        f"hostname must be RFC 1123 labels joined by dots; got {_shown(value)}"
    )


def description(value: object) -> str:
    """Free text of bounded size."""
    if isinstance(value, str) and len(value) <= MAX_DESCRIPTION and _encodable(value):
        return value
    raise InvalidArgumentError(
        f"description must be text of at most {MAX_DESCRIPTION} characters; got {_shown(value)}"
    )


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def ipv4(value: object) -> str:
    """A dotted IPv4 address."""
    if isinstance(value, str):
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError:
            pass
    raise InvalidArgumentError(
        f"private_ip must be an IPv4 address such as '10.0.0.4'; got {_shown(value)}"
    )


def boolean(value: object, what: str) -> bool:
    """True or False, and nothing that merely looks like it."""
    if isinstance(value, bool):
        return value
    raise InvalidArgumentError(f"{what} must be True or False; got {_shown(value)}")


def seconds(value: object, what: str, *, zero: bool = False) -> float:
    """A finite number of seconds."""
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else -1
    if 0 < number <= MAX_SECONDS or (zero and number == 0):  # NaN fails every comparison
        return float(number)
    least = "0 or more" if zero else "more than 0"
    raise InvalidArgumentError(f"{what} must be {least} seconds, finite; got {_shown(value)}")


def count(value: object, what: str, *, most: int = MAX_COUNT) -> int:
    """A whole number of at least 1."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    bounds = "at least 1" if most == MAX_COUNT else f"1 to {most}"
    raise InvalidArgumentError(f"{what} must be a whole number, {bounds}; got {_shown(value)}")


def one_of(value: object, what: str, allowed: Sequence[str]) -> str:
    """One of a few words."""
    if isinstance(value, str) and value in allowed:
        return value
    raise InvalidArgumentError(f"{what} must be one of {', '.join(allowed)}; got {_shown(value)}")


def cron(value: object) -> str:
    """A cron expression whose runs lie far enough apart."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"cron_expression must be text; got {_shown(value)}")
    if problem := _cron.problem_with(value):
        raise InvalidArgumentError(f"cron_expression {_shown(value)} is refused: {problem}")
    return value


def duration(value: object) -> str:
    """A Go duration of whole hours, minutes and seconds, such as "48h"."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return value
    raise InvalidArgumentError(f"period must be a duration such as '48h'; got {_shown(value)}")
