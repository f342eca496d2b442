"""What a prune did."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

from attrs import frozen

from ..errors import CivoError, short
from .plan import FORMAT, SHOWN, PruneDecision, PrunePlan


class PruneKind(StrEnum):
    """How it ended for one snapshot that was to be deleted."""

    DELETED = "deleted"
    """The deletion was accepted."""
    """The deletion was accepted."""
    SKIPPED = "skipped"
    """It was left as it is: what was read just before did not fit the plan any more."""
    FAILED = "failed"
    """It could not be deleted, or not be judged."""
    """It could not be deleted, or not be judged."""


@frozen(repr=False)
class PruneOutcome:
    """How it ended for one snapshot that was to be deleted.

    Attributes:
        decision: what the plan says of it.
        kind: how it ended.
        reason: why it was skipped, or why it was to go.
        error: why it could not be deleted, or not be judged.
    """

    decision: PruneDecision
    kind: PruneKind
    reason: str
    error: CivoError | None = None

    def __repr__(self) -> str:
        name, whose = short(self.decision.name), short(self.decision.instance_id)
        return f"<{type(self).__name__} {self.kind} {name} of {whose}: {short(self.reason)}>"

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "instance_id": self.decision.instance_id,
            "snapshot_id": self.decision.snapshot_id,
            "name": self.decision.name,
            "kind": self.kind.value,
            "reason": self.reason,
            "error": str(self.error) if self.error else None,
            "error_type": type(self.error).__name__ if self.error else None,
        }


@frozen(repr=False)
class PruneReport:
    """What a prune did; iterate it for its outcomes.

    It prints as a short table of what was not deleted.

    Attributes:
        plan: what was to be done.
        outcomes: one for each of the plan's victims, in the plan's order.
    """

    plan: PrunePlan
    outcomes: tuple[PruneOutcome, ...] = ()

    def __iter__(self) -> Iterator[PruneOutcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many were deleted, skipped, and failed to be deleted."""
        found = Counter(outcome.kind for outcome in self.outcomes)
        return {kind.value: found[kind] for kind in PruneKind}

    def raise_for_failures(self) -> None:
        """Raise an `ExceptionGroup` of what could not be deleted; do nothing without any."""
        errors = [outcome.error for outcome in self.outcomes if outcome.error]
        if errors:
            total = len(self.outcomes)
            raise ExceptionGroup(f"{len(errors)} of {total} snapshots not deleted", errors)

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "format": FORMAT,
            "prefix": self.plan.prefix,
            "region": self.plan.region,
            "counts": dict(self.counts),
            "outcomes": [outcome.as_dict() for outcome in self.outcomes],
        }

    def to_json(self) -> str:
        """The report as a JSON document."""
        return json.dumps(self.as_dict())

    def __repr__(self) -> str:
        return f"<PruneReport {self._told()}>"

    def __str__(self) -> str:
        others = [one for one in self.outcomes if one.kind is not PruneKind.DELETED]
        lines = [f"{one.kind:7} {short(one.decision.name)}  {one.reason}" for one in others]
        more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        return "\n".join([self._told(), *lines[:SHOWN], *more])

    def _told(self) -> str:
        told = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        return f"{short(self.plan.prefix)} in {self.plan.region}: {told}"
