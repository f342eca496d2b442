"""What an instance's errors amount to, and its outcome at any moment of a run."""

import pytest
from attrs import evolve

from civo_snapshots import (
    CivoError,
    ClientClosedError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    OutcomeKind,
    OutcomeUnknownError,
    PollFailedError,
    PollPolicy,
    QuotaExceededError,
    Snapshot,
    SnapshotFailedError,
    SnapshotStatus,
    SnapshotUnsettledError,
    SnapshotVanishedError,
    VolumeStatus,
    WaitTimeoutError,
)
from civo_snapshots._fleet.choice import Choice
from civo_snapshots._fleet.member import Member, Stage, as_shown, kind_of, kind_of_end
from civo_snapshots._watch import CompletionWait, RegisteredWait
from civo_snapshots.states import DEFAULT_STATES

MADE = Snapshot(id="s", name="n", instance_id="i")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OutcomeUnknownError("?"), OutcomeKind.UNKNOWN),
        (ConnectFailedError("refused"), OutcomeKind.NOT_ATTEMPTED),
        (DeadlineExceededError("late", may_have_acted=False), OutcomeKind.NOT_ATTEMPTED),
        (ClientClosedError("closed", may_have_acted=False), OutcomeKind.NOT_ATTEMPTED),
        (ConnectionLostError("lost"), OutcomeKind.REFUSED),
        (InvalidRequestError("bad", status=400), OutcomeKind.REFUSED),
        (QuotaExceededError("full", status=403), OutcomeKind.REFUSED),
    ],
)
def test_an_error_before_an_id_was_known_tells_whether_anything_was_sent(
    error: CivoError, kind: OutcomeKind
) -> None:
    """F105."""
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WaitTimeoutError("late"), OutcomeKind.TIMED_OUT),
        (PollFailedError("blind"), OutcomeKind.UNKNOWN),
        (ClientClosedError("closed"), OutcomeKind.UNKNOWN),
        (SnapshotUnsettledError("?"), OutcomeKind.UNKNOWN),  # R178
        (SnapshotFailedError("failed"), OutcomeKind.FAILED),
        (SnapshotVanishedError("gone"), OutcomeKind.FAILED),
    ],
)
def test_the_end_of_a_wait_is_a_failure_only_if_the_server_says_so(
    error: CivoError, kind: OutcomeKind
) -> None:
    assert kind_of_end(error) is kind


def test_what_was_seen_settling_is_not_finished() -> None:
    """R178, R202: where the region's listing alone has shown it."""
    status = SnapshotStatus("Complete", (VolumeStatus("v-1", "Completed"),))
    partly = Snapshot("s", included_volumes=("v-1", "v-2"), status=status, instance_id="i")
    kind, error = as_shown(partly, DEFAULT_STATES, is_proven=True)
    assert kind is OutcomeKind.TIMED_OUT
    assert isinstance(error, WaitTimeoutError)
    whole = evolve(partly, included_volumes=("v-1",))
    assert as_shown(whole, DEFAULT_STATES, is_proven=True) == (OutcomeKind.COMPLETE, None)


def member() -> Member:
    return Member(lambda one, end: None, "i", "n")


def test_nothing_was_attempted_until_a_create_is_on_its_way() -> None:
    one = member()
    assert one.outcome_now(is_running=False).kind is OutcomeKind.NOT_ATTEMPTED
    one.stage = Stage.SENT
    now = one.outcome_now(is_running=False)
    assert now.kind is OutcomeKind.UNKNOWN
    assert isinstance(now.error, OutcomeUnknownError)
    assert (now.error.instance_id, now.error.name) == ("i", "n")


def test_a_snapshot_that_is_not_finished_is_reported_all_the_same() -> None:
    """F106: every id that the server gave."""
    one = member()
    further = Snapshot(id="t", name="n", instance_id="i")
    one.take(Choice("n", MADE, (further,)))
    for is_running in (True, False):
        now = one.outcome_now(is_running=is_running)
        assert (now.kind, now.snapshot, now.error) == (OutcomeKind.PENDING, MADE, None)
        assert (now.duplicates, now.adopted) == ((further,), True)


def test_nothing_of_a_run_that_goes_on_has_ended() -> None:
    """R185: neither timed out, nor unknown, nor left out."""
    one = member()
    for stage in (Stage.UNSENT, Stage.SENT):
        one.stage = stage
        now = one.outcome_now(is_running=True)
        assert (now.kind, now.error) == (OutcomeKind.QUEUED, None)
        assert not now.kind.is_end


def test_an_outcome_stays_as_it_is() -> None:
    one = member()
    one.stage = Stage.SENT
    one.made(MADE, ())
    ended = one.finish(OutcomeKind.COMPLETE, None)
    assert ended == Outcome("i", "n", OutcomeKind.COMPLETE, MADE)
    assert one.outcome_now(is_running=True) is ended
    assert one.stage is Stage.ENDED


def test_a_member_is_called_with_the_end_of_its_wait() -> None:
    heard: list[tuple[Member, Snapshot | CivoError]] = []
    one = Member(lambda *said: heard.append(said), "i", "n")
    one(MADE)
    assert heard == [(one, MADE)]


def test_while_it_is_waited_for_a_member_has_what_its_wait_saw_last() -> None:
    """F110: one record per snapshot in flight, and the freshest one is what a run tells."""
    one = member()
    one.made(MADE, ())
    progress = CompletionWait("i", MADE.id, PollPolicy(), DEFAULT_STATES, 0.0)
    progress.seed(MADE, is_fresh=True)
    wait = RegisteredWait(progress, 0.0, 1.0, one)
    one.begin_wait(wait)
    progress.last = seen = evolve(MADE, description="seen")
    assert one.outcome_now(is_running=True).snapshot is seen
    assert one.end_wait() is wait
    assert one.snapshot is seen
