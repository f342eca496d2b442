"""Checks of what callers pass, made before anything is sent; each failure says what would do."""

import inspect
import ipaddress
import re
from collections.abc import AsyncIterable, Callable, Collection, Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

from . import _naming
from .errors import InvalidArgumentError
from .models import Instance, RegionSnapshot, Schedule, Snapshot
from .states import State

T = TypeVar("T")
Id: TypeAlias = str | UUID

MAX_RETAINED = 10
_DURATION = re.compile(r"(?=[0-9])(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?")
_EVERY = re.compile(r"\*(?:/([0-9]{1,2}))?")
_APPLICATION = re.compile(r"[!#-'*+.^-z|~0-9A-Z-]+(?:/[!#-'*+.^-z|~0-9A-Z-]+)?")
"""A product of RFC 9110: a token, and a version that is one."""
MAX_APPLICATION = 128
MIN_INTERVAL = 10
"""Minutes that must lie between two runs of a schedule (API page "Snapshot schedules")."""
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


def of_type(value: object, kind: type[T], what: str) -> T:
    """An object of this class."""
    if isinstance(value, kind):
        return value
    raise InvalidArgumentError(f"{what} must be of {kind.__name__}; got {_shown(value)}")


def with_methods(value: object, names: Collection[str], what: str) -> None:
    """Refuse an object that lacks one of these methods."""
    missing = [name for name in names if not callable(getattr(value, name, None))]
    if missing:
        raise InvalidArgumentError(f"{what} must have {', '.join(names)}; got {_shown(value)}")


def callback(value: object, what: str, *, awaited: bool = False) -> None:
    """Refuse what cannot be called, and an async function where nobody would await it."""
    if not callable(value):
        raise InvalidArgumentError(f"{what} must be a function; got {_shown(value)}")
    called = (value, getattr(value, "__call__", None))  # noqa: B004 - an object may be callable
    if not awaited and any(map(inspect.iscoroutinefunction, called)):
        raise InvalidArgumentError(
            f"{what} must be a plain function, because it is not awaited; what takes time belongs "
            "on a queue of your own"
        )


def callbacks(value: Any, what: str) -> tuple[Any, ...]:
    """One callback, or several, or None; as a tuple."""
    if value is None:
        return ()
    several: tuple[Any, ...] = (value,) if callable(value) or not _is_iterable(value) else (*value,)
    for one in several:
        callback(one, what)
    return several


def _is_iterable(value: object) -> bool:
    return isinstance(value, Iterable)


def state_table(value: object) -> dict[str, State]:
    """Further state texts and what they mean."""
    try:
        return {of_type(key, str, "states"): State(of) for key, of in value.items()}  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        raise InvalidArgumentError(
            "states must be a mapping of texts to "
            f"{', '.join(map(str, State))}; got {_shown(value)}"
        ) from None


def instances(value: object, what: str = "instances", *, is_async: bool = False) -> None:
    """Refuse what is no list of instances: a text would be taken letter by letter."""
    kinds = (Iterable, AsyncIterable) if is_async else (Iterable,)
    if isinstance(value, (str, bytes)) or not isinstance(value, kinds):
        raise InvalidArgumentError(
            f"{what} must be a list of ids or Instances (for one snapshot, use create()); "
            f"got {_shown(value)}"
        )


def keywords(given: Collection[str], known: Collection[str]) -> None:
    """Refuse what a method's `**options` would swallow: a keyword misspelt is nothing asked for."""
    for name in given:
        if name not in known:
            raise TypeError(
                f"unexpected keyword argument {_shown(name)}; beside its own arguments this method "
                f"takes {', '.join(known)}"
            )


def text(value: object, what: str) -> str:
    """Any text but an empty one."""
    if isinstance(value, str) and value:
        return value
    raise InvalidArgumentError(f"{what} must be text, and not empty; got {_shown(value)}")


def application(value: object) -> str:
    """The name of the program that uses the client, as a User-Agent may have it."""
    if isinstance(value, str) and len(value) <= MAX_APPLICATION and _APPLICATION.fullmatch(value):
        return value
    raise InvalidArgumentError(
        f"app must be a name or name/version of 1-{MAX_APPLICATION} ASCII letters, digits or "
        f"!#$%&'*+-.^_`|~, such as 'backup-service/2.1'; got {_shown(value)}"
    )


def identifier(value: object, what: str) -> str:
    """An id that may stand in a URL path; a `uuid.UUID` is its text."""
    if isinstance(value, str) and _naming.is_id(value):
        return value
    if isinstance(value, UUID):
        return str(value)
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
    """Free text of any length, which is the server's to judge; it must be possible to encode."""
    if isinstance(value, str) and _encodable(value):
        return value
    raise InvalidArgumentError(
        f"description must be text without halves of characters; got {_shown(value)}"
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


OnMisfit = Literal["raise", "skip"]
"""What becomes of an item of a listing that is not as documented."""


def skips(value: object) -> bool:
    """Whether an `on_misfit` argument leaves out what does not fit."""
    return one_of(value, "on_misfit", ("raise", "skip")) == "skip"


def cron(value: object) -> str:
    """A cron expression: the server judges its syntax, but for runs that are surely too close."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgumentError(
            f"cron_expression must be text such as '0 2 * * *'; got {_shown(value)}"
        )
    fields = value.split()
    every = _EVERY.fullmatch(fields[0]) if len(fields) == 5 else None
    if every and int(every[1] or 1) < MIN_INTERVAL:
        raise InvalidArgumentError(
            f"cron_expression {_shown(value)} is refused: it runs every {int(every[1] or 1)} min; "
            f"at least {MIN_INTERVAL} min must lie between two runs"
        )
    return value


def duration(value: object) -> str:
    """A Go duration of whole hours, minutes and seconds, such as "48h"."""
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return value
    raise InvalidArgumentError(f"period must be a duration such as '48h'; got {_shown(value)}")


def instance_id(instance: Id | Instance) -> str:
    """The id of an instance given as such or as a record."""
    return identifier(instance.id if isinstance(instance, Instance) else instance, "instance_id")


def schedule_id(schedule: Id | Schedule) -> str:
    """The id of a schedule given as such or as a record."""
    return identifier(schedule.id if isinstance(schedule, Schedule) else schedule, "schedule_id")


def region_snapshot_id(snapshot: Id | RegionSnapshot) -> str:
    """The id of a region-wide snapshot given as such or as a record."""
    return identifier(
        snapshot.id if isinstance(snapshot, RegionSnapshot) else snapshot, "snapshot_id"
    )


def snapshot_key(first: Id | Snapshot, snapshot_id: Id | None) -> tuple[str, str]:
    """(instance id, snapshot id) from either form that callers may use."""
    if isinstance(first, Snapshot) == (snapshot_id is not None):
        raise InvalidArgumentError("pass a Snapshot, or an instance id and a snapshot id")
    if isinstance(first, Snapshot):
        return (
            identifier(first.instance_id, "snapshot.instance_id"),
            identifier(first.id, "snapshot.id"),
        )
    return identifier(first, "instance_id"), identifier(snapshot_id, "snapshot_id")


def update_fields(name: str | None, description_: str | None) -> dict[str, object]:
    """The fields of an update; at least one must be given."""
    if name is None and description_ is None:
        raise InvalidArgumentError("nothing to update: pass name= or description=")
    return {"name": optional(label, name), "description": optional(description, description_)}


def restore_fields(
    hostname_: str | None, description_: str | None, private_ip: str | None, overwrite: object
) -> dict[str, object]:
    """The fields of a restore, but for those in which the two endpoints differ."""
    if boolean(overwrite, "overwrite_existing") and hostname_ is not None:
        raise InvalidArgumentError(
            "overwrite_existing=True restores onto the original instance, which keeps its "
            "hostname: pass one or the other"
        )
    return {
        "description": optional(description, description_),
        "hostname": optional(hostname, hostname_),
        "private_ipv4": optional(ipv4, private_ip),
        "overwrite_existing": overwrite,
    }
