"""The fake API on a loopback socket: HTTP in and out, faults, and counters of it all."""

import asyncio
import heapq
import json
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import web
from attrs import define, evolve

from civo_snapshots.testing._api import Api, find_route
from civo_snapshots.testing._clock import Calendar, RegionClock
from civo_snapshots.testing._fake_clock import FakeClock
from civo_snapshots.testing._fault import Ending, Fault
from civo_snapshots.testing._faults import FaultPlan
from civo_snapshots.testing._rate_limit import RateLimit
from civo_snapshots.testing._wire import Answer, Call

_STATS_PATH = "/_fake/stats"
_PAGE_PATH = "/_fake"

# Closing a socket with a linger time of zero sends RST rather than FIN.
_NO_LINGER = struct.pack("ii", 1, 0)
_NOTHING = Answer(200, b"")
_HOST = "127.0.0.1"
# How long stop() lets handlers finish which stall in real time.
_STOP_GRACE = 0.005


@define(eq=False)
class ReceivedRequest:
    """One request as it arrived.

    Attributes:
        method: of HTTP.
        path: as on the wire, neither decoded nor normalised.
        route: such as "GET /v2/instances/{id}".
        query: the last value of each name.
        headers: as they were sent.
        body: as it was sent.
        at: when, on the region's clock.
        request_id: what its answer carries as X-Request-Id, if it carries one.
        status: of its answer; None as long as, or if ever, it has none.
    """

    method: str
    path: str  # as on the wire: neither decoded nor normalised
    route: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    request_id: str  # what its answer carries as X-Request-Id, if it carries one
    status: int | None = None

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


class Insight(Protocol):
    """What a look from outside shows."""

    def stats(self) -> Mapping[str, object]:
        """Everything, ready for JSON."""
        ...

    def page(self) -> str:
        """The counters as HTML."""
        ...


class FakeServer:
    """Serves an `Api`; what it received is counted before anything else is done with it."""

    def __init__(
        self,
        api: Api,
        plan: FaultPlan,
        *,
        clock: RegionClock,
        calendar: Calendar,
        rate_limit: RateLimit,
        request_ids: bool,
        latency: float,
        keep_requests: bool,
        insight: Insight | None,
    ) -> None:
        self.requests: list[ReceivedRequest] = []
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.connections_opened = 0
        self._api = api
        self._plan = plan
        self._clock = clock
        self._calendar = calendar
        self._rate_limit = rate_limit
        self._request_ids = request_ids
        self._latency = latency
        self._keep_requests = keep_requests
        self._insight = insight
        self._late: list[tuple[float, int, Call]] = []
        self._numbered = 0
        self._date = (-1, "")
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def open_connections(self) -> int:
        return len(self._http.connections) if self._http else 0

    async def start(self, port: int) -> int:
        """Listen, and return the port."""
        # A stall whose client is gone has nobody to wait for; what a call does, it did before.
        http = self._http = web.Server(self._handle, access_log=None, handler_cancellation=True)

        def connect() -> asyncio.Protocol:
            self.connections_opened += 1
            return http()

        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(connect, _HOST, port)
        listening_port: int = self._listener.sockets[0].getsockname()[1]
        return listening_port

    async def stop(self) -> None:
        """Close the socket and every connection, whatever they are doing."""
        if self._listener is None or self._http is None:
            return
        self._listener.close()
        self._http.pre_shutdown()
        await asyncio.sleep(0)
        transports = [connection.transport for connection in self._http.connections]
        await self._http.shutdown(_STOP_GRACE)
        for transport in transports:
            if transport:
                # Closed by now, yet a client that does not read would keep it open for ever.
                transport.abort()
        await self._listener.wait_closed()
        # Transports let go of their sockets on the next turns of the loop.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._listener = None

    def commit_late(self, at: float) -> None:
        """Let the dropped calls act whose time has come, each at its own moment."""
        while self._late and self._late[0][0] <= at:
            self._api.answer(heapq.heappop(self._late)[2])

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        if self._insight and path == _STATS_PATH:
            return web.json_response(self._insight.stats())
        if self._insight and path == _PAGE_PATH:
            return web.Response(text=self._insight.page(), content_type="text/html")
        at = self._clock.monotonic()
        self.commit_late(at)
        route, ids = find_route(request.method, path)
        self._numbered += 1
        received = ReceivedRequest(
            method=request.method,
            path=path,
            route=route,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=request.headers,
            body=body,
            at=at,
            request_id=f"fake-{self._numbered:06d}",
        )
        self.counts[route] += 1
        if self._keep_requests:
            self.requests.append(received)
        call = Call(
            route=route,
            ids=ids,
            query=received.query,
            authorization=request.headers.get("Authorization", ""),
            content_type=request.headers.get("Content-Type", ""),
            body=body,
            at=at,
        )
        within_limit = self._rate_limit.spend(self._calendar.gateway(at))
        fault = self._plan.choose(route, at) if within_limit else Fault.rate_limited(None)
        if fault.acts_later is not None:
            late = evolve(call, at=at + fault.acts_later)
            heapq.heappush(self._late, (late.at, self._numbered, late))
        # A fake clock cannot see that a request is being worked on; a stall it may outrun.
        with self._held_clock():
            answer = self._api.answer(call) if fault.acts else _NOTHING
            if self._latency:
                await asyncio.sleep(self._latency)
        if fault.held:
            await asyncio.sleep(fault.held)
        return await self._finish(request, received, fault.ending, fault.answer or answer)

    async def _finish(
        self, request: web.BaseRequest, received: ReceivedRequest, ending: Ending, answer: Answer
    ) -> web.StreamResponse:
        if ending in {"closed", "reset"}:
            _drop(request, reset=ending == "reset")
            return web.Response()  # goes nowhere
        received.status = answer.status
        self.statuses[answer.status] += 1
        headers = {
            "Content-Type": answer.content_type,
            "Date": self._http_date(),
            **({"X-Request-Id": received.request_id} if self._request_ids else {}),
            **self._rate_limit.headers(),
            **answer.headers,
        }
        if ending == "answered":
            return web.Response(status=answer.status, body=answer.body, headers=headers)
        half = answer.body[: len(answer.body) // 2] or b"{"
        if ending == "malformed":
            return web.Response(status=answer.status, body=half, headers=headers)
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(half) + max(1, len(answer.body) - len(half))
        response.force_close()
        await response.prepare(request)
        await response.write(half)
        return response

    def _http_date(self) -> str:
        now = self._calendar.gateway(self._clock.monotonic())
        second = int(now.timestamp())
        if second != self._date[0]:
            self._date = second, format_datetime(now, usegmt=True)
        return self._date[1]

    def _held_clock(self) -> AbstractContextManager[None]:
        return self._clock.hold() if isinstance(self._clock, FakeClock) else nullcontext()


def _drop(request: web.BaseRequest, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return  # the client was faster
    if reset:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER
        )
        transport.abort()
    else:
        transport.close()
