"""What is held while a request is on its way: when it is entered, and that it is left in time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Unpack

import pytest
from support.freezer import Freezer
from support.scene import turn
from test_call import LOST, OK, POST, UNSENT, Bench, Step, limited, said, slow

from civo_snapshots import (
    CallOptions,
    CivoError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidRequestError,
    QuiesceError,
    RateLimitError,
    TryLaterError,
)
from civo_snapshots._http import Kind
from civo_snapshots._session import LogicalCall, Quiescing

pytestmark = pytest.mark.usefixtures("nothing_left")

BUSY = said(409, {"code": "database_snapshot_create_already_in_process"})


class Held(Bench):
    """A bench whose POSTs are held by a freezer."""

    def __init__(
        self, *steps: Step, timeout: float = 10.0, on_error: Any = "fail", **more: Any
    ) -> None:
        self.taking = more.pop("taking", 0.0)
        slowly = [slow(self.taking, step, lambda: self.clock) for step in steps or (OK,)]  # type: ignore[arg-type]
        super().__init__(*(slowly if self.taking else steps), **more)
        self.freezer = Freezer(self.clock)
        self.quiescing = Quiescing(self.freezer.hold, timeout, on_error)

    def begin(self, **options: Unpack[CallOptions]) -> LogicalCall:
        call = self.session.begin(Kind.CREATING, options)
        call.hold = self.quiescing.of("i-1", self.clock)
        call.looks_first = True
        return call

    async def post(self, call: LogicalCall | None = None) -> bool:
        """Send it. Return whether it was held until its answer."""
        call = call or self.begin()
        await self.call(POST, within=call)
        assert call.hold is not None
        return call.hold.lasted


async def test_it_is_entered_before_the_request_and_left_at_its_answer() -> None:
    bench = Held(OK, taking=3.0)
    bench.freezer.freezing = 0.5
    assert await bench.post()
    assert bench.script.times == [0.5]
    assert bench.freezer.times == [(0.5, 3.5)]
    assert bench.clock.monotonic() == 3.5


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(said(400), InvalidRequestError), (LOST, ConnectionLostError), (BUSY, TryLaterError)],
    ids=["refusal", "loss", "try later"],
)
async def test_it_is_left_in_the_moment_in_which_the_request_ends_otherwise(
    answer: Any, kind: type[CivoError]
) -> None:
    bench = Held(answer, taking=3.0)
    call = bench.begin()
    with pytest.raises(kind):
        await bench.post(call)
    assert bench.freezer.times == [(0.0, 3.0)]
    assert call.hold is not None
    assert not call.hold.lasted


async def test_it_is_entered_anew_for_each_request_and_not_held_in_the_pauses() -> None:
    """The first finds no connection, the second meets a 429 that asks for 30 s."""
    bench = Held(UNSENT, limited("30"), OK)
    assert await bench.post()
    assert len(bench.freezer.times) == len(bench.script.times) == 3
    assert [since for since, _ in bench.freezer.times] == bench.script.times
    assert all(since == until for since, until in bench.freezer.times)


async def test_it_is_not_held_in_a_queue() -> None:
    """The first has the only slot."""
    bench = Held(OK, taking=3.0, concurrency=1)
    await asyncio.gather(bench.post(), bench.post())
    assert bench.freezer.times == [(0.0, 3.0), (3.0, 6.0)]


@pytest.mark.parametrize("begins", [0.0, 1.0], ids=["before", "while-entering"])
async def test_it_is_not_held_through_a_pause_of_the_client(begins: float) -> None:
    """A 429 of another call: what is frozen by then is thawed, and waits like everything else."""
    bench = Held(OK)
    bench.freezer.freezing = 2.0
    call = bench.begin()
    await bench.session.enter(call)  # as a create does, before it is prepared

    async def others() -> None:
        await bench.clock.sleep(begins)
        bench.limiter.rate_limited(50.0)

    if not begins:
        await others()
    meanwhile = asyncio.create_task(others())
    assert await bench.post(call)
    await meanwhile
    assert bench.freezer.times[-1] == (begins + 52.0, begins + 52.0)
    assert bench.script.times == [begins + 52.0]
    assert all(since == until for since, until in bench.freezer.times)
    assert len(bench.freezer.times) == 1 + bool(begins)


async def test_a_pause_that_is_too_long_ends_the_call_with_nothing_held() -> None:
    bench = Held(OK)
    bench.freezer.freezing = 2.0
    call = bench.begin()

    async def others() -> None:
        await bench.clock.sleep(1.0)
        bench.limiter.rate_limited(500.0)

    meanwhile = asyncio.create_task(others())
    with pytest.raises(RateLimitError):
        await bench.post(call)
    await meanwhile
    assert bench.freezer.times == [(2.0, 2.0)]
    assert bench.script.times == []


# Entering fails or takes too long


async def test_a_request_that_cannot_be_held_is_not_sent() -> None:
    bench = Held(OK)
    bench.freezer.fails["i-1"] = OSError("no agent there")
    with pytest.raises(QuiesceError, match=r"i-1 failed.*OSError: no agent there") as caught:
        await bench.post()
    assert isinstance(caught.value.__cause__, OSError)
    assert not caught.value.may_have_acted
    assert bench.script.sent == []


@pytest.mark.parametrize("hook", [lambda _: None, lambda _: 1 / 0], ids=["no-manager", "raises"])
async def test_a_hook_that_makes_nothing_to_enter_holds_nothing(hook: Any) -> None:
    bench = Held(OK)
    bench.quiescing = Quiescing(hook, 10.0, "fail")
    with pytest.raises(QuiesceError):
        await bench.post()
    assert bench.script.sent == []


async def test_entering_that_takes_too_long_is_undone_and_nothing_is_sent() -> None:
    bench = Held(OK, timeout=4.0)
    bench.freezer.freezing = 60.0
    with pytest.raises(QuiesceError, match="too long"):
        await bench.post()
    assert bench.script.sent == []
    assert bench.clock.monotonic() == 4.0


async def test_entering_takes_no_more_than_the_calls_own_time() -> None:
    bench = Held(OK)
    bench.freezer.freezing = 60.0
    with pytest.raises(QuiesceError, match="too long"):
        await bench.post(bench.begin(timeout=3.0))
    assert bench.clock.monotonic() == 3.0
    bench.freezer.freezing = 2.995
    with pytest.raises(DeadlineExceededError):
        await bench.post(bench.begin(timeout=3.0))
    assert bench.script.sent == []
    assert not bench.freezer.frozen


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_a_request_goes_out_unheld_where_the_caller_said_so(failure: str) -> None:
    bench = Held(OK, timeout=4.0, on_error="continue")
    if failure == "raises":
        bench.freezer.fails["i-1"] = OSError("no agent there")
    else:
        bench.freezer.freezing = 60.0
    assert not await bench.post()
    assert len(bench.script.sent) == 1
    assert not bench.freezer.frozen


# Holding takes too long


async def test_a_request_that_takes_too_long_goes_on_without_being_held() -> None:
    bench = Held(OK, taking=8.0, timeout=5.0)
    bench.freezer.freezing = 1.0
    assert not await bench.post()
    assert bench.freezer.times == [(1.0, 5.0)]
    assert bench.clock.monotonic() == 9.0


async def test_a_failing_end_is_logged_and_loses_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Held(OK)
    bench.freezer.thaw_fails = True
    assert await bench.post()
    assert "it may be held still" in caplog.text
    assert "unfreeze failed" in caplog.text


async def test_an_end_that_hangs_is_cancelled_and_loses_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Held(OK, timeout=5.0)
    bench.freezer.thawing = 1e6
    assert await bench.post()
    assert bench.clock.monotonic() == 5.0
    assert "it may be held still" in caplog.text


async def test_an_undoing_that_hangs_is_cancelled_too() -> None:
    bench = Held(OK, timeout=5.0)

    @asynccontextmanager
    async def stuck(instance_id: str) -> AsyncGenerator[None]:
        try:
            await bench.clock.sleep(1e6)
            yield
        finally:
            await bench.clock.sleep(1e6)

    bench.quiescing = Quiescing(stuck, 5.0, "fail")
    with pytest.raises(QuiesceError):
        await bench.post()
    assert bench.clock.monotonic() == 10.0


# Cancellation


@pytest.mark.parametrize("at", [0.5, 2.0, 4.5], ids=["entering", "in-flight", "leaving"])
async def test_what_was_entered_is_left_when_the_caller_is_cancelled(at: float) -> None:
    bench = Held(OK, taking=3.0)
    bench.freezer.freezing = bench.freezer.thawing = 1.0
    sending = asyncio.create_task(bench.post())
    await bench.clock.sleep(at)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    ends = {0.5: 0.5, 2.0: 3.0, 4.5: 5.0}[at]
    assert bench.clock.monotonic() == ends
    assert not bench.freezer.frozen
    assert len(bench.freezer.times) == (at > 1.0)
    assert len(bench.script.sent) == (at > 1.0)


async def test_cancelling_again_and_again_does_not_cut_the_end_short() -> None:
    bench = Held(OK, taking=3.0)
    bench.freezer.thawing = 5.0
    sending = asyncio.create_task(bench.post())
    await bench.clock.sleep(1.0)
    for _ in range(4):
        sending.cancel()
        await turn()
        await bench.clock.sleep(1.0)
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    assert sending.cancelled()
    assert bench.freezer.times == [(0.0, 6.0)]


async def test_what_a_call_that_is_called_off_had_entered_is_left_unsent() -> None:
    bench = Held(OK)
    bench.freezer.freezing = 1.0
    call = bench.begin()
    sending = asyncio.create_task(bench.post(call))
    await bench.clock.sleep(0.5)
    call.cancelled = True
    with pytest.raises(CivoError, match="cancelled before"):
        await sending
    assert bench.freezer.times == [(1.0, 1.0)]
    assert bench.script.sent == []


async def test_it_is_entered_and_left_in_one_task_and_in_the_callers_context() -> None:
    """A task group or a timeout in it demands that."""
    bench = Held(OK, taking=3.0)
    tasks = []

    @asynccontextmanager
    async def grouped(instance_id: str) -> AsyncGenerator[None]:
        async with asyncio.timeout(60), asyncio.TaskGroup():
            tasks.append(asyncio.current_task())
            yield
            tasks.append(asyncio.current_task())

    bench.quiescing = Quiescing(grouped, 10.0, "fail")
    assert await bench.post()
    assert len(tasks) == 2
    assert tasks[0] is tasks[1]
