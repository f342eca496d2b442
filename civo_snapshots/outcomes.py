"""What a fan-out has to tell: one outcome per instance, and the run they belong to."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self, cast

from attrs import field, frozen

from .errors import CivoError, InvalidArgumentError, chain_of, printable, short
from .models import Snapshot, fields_as_plain, record_from_plain

FORMAT = 1
"""Of a run's JSON; a higher number means that this release would misread it."""

_MOST_LINES = 20
"""Lines of a printed run about what is not complete."""


class OutcomeKind(StrEnum):
    """The six ways it can end for one instance, and the two before an end."""

    COMPLETE = "complete"
    """The snapshot and each of its volumes is complete."""
    """The snapshot and each of its volumes is complete."""
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


def _told(error: CivoError | None) -> str:
    """What makes two errors the same: exceptions themselves compare by identity."""
    return json.dumps(error.as_dict()) if error else ""


class _Travelling:
    """What has as_dict() and from_dict(); a snapshot that its error has as well is told once."""

    __slots__ = ()

    snapshot: Snapshot | None
    error: CivoError | None

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON: times as ISO 8601 text, the snapshot and the error as objects."""
        told = fields_as_plain(self)
        if self.error is not None and getattr(self.error, "snapshot", None) == self.snapshot:
            error = self.error.as_dict()
            told["error"] = {name: error[name] for name in error if name != "snapshot"}
        return told

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """What `as_dict()` told.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            ValueError: it cannot be one.
        """
        built = record_from_plain(cls, data)
        told = cast("Mapping[str, object]", data.get("error") or {})
        if hasattr(built.error, "snapshot") and "snapshot" not in told:
            vars(built.error)["snapshot"] = built.snapshot
        return built


@frozen(repr=False)
class Outcome(_Travelling):
    """How it ended for one instance.

    Two are equal also if their errors merely tell the same.

    Attributes:
        instance_id: the instance's.
        name: the snapshot's name on the wire.
        kind: how it ended, or how far it is.
        snapshot: the last record seen; None if no id is known.
        error: why it is not complete; None if it is, or if it has not ended.
        adopted: whether the snapshot existed before this run, or another run of the name made it
            meanwhile.
        duplicates: the further snapshots of this run and instance, as they were found: made by
            another process, by an attempt that died, or failed and repeated. Whose they are is not
            known. What a run finds at its very end is told by the whole run alone.
        region: the region's code.
        hostname: the instance's, if the run was given an `Instance`; else empty.
        started_at: when its create was first sent; None if it was not, as of what was adopted.
        accepted_at: when the create was answered, or what it made was found.
        ended_at: when the run that made or adopted it learnt its end; `wait_many()` leaves it as it
            is, because several may wait for the same one.
        attempts: how often its create was sent.
        quiesced: whether the instance was held by the run's `quiesce` until its create was
            answered; None if that was not asked for, or its create was not this run's.
    """

    instance_id: str
    name: str
    kind: OutcomeKind
    snapshot: Snapshot | None = None
    error: CivoError | None = field(default=None, eq=_told)
    adopted: bool = False
    duplicates: tuple[Snapshot, ...] = ()
    region: str = ""
    hostname: str = ""
    started_at: datetime | None = None
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    quiesced: bool | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        whose = short(self.hostname) or short(self.instance_id)
        which = (
            f" {short(self.snapshot.id)} ({short(self.snapshot.state)})" if self.snapshot else ""
        )
        why = f": {printable(self.error.message, 200)}" if self.error else ""
        return f"{self.kind} {whose}{which}{why}"


@frozen(repr=False)
class UnresolvedCreate(_Travelling):
    """A create that was in flight when its caller was cancelled.

    Attributes:
        instance_id: the instance's.
        name: the snapshot's name on the wire.
        snapshot: what it made, once that is known.
        error: why it made nothing, or that it cannot be known; None while it is being found out.
    """

    instance_id: str
    name: str
    snapshot: Snapshot | None = None
    error: CivoError | None = field(default=None, eq=_told)

    def __repr__(self) -> str:
        made = f"made {short(self.snapshot.id)}" if self.snapshot else "no snapshot known"
        why = f": {printable(self.error.message, 200)}" if self.error else ""
        what = f"{short(self.name)} of {short(self.instance_id)}, {made}{why}"
        return f"<{type(self).__name__} {what}>"


@frozen(repr=False)
class FleetRun:
    """The outcomes of a run, one per input and in input order; iterate it for them.

    Attributes:
        name: the run's name; the same name again continues it and creates nothing twice.
        outcomes: one for each input.
        partial: whether the call that it is of goes on, or was cancelled or broken off.
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

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON: every outcome, and the numbers of each kind."""
        return {
            "format": FORMAT,
            "name": self.name,
            "partial": self.partial,
            "counts": dict(self.counts),
            "adopted": len(self.adopted),
            "duplicates": len(self.duplicates),
            "outcomes": [outcome.as_dict() for outcome in self.outcomes],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Self:
        """The run that `as_dict()` told, equal to it.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            ValueError: it cannot be one, or is of a later format.
        """
        if data.get("format") != FORMAT:
            raise ValueError(f"a run of format {FORMAT} was expected, not {data.get('format')!r}")
        return record_from_plain(cls, data)

    def to_json(self) -> str:
        """The whole run as a JSON document, for a file, a queue or another process."""
        return json.dumps(self.as_dict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The run that `to_json()` told.

        Args:
            text: the JSON document.

        Raises:
            ValueError: it cannot be one, or is of a later format.
        """
        data: object = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError(f"expected an object, got {type(data).__name__}")
        return cls.from_dict(cast("dict[str, object]", data))

    @classmethod
    def merge(cls, *runs: "FleetRun") -> "FleetRun":
        """The outcomes of several runs in one, such as those of several regions or accounts.

        It has the names of all, and is partial if one of them is.

        Args:
            runs: one at least.
        """
        if not runs:
            raise InvalidArgumentError("merge() needs at least one run")
        return cls(
            ", ".join(dict.fromkeys(run.name for run in runs)),
            tuple(outcome for run in runs for outcome in run),
            any(run.partial for run in runs),
        )

    def __repr__(self) -> str:
        numbers = ", ".join(f"{number} {kind}" for kind, number in self.counts.items() if number)
        state = ", partial" if self.partial else ""
        return f"<{type(self).__name__} {short(self.name)}: {numbers or 'no instances'}{state}>"

    def __str__(self) -> str:
        """A short table: the numbers, and the first outcomes that are not complete."""
        state = ", partial" if self.partial else ""
        lines = [f"Run {short(self.name)}: {len(self)} instances{state}"]
        lines += [f"  {kind:<13} {number:>6}" for kind, number in self.counts.items() if number]
        lines.append(f"  {'adopted':<13} {len(self.adopted):>6}")
        lines.append(f"  {'duplicates':<13} {len(self.duplicates):>6}")
        told = (*self.failures, *self.unfinished)
        lines += [f"  {outcome}" for outcome in told[:_MOST_LINES]]
        if len(told) > _MOST_LINES:
            lines.append(f"  ... and {len(told) - _MOST_LINES} more")
        return "\n".join(lines)

    @staticmethod
    def of(error: BaseException) -> "FleetRun | None":
        """The partial run that a cancelled fan-out left on the exception, in a group, or behind it.

        `asyncio.timeout()` for one raises a `TimeoutError` of its own in front of it. Where a task
        group or `gather()` keeps the exception to itself, see `CivoClient.unresolved`.

        Args:
            error: what was caught.
        """
        runs = (vars(one).get("run") for one in chain_of(error))
        return next((run for run in runs if isinstance(run, FleetRun)), None)

    def attach_to(self, error: BaseException) -> None:
        """Leave this run on an exception, for `of()`.

        Args:
            error: the exception.
        """
        vars(error)["run"] = self
