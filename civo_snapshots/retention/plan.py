"""The plan of a prune: what goes and what stays, each with its reasons; as a table and as JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from ..errors import InvalidArgumentError, short
from ..models import fields_as_plain, from_plain
from ..states import Verdict

FORMAT = 1
SHOWN = 10
"""Rows of each kind in a printed plan."""


@frozen(repr=False)
class PruneDecision:
    """What becomes of one snapshot, and why.

    Attributes:
        instance_id: the instance's.
        snapshot_id: the snapshot's.
        name: the snapshot's.
        created_at: None where it is not known.
        verdict: what its states amounted to.
        keep: whether it stays.
        reasons: the rules that keep it, or why it goes.
        keeper_id: of one that goes, the snapshot that has to be complete still when it does; empty
            if the instance has no complete one, and this one has failed.
    """

    instance_id: str
    snapshot_id: str
    name: str
    created_at: datetime | None
    verdict: Verdict
    keep: bool
    reasons: tuple[str, ...]
    keeper_id: str = ""

    def __repr__(self) -> str:
        what = "keep" if self.keep else "delete"
        whose = f"{short(self.name)} of {short(self.instance_id)}"
        return f"<{type(self).__name__} {what} {whose}: {_brief(self.reasons)}>"

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return fields_as_plain(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> "PruneDecision":
        """The same again.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            InvalidArgumentError: it cannot be one.
        """
        created_at = data.get("created_at")
        return cls(
            instance_id=_of(data, "instance_id", str),
            snapshot_id=_of(data, "snapshot_id", str),
            name=_of(data, "name", str),
            created_at=None if created_at is None else _moment(data, "created_at"),
            verdict=_of(data, "verdict", Verdict),
            keep=_of(data, "keep", bool),
            reasons=_of(data, "reasons", tuple[str, ...]),
            keeper_id=_of(data, "keeper_id", str),
        )


@frozen(repr=False)
class PrunePlan:
    """What a prune would delete and keep; nothing is deleted by making one.

    It prints as a short table. The same region gives the same plan, in whatever order it is listed.
    Raises `InvalidArgumentError` if it would delete what no plan may.

    Attributes:
        prefix: of the runs whose snapshots these are.
        region: where it was made, and the only place where it may be carried out.
        made_at: when the region was read, on the server's clock.
        policy: the policy's text.
        decisions: one for each snapshot, by instance, the newest first.
        strangers: how many further snapshots in the region bear the prefix and were left alone,
            because their names do not prove that a run made them for an instance that there is.
    """

    prefix: str
    region: str
    made_at: datetime
    policy: str
    decisions: tuple[PruneDecision, ...] = ()
    strangers: int = 0

    def __attrs_post_init__(self) -> None:
        kept = {(one.instance_id, one.snapshot_id) for one in self.keepers}
        for one in self.victims:
            is_failed = one.verdict is Verdict.FAILED and not one.keeper_id
            if not (is_failed or (one.instance_id, one.keeper_id) in kept):
                raise InvalidArgumentError(
                    f"the plan deletes {short(one.snapshot_id)} and keeps no complete one for it"
                )
            if one.created_at is None or not one.verdict.is_terminal:
                raise InvalidArgumentError(
                    f"the plan deletes {short(one.snapshot_id)}, which is not finished or has no "
                    "known time"
                )

    @property
    def victims(self) -> tuple[PruneDecision, ...]:
        """What is to be deleted."""
        return tuple(one for one in self.decisions if not one.keep)

    @property
    def keepers(self) -> tuple[PruneDecision, ...]:
        """What stays."""
        return tuple(one for one in self.decisions if one.keep)

    def __repr__(self) -> str:
        victims = len(self.victims)
        return (
            f"<PrunePlan {short(self.prefix)} in {self.region}: {victims} to delete, "
            f"{len(self.decisions) - victims} to keep>"
        )

    def __str__(self) -> str:
        count = len({one.instance_id for one in self.decisions})
        lines = [
            f"{self.prefix} in {self.region} ({self.policy}): of {len(self.decisions)} snapshots "
            f"of {count} instances {len(self.victims)} to delete, {len(self.keepers)} to keep"
        ]
        for action, found in (("delete", self.victims), ("keep", self.keepers)):
            lines += [
                f"{action:7} {_when(one.created_at)}  {short(one.name):34}  {_brief(one.reasons)}"
                for one in found[:SHOWN]
            ]
            if len(found) > SHOWN:
                lines.append(f"{action:7} ... and {len(found) - SHOWN} more")
        if self.strangers:
            lines.append(f"left alone: {self.strangers} more whose names prove nothing")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON; `from_dict()` makes an equal plan of it."""
        return {"format": FORMAT, **fields_as_plain(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> "PrunePlan":
        """A plan that has travelled.

        Args:
            data: what `as_dict()` gave, after any journey through JSON.

        Raises:
            InvalidArgumentError: it cannot be one, deletes what no plan may, or is of a later
                format.
        """
        if data.get("format") != FORMAT:
            raise InvalidArgumentError(
                f"a plan has format {FORMAT}, not {data.get('format')!a:.40}"
            )
        return cls(
            prefix=_of(data, "prefix", str),
            region=_of(data, "region", str),
            made_at=_moment(data, "made_at"),
            policy=_of(data, "policy", str),
            decisions=_of(data, "decisions", tuple[PruneDecision, ...]),
            strangers=_of(data, "strangers", int),
        )

    def to_json(self) -> str:
        """The plan as a JSON document."""
        return json.dumps(self.as_dict())


def _of(data: Mapping[str, object], name: str, hint: Any) -> Any:
    try:
        return from_plain(hint, data.get(name))
    except InvalidArgumentError:
        raise
    except ValueError as error:
        raise InvalidArgumentError(f"{name} of a plan: {error}") from None


def _moment(data: Mapping[str, object], name: str) -> datetime:
    moment: datetime = _of(data, name, datetime)
    if moment.tzinfo is None:
        raise InvalidArgumentError(f"{name} of a plan must have a zone")
    return moment


def _brief(reasons: tuple[str, ...]) -> str:
    return ", ".join(map(short, reasons[:SHOWN]))


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "at unknown time"
