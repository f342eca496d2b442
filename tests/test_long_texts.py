"""R194: what a server makes very long is cut wherever it is shown, and kept whole."""

import logging

import pytest
from support.wire import Wire, answer

from civo_snapshots import (
    CivoClient,
    CivoError,
    Event,
    ExtraSnapshot,
    Instance,
    Snapshot,
    Transition,
    UnknownState,
    WaitTimeoutError,
)
from civo_snapshots._watch import PollPolicy
from civo_snapshots._watch.progress import CompletionWait
from civo_snapshots._watch.restore import RestoreWait
from civo_snapshots.cli._board import Board, line, rows_for
from civo_snapshots.errors import NotFoundError, ServerError, printable
from civo_snapshots.models import Restore, SnapshotStatus, VolumeStatus
from civo_snapshots.states import DEFAULT_STATES
from civo_snapshots.testing import FakeClock

LONG = "x" * 1_000_000
MOST = 6_000
"""Characters: a message of the SDK's own with all that it quotes."""


def long_snapshot(*volumes: VolumeStatus, state: str = LONG) -> Snapshot:
    status = SnapshotStatus(state, volumes, LONG)
    return Snapshot("s-1", instance_id="i-1", name=LONG, status=status)


def assert_short(error: CivoError) -> None:
    assert max(map(len, (str(error), repr(error), error.message))) < MOST


async def test_a_long_state_is_cut_in_logs_events_and_the_error_but_not_in_the_record(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    record = {"id": "s-1", "name": LONG, "status": {"state": LONG, "message": LONG}}
    told: list[Event] = []
    seen: list[Transition] = []
    async with (
        Wire(answer(record)) as wire,
        CivoClient(
            "a-token", region="LON1", api_url=wire.url, clock=FakeClock(), on_event=told.append
        ) as civo,
    ):
        with pytest.raises(WaitTimeoutError) as caught:
            await civo.snapshots.wait_until_complete(
                "i-1", "s-1", timeout=30, on_change=seen.append
            )
    assert_short(caught.value)
    assert "it goes on, wait again" in str(caught.value)
    assert caught.value.snapshot is not None
    assert caught.value.snapshot.name == LONG
    (event,) = [one for one in told if isinstance(one, UnknownState)]
    assert len(event.state) < 200
    assert seen[0].after == LONG
    assert max(len(str(one)) for one in (*told, *seen)) < 500
    assert "unknown state" in caplog.text
    assert max(len(entry.getMessage()) for entry in caplog.records) < MOST


def test_every_end_of_a_wait_is_told_in_short() -> None:
    failed = long_snapshot(VolumeStatus(f"1{LONG}", "Failed"), state="Failed")
    for end in ("failed", "vanished", "error", "time"):
        wait = CompletionWait("i-1", "s-1", PollPolicy(tolerate=0, appear=0.1), DEFAULT_STATES, 0.0)
        wait.seed(long_snapshot(), is_fresh=True)
        for _ in range(20):
            if end == "failed":
                list(wait.observe(failed, 1.0))
            elif end == "vanished":
                wait.on_not_found(NotFoundError(LONG, status=404), 1.0)
            elif end == "error":
                wait.on_error(ServerError(LONG, status=500), 1.0)
            else:
                wait.expire(1.0)
        assert isinstance(wait.outcome, CivoError), end
        assert_short(wait.outcome)


def test_every_end_of_a_restores_wait_is_told_in_short() -> None:
    restore = Restore(id=LONG, hostname="copy", from_snapshot="s-1")
    broken = Instance(id=LONG, hostname="copy", status="error")
    for end in ("failed", "error", "time"):
        wait = RestoreWait(restore, 0.0, last=Instance(id="i-2", hostname="copy", status=LONG))
        if end == "failed":
            wait.observe(broken, 1.0)
        elif end == "error":
            wait.fail(ServerError(LONG, status=500), 1.0)
        else:
            wait.expire(1.0)
        assert isinstance(wait.outcome, CivoError), end
        assert_short(wait.outcome)


def test_what_is_told_of_a_further_snapshot_is_short() -> None:
    extra = ExtraSnapshot(long_snapshot(), Snapshot(id=LONG, name=LONG, instance_id=LONG))
    assert len(str(extra)) < 1_500
    assert extra.name == LONG


def test_the_commands_lines_are_short() -> None:
    instance = Instance(id=LONG, hostname="")
    board = Board("a run", rows_for([instance]))
    board.rows[LONG].see(long_snapshot())
    told = line(board, board.rows[LONG])
    assert len(told) < 300


def test_a_message_is_cut_whatever_stands_in_it() -> None:
    assert_short(CivoError(LONG))
    assert printable(LONG, 10) == "x" * 10 + "..."
