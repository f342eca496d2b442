"""The fake region as tests use it: switches, life cycle, faults and what it received."""

import inspect
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, Unpack

import attrs

from civo_snapshots.testing._api import Api
from civo_snapshots.testing._clock import Calendar, MachineClock, RegionClock
from civo_snapshots.testing._draw import draw
from civo_snapshots.testing._fault import Fault
from civo_snapshots.testing._faults import FaultPlan, ScheduledFault
from civo_snapshots.testing._options import RegionOptions, SwitchOptions
from civo_snapshots.testing._rate_limit import RateLimit
from civo_snapshots.testing._schedule_endpoints import run_schedule
from civo_snapshots.testing._server import FakeServer, ReceivedRequest
from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._stats import page, table_payload
from civo_snapshots.testing._switches import Switches
from civo_snapshots.testing._wire import RefusedField


class FakeRegion:
    """A CivoStack private region on loopback, from ``async with`` until its end.

    What its keywords leave unsaid is as the API is documented. `Switches` explains each further
    keyword: what the documents leave open, and how a region may behave.

    Args:
        instances: how many instances each region holds at first.
        volumes: how many volumes each of them has.
        strangers: how many snapshots of other people each region holds at first.
        region: the code of the region.
        more_regions: codes of further regions at the same URL, each with a state of its own.
        token: the only token that is let in; it may be replaced at any time.
        seed: of ids, durations, draws and the probabilities of faults.
        clock: measures everything but `latency` and stalls; real time if None.
        latency: real seconds added to each answer.
        port: where to listen; 0 takes a free one.
        keep_requests: keep every request in `requests`; counters are kept in any case.
        expose_stats: serve `stats()` at ``GET /_fake/stats``, and as a page at ``GET /_fake``,
            without a token.
        switches: anything of `Switches`.

    Example::

        async with FakeRegion(instances=2, clock=(clock := FakeClock())) as region:
            region.fault("POST /v2/instances/{id}/snapshots", Fault.drop_after_acting())
            client = CivoClient(region.token, region="LON1", api_url=region.url, clock=clock)
            async with client as civo:
                run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
            assert run.counts["complete"] == 2
            assert region.counts["POST /v2/instances/{id}/snapshots"] == 2
    """

    def __init__(
        self,
        *,
        instances: int = 3,
        volumes: int = 2,
        strangers: int = 0,
        region: str = "LON1",
        more_regions: Sequence[str] = (),
        token: str = "fake-token",
        seed: int = 0,
        clock: RegionClock | None = None,
        latency: float = 0.0,
        port: int = 0,
        keep_requests: bool = True,
        expose_stats: bool = False,
        **switches: Unpack[SwitchOptions],
    ) -> None:
        if strangers and not instances:
            raise ValueError("strangers need an instance whose snapshots theirs are")
        self.region = region
        self.clock: RegionClock = clock or MachineClock()
        self.switches = Switches(**switches)
        self.url = ""
        self._made_as: dict[str, Any] = {
            "instances": instances,
            "volumes": volumes,
            "strangers": strangers,
            "region": region,
            "more_regions": tuple(more_regions),
            "seed": seed,
            **attrs.asdict(self.switches),
        }
        self._port = port
        calendar = Calendar(self.clock, self.switches)
        self._states = {
            code.lower(): RegionState(
                code, self.switches, clock=self.clock, seed=seed, calendar=calendar
            )
            for code in (region, *more_regions)
        }
        for state in self._states.values():
            for _ in range(instances):
                state.add_instance(volumes=volumes)
            for number in range(strangers):
                owner = list(state.instances)[number % instances]
                state.add_stranger(f"somebodys-{number + 1}", owner, age=3_600.0 * (number + 1))
        self._api = Api(self._states, token)
        self._plan = FaultPlan(seed)
        self._server = FakeServer(
            self._api,
            self._plan,
            clock=self.clock,
            calendar=calendar,
            rate_limit=RateLimit(self.switches.rate_limit),
            request_ids=self.switches.request_ids,
            latency=latency,
            keep_requests=keep_requests,
            insight=self if expose_stats else None,
        )

    @classmethod
    def any(cls, seed: int, **fixed: Unpack[RegionOptions]) -> Self:
        """A region whose every open reading is drawn from the seed; `repr()` tells the draw.

        What `repr()` shows makes the same region.

        Args:
            seed: of the draw, and of everything else.
            fixed: keywords that are not drawn.
        """
        options: RegionOptions = {**draw(seed), **fixed}
        return cls(seed=seed, **options)

    def __repr__(self) -> str:
        keywords = inspect.signature(FakeRegion).parameters
        defaults = {name: keyword.default for name, keyword in keywords.items()}
        defaults |= attrs.asdict(Switches())
        said = [
            f"{name}={value!r}" for name, value in self._made_as.items() if value != defaults[name]
        ]
        return f"FakeRegion({', '.join(said)})"

    @property
    def token(self) -> str:
        """The only token that is let in."""
        return self._api.token

    @token.setter
    def token(self, token: str) -> None:
        self._api.token = token

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
        """The tables of this region.

        Args:
            code: the region's code, in either case.
        """
        self._server.commit_late(self.clock.monotonic())
        return self._states[code.lower()]

    @property
    def instance_ids(self) -> list[str]:
        """The ids of the first region's instances, oldest first."""
        return list(self.state.instances)

    def add_instance(
        self,
        hostname: str | None = None,
        *,
        volumes: int = 2,
        tags: Sequence[str] = (),
        status: str = "ACTIVE",
    ) -> str:
        """Put one more instance into the first region and return its id.

        Args:
            hostname: a generated one if None.
            volumes: how many are attached.
            tags: what it is tagged with.
            status: what it does, such as "ACTIVE".
        """
        return self.state.add_instance(hostname, volumes=volumes, tags=tags, status=status)

    def fail_volume(self, instance_id: str, index: int = 0, *, leave_pending: bool = False) -> None:
        """Let this volume fail in the next snapshots, which may stay Pending themselves.

        Args:
            instance_id: whose volume.
            index: which of its volumes, from 0.
            leave_pending: whether the snapshot itself never says that it has failed.
        """
        self.state.fail_volume(instance_id, index, leave_pending=leave_pending)

    def refuse_create(
        self,
        instance_id: str,
        code: str = "database_instance_snapshot_too_big",
        *,
        status: int | None = None,
        reason: str = "refused by the test",
        times: int | None = None,
    ) -> None:
        """Refuse snapshots of this instance, so many times or for ever.

        Args:
            instance_id: of which instance.
            code: the API's code.
            status: of HTTP; the code's usual one if None.
            reason: the API's explanation.
            times: how often; None is for ever.
        """
        self.state.refuse_create(instance_id, code, status=status, reason=reason, times=times)

    def heal(self, instance_id: str) -> None:
        """Take back `fail_volume()` and `refuse_create()`.

        Args:
            instance_id: of which instance.
        """
        self.state.heal(instance_id)

    def run_schedule(self, key: str, region: str | None = None) -> None:
        """Do what the schedule does when its time comes.

        Args:
            key: its id or name.
            region: the code of its region; the first one if None.
        """
        run_schedule(self.in_region(region or self.region), key, self.clock.monotonic())

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
        """Let requests of a route go wrong; the `fired` of what is returned tells how often it has.

        It spares the first `after` requests from now on, then fires `times` times, each time with
        this probability.

        Args:
            route: such as "POST /v2/instances/{id}/snapshots"; "*" is all of them.
            fault: what goes wrong.
            times: how often it fires; None is for ever.
            after: how many requests are spared first.
            probability: from 0 to 1, drawn from the region's seed.
        """
        return self._plan.schedule(route, fault, times=times, after=after, probability=probability)

    def outage(self, seconds: float, *, after: float = 0.0) -> None:
        """Answer everything with 503 for so many seconds on the clock.

        Args:
            seconds: for how long.
            after: seconds until it begins.
        """
        start = self.clock.monotonic() + after
        self._plan.schedule_outage(start, start + seconds)

    def clear_faults(self) -> None:
        """Forget all faults and outages that are still to come."""
        self._plan.clear()

    # What it received

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
        """How many requests there were."""
        return self.counts.total()

    @property
    def connections_opened(self) -> int:
        """How many connections were opened so far."""
        return self._server.connections_opened

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._server.open_connections

    @property
    def refused_fields(self) -> list[RefusedField]:
        """What was sent and not taken, as unknown fields, and values of a wrong type or form."""
        return self._api.refused_fields

    def stats(self) -> dict[str, object]:
        """Counters and tables, ready for JSON."""
        at = self.clock.monotonic()
        self._server.commit_late(at)
        return {
            "total": self.total,
            "counts": dict(self.counts),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "connections_opened": self.connections_opened,
            "faults": dict(self._plan.fired),
            "refused_fields": [
                {"route": one.route, "field": one.field, "reason": one.reason}
                for one in self.refused_fields
            ],
            "regions": {state.code: table_payload(state, at) for state in self._states.values()},
        }

    def page(self) -> str:
        """The counters as a page for a browser."""
        return page(repr(self), self.stats())
