"""Telling what happens, to a client's listeners and to the log."""

import logging
from collections.abc import Iterable

from ..errors import printable
from ..events import Event, Listener, details

logger = logging.getLogger("civo_snapshots")


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
            logger.log(event.level, "%s", printable(str(event)), extra=details(event))
        for number, listener in enumerate(self._listeners):
            try:
                listener(event)
            except Exception:
                if number not in self._broken:
                    self._broken.add(number)
                    logger.exception("the on_event callback raised; it is told of the next one")
