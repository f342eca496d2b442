"""A client's events as Prometheus metrics.

``CivoClient(on_event=PrometheusListener())``: one listener for all clients of a process, because a
registry takes each metric once. Names of HTTP metrics are those of OpenTelemetry's conventions.
"""

from urllib.parse import urlsplit

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from .. import events


class PrometheusListener:
    """A listener for ``on_event=``: one for all clients of a process counts their events.

    Args:
        registry: where its metrics are registered, each of them once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._events = Counter(
            "civo_events", "Events of the client, by kind.", ["event"], registry=registry
        )
        self._requests = Histogram(
            "http_client_request_duration_seconds",
            "Requests that were attempted.",
            [
                *("http_request_method", "server_address", "server_port", "url_template"),
                *("http_response_status_code", "error_type"),
            ],
            registry=registry,
        )
        self._sent = Counter(
            "civo_requests_sent", "Requests that left.", ["poll"], registry=registry
        )
        self._throttled = Counter(
            "civo_throttled_seconds",
            "Pauses in which nothing is sent.",
            ["cause"],
            registry=registry,
        )
        self._recovered = Counter(
            "civo_creates_recovered", "Creates adopted or sent again.", ["how"], registry=registry
        )
        self._waits = Histogram(
            "civo_wait_duration_seconds",
            "Waits that are over.",
            ["until", "error_type"],
            buckets=(1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200),
            registry=registry,
        )
        self._outcomes = Counter(
            "civo_run_outcomes", "Instances of runs.", ["kind"], registry=registry
        )

    def __call__(self, event: events.Event) -> None:
        self._events.labels(type(event).__name__).inc()
        match event:
            case events.RequestDone():
                self._request_done(event)
            case events.Throttled():
                self._throttled.labels(event.cause).inc(event.seconds)
            case events.CreateRecovered():
                self._recovered.labels(event.how).inc()
            case events.WaitEnded():
                self._waits.labels(event.until, event.error).observe(event.seconds)
            case events.OutcomeKnown():
                self._outcomes.labels(event.kind).inc()
            case _:
                pass

    def _request_done(self, event: events.RequestDone) -> None:
        server = urlsplit(event.api_url)
        port = server.port or (443 if server.scheme == "https" else 80)
        error = str(event.status) if event.status >= 400 else event.error
        self._requests.labels(
            *(event.method, server.hostname, port, event.route, event.status or "", error)
        ).observe(event.seconds)
        if event.sent:
            self._sent.labels(str(event.poll).lower()).inc()
