"""Frozen records of what was asked and answered; none of them touches the network.

Fields that the server may leave out have defaults. Unknown fields are ignored, state texts are
kept as sent, and an instance's secrets (passwords, tokens, scripts) are never read at all.
"""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Generic, TypeVar

import msgspec
from attrs import Factory, field, frozen

from . import states

T = TypeVar("T")

Identifier = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that is not empty, or it could not be asked for again."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone."""


@frozen
class Call:
    """What was asked when an error happened.

    Attributes:
        attempts: how many requests were sent or tried.
        elapsed: seconds from the start of the call.
        history: what the attempts before the last one ended with, oldest first.
        may_have_acted: how many of those attempts may have been acted upon.
    """

    method: str
    path: str
    region: str = ""
    attempts: int = 1
    elapsed: float = 0.0
    history: tuple[str, ...] = ()
    may_have_acted: int = 0

    def __str__(self) -> str:
        where = f" in {self.region}" if self.region else ""
        tries = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        before = f"; before: {' | '.join(self.history)}" if self.history else ""
        return f"{self.method} {self.path}{where}, {tries} in {self.elapsed:.1f} s{before}"


@frozen
class VolumeStatus:
    """One volume of a snapshot."""

    id: Identifier
    state: str = ""


state_of: Callable[[VolumeStatus], str] = attrgetter("state")


@frozen
class SnapshotStatus:
    """A snapshot's own state text and those of its volumes, empty right after a create.

    Attributes:
        message: what the snapshot does, or why it failed; untrusted text, mostly empty.
    """

    state: str = ""
    volumes: tuple[VolumeStatus, ...] = ()
    message: str = ""


@frozen
class Snapshot:
    """A snapshot of one instance (API page "Instance snapshots").

    Attributes:
        instance_id: filled in by the SDK, because the API's answer does not name the instance.
        created_at: UTC or as sent; None where the server sent none or Go's zero time.
    """

    id: Identifier
    name: str = ""
    description: str = ""
    included_volumes: tuple[str, ...] = ()
    status: SnapshotStatus = Factory(SnapshotStatus)
    created_at: Moment | None = None
    instance_id: str = ""

    @property
    def state(self) -> str:
        """The snapshot's own state, as the server spelled it."""
        return self.status.state

    @property
    def volumes(self) -> tuple[VolumeStatus, ...]:
        """The volumes the server listed, each with its state."""
        return self.status.volumes

    @property
    def message(self) -> str:
        """What the snapshot does, or why it failed, in the server's words; untrusted text."""
        return self.status.message

    @property
    def verdict(self) -> states.Verdict:
        """What the states amount to under the default table."""
        return self.judge(states.DEFAULT_STATES)

    def judge(self, table: states.StateTable) -> states.Verdict:
        """What the states amount to under the given table."""
        return states.verdict(self.state, (volume.state for volume in self.volumes), table)


@frozen
class RegionSnapshot:
    """An item of the region-wide listing.

    Attributes:
        instance: the inner object; whether its ``id`` or the outer one is the id that a create
            returned differs between deployments and is found out by the SDK.
    """

    id: Identifier
    name: str = ""
    description: str = ""
    resource_type: str = ""
    created_at: Moment | None = None
    instance: Snapshot | None = None


@frozen
class RestoreStatus:
    """How far a restore is."""

    state: str = ""


@frozen
class Restore:
    """The answer to a restore; its end is seen on the instance, not here.

    Attributes:
        instance_id: the snapshot's instance, filled in by the SDK.
    """

    id: Identifier
    name: str = ""
    hostname: str = ""
    description: str = ""
    from_snapshot: str = ""
    private_ipv4: str = ""
    overwrite_existing: bool = False
    status: RestoreStatus = Factory(RestoreStatus)
    created_at: Moment | None = None
    completed_at: Moment | None = None
    instance_id: str = ""


@frozen
class Volume:
    """A volume attached to an instance."""

    id: Identifier


@frozen
class Instance:
    """A compute instance (API page "Instances"), without its secrets."""

    id: Identifier
    hostname: str = ""
    status: str = ""
    region: str = ""
    network_id: str = ""
    private_ip: str = ""
    public_ip: str = ""
    size: str = ""
    tags: tuple[str, ...] = ()
    attached_volumes: tuple[Volume, ...] = ()
    created_at: Moment | None = None


@frozen
class Retention:
    """How many snapshots a schedule keeps (1 to 10), and optionally for how long ("48h")."""

    max_snapshots: int = 0
    period: str = ""


@frozen
class ScheduledInstance:
    """An instance that a schedule snapshots."""

    id: Identifier
    size: str = ""
    included_volumes: tuple[str, ...] = ()


@frozen
class LastSnapshot:
    """What a schedule made last; empty texts before its first run."""

    id: str = ""
    name: str = ""
    state: str = ""


@frozen
class ScheduleStatus:
    """Whether a schedule is active, and what it made last."""

    state: str = ""
    last_snapshot: LastSnapshot = Factory(LastSnapshot)


@frozen
class Schedule:
    """A snapshot schedule (API page "Snapshot schedules")."""

    id: Identifier
    name: str = ""
    description: str = ""
    cron_expression: str = ""
    paused: bool = False
    retention: Retention = Factory(Retention)
    instances: tuple[ScheduledInstance, ...] = ()
    status: ScheduleStatus = Factory(ScheduleStatus)
    created_at: Moment | None = None


@frozen
class Region:
    """A region (API page "Regions")."""

    code: Identifier
    name: str = ""
    type: str = ""
    country: str = ""
    country_name: str = ""
    out_of_capacity: bool = False
    default: bool = False
    features: dict[str, bool] = field(factory=dict[str, bool], hash=False)


@frozen
class Quota:
    """The part of the account's quota that snapshots use; None where the server sent none."""

    disk_snapshot_count_limit: int | None = None
    disk_snapshot_count_usage: int | None = None

    @property
    def free_snapshots(self) -> int | None:
        """How many snapshots may still be made."""
        if self.disk_snapshot_count_limit is None or self.disk_snapshot_count_usage is None:
            return None
        return max(0, self.disk_snapshot_count_limit - self.disk_snapshot_count_usage)


@frozen
class Acknowledgement:
    """That a delete was accepted; the quota is freed later, when it completes.

    Attributes:
        already_gone: the object was missing when an earlier, unanswered attempt was repeated.
    """

    result: str = "success"
    already_gone: bool = False


@frozen
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        number: the page that was asked for, from 1.
        echoed: the page the server says it sent; None if it does not say.
        pages: how many pages the server promises; None if it does not say.
        per_page: the page size the server says it used; None if it does not say.
    """

    number: int
    items: tuple[T, ...]
    echoed: int | None = None
    pages: int | None = None
    per_page: int | None = None
