"""What a fan-out has to tell: one outcome per instance, and the run they belong to."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import cast

from attrs import frozen

from .errors import CivoError
from .models import Snapshot


class OutcomeKind(StrEnum):
    """The six ways it can end for one instance."""

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


@frozen
class Outcome:
    """How it ended for one instance.

    Attributes:
        name: the snapshot's name on the wire.
        snapshot: the last record seen; None if no id is known.
        error: why it is not complete; None if it is.
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
class UnresolvedCreate:
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
        """How many inputs ended in each of the six kinds."""
        found = Counter(outcome.kind for outcome in self.outcomes)
        return {kind.value: found[kind] for kind in OutcomeKind}

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that are not complete, each instance once."""
        wrong = (out for out in self.outcomes if out.kind is not OutcomeKind.COMPLETE)
        return tuple({outcome.instance_id: outcome for outcome in wrong}.values())

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
        """Raise an `ExceptionGroup` of every failure's typed error; do nothing without any."""
        errors = [
            outcome.error or CivoError(f"{outcome.instance_id}: {outcome.kind}")
            for outcome in self.failures
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
        """The partial run that a cancelled fan-out left on the exception, in a group, or behind it.

        `asyncio.timeout()` for one raises a `TimeoutError` of its own in front of it. Where a task
        group or `gather()` keeps the exception to itself, see `CivoClient.unresolved`.
        """
        seen: set[int] = set()
        left: list[BaseException | None] = [error]
        while left:
            current = left.pop(0)
            if current is None or id(current) in seen:
                continue
            seen.add(id(current))
            run = vars(current).get("run")
            if isinstance(run, FleetRun):
                return run
            if isinstance(current, BaseExceptionGroup):
                left += cast("BaseExceptionGroup[BaseException]", current).exceptions
            left.append(current.__cause__ or current.__context__)
        return None

    def attach_to(self, error: BaseException) -> None:
        """Leave this run on an exception, for `of()`."""
        vars(error)["run"] = self
