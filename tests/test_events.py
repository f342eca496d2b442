"""What happened: records that are safe to keep, log and send elsewhere, and who is told of them."""

import asyncio
import logging
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args, get_type_hints

import pytest
from msgspec.structs import replace

from civo_snapshots import (
    CivoClient,
    CivoError,
    InvalidArgumentError,
    PollPolicy,
    ServerError,
    WaitTimeoutError,
    events,
)
from civo_snapshots._session.telling import EventTeller
from civo_snapshots.events import (
    CreateRecovered,
    Event,
    ExtraSnapshot,
    OutcomeKnown,
    Polled,
    RequestDone,
    RetryScheduled,
    Throttled,
    Transition,
    UnknownState,
    WaitEnded,
    WaitStarted,
)
from civo_snapshots.models import Snapshot, SnapshotStatus
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

T = TypeVar("T")
CREATE = "POST /v2/instances/{id}/snapshots"
GET = "GET /v2/instances/{id}/snapshots/{sid}"

SNAPSHOT = Snapshot("s-1", "n", instance_id="i-1")
KINDS: list[type[Any]] = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and kind.__module__ == events.__name__
]


def fields_of(kind: type[Any]) -> dict[str, Any]:
    """The fields of a record and their types."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in kind.__match_args__}


@pytest.mark.parametrize("kind", KINDS)
def test_events_are_frozen_values_without_a_request_in_them(kind: type[Any]) -> None:
    """X141, X146: nothing but records, texts and numbers, so that no header can get in."""
    allowed = {Snapshot, Snapshot | None, str, int, float, bool, str | None}
    assert set(fields_of(kind).values()) <= allowed
    event = kind(*fields_of(kind))
    assert pickle.loads(pickle.dumps(event)) == event
    assert len({event, kind(*fields_of(kind))}) == 1
    with pytest.raises(AttributeError):
        setattr(event, next(iter(fields_of(kind))), "changed")


def test_a_listener_may_be_given_every_event_but_transitions() -> None:
    """Transitions belong to one wait and go to its own callback."""
    assert set(get_args(events.Event)) == set(KINDS) - {Transition}


def test_a_first_observation_differs_from_a_change() -> None:
    assert Transition(SNAPSHOT, None, None, "Pending") != Transition(SNAPSHOT, None, "", "Pending")
    assert len({UnknownState(SNAPSHOT, "Copying"), UnknownState(SNAPSHOT, "Copying")}) == 1


def test_a_further_snapshot_is_told_with_both_ids_times_and_states() -> None:
    """R203: whose it is stays open; it may be another client's only complete one."""
    made = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
    further = Snapshot("s-2", "n", "", (), SnapshotStatus("Complete"), made, "i-1")
    told = str(ExtraSnapshot(SNAPSHOT, further))
    assert "a further snapshot of the name n on instance i-1" in told
    assert "s-2 (made 2026-11-23 04:05:06, state 'Complete')" in told
    assert "s-1 (made at no known time, state '')" in told
    assert "whose it is is not known" in told
    assert "delete" not in told


# Who is told, and how


class Heard(list[Event]):
    """A listener that keeps what it is told."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self if isinstance(event, kind)]


def client_of(region: FakeRegion, *heard: Callable[[Event], None], **more: Any) -> CivoClient:
    return CivoClient(
        region.token, region=region.region, api_url=region.url, on_event=heard, **more
    )


DONE = RequestDone(
    method="GET",
    api_url="https://api.example",
    path="/v2/instances/i-1/snapshots/s-1",
    region="LON1",
    status=200,
    error="",
    seconds=0.5,
    attempt=1,
    request_id="r-1",
    poll=False,
    sent=True,
)


def test_a_route_has_no_ids() -> None:
    assert DONE.route == "/v2/instances/{id}/snapshots/{id}"
    assert replace(DONE, path="/v2/quota").route == "/v2/quota"
    restore = replace(DONE, path="/v2/resourcesnapshots/x/restore")
    assert restore.route == "/v2/resourcesnapshots/{id}/restore"


def test_several_listeners_are_told_in_order_and_one_that_raises_harms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """R186: what a listener raises is logged once, not with each event."""
    first, last = Heard(), Heard()

    def broken(event: Event) -> None:
        raise ValueError("mine")

    teller = EventTeller([first, broken, last])
    for _ in range(3):
        teller.tell(DONE)
    assert first == last == [DONE] * 3
    assert caplog.text.count("the on_event callback raised") == 1


@pytest.mark.parametrize("wrong", [5, [print, 5], "print"])
def test_what_cannot_be_a_listener_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="on_event must be a function"):
        CivoClient("a-token", region="LON1", on_event=wrong)


@pytest.mark.parametrize("kind", get_args(events.Event))
def test_each_event_is_one_log_line_of_its_level_with_its_fields(
    kind: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """R186, R194: a text of a million characters is cut in the line and in its fields."""
    given: dict[Any, Any] = {Snapshot: SNAPSHOT, Snapshot | None: None}
    given |= {str: "x" * 1_000_000, int: 7, float: 1.5, bool: True}
    caplog.set_level(logging.DEBUG, "civo_snapshots")
    EventTeller().tell(kind(*[given[part] for part in fields_of(kind).values()]))
    [line] = caplog.records
    assert line.levelno == kind.level
    assert vars(line)["civo_event"] == kind.__name__
    told = {name: value for name, value in vars(line).items() if name.startswith("civo_")}
    assert len(told) > len([part for part in fields_of(kind).values() if given[part] is not None])
    assert max(len(str(text)) for text in (line.getMessage(), *told.values())) < 5_000
    assert all(isinstance(value, str | int | float) for value in told.values())


async def test_no_record_is_made_that_nobody_would_learn_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """R186: without a listener and with the log off it costs nothing."""

    def made(*_: object) -> None:
        raise AssertionError("it was made")

    for module, name in [
        ("_session.call", "RequestDone"),
        ("_watch.telling", "WaitStarted"),
        ("_watch.telling", "WaitEnded"),
        ("_watch.telling", "Polled"),
        ("_fleet.run", "OutcomeKnown"),
    ]:
        kind = getattr(events, name)
        made.level = kind.level  # type: ignore[attr-defined]
        monkeypatch.setattr(f"civo_snapshots.{module}.{name}", made)
    monkeypatch.setattr(logging.getLogger("civo_snapshots"), "level", logging.WARNING)
    clock = FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, clock=clock) as civo:
        run = await civo.snapshots.create_many(region.instance_ids[:2], name="nightly")
        assert run.counts["complete"] == 2


# Requests


async def test_each_request_that_was_attempted_is_told_as_the_server_counted_it() -> None:
    """R186."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock, instances=3) as region:
        async with client_of(region, heard, clock=clock) as civo:
            run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
            assert run.counts["complete"] == 3
            assert await civo.instances.list(per_page=1).collect()
        done = heard.of(RequestDone)
        assert sum(one.sent for one in done) == region.total == civo.requests_sent
        assert {one.region for one in done} == {region.region}
        assert {one.attempt for one in done} == {1}
        assert {one.api_url for one in done} == {region.url}
        assert any(one.poll for one in done)
        assert not any(region.token in repr(event) for event in heard)


async def test_an_attempt_is_told_with_what_it_ended_with() -> None:
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock) as region:
        async with client_of(region, heard, clock=clock) as civo:
            region.fault("GET /v2/quota", Fault.status(503))
            region.fault("GET /v2/quota", Fault.drop_before_acting(), after=1)
            await civo.quota.get()
            told = [(one.status, one.error, one.attempt) for one in heard.of(RequestDone)]
            assert told == [(503, "ServerError", 1), (0, "ConnectionLostError", 2), (200, "", 3)]
            assert [one.attempt for one in heard.of(RetryScheduled)] == [1, 2]
        gone = client_of(region, heard, clock=clock, retries=False)
    async with gone:
        with pytest.raises(CivoError):
            await gone.quota.get()
    last = heard.of(RequestDone)[-1]
    assert (last.status, last.error, last.sent) == (0, "ConnectFailedError", False)


async def test_a_request_whose_caller_was_cancelled_is_told() -> None:
    heard = Heard()
    async with FakeRegion() as region, client_of(region, heard) as civo:
        region.fault("GET /v2/quota", Fault.stall(60.0))
        call = asyncio.ensure_future(civo.quota.get())
        while not region.total:  # noqa: ASYNC110 - the region counts, it does not signal
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait({call})
        [done] = heard.of(RequestDone)
        assert (done.error, done.sent) == ("CancelledError", True)


# What costs time


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        (Fault.status(503), "resent"),
        (Fault.drop_before_acting(), "resent"),
        (Fault.gateway_html(502), "resent"),
        (Fault.drop_after_acting(), "adopted"),
    ],
    ids=["503", "dropped", "502", "dropped-after"],
)
async def test_a_create_that_was_lost_is_told_at_once_and_when_it_goes_on(
    fault: Fault, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R186: eight seconds went by in silence."""
    caplog.set_level(logging.INFO, "civo_snapshots")
    heard, clock = Heard(), FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        client_of(region, heard, clock=clock) as civo,
    ):
        region.fault(CREATE, fault)
        made = await civo.snapshots.create(region.instance_ids[0])
        costly = [one for one in heard if one.level >= logging.INFO]
        first, last = costly[0], costly[-1]
        assert isinstance(first, RetryScheduled)
        assert first.delay == civo._state.session.timeouts.reconcile_window
        assert isinstance(last, CreateRecovered)
        assert (last.how, last.name) == (how, made.name)
        assert last.snapshot_id == (made.id if how == "adopted" else "")
        assert len(caplog.records) == len(costly)


async def test_a_lost_create_that_is_not_repeated_is_not_announced_as_such() -> None:
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, heard, clock=clock) as civo:
        region.fault(CREATE, Fault.status(503))
        with pytest.raises(ServerError, match="nothing was made"):
            await civo.snapshots.create(region.instance_ids[0], name="x", retries=False)
        assert not heard.of(RetryScheduled)


async def test_a_pause_is_told_once_however_many_meet_it() -> None:
    """R186: a run throttled."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock, instances=6) as region:
        async with client_of(region, heard, clock=clock) as civo:
            region.fault(CREATE, Fault.rate_limited("5"), times=3)
            run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
            assert run.counts["complete"] == 6
        throttled = heard.of(Throttled)
        assert throttled[0] == Throttled("rate_limited", 5.0, 7)
        assert len(throttled) < 3


async def test_an_outage_is_told_when_it_begins() -> None:
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, heard, clock=clock) as civo:
        region.fault("GET /v2/quota", Fault.status(503), times=45)
        await asyncio.gather(*(civo.quota.get() for _ in range(20)))
        [throttled] = heard.of(Throttled)
        assert throttled.cause == "outage"
        assert throttled.seconds == pytest.approx(1.0)


# Waits, polls and runs


async def test_a_wait_and_its_polls_are_told() -> None:
    """R186."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock, duration=(3.0, 3.0)) as region:
        async with client_of(region, heard, clock=clock) as civo:
            made = await civo.snapshots.create(region.instance_ids[0])
            await civo.snapshots.wait_until_complete(made)
        [started], [ended] = heard.of(WaitStarted), heard.of(WaitEnded)
        assert (started.wait, started.snapshot_id) == (ended.wait, made.id)
        assert (ended.until, ended.error, ended.state) == ("complete", "", "Complete")
        assert ended.seconds >= 3.0
        polls = heard.of(Polled)
        assert len(polls) == ended.polls == sum(one.poll for one in heard.of(RequestDone))
        told = {(one.how, one.watched, one.listed, one.requests) for one in polls}
        assert told == {("single", 1, 0, 1)}
        assert polls[-1].changed == 1


async def test_a_poll_of_a_region_is_told_with_what_it_read() -> None:
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock, instances=4, duration=(3.0, 3.0)) as region:
        async with client_of(region, heard, clock=clock) as civo:
            await civo.snapshots.create_many(region.instance_ids, name="nightly")
        polls = heard.of(Polled)
        assert {(one.how, one.listed, one.requests) for one in polls} == {("listing", 4, 1)}
        assert polls[0].watched == polls[-1].changed == 4


async def test_a_wait_that_fails_or_is_given_up_is_told_with_its_error() -> None:
    heard, clock = Heard(), FakeClock()
    async with (
        FakeRegion(clock=clock, duration=(900.0, 900.0)) as region,
        client_of(region, heard, clock=clock) as civo,
    ):
        made = await civo.snapshots.create(region.instance_ids[0])
        with pytest.raises(WaitTimeoutError):
            await civo.snapshots.wait_until_complete(made, timeout=2)
        wait = asyncio.ensure_future(civo.snapshots.wait_until_complete(made))
        while len(heard.of(WaitStarted)) < 2:  # noqa: ASYNC110 - told in this very loop
            await asyncio.sleep(0)
        wait.cancel()
        await asyncio.wait({wait})
        assert [one.error for one in heard.of(WaitEnded)] == ["WaitTimeoutError", "CancelledError"]
        await civo.snapshots.delete(made)
        await civo.snapshots.wait_until_deleted(made)
        assert (heard.of(WaitEnded)[-1].until, heard.of(WaitEnded)[-1].error) == ("deleted", "")


async def test_a_wait_for_a_restore_is_told_like_any_other() -> None:
    """R186: with the status of its instance."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, heard, clock=clock) as civo:
        instance_id = region.instance_ids[0]
        made = await civo.snapshots.create(instance_id)
        await civo.snapshots.wait_until_complete(made)
        for timeout in (600, 0):
            restore = await civo.snapshots.restore(made, hostname=f"copy-{timeout}")
            with nullcontext() if timeout else pytest.raises(WaitTimeoutError):
                await civo.snapshots.wait_until_restored(restore, timeout=timeout)
        told = [one for one in heard.of(WaitEnded) if one.until == "restored"]
        begun = [one for one in heard.of(WaitStarted) if one.until == "restored"]
        assert [one.wait for one in told] == [one.wait for one in begun]
        assert [(one.instance_id, one.snapshot_id) for one in told] == [(instance_id, made.id)] * 2
        assert [one.error for one in told] == ["", "WaitTimeoutError"]
        assert told[0].state == "ACTIVE"
        assert told[0].polls > told[1].polls == 1


async def test_a_wait_for_a_snapshot_that_outlived_its_instance_is_told_to_its_end() -> None:
    """R186, R204: the region is asked then, which is another wait."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock) as region, client_of(region, heard, clock=clock) as civo:
        made = await civo.snapshots.create(region.instance_ids[0])
        await clock.sleep(60)
        region.state.remove_instance(made.instance_id)
        with pytest.raises(WaitTimeoutError):
            await civo.snapshots.wait_until_deleted(made, timeout=30)
        ends = [(one.until, one.error, one.snapshot_id) for one in heard.of(WaitEnded)]
        errors = ["NotFoundError", "WaitTimeoutError"]
        assert ends == [("deleted", error, made.id) for error in errors]
        assert heard.of(WaitEnded)[-1].seconds >= 25


async def test_the_end_of_each_instance_of_a_run_is_told_once() -> None:
    """R186: also that a snapshot was adopted."""
    heard, clock = Heard(), FakeClock()
    async with FakeRegion(clock=clock, instances=2) as region:
        async with client_of(region, heard, clock=clock) as civo:
            await civo.snapshots.create_many(region.instance_ids[:1], name="nightly")
            run = await civo.snapshots.create_many([*region.instance_ids, "gone"], name="nightly")
        first, *second = heard.of(OutcomeKnown)
        assert (first.run, first.kind, first.adopted) == ("nightly", "complete", False)
        told = {(one.instance_id, one.kind, one.adopted, one.snapshot_id) for one in second}
        assert told == {
            (one.instance_id, one.kind.value, one.adopted, one.snapshot.id if one.snapshot else "")
            for one in run
        }
        assert len(second) == len(run)


# R197: whose a poll is

TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")


async def test_polls_belong_to_no_caller() -> None:
    """R197: 22 spans stood in the first tenant's trace."""
    seen: list[tuple[bool, str]] = []

    def listen(event: Event) -> None:
        if isinstance(event, RequestDone):
            seen.append((event.poll, TENANT.get()))

    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, instances=2, duration=(5.0, 5.0)) as region,
        client_of(region, listen, clock=clock, poll=PollPolicy(floor=0.5)) as civo,
    ):

        async def tenant(name: str, instance_id: str) -> None:
            TENANT.set(name)
            made = await civo.snapshots.create(instance_id)
            await civo.snapshots.wait_until_complete(made)

        await asyncio.gather(*map(tenant, ("first", "second"), region.instance_ids))
        assert {name for poll, name in seen if poll} == {"nobody"}
        assert {name for poll, name in seen if not poll} == {"first", "second"}


async def test_late_searches_belong_to_no_caller() -> None:
    """R197: they come minutes after the create that they are for has returned."""
    seen: list[tuple[str, str]] = []

    def listen(event: Event) -> None:
        if isinstance(event, RequestDone):
            seen.append((event.method, TENANT.get()))

    clock = FakeClock()
    async with (
        FakeRegion(clock=clock) as region,
        client_of(region, listen, clock=clock) as civo,
    ):
        region.fault(CREATE, Fault.drop_before_acting())
        token = TENANT.set("first")
        await civo.snapshots.create(region.instance_ids[0])
        assert {name for _, name in seen} == {"first"}
        seen.clear()
        await clock.sleep(600)
        TENANT.reset(token)
        assert seen
        assert {name for _, name in seen} == {"nobody"}


async def test_what_a_runs_caller_is_told_of_changes_is_told_in_its_own_context() -> None:
    """R197: its callback runs in the watcher's task, whose context is nobody's."""
    seen: set[str] = set()
    clock = FakeClock()
    async with (
        FakeRegion(clock=clock, duration=(2.0, 2.0)) as region,
        client_of(region, clock=clock) as civo,
    ):
        TENANT.set("third")
        await civo.snapshots.create_many(
            region.instance_ids[:1], name="n", on_change=lambda _: seen.add(TENANT.get())
        )
    assert seen == {"third"}
