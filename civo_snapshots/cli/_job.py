"""One run over many instances, shown while it goes, and at most one restore behind it."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from attrs import define

from .._fleet import FleetStream
from ..errors import CivoError
from ..events import ExtraSnapshot, Transition
from ..models import Instance, Restore, Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind, UnresolvedCreate
from ..resources import RunOptions
from ._board import Board, rows_for
from ._progress import painting
from ._records import Json, outcome_json, run_json
from ._session import Session
from ._words import many


@define
class Restoration:
    """A restore that was asked for, and how far it came."""

    hostname: str
    restore: Restore | None = None
    instance: Instance | None = None
    error: CivoError | None = None

    def __str__(self) -> str:
        if self.instance is not None:
            return f"Restored to {self.hostname}: instance {self.instance.id} is active."
        if self.error is not None:
            return f"Not restored to {self.hostname}: {self.error}"
        if self.restore is not None:
            return f"The restore to {self.hostname} was started and goes on."
        return f"The restore to {self.hostname} may have been started; look for that hostname."


class Job:
    """A run; what it has done can be asked for at any time, also when it was interrupted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = session.clock.monotonic()
        self._stream: FleetStream | None = None
        self._started: FleetRun | None = None
        self.hostnames: Mapping[str, str] = {}
        self.restoration: Restoration | None = None
        self._printed: set[str] = set()

    @property
    def run(self) -> FleetRun | None:
        """The run so far; None before it began."""
        return self._stream.run if self._stream else self._started

    @property
    def elapsed(self) -> float:
        """Seconds since the job was made."""
        return self._session.clock.monotonic() - self._began

    async def fan_out(
        self, instances: Sequence[Instance], name: str, **options: Unpack[RunOptions]
    ) -> None:
        """Create a snapshot of each instance and show how they come along, until all have ended."""
        civo, out = self._session.civo, self._session.out
        self.hostnames = {one.id: one.hostname for one in instances}
        rows = rows_for(instances)
        board = Board(f"{name} in {civo.region}", rows)

        def changed(transition: Transition) -> None:
            board.see(transition.snapshot)

        options["on_change"] = changed
        stream = self._stream = civo.snapshots.create_each(instances, name=name, **options)

        def update() -> None:
            board.begin(stream.run)
            board.elapsed = self.elapsed
            if board.ended == len(rows):
                board.title = f"{name} in {civo.region}: all ended, looking for duplicates"
            board.requests = civo.requests_sent

        try:
            async with painting(out, self._session.clock, board, update):
                async for outcome in stream:
                    board.end(outcome)
                    if out.form == "jsonl":
                        self.tell(outcome)
        except BaseException:
            if left := len(civo.unresolved.creates):
                out.say(f"Stopping; asking what became of {many(left, 'create')}.")
            raise

    async def start(
        self, instances: Sequence[Instance], name: str, **options: Unpack[RunOptions]
    ) -> None:
        """Create a snapshot of each instance, and wait for none."""
        self.hostnames = {one.id: one.hostname for one in instances}
        try:
            self._started = await self._session.civo.snapshots.start_many(
                instances, name=name, **options
            )
        except BaseException as error:
            self._started = FleetRun.of(error)
            raise

    async def restore(self, hostname: str) -> None:
        """Restore the first complete snapshot of the run to a new instance, and wait for it."""
        civo, restoration = self._session.civo, Restoration(hostname)
        self.restoration = restoration
        try:
            snapshot = _first_complete(self.run)
            holder = self.hostnames.get(snapshot.instance_id)
            self._session.out.say(f"Restoring the snapshot of {holder} to {hostname} ...")
            restoration.restore = await civo.snapshots.restore(snapshot, hostname=hostname)
            restoration.instance = await civo.snapshots.wait_until_restored(restoration.restore)
        except CivoError as error:
            restoration.error = error

    def tell(self, outcome: Outcome) -> None:
        """Print an outcome as a line of JSON, once."""
        if outcome.instance_id not in self._printed:
            self._printed.add(outcome.instance_id)
            self._session.out.record(self.outcome_json(outcome), name="name")

    def outcome_json(self, outcome: Outcome) -> Json:
        """An outcome with the hostname of its instance."""
        return outcome_json(outcome, self.hostnames.get(outcome.instance_id, ""))

    def as_json(self, run: FleetRun) -> Json:
        """The whole run with what is left of it."""
        civo = self._session.civo
        return {
            **run_json(run, civo.region or "", self.hostnames),
            "unresolved": [_left_json(left) for left in civo.unresolved.creates],
            "extra_snapshots": [_extra_json(extra) for extra in civo.unresolved.extra_snapshots],
            "requests_sent": civo.requests_sent,
            "elapsed": round(self.elapsed, 3),
        }


def _left_json(left: UnresolvedCreate) -> Json:
    return {
        "instance_id": left.instance_id,
        "name": left.name,
        "snapshot_id": left.snapshot.id if left.snapshot else None,
        "error": str(left.error) if left.error else None,
    }


def _extra_json(extra: ExtraSnapshot) -> Json:
    return {
        "instance_id": extra.instance_id,
        "name": extra.name,
        "snapshot_id": extra.snapshot_id,
        "extra_id": extra.extra_id,
        "told": str(extra),
    }


def _first_complete(run: FleetRun | None) -> Snapshot:
    for outcome in run or ():
        if outcome.kind is OutcomeKind.COMPLETE and outcome.snapshot is not None:
            return outcome.snapshot
    raise CivoError("no snapshot of this run is complete")
