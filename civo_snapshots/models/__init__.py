"""Frozen records of what was asked and answered; none of them touches the network.

Fields that the server may leave out have defaults. State texts are kept as sent, and an instance's
secrets (passwords, tokens, scripts) are never read at all.
"""

from .account import Instance, Quota, Region, Subnet, Volume
from .calls import Call, Page
from .fields import Identifier, Moment, Number
from .snapshots import (
    Acknowledgement,
    LastSnapshot,
    RegionSnapshot,
    Restore,
    RestoreStatus,
    Retention,
    Schedule,
    ScheduledInstance,
    ScheduleStatus,
    Snapshot,
    SnapshotStatus,
    VolumeStatus,
    state_of,
)

__all__ = [
    "Acknowledgement",
    "Call",
    "Identifier",
    "Instance",
    "LastSnapshot",
    "Moment",
    "Number",
    "Page",
    "Quota",
    "Region",
    "RegionSnapshot",
    "Restore",
    "RestoreStatus",
    "Retention",
    "Schedule",
    "ScheduleStatus",
    "ScheduledInstance",
    "Snapshot",
    "SnapshotStatus",
    "Subnet",
    "Volume",
    "VolumeStatus",
    "state_of",
]
