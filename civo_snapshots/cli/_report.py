"""What the command has found out, as plain data: the plan of a dry run, the report of a run."""

import json
from collections.abc import Mapping
from enum import IntEnum

from attrs import Factory, define, frozen

from ..errors import CivoError, short
from ..events import ExtraSnapshot
from ..models import Instance, Quota, Restore, Snapshot
from ..outcomes import FleetRun, OutcomeKind, UnresolvedCreate
from ._board import label_of


class Exit(IntEnum):
    """The exit codes; `--help` says what they mean."""

    OK = 0
    INCOMPLETE = 1
    WRONG_USE = 2
    INTERRUPTED = 130


@frozen
class Planned:
    """What would happen to one instance."""

    instance_id: str
    name: str
    instance: Instance | None = None
    existing: Snapshot | None = None
    error: CivoError | None = None

    @property
    def action(self) -> str:
        if self.error is not None:
            return "error"
        return "adopt" if self.existing else "create"

    @property
    def label(self) -> str:
        """What people call the instance, and how it is."""
        if self.instance is None:
            return ""
        return f"{label_of(self.instance)} ({short(self.instance.status)})"

    def as_dict(self) -> dict[str, object]:
        return {
            "instance_id": self.instance_id,
            "hostname": self.instance.hostname if self.instance else None,
            "status": self.instance.status if self.instance else None,
            "name": self.name,
            "action": self.action,
            "snapshot_id": self.existing.id if self.existing else None,
            "error": str(self.error) if self.error else None,
        }


@frozen
class Plan:
    """What would be done; nothing was changed to find it out."""

    name: str
    region: str
    items: tuple[Planned, ...]
    quota: Quota | None
    restore: str | None

    @property
    def to_create(self) -> int:
        return sum(item.error is None and item.existing is None for item in self.items)

    @property
    def fits(self) -> bool:
        """Whether the quota allows it, as far as it is known."""
        free = self.quota.free_snapshots if self.quota else None
        return free is None or free >= self.to_create

    @property
    def exit_code(self) -> Exit:
        fine = self.fits and all(item.error is None for item in self.items)
        return Exit.OK if fine else Exit.INCOMPLETE

    def as_dict(self) -> dict[str, object]:
        return {
            "dry_run": True,
            "name": self.name,
            "region": self.region,
            "quota_left": self.quota.free_snapshots if self.quota else None,
            "restore": self.restore,
            "instances": [item.as_dict() for item in self.items],
        }


@define
class Restoration:
    """A restore that was asked for, and how far it came."""

    hostname: str
    of_snapshot: str = ""
    restore: Restore | None = None
    instance: Instance | None = None
    error: CivoError | None = None

    def __str__(self) -> str:
        if self.instance is not None:
            return f"restored to {self.hostname}: instance {short(self.instance.id)} is active"
        if self.error is not None:
            return f"not restored to {self.hostname}: {self.error}"
        if self.restore is not None:
            return f"the restore to {self.hostname} was started and goes on"
        return f"the restore to {self.hostname} may have been started; look for that host name"

    def as_dict(self) -> dict[str, object]:
        return {
            "hostname": self.hostname,
            "snapshot_id": self.of_snapshot or None,
            "instance_id": self.instance.id if self.instance else None,
            "error": str(self.error) if self.error else None,
        }


@frozen
class Report:
    """The outcomes of a run.

    Attributes:
        labels: what people call the instances, by id.
        received: the requests by route, where the region's own count is known.
        unresolved: creates that an interruption left behind, and what became of them.
        extras: further snapshots of a name, found after a create was sent again.
    """

    run: FleetRun
    labels: Mapping[str, str]
    elapsed: float
    requests: int
    restoration: Restoration | None = None
    received: Mapping[str, int] = Factory(dict[str, int])
    unresolved: tuple[UnresolvedCreate, ...] = ()
    extras: tuple[ExtraSnapshot, ...] = ()

    @property
    def exit_code(self) -> Exit:
        done = all(outcome.kind is OutcomeKind.COMPLETE for outcome in self.run)
        fine = done and (self.restoration is None or self.is_restored)
        return Exit.OK if fine else Exit.INCOMPLETE

    @property
    def is_restored(self) -> bool:
        return self.restoration is not None and self.restoration.instance is not None

    @property
    def adds_up(self) -> bool:
        """Whether the client sent as many requests as the region received."""
        return self.requests == sum(self.received.values())

    @property
    def is_open(self) -> bool:
        """Whether the same name again might bring some of it further."""
        open_ones = (OutcomeKind.TIMED_OUT, OutcomeKind.UNKNOWN, OutcomeKind.NOT_ATTEMPTED)
        return any(out.kind in open_ones or not out.kind.is_end for out in self.run)

    def as_dict(self) -> dict[str, object]:
        return {
            **json.loads(self.run.to_json()),
            "restore": self.restoration.as_dict() if self.restoration else None,
            "unresolved": [
                {
                    "instance_id": left.instance_id,
                    "name": left.name,
                    "snapshot_id": left.snapshot.id if left.snapshot else None,
                    "error": str(left.error) if left.error else None,
                }
                for left in self.unresolved
            ],
            "extra_snapshots": [
                {
                    "instance_id": extra.instance_id,
                    "name": extra.name,
                    "snapshot_id": extra.snapshot_id,
                    "extra_id": extra.extra_id,
                    "told": str(extra),
                }
                for extra in self.extras
            ],
            "requests_sent": self.requests,
            "elapsed": round(self.elapsed, 3),
        }
