"""Which request meets which fault: faults scheduled per route."""

import random
from collections import Counter

from attrs import define

from civo_snapshots.testing._api import ROUTES
from civo_snapshots.testing._fault import NO_FAULT, Fault


@define(eq=False)
class ScheduledFault:
    """A fault on a route, and how often it has fired."""

    route: str
    fault: Fault
    times: int | None
    after: int
    probability: float
    seen: int = 0
    fired: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.fired >= self.times


class FaultPlan:
    """Decides for each request which fault it meets, if any; the first scheduled goes first.

    `fired` counts those that were met, by route and name.
    """

    def __init__(self, seed: int) -> None:
        self.fired: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._scheduled: list[ScheduledFault] = []
        self._outages: list[tuple[float, float]] = []

    def schedule(
        self, route: str, fault: Fault, *, times: int | None, after: int, probability: float
    ) -> ScheduledFault:
        if route != "*" and route not in ROUTES:
            raise ValueError(f"no route {route!r}; there are '*', {', '.join(sorted(ROUTES))}")
        scheduled = ScheduledFault(route, fault, times, after, probability)
        self._scheduled.append(scheduled)
        return scheduled

    def schedule_outage(self, start: float, end: float) -> None:
        self._outages.append((start, end))

    def clear(self) -> None:
        self._scheduled.clear()
        self._outages.clear()

    def choose(self, route: str, at: float) -> Fault:
        """The fault of this request, or none; every fault on its route counts it as seen."""
        fault = self._choose(route, at)
        if fault is not NO_FAULT:
            self.fired[f"{route}: {fault.name}"] += 1
        return fault

    def _choose(self, route: str, at: float) -> Fault:
        if any(start <= at < end for start, end in self._outages):
            return Fault.outage()
        chosen: ScheduledFault | None = None
        for scheduled in self._scheduled:
            if scheduled.route not in ("*", route):
                continue
            scheduled.seen += 1
            if chosen or scheduled.seen <= scheduled.after or scheduled.spent:
                continue
            if scheduled.probability >= 1 or self._random.random() < scheduled.probability:
                scheduled.fired += 1
                chosen = scheduled
        return chosen.fault if chosen else NO_FAULT
