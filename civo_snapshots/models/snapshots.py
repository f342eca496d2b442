"""Snapshots, restores and schedules."""

from collections.abc import Callable
from operator import attrgetter

from attrs import Factory, frozen

from .. import states
from .extra import Record
from .fields import Identifier, Moment


@frozen(repr=False)
class VolumeStatus(Record):
    """One volume of a snapshot.

    Attributes:
        id: the server's id.
        state: as the server spelled it; empty where it sent none.
    """

    id: Identifier
    state: str = ""


state_of: Callable[[object], str] = attrgetter("state")
id_and_state: Callable[[object], tuple[str, str]] = attrgetter("id", "state")


@frozen(repr=False)
class SnapshotStatus(Record):
    """A snapshot's own state text and those of its volumes, empty right after a create.

    Attributes:
        state: as the server spelled it.
        volumes: those that the server lists.
        message: what the snapshot does, or why it failed; untrusted text, mostly empty.
    """

    state: str = ""
    volumes: tuple[VolumeStatus, ...] = ()
    message: str = ""


@frozen(repr=False)
class Snapshot(Record):
    """A snapshot of one instance (API page "Instance snapshots").

    Attributes:
        id: the server's id.
        name: as it was sent by a create, or changed since.
        description: any text.
        included_volumes: ids of the volumes that it holds, as far as the server tells.
        status: its state and those of its volumes; see `state` and `volumes`.
        created_at: UTC or as sent; None where the server sent none or Go's zero time.
        instance_id: filled in by the SDK, because the API's answer does not name the instance.
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
        """What the states amount to under the default table; see `judge()`."""
        return self.judge(states.DEFAULT_STATES)

    def judge(self, table: states.StateTable) -> states.Verdict:
        """What the states amount to under the given table.

        Settling is a snapshot that says complete while a volume of it is not, or was not listed
        though others were.

        Args:
            table: what each state text means, in lower case.
        """
        volumes = map(id_and_state, self.volumes)
        return states.verdict(self.state, volumes, self.included_volumes, table)


def oldest_first(snapshot: Snapshot) -> float:
    """The sort key for "the oldest snapshot": one without a date comes first."""
    # Not the text of the time: its order says nothing where offsets differ.
    return snapshot.created_at.timestamp() if snapshot.created_at else float("-inf")


@frozen(repr=False)
class RegionSnapshot(Record):
    """An item of the region-wide listing.

    Attributes:
        id: the server's id.
        name: of the snapshot.
        description: any text.
        resource_type: what it is a snapshot of, such as "instance".
        created_at: None where the server sent none.
        instance: the inner object; whether its `id` or the outer one is the id that a create
            returned differs between deployments and is found out by the SDK.
    """

    id: Identifier
    name: str = ""
    description: str = ""
    resource_type: str = ""
    created_at: Moment | None = None
    instance: Snapshot | None = None


@frozen(repr=False)
class RestoreStatus(Record):
    """How far a restore is.

    Attributes:
        state: as the server spelled it.
    """

    state: str = ""


@frozen(repr=False)
class Restore(Record):
    """The answer to a restore; its end is seen on the instance, not here.

    Attributes:
        id: the server's id.
        name: the restore's own.
        hostname: of the instance that it makes; of an overwritten one, what the server tells.
        description: any text.
        from_snapshot: id of the snapshot, as the server tells it.
        private_ipv4: the instance's address; empty where the server tells none.
        overwrite_existing: whether the original instance is overwritten.
        status: how far it was when this was answered.
        created_at: when it was asked for; None where the server sent none.
        completed_at: when it was over; None while it runs.
        instance_id: the snapshot's instance, filled in by the SDK.
        namesakes: ids of the instances that bore the hostname before, filled in by the SDK; None if
            that is not known.
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
    namesakes: tuple[str, ...] | None = None


@frozen(repr=False)
class Retention(Record):
    """How many snapshots a schedule keeps, and optionally for how long.

    Attributes:
        max_snapshots: of each instance, 1 to 10; beyond them the oldest is deleted.
        period: such as "48h"; empty if there is none.
    """

    max_snapshots: int = 0
    period: str = ""


@frozen(repr=False)
class ScheduledInstance(Record):
    """An instance that a schedule snapshots.

    Attributes:
        id: the instance's.
        size: the instance's.
        included_volumes: ids of the volumes that are taken with it, where the server tells them.
    """

    id: Identifier
    size: str = ""
    included_volumes: tuple[str, ...] = ()


@frozen(repr=False)
class LastSnapshot(Record):
    """What a schedule made last; empty texts before its first run.

    Attributes:
        id: the snapshot's.
        name: the snapshot's.
        state: as the server spelled it.
    """

    id: str = ""
    name: str = ""
    state: str = ""


@frozen(repr=False)
class ScheduleStatus(Record):
    """Whether a schedule is active, and what it made last.

    Attributes:
        state: as the server spelled it, such as "active".
        last_snapshot: what it made last.
    """

    state: str = ""
    last_snapshot: LastSnapshot = Factory(LastSnapshot)


@frozen(repr=False)
class Schedule(Record):
    """A snapshot schedule (API page "Snapshot schedules").

    Attributes:
        id: the server's id.
        name: of the schedule.
        description: any text.
        cron_expression: when it runs, in the server's own syntax.
        paused: whether it makes nothing for now.
        retention: how many snapshots it keeps.
        instances: what it snapshots.
        status: whether it is active, and what it made last.
        created_at: None where the server sent none.
    """

    id: Identifier
    name: str = ""
    description: str = ""
    cron_expression: str = ""
    paused: bool = False
    retention: Retention = Factory(Retention)
    instances: tuple[ScheduledInstance, ...] = ()
    status: ScheduleStatus = Factory(ScheduleStatus)
    created_at: Moment | None = None


@frozen(repr=False)
class Acknowledgement(Record):
    """That a delete was accepted; the quota is freed later, when it completes.

    Attributes:
        result: the server's word for it.
        already_gone: the object was missing when an earlier, unanswered attempt was repeated, or
            when a missing one was allowed.
    """

    result: str = "success"
    already_gone: bool = False
