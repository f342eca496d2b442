"""How boards, plans and reports look, as rich renderables; draws nothing itself."""

from collections.abc import Iterator

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..errors import short
from ..events import ExtraSnapshot
from ..outcomes import FleetRun, OutcomeKind
from ..states import State
from ._board import Board, Row
from ._report import Plan, Report

_VOLUMES = {State.PENDING: ("·", "dim"), State.COMPLETE: ("●", "green"), State.FAILED: ("✗", "red")}
_STYLES = {
    "waiting": "dim",
    "running": "yellow",
    OutcomeKind.COMPLETE: "green",
    OutcomeKind.FAILED: "red",
    OutcomeKind.TIMED_OUT: "magenta",
    OutcomeKind.UNKNOWN: "magenta",
    OutcomeKind.REFUSED: "red",
    OutcomeKind.NOT_ATTEMPTED: "dim",
    OutcomeKind.PENDING: "yellow",
    OutcomeKind.QUEUED: "dim",
}
_LINES_ABOVE = 5
_BAR = 60


def frame(board: Board, width: int, height: int) -> RenderableType:
    """One picture of a running fan-out that fits on the terminal.

    All rows if there is room for them, which keeps each in its place; otherwise those that run.
    """
    rows = list(board.rows.values())
    label = max((len(row.label) for row in rows), default=0)
    volumes = max((len(row.volumes) for row in rows), default=0)
    cell = min(label + volumes + 3, width)
    room = max(1, width // (cell + 2)) * max(1, height - _LINES_ABOVE)
    if len(rows) > room:
        rows = [row for row in rows if row.is_running]
    cells = [_cell(row, label) for row in rows[:room]]
    head = Text(f"{board.title}  {board.elapsed:.0f} s  {board.requests} requests", "bold")
    bar = Table.grid()  # a bar of its own would not end its line
    bar.add_row(ProgressBar(max(1, len(board.rows)), board.ended, width=min(width, _BAR)))
    hidden = len(rows) - len(cells)
    return Group(
        head,
        bar,
        counts(board),
        Columns(cells, width=cell, padding=(0, 2, 0, 0), column_first=True),
        Text(f"... and {hidden} more" if hidden else "", "dim"),
    )


def counts(board: Board) -> Text:
    """How many are where, without those kinds that nobody is in."""
    text = Text(f"{board.ended} of {len(board.rows)} ended", overflow="ellipsis", no_wrap=True)
    for kind, number in board.counts.items():
        if number:
            text.append(f"  {kind} {number}", _STYLES[kind])
    return text


def _cell(row: Row, label_width: int) -> Text:
    if row.kind is None:
        mark = "▸" if row.is_running else " "
    else:
        mark = "✓" if row.kind is OutcomeKind.COMPLETE else "✗"
    style = _STYLES[row.kind or ("running" if row.is_running else "waiting")]
    text = Text(f"{mark} ", style, overflow="ellipsis", no_wrap=True)
    text.append(f"{row.label:<{label_width}} ", style if row.kind is None else "")
    for meaning in row.marks:
        text.append(*_VOLUMES[meaning])
    return text


def line(board: Board, row: Row) -> str:
    """One row where there is no terminal to draw on."""
    width = max(len(other.label) for other in board.rows.values())
    if row.kind is not None:
        what = f"{row.kind} (existed before)" if row.adopted else str(row.kind)
    else:
        what = row.state or "waiting"
    volumes = f"{row.volumes_ended}/{len(row.volumes)} volumes ended" if row.volumes else ""
    done = f"{board.ended}/{len(board.rows)}"
    why = row.message if row.kind is OutcomeKind.FAILED else ""
    told = "  ".join(part for part in (what, volumes, why) if part)
    return f"{board.elapsed:6.1f} s  {done:>9}  {row.label:<{width}}  {told}"


def plan_lines(plan: Plan) -> Iterator[RenderableType]:
    """A dry run."""
    for item in plan.items:
        style = "red" if item.error else "yellow" if item.existing else "green"
        text = Text(f"{item.action}  ", style)
        if item.error:
            told = f"{item.instance_id}  {item.error}"
        else:
            told = f"{item.instance_id}  {item.label}  as {item.name}"
        yield text.append(told, "default")
    yield Text(f"Would create {plan.to_create} snapshots in {plan.region}, {_quota(plan)}.")
    if plan.restore:
        yield Text(f"Would then restore the first complete one to {plan.restore}.")
    yield Text("Nothing was changed. To do it, run the same again with", "bold")
    yield Text(f"    --yes --name {plan.name}", "bold")


def _quota(plan: Plan) -> str:
    free = plan.quota.free_snapshots if plan.quota else None
    if free is None:
        unlimited = plan.quota is not None and plan.quota.is_unlimited
        return "without a limit in the quota" if unlimited else "quota unknown"
    return f"{free} left in the quota" if plan.fits else f"but ONLY {free} ARE LEFT in the quota"


def report_lines(report: Report) -> Iterator[RenderableType]:
    """The end of a run, or of what an interrupted one had done."""
    state = ", broken off" if report.run.partial else ""
    yield Text(
        f"\nRun {report.run.name}: {len(report.run)} instances, {report.elapsed:.1f} s{state}",
        "bold",
    )
    table = Table(box=None, show_header=False, padding=(0, 2))
    for kind, number in report.run.counts.items():
        table.add_row(Text(kind, _STYLES[kind] if number else "dim"), str(number))
    yield table
    for outcome in (*report.run.failures, *report.run.unfinished):
        label = report.labels.get(outcome.instance_id, outcome.instance_id)
        text = Text(f"{outcome.kind}  ", _STYLES[outcome.kind])
        goes_on = outcome.snapshot and f"snapshot {short(outcome.snapshot.id)} goes on"
        yield text.append(f"{label}  {outcome.error or goes_on or ''}", "default")
    yield Text(
        f"{len(report.run.adopted)} existed before and were adopted, "
        f"{len(report.run.duplicates)} further snapshots bear the run's names"
    )
    yield from _further(report.run)
    for left in report.unresolved:
        what = (
            f"made snapshot {short(left.snapshot.id)}"
            if left.snapshot
            else f"is unknown: {left.error}"
        )
        yield Text(f"The interrupted create of {left.name} {what}", "magenta")
    for extra in report.extras:
        yield Text(f"There is {extra}", "yellow")
    if report.restoration:
        told = str(report.restoration)
        yield Text(
            f"{told[0].upper()}{told[1:]}", "green" if report.restoration.instance else "red"
        )
    yield from _requests(report)
    if report.is_open and not report.received:  # the embedded region ends with the demo
        yield Text(f"To continue, run the same again with --name {report.run.name}", "bold")


def _further(run: FleetRun) -> Iterator[RenderableType]:
    kept = {outcome.instance_id: outcome.snapshot for outcome in run}
    for further in run.duplicates:
        beside = kept.get(further.instance_id)
        told = (
            ExtraSnapshot(beside, further)
            if beside
            else f"{short(further.name)}: {short(further.id)}"
        )
        yield Text(f"There is {told}", "yellow")


def _requests(report: Report) -> Iterator[RenderableType]:
    if not report.received:
        yield Text(f"Requests sent: {report.requests}")
        return
    received = sum(report.received.values())
    yield Text(f"Requests: {report.requests} sent, {received} received by the region")
    table = Table(box=None, show_header=False, padding=(0, 2))
    for route, number in sorted(report.received.items(), key=lambda item: -item[1]):
        table.add_row(Text(str(number), justify="right"), route)
    yield table
