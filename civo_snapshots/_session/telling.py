"""Telling what happens, to a client's listeners and to the log."""

import logging
from collections.abc import Iterable

from ..errors import printable
from ..events import Event, Listener, RequestDone
from ..models import Snapshot

logger = logging.getLogger("civo_snapshots")

_LONGEST = 500
"""Characters of a text that a field of a log line has."""


class EventTeller:
    """The listeners of one client."""

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners = tuple(listeners)
        self._broken: set[int] = set()

    def is_heard(self, kind: type[Event]) -> bool:
        """Whether anybody would learn of such an event: else it need not be made."""
        return bool(self._listeners) or logger.isEnabledFor(kind.level)

    def tell(self, event: Event) -> None:
        """Pass an event on. What a listener raises ends nothing, and is logged once for each."""
        if logger.isEnabledFor(event.level):
            logger.log(event.level, "%s", printable(str(event)), extra=_fields_of(event))
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                if id(listener) not in self._broken:
                    self._broken.add(id(listener))
                    logger.exception("the on_event callback raised; it is told of the next one")


def _fields_of(event: Event) -> dict[str, str | int | float]:
    """An event's fields for a log line; the prefix keeps them apart from those of the line."""
    found: dict[str, str | int | float] = {"civo_event": type(event).__name__}
    for name in type(event).__match_args__:
        value = getattr(event, name)
        if isinstance(value, Snapshot):
            found[f"civo_{name}_id"] = printable(value.id, _LONGEST)
        elif isinstance(value, str):
            found[f"civo_{name}"] = printable(value, _LONGEST)
        elif value is not None:
            found[f"civo_{name}"] = value
    if isinstance(event, RequestDone):
        found["civo_route"] = event.route
    return found
