"""The fake region as tests use it: options, life cycle, faults and the account of requests."""

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from civo_snapshots._clock import Clock, SystemClock
from civo_snapshots.testing._api import Api
from civo_snapshots.testing._faults import Fault, FaultPlan, ScheduledFault
from civo_snapshots.testing._payloads import table_payload
from civo_snapshots.testing._records import Behaviour, RegionIds, Span
from civo_snapshots.testing._server import FakeServer, ReceivedRequest
from civo_snapshots.testing._state import RegionState


class FakeRegion:
    """A CivoStack private region on loopback, from `async with` until its end.

    Args:
        instances: how many instances each region holds at first.
        volumes: how many volumes each of them has.
        region: the code of the region.
        token: the only token that is let in.
        seed: of ids, durations and the probabilities of faults.
        duration: seconds the snapshot of a volume takes, drawn uniformly from this span.
        restore_duration: seconds a restore takes, drawn likewise.
        clock: measures everything but `latency` and stalls.
        latency: real seconds added to each answer.
        port: where to listen; 0 takes a free one.
        snapshot_limit: how many snapshots the quota allows in a region.
        region_ids: which id of a region-wide item is the snapshot's: "outer" (`instance.id` is
            then the instance's), "inner" (`instance.id` is the snapshot's) or "name" (none is).
        region_listing: whether the region-wide snapshot routes exist; 404 if not.
        visible_after: seconds before a new snapshot shows in GETs and listings.
        delete_takes: seconds a deleted snapshot still shows, and counts in the quota.
        empty_delete: answer the deletion of a snapshot with an empty body.
        pages_off_by: added to `pages` in the list of instances.
        null_per_page: answer `per_page` with null there.
        clock_skew: seconds the server's calendar is ahead, in `Date` and `created_at`.
        more_regions: codes of further regions at the same URL, each with a state of its own.
        keep_requests: keep every request in `requests`; counters are kept in any case.
        expose_stats: serve `stats()` at `GET /_fake/stats`, without a token.
    """

    def __init__(
        self,
        *,
        instances: int = 3,
        volumes: int = 2,
        region: str = "LON1",
        token: str = "fake-token",
        seed: int = 0,
        duration: Span = (5.0, 20.0),
        restore_duration: Span = (2.0, 5.0),
        clock: Clock | None = None,
        latency: float = 0.0,
        port: int = 0,
        snapshot_limit: int = 10_000,
        region_ids: RegionIds = "outer",
        region_listing: bool = True,
        visible_after: float = 0.0,
        delete_takes: float = 0.0,
        empty_delete: bool = False,
        pages_off_by: int = 0,
        null_per_page: bool = False,
        clock_skew: float = 0.0,
        more_regions: Sequence[str] = (),
        keep_requests: bool = True,
        expose_stats: bool = False,
    ) -> None:
        self.region = region
        self.token = token
        self.clock: Clock = clock or SystemClock()
        self.url = ""
        self._port = port
        behaviour = Behaviour(
            region_codes=(region, *more_regions),
            duration=duration,
            restore_duration=restore_duration,
            snapshot_limit=snapshot_limit,
            region_ids=region_ids,
            region_listing=region_listing,
            visible_after=visible_after,
            delete_takes=delete_takes,
            empty_delete=empty_delete,
            pages_off_by=pages_off_by,
            null_per_page=null_per_page,
            clock_skew=clock_skew,
        )
        self._states = {
            code.lower(): RegionState(code, behaviour, clock=self.clock, seed=seed)
            for code in behaviour.region_codes
        }
        for state in self._states.values():
            for _ in range(instances):
                state.add_instance(volumes=volumes)
        self._plan = FaultPlan(seed)
        self._server = FakeServer(
            Api(self._states, token),
            self._plan,
            clock=self.clock,
            clock_skew=clock_skew,
            latency=latency,
            keep_requests=keep_requests,
            stats=self.stats if expose_stats else None,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve at `url`."""
        self.url = f"http://127.0.0.1:{await self._server.start(self._port)}"

    async def stop(self) -> None:
        """Close the socket and all connections; tables and counters can still be read."""
        await self._server.stop()

    # The state

    @property
    def state(self) -> RegionState:
        """The tables of the first region."""
        return self.in_region(self.region)

    def in_region(self, code: str) -> RegionState:
        """The tables of this region."""
        self._server.commit_late(self.clock.monotonic())
        return self._states[code.lower()]

    @property
    def instance_ids(self) -> list[str]:
        return list(self.state.instances)

    def add_instance(
        self,
        hostname: str | None = None,
        *,
        volumes: int = 2,
        tags: Sequence[str] = (),
        status: str = "ACTIVE",
    ) -> str:
        """Put one more instance into the first region and return its id."""
        return self.state.add_instance(hostname, volumes=volumes, tags=tags, status=status)

    def fail_volume(self, instance_id: str, index: int = 0, *, leave_pending: bool = False) -> None:
        """Let this volume fail in the next snapshots, which may stay Pending themselves."""
        self.state.fail_volume(instance_id, index, leave_pending=leave_pending)

    def refuse_create(
        self,
        instance_id: str,
        code: str = "database_instance_snapshot_too_big",
        *,
        status: int = 400,
        reason: str = "refused by the test",
        times: int | None = None,
    ) -> None:
        """Refuse snapshots of this instance, so many times or for ever."""
        self.state.refuse_create(instance_id, code, status=status, reason=reason, times=times)

    def heal(self, instance_id: str) -> None:
        """Take back `fail_volume` and `refuse_create`."""
        self.state.heal(instance_id)

    # Faults

    def fault(
        self,
        route: str,
        fault: Fault,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
    ) -> ScheduledFault:
        """Let requests of a route ("*": of all) go wrong.

        It spares the first `after` requests from now on, then fires `times` times (None: for
        ever), each time with this probability. Its `fired` tells how often it has.
        """
        return self._plan.schedule(route, fault, times=times, after=after, probability=probability)

    def outage(self, seconds: float, *, after: float = 0.0) -> None:
        """Answer everything with 503 for so many seconds on the clock."""
        start = self.clock.monotonic() + after
        self._plan.schedule_outage(start, start + seconds)

    def clear_faults(self) -> None:
        """Forget all faults and outages that are still to come."""
        self._plan.clear()

    # The account

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Every request in the order of arrival."""
        return self._server.requests

    @property
    def counts(self) -> Counter[str]:
        """Requests by route, such as "GET /v2/instances/{id}"."""
        return self._server.counts

    @property
    def statuses(self) -> Counter[int]:
        """Answers by status; dropped requests have none."""
        return self._server.statuses

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def connections_opened(self) -> int:
        return self._server.connections_opened

    @property
    def open_connections(self) -> int:
        return self._server.open_connections

    def stats(self) -> dict[str, object]:
        """Counters and tables, ready for JSON."""
        at = self.clock.monotonic()
        self._server.commit_late(at)
        return {
            "total": self.total,
            "counts": dict(self.counts),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "connections_opened": self.connections_opened,
            "regions": {state.code: table_payload(state, at) for state in self._states.values()},
        }
