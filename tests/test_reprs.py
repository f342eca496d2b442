"""What a debugger, a log or a notebook shows: one line that says something, and no address."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs
import pytest
from attrs import evolve
from test_models import RECORDS, filled, minimal

import civo_snapshots
from civo_snapshots import (
    Call,
    CivoClient,
    CivoError,
    CreateRecovered,
    ExtraSnapshot,
    FleetRun,
    ListingAvoided,
    Outcome,
    OutcomeKind,
    OutcomeKnown,
    Page,
    Polled,
    PollPolicy,
    PruneDecision,
    PruneKind,
    PruneOutcome,
    PrunePlan,
    PruneReport,
    RequestDone,
    RestoreDrill,
    RetentionPolicy,
    RetryPolicy,
    RetryScheduled,
    Snapshot,
    Throttled,
    Timeouts,
    Transition,
    UnknownState,
    UnresolvedCreate,
    UnusualState,
    Verdict,
    WaitEnded,
    WaitStarted,
)
from civo_snapshots.errors import short
from civo_snapshots.models import Extra

HUGE = "x" * 1_000_000
CUT = short(HUGE)
"""What of such a text events hold."""
LONGEST = 2_500
"""Characters, where a hostile server fills every field."""

SNAPSHOT = Snapshot(HUGE, HUGE, HUGE, included_volumes=(HUGE,) * 1_000, instance_id=HUGE)
OUTCOME = Outcome(HUGE, HUGE, OutcomeKind.FAILED, SNAPSHOT, CivoError(HUGE), hostname=HUGE)

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DECISION = PruneDecision(HUGE, HUGE, HUGE, NOW, Verdict.COMPLETE, True, (HUGE,) * 100)
PLAN = PrunePlan(HUGE, "LON1", NOW, "keep_last=1", (DECISION,) * 1_000)

MADE: dict[type, Callable[[], object]] = {
    CreateRecovered: lambda: CreateRecovered("adopted", "LON1", CUT, CUT, CUT, 1.5),
    ExtraSnapshot: lambda: ExtraSnapshot(SNAPSHOT, SNAPSHOT),
    Extra: lambda: Extra({HUGE: HUGE, "list": [HUGE] * 1_000}),
    FleetRun: lambda: FleetRun("nightly", (OUTCOME,) * 1_000),
    ListingAvoided: lambda: ListingAvoided("LON1", "it is too long", 300.0),
    Outcome: lambda: OUTCOME,
    OutcomeKnown: lambda: OutcomeKnown(
        CUT, "LON1", CUT, CUT, "complete", CUT, CUT, adopted=False, duplicates=0
    ),
    Call: lambda: Call("POST", "/v2/instances", "LON1", 3, 1.5, ("lost", "503"), 1),
    Page: lambda: Page(1, (SNAPSHOT,) * 1_000, pages=2),
    PollPolicy: PollPolicy,
    Polled: lambda: Polled("LON1", "region", 1, 20, 1, 1, 0.2),
    PruneDecision: lambda: DECISION,
    PruneOutcome: lambda: PruneOutcome(DECISION, PruneKind.FAILED, HUGE, CivoError(HUGE)),
    PrunePlan: lambda: PLAN,
    PruneReport: lambda: PruneReport(PLAN),
    RequestDone: lambda: RequestDone(
        "GET", "https://x", CUT, "LON1", 200, CUT, 0.1, 1, CUT, poll=False, sent=True
    ),
    RestoreDrill: lambda: RestoreDrill(HUGE, HUGE, "drill-1", NOW),
    RetentionPolicy: lambda: RetentionPolicy(keep_last=1),
    RetryPolicy: RetryPolicy,
    RetryScheduled: lambda: RetryScheduled("GET", "/v2/quota", 1, 0.2, "503"),
    Throttled: lambda: Throttled("rate_limited", 1.0, 10),
    Timeouts: Timeouts,
    Transition: lambda: Transition(SNAPSHOT, None, None, "Pending"),
    UnknownState: lambda: UnknownState(SNAPSHOT, "Melting"),
    UnresolvedCreate: lambda: UnresolvedCreate(HUGE, HUGE, SNAPSHOT, CivoError(HUGE)),
    UnusualState: lambda: UnusualState(SNAPSHOT, "Ready"),
    WaitEnded: lambda: WaitEnded(1, "complete", "LON1", CUT, CUT, CUT, CUT, 1.5, 3),
    WaitStarted: lambda: WaitStarted(1, "complete", "LON1", CUT, CUT),
}


def lengthened(record: Any) -> Any:
    """The record with every text a million characters long, and every tuple a thousand."""
    found = {part.name: getattr(record, part.name) for part in attrs.fields(type(record))}
    texts = {name: HUGE for name, value in found.items() if isinstance(value, str)}
    arrays = {name: value * 500 for name, value in found.items() if isinstance(value, tuple)}
    return evolve(record, **texts, **arrays)


@pytest.mark.parametrize("record", [one for one in RECORDS if one not in (Call, Page)])
def test_a_record_is_shown_in_a_line(record: type[Any]) -> None:
    """R194."""
    for made in (minimal(record), filled(record), lengthened(filled(record))):
        assert record.__name__ in repr(made)
        assert len(repr(made)) <= LONGEST
        assert "\n" not in repr(made)


def test_a_record_shows_what_was_answered_and_no_defaults() -> None:
    assert repr(Snapshot("s-1", instance_id="i-1")) == "Snapshot(id='s-1', instance_id='i-1')"


@pytest.mark.parametrize("kind", MADE)
def test_what_is_told_of_a_run_or_a_wait_is_shown_in_a_line(kind: type) -> None:
    """R194."""
    shown = repr(MADE[kind]())
    assert len(shown) <= LONGEST
    assert " at 0x" not in shown


def objects_of(civo: CivoClient) -> Iterator[object]:
    """What a user gets from a client without sending anything."""
    yield from (civo, civo.in_region("NYC1"), civo.unresolved)
    yield from (civo.instances, civo.snapshots, civo.region_snapshots, civo.schedules)
    yield from (civo.regions, civo.quota)
    yield from (civo.instances.list(), civo.snapshots.create_each(["i-1"]))


async def test_no_object_of_a_client_is_shown_by_its_address() -> None:
    async with CivoClient("token", region="LON1") as civo:
        for made in objects_of(civo):
            assert type(made).__name__ in repr(made)
            assert " at 0x" not in repr(made)
            assert len(repr(made)) <= LONGEST
        assert repr(civo.snapshots) == "<Snapshots of region 'LON1'>"


def test_every_public_class_is_shown_here() -> None:
    shown_by_a_client = {"CivoClient", "RegionView", "Listing", "FleetStream", "Unresolved"}
    no_objects = {
        "CallOptions",
        "PruneOptions",
        "RunOptions",
        "Clock",
    }  # plain dictionaries, and a protocol
    for name in civo_snapshots.__all__:
        found = getattr(civo_snapshots, name)
        if isinstance(found, type) and not issubclass(found, (BaseException, Enum)):
            assert found in RECORDS or found in MADE or name in shown_by_a_client | no_objects
