"""What a fake region stores: records whose state follows from the time they are looked at."""

from typing import Literal, TypeAlias

from attrs import Factory, define, field, frozen

RegionIds: TypeAlias = Literal["outer", "inner", "name"]
Span: TypeAlias = tuple[float, float]

_LONG_AGO = float("-inf")


@frozen(kw_only=True)
class Behaviour:
    """How the regions of one fake behave; `FakeRegion` says what each option means."""

    region_codes: tuple[str, ...]
    duration: Span
    restore_duration: Span
    snapshot_limit: int
    region_ids: RegionIds
    region_listing: bool
    visible_after: float
    delete_takes: float
    empty_delete: bool
    pages_off_by: int
    null_per_page: bool
    clock_skew: float


@define(eq=False)
class Refusal:
    """The answer that creates on one instance get, for a number of times or for ever."""

    status: int
    code: str
    reason: str
    times: int | None


@define(eq=False, kw_only=True)
class InstanceRecord:
    """One instance, and what a test wants to happen to its next snapshots."""

    id: str
    hostname: str
    volume_ids: tuple[str, ...]
    tags: tuple[str, ...]
    private_ip: str
    public_ip: str
    network_id: str
    created_at: str
    size: str = "g4s.small"
    settled_status: str = "ACTIVE"
    busy_status: str = "BUILDING"
    busy_until: float = _LONG_AGO
    failing_volumes: set[int] = Factory(set[int])
    failures_stay_pending: bool = False
    refusal: Refusal | None = None

    def status(self, at: float) -> str:
        """What it is doing at this time."""
        return self.busy_status if at < self.busy_until else self.settled_status


@frozen
class VolumeFate:
    """When the snapshot of one volume ends, and how."""

    id: str
    done_at: float
    fails: bool

    def state(self, at: float) -> str:
        """Pending, and in the end Completed or Failed."""
        if at < self.done_at:
            return "Pending"
        return "Failed" if self.fails else "Completed"


@define(eq=False, kw_only=True)
class SnapshotRecord:
    """One snapshot; it stays on record after its deletion."""

    id: str
    listing_id: str  # the id of its item in the region-wide listing
    instance_id: str
    name: str
    description: str
    created: float
    created_at: str
    volumes: tuple[VolumeFate, ...]
    failure_stays_pending: bool = False
    deleted_at: float | None = None
    in_use_until: float = _LONG_AGO
    done_at: float = field(init=False)
    # JSON by shape, each with the number of ended volumes it was made for: a listing of
    # thousands of snapshots is mostly joined from texts made before.
    texts: dict[str, tuple[int, str]] = field(init=False, factory=dict[str, tuple[int, str]])

    def __attrs_post_init__(self) -> None:
        self.done_at = max((fate.done_at for fate in self.volumes), default=self.created)

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    def volumes_done(self, at: float) -> int:
        """How many volumes have ended, one way or the other."""
        if at >= self.done_at:
            return len(self.volumes)
        return sum(at >= fate.done_at for fate in self.volumes)

    def state(self, at: float) -> str:
        """Pending until its last volume has ended, then Complete or Failed."""
        if at < self.done_at:
            return "Pending"
        if not any(fate.fails for fate in self.volumes):
            return "Complete"
        return "Pending" if self.failure_stays_pending else "Failed"


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
    created_at: str


@define(eq=False, kw_only=True)
class ScheduleRecord:
    """One schedule; the fake keeps it but never runs it."""

    id: str
    name: str
    description: str
    cron_expression: str
    max_snapshots: int
    period: str
    instances: tuple[tuple[str, tuple[str, ...]], ...]  # instance id, volumes to include
    created_at: str
    paused: bool = False
