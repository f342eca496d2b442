"""What there is to show while one waits: a row per snapshot, fed with sights and ends; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import Factory, define

from .. import states
from ..errors import CivoError, printable
from ..models import Instance, Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ..states import State
from ._words import reason

_LABEL = 40
_MESSAGE = 120


@define
class Row:
    """One snapshot that is waited for.

    Attributes:
        label: what people call it: the hostname of its instance.
        state: the snapshot's state text as last seen; None while no snapshot is known.
        volumes: the state text of each volume, by its id.
        message: why it is not complete; empty until it ended.
        kind: how it ended; None until then.
    """

    label: str
    state: str | None = None
    volumes: dict[str, str] = Factory(dict[str, str])
    message: str = ""
    kind: OutcomeKind | None = None
    adopted: bool = False

    @property
    def is_running(self) -> bool:
        return self.kind is None and self.state is not None

    @property
    def marks(self) -> tuple[State, ...]:
        """What each volume's state means."""
        return tuple(map(states.classify, self.volumes.values()))

    @property
    def volumes_ended(self) -> int:
        return sum(mark is not State.PENDING for mark in self.marks)

    def see(self, snapshot: Snapshot) -> None:
        self.state = printable(snapshot.state, _LABEL)
        self.volumes.update((volume.id, volume.state) for volume in snapshot.volumes)
        unlisted = states.never_listed(self.volumes, snapshot.included_volumes)
        self.volumes.update(dict.fromkeys(unlisted, ""))

    def end(self, kind: OutcomeKind, error: CivoError | None, *, adopted: bool = False) -> None:
        """It ended so."""
        self.kind, self.adopted = kind, adopted
        self.message = reason(error)[:_MESSAGE]


@define
class Board:
    """All rows, by the id of the instance or of the snapshot, and what has been spent.

    Attributes:
        elapsed: seconds since the run began.
        requests: how many requests it has sent.
    """

    title: str
    rows: Mapping[str, Row]
    elapsed: float = 0.0
    requests: int = 0

    @property
    def ended(self) -> int:
        return sum(row.kind is not None for row in self.rows.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many wait, run, and have ended in each way."""
        rows = self.rows.values()
        found = Counter(row.kind for row in rows)
        running = sum(row.is_running for row in rows)
        by_kind = {kind.value: found[kind] for kind in OutcomeKind if kind.is_end}
        return {"waiting": found[None] - running, "running": running, **by_kind}

    def begin(self, run: FleetRun) -> None:
        """Take up the snapshots that exist by now; nothing else tells of a create that worked."""
        for outcome in run:
            row = self.rows[outcome.instance_id]
            if row.state is None and outcome.snapshot is not None:
                row.see(outcome.snapshot)

    def see(self, snapshot: Snapshot) -> None:
        """The server showed this snapshot of a run."""
        self.rows[snapshot.instance_id].see(snapshot)

    def end(self, outcome: Outcome) -> None:
        """It ended so for this instance of a run."""
        row = self.rows[outcome.instance_id]
        if outcome.snapshot is not None:
            row.see(outcome.snapshot)
        row.end(outcome.kind, outcome.error, adopted=outcome.adopted)


def rows_for(instances: Iterable[str | Instance]) -> dict[str, Row]:
    """A row for each instance, labelled with its host name where that is known."""
    known = {one if isinstance(one, str) else one.id: label_of(one) for one in instances}
    return {instance_id: Row(label) for instance_id, label in known.items()}


def label_of(instance: str | Instance) -> str:
    """What people call an instance."""
    if isinstance(instance, str):
        return instance
    return printable(instance.hostname, _LABEL) or printable(instance.id, _LABEL)


def line(board: Board, row: Row) -> str:
    """One row where there is no terminal to draw on."""
    width = max(len(other.label) for other in board.rows.values())
    if row.kind is not None:
        what = f"{row.kind} (existed before)" if row.adopted else str(row.kind)
    else:
        what = row.state or "waiting"
    volumes = f"{row.volumes_ended}/{len(row.volumes)} volumes ended" if row.volumes else ""
    done = f"{board.ended}/{len(board.rows)}"
    why = row.message if row.kind is not None else ""
    told = "  ".join(part for part in (what, volumes, why) if part)
    return f"{board.elapsed:6.1f} s  {done:>9}  {row.label:<{width}}  {told}"
