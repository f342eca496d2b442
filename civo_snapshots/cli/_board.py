"""What there is to show of a run: one row per instance, fed with sights and outcomes; pure."""

from collections.abc import Iterable, Mapping

from attrs import Factory, define

from .. import states
from ..errors import printable
from ..models import Instance, Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ..states import State

_LABEL = 40
_MESSAGE = 120


@define
class Row:
    """One instance.

    Attributes:
        label: what people call it.
        state: the snapshot's state text as last seen; None while no snapshot is known.
        volumes: the state text of each volume, by its id.
        message: why it failed, as the server put it.
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
        self.message = printable(snapshot.message.strip(), _MESSAGE)
        self.volumes.update((volume.id, volume.state) for volume in snapshot.volumes)
        unlisted = states.never_listed(self.volumes, snapshot.included_volumes)
        self.volumes.update(dict.fromkeys(unlisted, ""))


@define
class Board:
    """All rows of a run, by instance id, and what the run has spent.

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
        running = sum(row.is_running for row in rows)
        ends = (kind for kind in OutcomeKind if kind.is_end)
        by_kind = {kind.value: sum(row.kind is kind for row in rows) for kind in ends}
        return {"waiting": len(rows) - running - self.ended, "running": running, **by_kind}

    def begin(self, run: FleetRun) -> None:
        """Take up the snapshots that exist by now; nothing else tells of a create that worked."""
        for outcome in run:
            row = self.rows[outcome.instance_id]
            if row.state is None and outcome.snapshot is not None:
                row.see(outcome.snapshot)

    def see(self, snapshot: Snapshot) -> None:
        """The server showed this snapshot."""
        self.rows[snapshot.instance_id].see(snapshot)

    def end(self, outcome: Outcome) -> None:
        """It ended so for this instance."""
        row = self.rows[outcome.instance_id]
        row.kind, row.adopted = outcome.kind, outcome.adopted
        if outcome.snapshot is not None:
            row.see(outcome.snapshot)


def rows_for(instances: Iterable[str | Instance]) -> dict[str, Row]:
    """A row for each instance, labelled with its host name where that is known."""
    known = {one if isinstance(one, str) else one.id: label_of(one) for one in instances}
    return {instance_id: Row(label) for instance_id, label in known.items()}


def label_of(instance: str | Instance) -> str:
    """What people call an instance."""
    if isinstance(instance, str):
        return instance
    return printable(instance.hostname, _LABEL) or printable(instance.id, _LABEL)
