"""The recorded bodies, the records that stand in them, and any other JSON like theirs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import fields
from hypothesis import strategies as st

from civo_snapshots._http import Response
from civo_snapshots.models import (
    Instance,
    LastSnapshot,
    Quota,
    Region,
    RegionSnapshot,
    Restore,
    RestoreStatus,
    Retention,
    Schedule,
    ScheduledInstance,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
    Volume,
    VolumeStatus,
)

PAYLOADS = Path(__file__).parents[1] / "payloads"

_LISTS = ("instances", "region_snapshots", "regions", "schedules", "snapshots")


def names(*, lists: bool) -> set[str]:
    """The recorded bodies that are no errors: those of lists, or all others."""
    found = {path.stem for path in PAYLOADS.iterdir() if not path.name.startswith("error_")}
    return {name for name in found if name.removeprefix("misfit_").startswith(_LISTS) is lists}


def answer(name: str, status: int = 200) -> Response:
    """A recorded body as an answer."""
    return Response(status, {}, (PAYLOADS / f"{name}.json").read_bytes())


AT = datetime(2025, 4, 1, 9, 11, 14, tzinfo=UTC)


def status(state: str, *volumes: tuple[str, str]) -> SnapshotStatus:
    return SnapshotStatus(state, tuple(VolumeStatus(*volume) for volume in volumes))


DOCUMENTED = Snapshot(
    id="snapshot-uuid",
    name="instance-snapshot-name",
    description="before the upgrade",
    included_volumes=("volume_uuid_1", "volume_uuid_2"),
    status=status("Pending", ("volume_uuid_1", "Completed"), ("volume_uuid_2", "Pending")),
    created_at=AT,
)
RESTORE = Restore(
    id="restore-123",
    name="restore-operation-123",
    hostname="my-new-instance-hostname",
    description="copy",
    from_snapshot="snapshot-123",
    private_ipv4="10.0.0.1",
    overwrite_existing=False,
    status=RestoreStatus("complete"),
    created_at=datetime(2022, 1, 1, 12, 0, tzinfo=UTC),
    completed_at=datetime(2022, 1, 1, 12, 5, tzinfo=UTC),
)
SCHEDULE = Schedule(
    id="schedule-1",
    name="nightly",
    description="every night",
    cron_expression="0 2 * * *",
    paused=False,
    retention=Retention(7),
    instances=(
        ScheduledInstance("i-1", "g3.small", ("v-1",)),
        ScheduledInstance("i-2", "g3.medium"),
    ),
    status=ScheduleStatus("active", LastSnapshot("s-1", "nightly-1", "Complete")),
    created_at=AT,
)
INSTANCE = Instance(
    id="i-1",
    hostname="db1",
    status="ACTIVE",
    region="LON1",
    network_id="net-1",
    private_ip="10.0.0.4",
    public_ip="203.0.113.9",
    size="g3.small",
    tags=("prod", "db"),
    attached_volumes=(Volume("v-1"),),
    created_at=AT,
)
INNER = Snapshot(
    id="s-1",
    name="nightly-0123456789ab",
    description="d",
    included_volumes=("v-1",),
    status=status("Complete", ("v-1", "Complete")),
    created_at=AT,
)
ITEM = RegionSnapshot("outer-1", "nightly-0123456789ab", "d", "instance", AT, INNER)


RECORDS: list[type[Any]] = [Snapshot, RegionSnapshot, Restore, Instance, Schedule, Region, Quota]
KEYS = sorted({part.name for record in RECORDS for part in fields(record)} | {"items", "page"})
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
"""Any JSON, often with keys that mean something."""
