"""What goes wrong, with which requests: faults scheduled per route."""

import random
from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import define, frozen

from civo_snapshots.testing._api import ROUTES
from civo_snapshots.testing._wire import Answer, to_json

Ending: TypeAlias = Literal["answered", "closed", "reset", "cut", "malformed"]


@frozen(kw_only=True)
class Fault:
    """One way for a request to go wrong; made by the class methods below."""

    name: str
    acts: bool
    acts_later: float | None = None
    held: float = 0.0
    ending: Ending = "answered"
    answer: Answer | None = None

    @classmethod
    def drop_before_acting(cls, *, reset: bool = False) -> "Fault":
        """Close the connection (or reset it) instead of acting."""
        return cls(name="drop_before_acting", acts=False, ending="reset" if reset else "closed")

    @classmethod
    def drop_after_acting(cls, *, reset: bool = False) -> "Fault":
        """Act, then close the connection (or reset it) instead of answering."""
        return cls(name="drop_after_acting", acts=True, ending="reset" if reset else "closed")

    @classmethod
    def late_commit(cls, seconds: float, *, reset: bool = False) -> "Fault":
        """Drop the connection now and act after so many seconds on the region's clock."""
        ending: Ending = "reset" if reset else "closed"
        return cls(name="late_commit", acts=False, acts_later=seconds, ending=ending)

    @classmethod
    def stall(cls, seconds: float, *, acts: bool = True) -> "Fault":
        """Act and hold the answer for real seconds; without acting, drop the connection then."""
        return cls(name="stall", acts=acts, held=seconds, ending="answered" if acts else "closed")

    @classmethod
    def cut_body(cls) -> "Fault":
        """Act, announce the whole answer, send half of it and close."""
        return cls(name="cut_body", acts=True, ending="cut")

    @classmethod
    def malformed_json(cls) -> "Fault":
        """Act, and answer with half of the JSON, complete as far as HTTP can tell."""
        return cls(name="malformed_json", acts=True, ending="malformed")

    @classmethod
    def json(cls, body: object, *, status: int = 200, acts: bool = False) -> "Fault":
        """Answer with this JSON, whether or not the request acts."""
        return cls(name="json", acts=acts, answer=Answer.of(body, status))

    @classmethod
    def status(
        cls,
        status: int,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        acts: bool = False,
    ) -> "Fault":
        """Answer with this status; the body is sent as JSON unless it is bytes or absent."""
        if body is None:
            content = b""
        else:
            content = body if isinstance(body, bytes) else to_json(body).encode()
        answer = Answer(status, content, headers=dict(headers or {}))
        return cls(name=f"status {status}", acts=acts, answer=answer)

    @classmethod
    def gateway_html(cls, status: int = 502, *, acts: bool = False) -> "Fault":
        """The error page of a gateway; behind it the request may have acted."""
        page = f"<html><head><title>{status}</title></head><body><h1>Gateway</h1></body></html>\n"
        answer = Answer(status, page.encode(), "text/html")
        return cls(name="gateway_html", acts=acts, answer=answer)

    @classmethod
    def rate_limited(cls, retry_after: str | None = "1") -> "Fault":
        """429, with this Retry-After or none."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        body = {"code": "too_many_requests", "reason": "slow down"}
        return cls.status(429, body, headers)

    @classmethod
    def outage(cls) -> "Fault":
        """503 from the gateway, as the whole region gives while it is out."""
        return cls.gateway_html(503)

    @classmethod
    def unauthorized(cls) -> "Fault":
        """401, as if the token had been revoked."""
        return cls.status(401, {"result": "requires_authentication"})


NO_FAULT = Fault(name="none", acts=True)


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
    """Decides for each request which fault it meets, if any; the first scheduled goes first."""

    def __init__(self, seed: int) -> None:
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
