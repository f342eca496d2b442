"""Metrics, as the text of /metrics shows them."""

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from civo_snapshots import CivoClient
from civo_snapshots.events import Event, OutcomeKnown, RequestDone, Throttled, WaitEnded
from civo_snapshots.integrations.prometheus import PrometheusListener
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(registry: CollectorRegistry) -> Samples:
    """What a scrape reads: by name and labels."""
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sum_of(samples: Samples, name: str, **labels: str) -> float:
    return sum(
        value
        for (found, having), value in samples.items()
        if found == name and having >= frozenset(labels.items())
    )


async def test_counters_equal_the_events_and_the_servers_count() -> None:
    """R186: under faults, over creates, waits, polls and a run."""
    told: list[Event] = []
    registry, clock = CollectorRegistry(), FakeClock()
    async with FakeRegion(clock=clock, instances=8, duration=(2.0, 4.0)) as region:
        region.fault(CREATE, Fault.status(503), probability=0.3, times=3)
        region.fault(CREATE, Fault.rate_limited("2"), after=5)
        region.fault("GET /v2/resourcesnapshots", Fault.status(500))
        async with CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            clock=clock,
            on_event=[told.append, PrometheusListener(registry)],
        ) as civo:
            await civo.snapshots.create_many(region.instance_ids, name="nightly")
            made = await civo.snapshots.create(region.instance_ids[0])
            await civo.snapshots.wait_until_complete(made)
    samples = scraped(registry)
    for kind, count in Counter(type(event).__name__ for event in told).items():
        assert sum_of(samples, "civo_events_total", event=kind) == count
    done = [event for event in told if isinstance(event, RequestDone)]
    duration = "http_client_request_duration_seconds_count"
    assert sum_of(samples, duration) == len(done)
    assert sum_of(samples, "civo_requests_sent_total") == region.total
    polls = sum(event.poll for event in done)
    assert sum_of(samples, "civo_requests_sent_total", poll="true") == polls > 0
    route = "/v2/instances/{id}/snapshots"
    posts = sum_of(samples, duration, http_request_method="POST", url_template=route)
    assert posts == region.counts[CREATE]
    failed = {"http_response_status_code": "503", "error_type": "503"}
    assert sum_of(samples, duration, **failed) == sum(one.status == 503 for one in done)
    waits = sum(isinstance(event, WaitEnded) for event in told)
    assert sum_of(samples, "civo_wait_duration_seconds_count", until="complete") == waits
    kinds = Counter(event.kind for event in told if isinstance(event, OutcomeKnown))
    for kind, count in kinds.items():
        assert sum_of(samples, "civo_run_outcomes_total", kind=kind) == count
    assert sum(kinds.values()) == 8
    paused = sum(event.seconds for event in told if isinstance(event, Throttled))
    assert sum_of(samples, "civo_throttled_seconds_total") == paused > 0
