"""The state of one fake region, as a function of time: no I/O, no tasks."""

import random
import uuid
from collections.abc import Sequence

from attrs import evolve

from civo_snapshots.testing._clock import Calendar, RegionClock
from civo_snapshots.testing._codes import usual_status
from civo_snapshots.testing._records import (
    LONG_AGO,
    InstanceRecord,
    Refusal,
    RestoreRecord,
    ScheduleRecord,
)
from civo_snapshots.testing._snapshot_record import NEVER, SnapshotRecord, VolumeFate, words_of
from civo_snapshots.testing._snapshot_table import SnapshotTable
from civo_snapshots.testing._switches import Switches


class RegionState:
    """Everything one region holds.

    Tests may read the tables: `instances`, `snapshots` (deleted ones too), `restores` and
    `schedules`, each by id. Times (`at`) are seconds on the injected clock and never decrease
    from call to call.
    """

    def __init__(
        self, code: str, switches: Switches, *, clock: RegionClock, seed: int, calendar: Calendar
    ) -> None:
        self.code = code
        self.switches = switches
        self.calendar = calendar
        self.table = SnapshotTable(switches)
        self.instances: dict[str, InstanceRecord] = {}
        self.restores: dict[str, RestoreRecord] = {}
        self.schedules: dict[str, ScheduleRecord] = {}
        self.quota_locked_until = LONG_AGO
        # The schedules as they were up to a time, for reads that lag behind.
        self._earlier_schedules: list[tuple[float, dict[str, ScheduleRecord]]] = []
        # Ids and durations; what the switches draw has a series of its own, so that no switch
        # changes an id.
        self.random = random.Random(f"{seed} {code}")
        self.dice = random.Random(f"{seed} {code} switches")
        self._clock = clock
        self._network_id = self.new_id()
        self._addresses = 1

    @property
    def snapshots(self) -> dict[str, SnapshotRecord]:
        """Every snapshot there ever was, by its id."""
        return self.table.by_id

    def new_id(self) -> str:
        """A seeded id that looks like the API's."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def timestamp(self, at: float) -> str:
        """This time on the backend's calendar, as the API gives it."""
        return self.calendar.backend(at)

    def seen_at(self, at: float) -> float:
        """The time that a read of this moment shows: the server decides, not a connection."""
        lag = self.switches.read_lag
        if lag and (
            self.switches.stale_share >= 1 or self.dice.random() < self.switches.stale_share
        ):
            return at - lag
        return at

    # What tests arrange

    def add_instance(
        self,
        hostname: str | None = None,
        *,
        volumes: int = 2,
        tags: Sequence[str] = (),
        status: str = "ACTIVE",
        private_ip: str | None = None,
    ) -> str:
        """Put one more instance into the region and return its id."""
        self._addresses += 1
        number = self._addresses
        host = f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        skew = self.switches.instance_skew
        instance = InstanceRecord(
            id=self.new_id(),
            hostname=hostname or f"instance-{len(self.instances) + 1}",
            volume_ids=tuple(self.new_id() for _ in range(volumes)),
            tags=tuple(tags),
            private_ip=private_ip or f"10.{host}",
            public_ip=f"74.{host}",
            network_id=self._network_id,
            created_at=self.calendar.backend(self._clock.monotonic(), more=skew),
            source_id=f"fake-disk-image-{number % 3}",
            settled_status=status,
            status_before=status,
        )
        self.instances[instance.id] = instance
        return instance.id

    def remove_instance(self, instance_id: str) -> None:
        """Take an instance away; what was made of it stays in the region-wide listing."""
        del self.instances[instance_id]

    def add_stranger(
        self,
        name: str,
        instance_id: str | None = None,
        *,
        age: float = 0.0,
        state: str = "complete",
        description: str = "",
    ) -> SnapshotRecord:
        """Put in a snapshot that somebody else made, under any name.

        It is `age` seconds old and "complete", "failed" or "pending" for ever; without an
        instance it is the first one's.
        """
        if state not in ("complete", "failed", "pending"):
            raise ValueError(f"a stranger is complete, failed or pending, not {state!r}")
        instance = self.instances[instance_id or next(iter(self.instances))]
        at = self._clock.monotonic() - age
        done_at = NEVER if state == "pending" else at
        volumes = instance.volume_ids or (self.new_id(),)
        fates = tuple(VolumeFate(volume, done_at, state == "failed") for volume in volumes)
        return self._add_snapshot(
            instance, name, description, at=at, fates=fates, is_strangers=True
        )

    def fail_volume(self, instance_id: str, index: int = 0, *, leave_pending: bool = False) -> None:
        """Let this volume fail in the next snapshots, which may stay Pending themselves."""
        instance = self.instances[instance_id]
        if not 0 <= index < len(instance.volume_ids):
            raise IndexError(f"instance {instance_id} has no volume {index}")
        instance.failing_volumes.add(index)
        instance.failures_stay_pending = leave_pending

    def refuse_create(
        self,
        instance_id: str,
        code: str = "database_instance_snapshot_too_big",
        *,
        status: int | None = None,
        reason: str = "refused by the test",
        times: int | None = None,
    ) -> None:
        """Refuse snapshots of this instance, so many times or for ever.

        Without a status, the code has its usual one.
        """
        status = usual_status(code) if status is None else status
        self.instances[instance_id].refusal = Refusal(status, code, reason, times)

    def heal(self, instance_id: str) -> None:
        """Take back `fail_volume` and `refuse_create`."""
        instance = self.instances[instance_id]
        instance.failing_volumes.clear()
        instance.refusal = None

    # Snapshots

    def create_snapshot(
        self,
        instance: InstanceRecord,
        name: str | None,
        description: str,
        at: float,
        volume_ids: Sequence[str] | None = None,
    ) -> SnapshotRecord:
        """Start a snapshot of every volume, or of these; each takes its own time."""
        switches = self.switches
        fates: list[VolumeFate] = []
        wanted = instance.volume_ids if volume_ids is None else volume_ids
        snapshot_id = self.new_id()
        listing_id = snapshot_id if switches.region_ids == "outer" else self.new_id()
        for index, volume_id in enumerate(instance.volume_ids):
            if volume_id not in wanted:
                continue
            takes = self.random.uniform(*switches.duration)
            fails = index in instance.failing_volumes
            if switches.failure_rate:
                fails |= self.dice.random() < switches.failure_rate
            fates.append(VolumeFate(volume_id, at + takes, fails))
        match switches.volume_listing:
            case "late":
                # Half of its own time is never after its end.
                fates = [evolve(one, listed_at=(at + one.done_at) / 2) for one in fates]
            case "partial" if fates:
                fates[-1] = evolve(fates[-1], listed_at=NEVER)
            case "none" | "summary":
                fates = [evolve(one, listed_at=NEVER) for one in fates]
            case _:
                pass
        return self._add_snapshot(
            instance,
            name,
            description,
            at=at,
            fates=tuple(fates),
            snapshot_id=snapshot_id,
            listing_id=listing_id,
        )

    def update_snapshot(
        self, record: SnapshotRecord, name: str | None, description: str | None, at: float
    ) -> None:
        """Change what is not None."""
        record.rename(
            record.name if name is None else name,
            record.description if description is None else description,
            at,
            lag=self.switches.read_lag,
        )

    def count_snapshots(self, at: float) -> int:
        """How many count in the quota."""
        return self.table.count(at)

    def _add_snapshot(
        self,
        instance: InstanceRecord,
        name: str | None,
        description: str,
        *,
        at: float,
        fates: tuple[VolumeFate, ...],
        snapshot_id: str = "",
        listing_id: str = "",
        is_strangers: bool = False,
    ) -> SnapshotRecord:
        switches = self.switches
        snapshot_id = snapshot_id or self.new_id()
        outer = switches.region_ids == "outer"
        record = SnapshotRecord(
            id=snapshot_id,
            listing_id=listing_id or (snapshot_id if outer else self.new_id()),
            instance_id=instance.id,
            name=name or f"snapshot-{snapshot_id[:8]}",
            description=description,
            created=at,
            created_at=self.timestamp(at),
            captured_at=at + switches.capture_after,
            volumes=fates,
            words=words_of(switches.states, self.dice),
            complete_early=switches.complete_early,
            failure_stays_pending=instance.failures_stay_pending,
            shows_deleting=switches.shows_deleting,
            status_from=at + switches.empty_status if switches.empty_status else LONG_AGO,
            is_strangers=is_strangers,
            is_unlisted=bool(switches.listing_gaps) and self.dice.random() < switches.listing_gaps,
        )
        self.table.add(record)
        return record

    # Schedules

    def keep_schedules(self, at: float) -> None:
        """Let reads that lag see the schedules as they are now; to be called before a change."""
        lag = self.switches.read_lag
        if lag:
            kept = [one for one in self._earlier_schedules if one[0] > at - lag]
            now = {key: evolve(schedule) for key, schedule in self.schedules.items()}
            self._earlier_schedules = [*kept, (at, now)]

    def schedules_at(self, seen: float) -> dict[str, ScheduleRecord]:
        """The schedules as a read shows them."""
        for until, schedules in self._earlier_schedules:
            if seen < until:
                return schedules
        return self.schedules
