"""What is so in a fake region, by API.md and the region's own table; never by the SDK's rules."""

from hashlib import sha256
from math import inf, nextafter

# The records of the fake's tables have no public place: a look at them is what this is about.
from civo_snapshots.testing._snapshot_record import SnapshotRecord
from civo_snapshots.testing._switches import Switches


def wire_name(run: str, instance_id: str) -> str:
    """The name of an instance's snapshot in a run, as `create_many` documents it."""
    return f"{run}-{sha256(instance_id.encode()).hexdigest()[:12]}"


def is_complete(record: SnapshotRecord, seen: float, switches: Switches) -> bool:
    """Whether what shows at this time is complete, with all that the snapshot holds.

    Where no volume is listed the snapshot's own state decides. One that was never listed is not
    finished, as far as it is told that the snapshot holds it.
    """
    if record.phase(seen) != "complete" or seen < record.status_from:
        return False
    listed = [fate for fate in record.volumes if seen >= fate.listed_at]
    if not listed or switches.volume_listing == "summary":
        return True
    told = record.volumes if switches.included_volumes == "listed" else tuple(listed)
    return all(fate in listed and seen >= fate.done_at and not fate.fails for fate in told)


def can_show_complete(record: SnapshotRecord, read_at: float, switches: Switches) -> bool:
    """Whether a read of this moment may have shown a snapshot that is complete.

    It may have come just before what else happens at that very moment.
    """
    times = {seen for at in (read_at, read_at - switches.read_lag) for seen in (at, _before(at))}
    return any(
        record.created + switches.visible_after <= seen < record.gone_at
        and is_complete(record, seen, switches)
        for seen in times
    )


def _before(at: float) -> float:
    return nextafter(at, -inf)


def is_failed(record: SnapshotRecord, now: float, switches: Switches) -> bool:
    """Whether it, or a volume of it, has failed; or it says complete and a volume never will."""
    broken = any(fate.fails and fate.done_at <= now for fate in record.volumes)
    at_last = max(now, record.done_at, record.status_from)
    never = record.phase(now) == "complete" and not is_complete(record, at_last, switches)
    return broken or never
