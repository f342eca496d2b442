"""What a fan-out has to tell: one outcome per instance, and the run they belong to."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from attrs import frozen

from .errors import CivoError
from .models import Snapshot


class OutcomeKind(StrEnum):
    """The six ways it can end for one instance, and the two before an end."""

    COMPLETE = "complete"
    FAILED = "failed"
    """The snapshot, or one of its volumes, failed or vanished."""
    TIMED_OUT = "timed_out"
    """The snapshot exists; the run's time was over before it was finished."""
    UNKNOWN = "unknown"
    """A snapshot may exist; or it exists, and could not be looked at any more or did not settle."""
    REFUSED = "refused"
    """The API or the SDK said no: nothing was made."""
    NOT_ATTEMPTED = "not_attempted"
    """Nothing was sent."""
    PENDING = "pending"
    """The snapshot exists; how it ends is not known yet, or was not waited for."""
    QUEUED = "queued"
    """Nothing is known to exist: it is not its turn yet, or its create is on its way. Only while
    the run goes on: where it has stopped, this is `not_attempted` or `unknown`."""

    @property
    def is_end(self) -> bool:
        """Whether a run has nothing more to do for it."""
        return self not in (OutcomeKind.PENDING, OutcomeKind.QUEUED)


@frozen
class Outcome:
    """How it ended for one instance.

    Attributes:
        name: the snapshot's name on the wire.
        snapshot: the last record seen; None if no id is known.
        error: why it is not complete; None if it is, or if it has not ended.
        adopted: whether the snapshot existed before this run, or another run of the name made it
            meanwhile.
        duplicates: the further snapshots of this run and instance, as they were found: made by
            another process, by an attempt that died, or failed and repeated. Whose they are is
            not known. What a run finds at its very end is told by the whole run alone.
    """

    instance_id: str
    name: str
    kind: OutcomeKind
    snapshot: Snapshot | None = None
    error: CivoError | None = None
    adopted: bool = False
    duplicates: tuple[Snapshot, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "instance_id": self.instance_id,
            "name": self.name,
            "kind": self.kind.value,
            "snapshot_id": self.snapshot.id if self.snapshot else None,
            "state": self.snapshot.state if self.snapshot else None,
            "message": self.snapshot.message if self.snapshot else None,
            "adopted": self.adopted,
            "duplicates": [
                {
                    "snapshot_id": further.id,
                    "name": further.name,
                    "state": further.state,
                    "created_at": further.created_at.isoformat() if further.created_at else None,
                }
                for further in self.duplicates
            ],
            "error": str(self.error) if self.error else None,
            "error_type": type(self.error).__name__ if self.error else None,
        }


@frozen
class Unresolved:
    """A create that was in flight when its caller was cancelled.

    Attributes:
        snapshot: what it made, once that is known.
        error: why it made nothing, or that it cannot be known; None while it is being found out.
    """

    instance_id: str
    name: str
    snapshot: Snapshot | None = None
    error: CivoError | None = None


@frozen
class FleetRun:
    """The outcomes of a fan-out, one per input and in input order.

    Attributes:
        name: the run's name; the same name again continues it and creates nothing twice.
        partial: whether it is not over, or was cancelled or broken off.
    """

    name: str
    outcomes: tuple[Outcome, ...] = ()
    partial: bool = False

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many inputs there are of each kind."""
        found = Counter(outcome.kind for outcome in self.outcomes)
        return {kind.value: found[kind] for kind in OutcomeKind}

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that have ended and are not complete, each instance once."""
        return tuple(out for out in self._incomplete() if out.kind.is_end)

    @property
    def unfinished(self) -> tuple[Outcome, ...]:
        """The outcomes that have not ended (`pending`, `queued`), each instance once."""
        return tuple(out for out in self._incomplete() if not out.kind.is_end)

    def _incomplete(self) -> Collection[Outcome]:
        wrong = (out for out in self.outcomes if out.kind is not OutcomeKind.COMPLETE)
        return {outcome.instance_id: outcome for outcome in wrong}.values()

    @property
    def adopted(self) -> tuple[Outcome, ...]:
        """The outcomes whose snapshots existed before and were taken over, each instance once."""
        taken = (
            out for out in self.outcomes if out.adopted and out.kind is not OutcomeKind.REFUSED
        )
        return tuple({outcome.instance_id: outcome for outcome in taken}.values())

    @property
    def duplicates(self) -> tuple[Snapshot, ...]:
        """Every further snapshot of the run's names, each once."""
        return tuple({one.id: one for out in self.outcomes for one in out.duplicates}.values())

    def raise_for_failures(self) -> None:
        """Raise an `ExceptionGroup` of the typed errors of whatever is not complete, if anything.

        That includes what has not ended: only a run that is complete as a whole passes.
        """
        errors = [
            outcome.error or CivoError(f"{outcome.instance_id}: {outcome.kind}")
            for outcome in self._incomplete()
        ]
        if errors:
            total = len({outcome.instance_id for outcome in self.outcomes})
            raise ExceptionGroup(
                f"{len(errors)} of {total} snapshots of run {self.name} are not complete", errors
            )

    def to_json(self) -> str:
        """The whole run as a JSON document."""
        return json.dumps(
            {
                "name": self.name,
                "partial": self.partial,
                "counts": dict(self.counts),
                "adopted": len(self.adopted),
                "duplicates": len(self.duplicates),
                "outcomes": [outcome.as_dict() for outcome in self.outcomes],
            }
        )

    @staticmethod
    def of(error: BaseException) -> "FleetRun | None":
        """The partial run that a cancelled fan-out left on the exception or on one behind it.

        `asyncio.timeout()` for one raises a `TimeoutError` of its own in front of it.
        """
        seen: set[int] = set()
        current: BaseException | None = error
        while current is not None and id(current) not in seen:
            seen.add(id(current))
            run = vars(current).get("run")
            if isinstance(run, FleetRun):
                return run
            current = current.__cause__ or current.__context__
        return None

    def attach_to(self, error: BaseException) -> None:
        """Leave this run on an exception, for `of()`."""
        vars(error)["run"] = self
