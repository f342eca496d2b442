"""Whether a snapshot is younger than a request, by clocks that may differ; pure.

Snapshots are dated by a backend's clock, answers by a gateway's. They may differ by minutes, so an
answer's date rules out what is much older, and proves nothing about the rest. What is known of the
backend's clock comes from creates that were answered: it dated their snapshots in between.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from ..models import Snapshot

_MOST_DIFFERENCE = timedelta(minutes=30)
"""How far a gateway's clock and a backend's may differ."""

_TOLERANCE = timedelta(seconds=2)
"""HTTP dates have whole seconds, and so may `created_at`."""


class BackendClock(Struct, eq=False):
    """How far a region's backend is ahead of our clock: between two bounds, if it is known."""

    least: timedelta | None = None
    most: timedelta | None = None

    def learn(self, made: Snapshot, sent: datetime, answered: datetime) -> None:
        """Take the snapshot of a create that was sent and answered at these moments."""
        if made.created_at is None:
            return
        least, most = made.created_at - answered, made.created_at - sent
        if self.least is not None and self.most is not None:
            narrowed = max(least, self.least), min(most, self.most)
            if narrowed[0] <= narrowed[1]:  # else a clock was set meanwhile
                least, most = narrowed
        self.least, self.most = least, most

    def is_younger(
        self, found: Snapshot, sent: datetime, gateway_ahead: timedelta | None
    ) -> bool | None:
        """Whether it was made after a request was sent; None if the clocks do not tell."""
        made = found.created_at
        if made is None:
            return None
        if self.least is None or self.most is None:
            if gateway_ahead is not None and made < sent + gateway_ahead - _MOST_DIFFERENCE:
                return False
            return None
        if made - self.most >= sent - _TOLERANCE:
            return True
        return False if made - self.least < sent - _TOLERANCE else None
