"""Holds what callers are told against what is so, at the moment of each telling."""

from asyncio import Task
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from benchmarks.hostile import _truth
from civo_snapshots import (
    CivoClient,
    CivoError,
    FleetRun,
    Instance,
    NotFoundError,
    Outcome,
    OutcomeKind,
    OutcomeUnknownError,
    Restore,
    Snapshot,
    SnapshotFailedError,
    SnapshotVanishedError,
)
from civo_snapshots.testing import FakeRegion
from civo_snapshots.testing._server import ReceivedRequest
from civo_snapshots.testing._snapshot_record import SnapshotRecord

_REGION = "/v2/resourcesnapshots"


@define(eq=False)
class Operation:
    """What one caller asked for.

    Attributes:
        tag: the description of what it makes, by which the region's table knows it again.
        client: the number of its client.
        faults: how many had gone wrong before it.
        is_alone: whether no other ran beside it.
        is_closed: its client was closed before its end.
        is_dead: its process was killed, so that nothing it would say counts.
    """

    tag: str
    what: str
    client: int
    began: float
    faults: int
    is_alone: bool = True
    is_closed: bool = False
    is_dead: bool = False
    task: "Task[Any] | None" = None


@define(eq=False)
class Judge:
    """Knows what was told; `lies` is what was not so."""

    region: FakeRegion
    lies: list[str] = field(factory=list[str])
    operations: dict[str, Operation] = field(factory=dict[str, Operation])
    ids: set[str] = field(factory=set[str])
    """Snapshots of which somebody was told."""
    unknown: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    """Tags and instances of which it was said that something may have been made."""
    nothing: set[tuple[str, str]] = field(factory=set[tuple[str, str]])
    """Tags and instances of which it was said that nothing was made."""
    renamed: dict[str, float] = field(factory=dict[str, float])
    """When somebody last gave a snapshot another name, ourselves included."""

    @property
    def now(self) -> float:
        return self.region.clock.monotonic()

    @property
    def fired(self) -> int:
        return self.region._plan.fired.total()

    def is_quiet(self, op: Operation) -> bool:
        """Whether nothing has gone wrong on the wire since it began."""
        return self.fired == op.faults

    def lie(self, op: Operation | None, text: str) -> None:
        who = f"{op.tag} ({op.what})" if op else "at the end"
        self.lies.append(f"{self.now:.1f} s: {who}: {text}")

    # Snapshots

    def record(self, op: Operation, told: Snapshot) -> SnapshotRecord | None:
        """The snapshot that was told of; that it is not, or another's, is a lie."""
        self.ids.add(told.id)
        record = self.region.state.snapshots.get(told.id)
        if record is None:
            self.lie(op, f"told of a snapshot {told.id} that never was")
        elif record.instance_id != told.instance_id:
            self.lie(op, f"told {told.id} as {told.instance_id}'s, it is {record.instance_id}'s")
            return None
        return record

    def complete(self, op: Operation, told: Snapshot) -> None:
        """It was told as complete: a look since the call began must have shown that."""
        record = self.record(op, told)
        if record is None:
            return
        switches = self.region.switches
        # A poll of that very moment may have been on its way for somebody else.
        since = [one for one in self.region.requests if one.at >= op.began]
        looks = [one for one in since if _is_look(one, record)]
        shown = [_truth.can_show_complete(record, one.at, switches) for one in looks]
        if not any(shown):
            self.lie(op, f"told complete, no look showed it: {_life(record)}, {len(looks)} looks")
        elif op.is_alone and self.is_quiet(op):
            # That the region's listing lacks it says nothing.
            there = [
                fine
                for one, fine in zip(looks, shown, strict=True)
                if one.path != _REGION or not (record.is_unlisted or record.gone_at <= one.at)
            ]
            if not there[-1]:
                self.lie(op, f"told complete, the last look showed otherwise: {_life(record)}")

    def not_complete(self, op: Operation, error: CivoError | None, told: Snapshot | None) -> None:
        """A wait or a run's member ended so."""
        if told is None or not told.id:
            return
        record = self.record(op, told)
        if record is None:
            return
        switches = self.region.switches
        if isinstance(error, SnapshotVanishedError) and not record.deleted:
            self.lie(op, f"told vanished, it is there: {_life(record)}")
        if isinstance(error, SnapshotFailedError) and not (
            record.deleted or _truth.is_failed(record, self.now, switches)
        ):
            self.lie(op, f"told failed, it is not: {_life(record)}")

    def made(self, op: Operation, instance_id: str, told: Snapshot) -> None:
        """A create returned this."""
        record = self.record(op, told)
        if record is None:
            return
        if record.instance_id != instance_id:
            self.lie(op, f"made of {instance_id}, told {record.instance_id}'s")
        if self.is_quiet(op) and record.description != op.tag:
            self.lie(op, f"told one of {record.description!r} as made: {_life(record)}")

    def may_have_made(self, op: Operation, instance_id: str) -> None:
        self.unknown.add((op.tag, instance_id))

    def made_nothing(self, op: Operation, instance_id: str) -> None:
        """It was said that nothing was made; what acts later must be told later."""
        self.nothing.add((op.tag, instance_id))
        for record in self.region.state.snapshots.values():
            if (record.description, record.instance_id) != (op.tag, instance_id):
                continue
            if record.id not in self.ids and not record.deleted:
                self.lie(op, f"told that nothing was made, there is {_life(record)}")

    # Creates and runs

    def refused(self, op: Operation, error: CivoError, instances: Iterable[str]) -> None:
        """A create, or a run as a whole, ended with an error."""
        if isinstance(error, OutcomeUnknownError):
            self.ids |= {one.id for one in error.candidates}
        for instance_id in instances:
            if error.may_have_acted or isinstance(error, OutcomeUnknownError):
                self.may_have_made(op, instance_id)
            else:
                self.made_nothing(op, instance_id)

    def run(self, op: Operation, run: FleetRun, *, adopts: bool = False) -> None:
        for outcome in run:
            self.outcome(op, outcome, adopts=adopts and not run.partial)

    def outcome(self, op: Operation, outcome: Outcome, *, adopts: bool = False) -> None:
        for further in outcome.duplicates:
            self.record(op, further)
        instance_id, told = outcome.instance_id, outcome.snapshot
        match outcome.kind:
            case OutcomeKind.COMPLETE:
                if told is None or outcome.error is not None:
                    self.lie(op, f"complete, with {told} and {outcome.error!r}")
                    return
                if told.instance_id != instance_id:
                    self.lie(op, f"{instance_id} told complete with {told.instance_id}'s")
                self.complete(op, told)
                if not outcome.adopted:
                    self.made(op, instance_id, told)
            case OutcomeKind.FAILED | OutcomeKind.TIMED_OUT | OutcomeKind.PENDING:
                self.not_complete(op, outcome.error, told)
            case OutcomeKind.UNKNOWN:
                self.may_have_made(op, instance_id)
                if told is not None:
                    self.record(op, told)
                if isinstance(outcome.error, OutcomeUnknownError):
                    self.ids |= {one.id for one in outcome.error.candidates}
                if adopts and self.is_quiet(op) and not op.is_closed:
                    self.lie(op, f"unknown, and nothing went wrong: {outcome.error}")
            case OutcomeKind.REFUSED | OutcomeKind.NOT_ATTEMPTED | OutcomeKind.QUEUED:
                if told is not None:
                    self.record(op, told)
                self.made_nothing(op, instance_id)

    # Deletions, restores, changes

    def deleting(self, op: Operation, snapshot_id: str) -> None:
        record = self.region.state.snapshots[snapshot_id]
        if not record.deleted:
            self.lie(op, f"told deleted, it is there: {_life(record)}")

    def gone(self, op: Operation, snapshot_id: str) -> None:
        record = self.region.state.snapshots[snapshot_id]
        if record.gone_at > self.now:
            self.lie(op, f"told gone, it is there: {_life(record)}")

    def not_there(self, op: Operation, error: CivoError, snapshot_id: str) -> None:
        """A call about a snapshot ended with an error; that there is none must be so."""
        record = self.region.state.snapshots[snapshot_id]
        is_about_it = isinstance(error, NotFoundError) and "snapshot_not_found" in error.code
        if is_about_it and not record.deleted and self.is_settled(record, op.began):
            self.lie(op, f"told not found, it is there: {_life(record)}")

    def is_settled(self, record: SnapshotRecord, at: float) -> bool:
        """Whether every read of this moment shows it."""
        switches = self.region.switches
        return record.created + switches.visible_after + switches.read_lag <= at

    def restored(self, op: Operation, told: Restore, instance: Instance) -> None:
        restore = self.region.state.restores[told.id]
        if restore.instance_id != instance.id:
            self.lie(op, f"told {instance.id} as restored, it was to be {restore.instance_id}")
        if restore.done_at > self.now:
            self.lie(op, f"told restored, it is done at {restore.done_at:.1f} s")

    def not_restored(self, op: Operation, error: CivoError) -> None:
        if error.may_have_acted:
            return
        for restore in self.region.state.restores.values():
            if restore.description == op.tag:
                self.lie(op, f"told that no restore began, there is {restore.id}: {error!r}")

    def changed(self, op: Operation, told: Snapshot, name: str) -> None:
        record = self.record(op, told)
        others = not op.is_alone or self.renamed.get(told.id, op.began) > op.began
        if record and record.name != name and not others:
            self.lie(op, f"told renamed to {name}, it is {record.name}")

    def not_changed(self, op: Operation, error: CivoError, told: Snapshot, name: str) -> None:
        record = self.region.state.snapshots[told.id]
        if not error.may_have_acted and record.name == name:
            self.lie(op, f"told that it was not renamed, it is: {error!r}")

    # The end of a client

    def closed(self, client: CivoClient, number: int) -> None:
        """Every snapshot that its requests have made must have been told by now."""
        open_names = set[tuple[str, str]]()
        for one in client.unresolved.creates:
            if one.snapshot is not None:
                self.ids.add(one.snapshot.id)
            elif one.error is None or one.error.may_have_acted:
                open_names.add((one.instance_id, one.name))
        for extra in client.unresolved.extra_snapshots:
            self.ids.add(extra.extra_id)
            if extra.extra_id not in self.region.state.snapshots:
                self.lie(None, f"told of an extra {extra.extra_id} that never was")
        for record in self.region.state.snapshots.values():
            op = self.operations.get(record.description)
            if op is None or op.client != number or op.is_dead or record.id in self.ids:
                continue
            name = record.name
            was_told = (op.tag, record.instance_id) in self.unknown
            was_told = was_told or (record.instance_id, name) in open_names
            cannot_be_found = record.deleted or record.id in self.renamed
            if not (was_told or cannot_be_found) and self.is_settled(record, self.now - 1):
                self.lie(op, f"made and told nowhere: {_life(record)}")


def _is_look(request: ReceivedRequest, record: SnapshotRecord) -> bool:
    """Whether it has shown the state of this snapshot, or that it is not there."""
    own = f"/v2/instances/{record.instance_id}/snapshots"
    if request.method == "POST":
        return request.path == own and request.status == 201 and request.at == record.created
    if request.method not in ("GET", "PUT") or request.status not in (200, 404):
        return False
    if request.path == _REGION:
        return request.status == 200
    return request.path in (own, f"{own}/{record.id}")


def _life(record: SnapshotRecord) -> str:
    volumes = ", ".join(
        f"{fate.done_at:.1f}{' fails' if fate.fails else ''}" for fate in record.volumes
    )
    told = f"{record.name} {record.id[:8]} by {record.description!r} at {record.created:.1f}"
    told += f", volumes {volumes}, says so at {record.complete_at:.1f}"
    if record.deleted_at is not None:
        told += f", deleted {record.deleted_at:.1f}, gone {record.gone_at:.1f}"
    return told
