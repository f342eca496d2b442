"""Frozen records of what was asked and answered; none of them touches the network.

Fields that the server may leave out have defaults. State texts are kept as sent, and an instance's
secrets (passwords, tokens, scripts) are never read at all. What the server sends beyond the known
fields is in `extra`, which equality ignores: of everything that is asked for singly, of schedules
and of regions. Items of the long listings (snapshots, instances) mostly leave it empty, because to
look for it there would take half as much CPU again; `get()` one to have it.
"""

from .account import Instance, Quota, Region, Subnet, Volume
from .calls import Call, Page
from .extra import SECRETS, Extra, Record, has_extra, with_extra
from .fields import Identifier, Moment, Number
from .plain import as_plain, fields_as_plain, from_plain, record_from_plain
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
    id_and_state,
    oldest_first,
    state_of,
)

__all__ = [
    "SECRETS",
    "Acknowledgement",
    "Call",
    "Extra",
    "Identifier",
    "Instance",
    "LastSnapshot",
    "Moment",
    "Number",
    "Page",
    "Quota",
    "Record",
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
    "as_plain",
    "fields_as_plain",
    "from_plain",
    "has_extra",
    "id_and_state",
    "oldest_first",
    "record_from_plain",
    "state_of",
    "with_extra",
]
