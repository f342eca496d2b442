"""Spans and metrics of a client, by OpenTelemetry's conventions for HTTP clients.

``CivoClient(on_event=OpenTelemetryListener())``. The requests of a call are children of the span
that is current there. A poll belongs to nobody: it is a root span, linked to the waits it serves.
"""

import time
from collections import defaultdict
from itertools import islice
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from .. import events

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class OpenTelemetryListener:
    """A listener for ``on_event=``: spans and metrics of the requests and waits of clients.

    Args:
        tracer_provider: where spans go; the global one if None.
        meter_provider: where metrics go; the global one if None.
    """

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("civo_snapshots", tracer_provider=tracer_provider)
        meter = metrics.get_meter("civo_snapshots", meter_provider=meter_provider)
        self._requests = meter.create_histogram(
            "http.client.request.duration", "s", explicit_bucket_boundaries_advisory=_BUCKETS
        )
        self._durations = meter.create_histogram("civo.wait.duration", "s")
        self._throttled = meter.create_counter("civo.throttled.time", "s")
        self._events = meter.create_counter("civo.events", "{event}")
        self._waits: dict[int, tuple[Span, tuple[str, ...]]] = {}
        self._asking: defaultdict[str, dict[int, Span]] = defaultdict(dict)

    def __call__(self, event: events.Event) -> None:
        how = ""  # of a poll or a recovered create; the kind of an outcome
        match event:
            case events.RequestDone():
                self._request_done(event)
            case events.WaitStarted():
                span = self._tracer.start_span(f"wait until {event.until}")
                asked = event.region, f"instance {event.instance_id}", event.snapshot_id
                self._waits[event.wait] = span, asked
                for one in asked:
                    self._asking[one][event.wait] = span
            case events.WaitEnded():
                self._wait_ended(event)
            case events.Throttled(cause=cause):
                self._throttled.add(event.seconds, {"civo.throttled.cause": cause})
            case _:
                how = getattr(event, "how", getattr(event, "kind", ""))
        self._events.add(1, {"civo.event": type(event).__name__, "civo.event.how": how})

    def _request_done(self, event: events.RequestDone) -> None:
        server, ended = urlsplit(event.api_url), time.time_ns()
        told: dict[str, str | int] = {
            "http.request.method": event.method,
            "server.address": server.hostname or "",
            "server.port": server.port or (443 if server.scheme == "https" else 80),
            "url.template": event.route,
        }
        if event.status:
            told["http.response.status_code"] = event.status
        if event.error:
            told["error.type"] = str(event.status) if event.status >= 400 else event.error
        self._requests.record(event.seconds, told)
        begun, name = ended - int(event.seconds * 1e9), f"{event.method} {event.route}"
        context, links = (Context(), self._links(event)) if event.poll else (None, ())
        span = self._tracer.start_span(name, context, SpanKind.CLIENT, told, links, begun)
        span.set_attributes({"url.full": event.api_url + event.path, "cloud.region": event.region})
        if event.attempt > 1:
            span.set_attribute("http.request.resend_count", event.attempt - 1)
        if event.request_id:
            span.set_attribute("http.response.header.x-request-id", [event.request_id])
        if event.error:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def _links(self, event: events.RequestDone) -> list[Link]:
        """The waits that a poll serves: for a snapshot, on an instance, or all of the region."""
        *_, before, last = event.path.split("/")
        asked = f"instance {before}" if last == "snapshots" else last
        waits = self._asking.get(event.region if asked == "resourcesnapshots" else asked, {})
        return [Link(span.get_span_context()) for span in islice(waits.values(), 128)]

    def _wait_ended(self, event: events.WaitEnded) -> None:
        error = {"error.type": event.error} if event.error else {}
        self._durations.record(event.seconds, {"civo.wait.until": event.until, **error})
        span, asked = self._waits.pop(event.wait)
        for one in asked:
            del self._asking[one][event.wait]
            if not self._asking[one]:
                del self._asking[one]
        span.set_attributes({"civo.snapshot.id": event.snapshot_id, **error})
        span.end()
