"""Spans and metrics, as the OpenTelemetry SDK keeps them."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from civo_snapshots import CivoClient, PollPolicy, WaitTimeoutError
from civo_snapshots.integrations.opentelemetry import OpenTelemetryListener
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

SNAPSHOTS = "/v2/instances/{id}/snapshots"


class Telemetry:
    """A listener, what it made, and the region and the client it listens to."""

    def __init__(self, **settings: Any) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = tracers.get_tracer("test")
        self.listener = OpenTelemetryListener(tracers, MeterProvider([self.reader]))
        self.clock = FakeClock()
        self.region = FakeRegion(clock=self.clock, **settings)

    def client(self, **more: Any) -> CivoClient:
        region = self.region
        return CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            clock=self.clock,
            on_event=self.listener,
            **more,
        )

    def spans(self, name: str) -> list[ReadableSpan]:
        return [one for one in self.exporter.get_finished_spans() if one.name == name]

    def points(self, name: str) -> list[tuple[Mapping[str, Any], Any]]:
        """The attributes and the data of each series of a metric."""
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            (dict(point.attributes or {}), point)
            for scope in data.resource_metrics[0].scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


async def test_a_request_is_a_client_span_under_its_callers_span() -> None:
    told = Telemetry()
    async with told.region, told.client() as civo:
        with told.tracer.start_as_current_span("mine") as mine:
            made = await civo.snapshots.create(told.region.instance_ids[0])
    [span] = told.spans(f"POST {SNAPSHOTS}")
    server = urlsplit(told.region.url)
    path = SNAPSHOTS.replace("{id}", made.instance_id)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "server.address": server.hostname,
        "server.port": server.port,
        "url.template": SNAPSHOTS,
        "url.full": told.region.url + path,
        "http.response.status_code": 201,
        "cloud.region": told.region.region,
        "http.response.header.x-request-id": span.attributes["http.response.header.x-request-id"],  # type: ignore[index]
    }
    assert parent_of(span) == mine.get_span_context().span_id
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)


async def test_a_failed_attempt_is_an_error_and_its_repeat_is_counted() -> None:
    told = Telemetry()
    async with told.region, told.client() as civo:
        told.region.fault("GET /v2/quota", Fault.status(503))
        told.region.fault("GET /v2/quota", Fault.drop_before_acting(), after=1)
        await civo.quota.get()
    first, second, third = told.spans("GET /v2/quota")
    for span, error, again in (
        (first, "503", None),
        (second, "ConnectionLostError", 1),
        (third, None, 2),
    ):
        assert span.attributes is not None
        assert span.attributes.get("error.type") == error
        assert span.attributes.get("http.request.resend_count") == again
        assert (span.status.status_code is StatusCode.ERROR) is (error is not None)
    [(attributes, point)] = [
        one for one in told.points("http.client.request.duration") if "error.type" not in one[0]
    ]
    assert point.count == 1
    assert point.explicit_bounds[0] == 0.005
    assert attributes["url.template"] == "/v2/quota"
    counts = {one[0]["civo.event"]: one[1].value for one in told.points("civo.events")}
    assert counts == {"RequestDone": 3, "RetryScheduled": 2}


async def test_polls_are_root_spans_linked_to_the_waits_that_they_serve() -> None:
    """R197: a poll of a shared watcher stands in no tenant's trace."""
    told = Telemetry(instances=3, duration=(5.0, 5.0))

    async def tenant(civo: CivoClient, name: str, instance_id: str) -> None:
        with told.tracer.start_as_current_span(name):
            made = await civo.snapshots.create(instance_id)
            await civo.snapshots.wait_until_complete(made)

    async with told.region, told.client(poll=PollPolicy(floor=0.5, jitter=0)) as civo:
        first, second, third = told.region.instance_ids
        await asyncio.gather(tenant(civo, "a", first), tenant(civo, "b", second))
        await tenant(civo, "c", third)
    tenants = {name: told.spans(name)[0] for name in "abc"}
    waits = {parent_of(span): span for span in told.spans("wait until complete")}
    assert waits.keys() == {span.context.span_id for span in tenants.values()}
    names = {waits[span.context.span_id].context.span_id: name for name, span in tenants.items()}

    def served(span: ReadableSpan) -> set[str]:
        return {names[link.context.span_id] for link in span.links}

    listings = told.spans("GET /v2/resourcesnapshots")
    singles = told.spans(f"GET {SNAPSHOTS}/{{id}}")
    assert listings
    assert singles
    assert all(span.parent is None for span in (*listings, *singles))
    assert {frozenset(served(span)) for span in listings} == {frozenset("ab")}
    assert {frozenset(served(span)) for span in singles} == {frozenset("c")}
    assert not told.listener._waits
    assert not told.listener._asking


async def test_waits_pauses_recoveries_and_outcomes_are_measured() -> None:
    told = Telemetry(duration=(1.0, 1.0))
    async with told.region, told.client() as civo:
        instance = told.region.instance_ids[0]
        told.region.fault(f"POST {SNAPSHOTS}", Fault.rate_limited("5"))
        told.region.fault(f"POST {SNAPSHOTS}", Fault.status(503), after=1)
        made = await civo.snapshots.create(instance)
        with pytest.raises(WaitTimeoutError):
            await civo.snapshots.wait_until_complete(made, timeout=0.5)
        await civo.snapshots.create_many([instance], name="nightly")
    [(cause, throttled)] = told.points("civo.throttled.time")
    assert (cause, throttled.value) == ({"civo.throttled.cause": "rate_limited"}, 5.0)
    waits = {one[0].get("error.type"): one[1].count for one in told.points("civo.wait.duration")}
    assert waits == {"WaitTimeoutError": 1, None: 1}
    events = {
        (one[0]["civo.event"], one[0]["civo.event.how"]): one[1].value
        for one in told.points("civo.events")
    }
    assert events["CreateRecovered", "resent"] == events["OutcomeKnown", "complete"] == 1
    [failed] = [one for one in told.spans("wait until complete") if "error.type" in one.attributes]  # type: ignore[operator]
    assert (failed.attributes or {})["civo.snapshot.id"] == made.id
