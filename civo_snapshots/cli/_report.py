"""How a run ended: its outcomes as data, then in words what there is and what to do next."""

from collections.abc import Mapping, Sequence

from ..errors import DeadlineExceededError, short
from ..events import ExtraSnapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ._exits import Exit, worst
from ._job import Job
from ._records import ID, INSTANCE, shown
from ._session import Session
from ._table import Column, Item
from ._words import counted, kind_in_words, many, reason, span

_RESULTS = {
    OutcomeKind.COMPLETE: "good",
    OutcomeKind.FAILED: "bad",
    OutcomeKind.REFUSED: "bad",
    OutcomeKind.PENDING: "busy",
    OutcomeKind.TIMED_OUT: "open",
    OutcomeKind.UNKNOWN: "open",
}


def _style(item: Item) -> str:
    return _RESULTS.get(OutcomeKind(str(item["kind"])), "dim")


RESULT = Column("RESULT", lambda item: str(item["kind"]), style=_style)

OUTCOMES = (
    INSTANCE,
    Column(
        "RESULT",
        lambda item: f"{item['kind']}{' (existed before)' if item['adopted'] else ''}",
        style=_style,
    ),
    Column("SNAPSHOT", lambda item: shown(item.get("name")), may_shrink=True),
    ID,
)


def exit_of_run(run: FleetRun) -> Exit:
    """What a run amounts to."""
    return worst(map(_exit_of, run))


def _exit_of(outcome: Outcome) -> Exit:
    match outcome.kind:
        case OutcomeKind.COMPLETE:
            return Exit.OK
        case OutcomeKind.UNKNOWN:
            return Exit.UNKNOWN
        case OutcomeKind.TIMED_OUT | OutcomeKind.PENDING | OutcomeKind.QUEUED:
            return Exit.TIMED_OUT
        case OutcomeKind.NOT_ATTEMPTED if isinstance(outcome.error, DeadlineExceededError):
            return Exit.TIMED_OUT
        case _:
            return Exit.FAILED


def report(session: Session, job: Job, *, next_steps: Sequence[str] = ()) -> Exit:
    """Print a run as it is now; its exit code if nothing interrupted it."""
    run, out = job.run, session.out
    if run is None:
        return Exit.FAILED
    session.told = True
    if out.form == "json":
        out.item(OUTCOMES, job.as_json(run), name="name")
    elif out.form == "jsonl":
        for outcome in run:
            job.tell(outcome)
    else:
        out.items(OUTCOMES, [job.outcome_json(one) for one in run], name="name")
    _say_what_is_left(session, run)
    state = ", broken off" if run.partial else ""
    out.say(
        f"Run {run.name} in {session.civo.region}: {many(len(run), 'instance')} in "
        f"{span(job.elapsed)}, {many(session.civo.requests_sent, 'request')}{state}.",
        "head",
    )
    out.say(f"  {counted(run)}")
    for outcome in run.failures:
        say_why(session, outcome, job.hostnames)
    if run.adopted:
        out.say(f"  {many(len(run.adopted), 'snapshot')} existed before and were taken over.")
    for line in next_steps:
        out.say(line)
    return exit_of_run(run)


def say_why(session: Session, outcome: Outcome, hostnames: Mapping[str, str]) -> None:
    """A line about an outcome that is not complete."""
    called = short(hostnames.get(outcome.instance_id) or outcome.instance_id)
    kind = kind_in_words(outcome.kind)
    session.out.say(
        f"  {kind}  {called}  {reason(outcome.error)}", _RESULTS.get(outcome.kind, "dim")
    )


def _say_what_is_left(session: Session, run: FleetRun) -> None:
    """What is there beside the outcomes; also where words are not wanted."""
    out, civo = session.out, session.civo
    kept = {outcome.instance_id: outcome.snapshot for outcome in run}
    for further in run.duplicates:
        out.fail(f"There is {ExtraSnapshot(kept.get(further.instance_id), further)}.")
    for left in civo.unresolved.creates:
        what = f"made snapshot {left.snapshot.id}" if left.snapshot else f"is unknown: {left.error}"
        out.fail(f"The interrupted create of {left.name} {what}")
    for extra in civo.unresolved.extra_snapshots:
        out.fail(f"There is {extra}.")
