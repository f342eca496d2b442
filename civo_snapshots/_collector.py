"""Keeping the garbage collector from searching through what is no garbage.

It goes through all new objects again and again, and through everything whenever a quarter is new: a
hundred thousand records or waits cost more time that way than in any other, in one piece. What is
known to stay is moved past that; a whole search still comes when the rest of the program asks for
one.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager

_TOGETHER = 24
"""Records or waits after which what is alive is moved: so many come between two searches."""


@contextmanager
def collector_paused() -> Generator[None]:
    """Leave the collector out of building many records, none of which is garbage."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        promote()
    finally:
        gc.enable()


def promote() -> None:
    """Move everything that is alive to the oldest generation, in no time."""
    # Whoever has frozen objects of his own keeps them frozen.
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()


class Lasting:
    """Counts objects that last, and promotes them a few dozen at a time."""

    def __init__(self) -> None:
        self._new = 0

    def made(self, count: int = 1) -> None:
        """So many more were made."""
        self._new += count
        if self._new >= _TOGETHER:
            self._new = 0
            promote()
