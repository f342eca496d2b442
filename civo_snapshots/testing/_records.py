"""What a fake region stores of instances, restores and schedules."""

from attrs import Factory, define, frozen

LONG_AGO = float("-inf")


@define(eq=False)
class Refusal:
    """The answer that creates on one instance get, for a number of times or for ever."""

    status: int
    code: str
    reason: str
    times: int | None

    def applies(self) -> bool:
        """Whether it refuses once more, counting this time."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@define(eq=False, kw_only=True)
class InstanceRecord:
    """One instance, and what a test wants to happen to its next snapshots.

    A restore is a time from `busy_from` to `busy_until`, with another status before, during and
    after it.
    """

    id: str
    hostname: str
    volume_ids: tuple[str, ...]
    tags: tuple[str, ...]
    private_ip: str
    public_ip: str
    network_id: str
    created_at: str
    size: str = "g4s.small"
    source_type: str = "diskimage"
    source_id: str = ""
    snapshot_id: str = ""
    shows_from: float = LONG_AGO
    settled_status: str = "ACTIVE"
    status_before: str = "ACTIVE"
    busy_status: str = "BUILDING"
    busy_from: float = LONG_AGO
    busy_until: float = LONG_AGO
    failing_volumes: set[int] = Factory(set[int])
    failures_stay_pending: bool = False
    refusal: Refusal | None = None

    def status(self, at: float) -> str:
        """What it is doing at this time."""
        if at < self.busy_from:
            return self.status_before
        return self.busy_status if at < self.busy_until else self.settled_status


@frozen(kw_only=True)
class RestoreRecord:
    """One restore; `instance_id` is the new instance, or the one that is overwritten."""

    id: str
    name: str
    instance_id: str
    snapshot_id: str
    hostname: str
    description: str
    private_ip: str
    overwrite_existing: bool
    includes_volumes: bool
    created_at: str
    done_at: float
    completed_at: str


@frozen
class ScheduledInstance:
    """An instance of a schedule, and the volumes that its snapshots hold."""

    id: str
    volume_ids: tuple[str, ...]


@define(eq=False, kw_only=True)
class ScheduleRecord:
    """One schedule; it runs when a test says so. `last` is its latest snapshot's id."""

    id: str
    name: str
    description: str
    cron_expression: str
    max_snapshots: int
    period: str
    instances: tuple[ScheduledInstance, ...]
    created_at: str
    paused: bool = False
    last: str = ""
    made: list[str] = Factory(list[str])
