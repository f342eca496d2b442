"""The state of one fake region, as a function of time: no I/O, no tasks."""

import random
import uuid
from collections import deque
from collections.abc import Collection, Sequence
from datetime import timedelta

from civo_snapshots._clock import Clock
from civo_snapshots.testing._records import (
    Behaviour,
    InstanceRecord,
    Refusal,
    RestoreRecord,
    ScheduleRecord,
    SnapshotRecord,
    VolumeFate,
)


class RegionState:
    """Everything one region holds.

    Tests may read the tables: `instances`, `snapshots` (deleted ones too), `restores` and
    `schedules`, each by id. Times (`at`) are seconds on the injected clock and never decrease
    from call to call.
    """

    def __init__(self, code: str, behaviour: Behaviour, *, clock: Clock, seed: int) -> None:
        self.code = code
        self.behaviour = behaviour
        self.instances: dict[str, InstanceRecord] = {}
        self.snapshots: dict[str, SnapshotRecord] = {}
        self.restores: dict[str, RestoreRecord] = {}
        self.schedules: dict[str, ScheduleRecord] = {}
        self._random = random.Random(f"{seed} {code}")
        self._clock = clock
        skew = timedelta(seconds=behaviour.clock_skew - clock.monotonic())
        self._server_epoch = clock.now() + skew
        self._network_id = self.new_id()
        self._addresses = 1
        # The snapshots not yet gone, by instance and by listing id, in the order of creation.
        self._by_instance: dict[str, dict[str, SnapshotRecord]] = {}
        self._listed: dict[str, SnapshotRecord] = {}
        self._leaving: deque[tuple[float, SnapshotRecord]] = deque()

    def new_id(self) -> str:
        """A seeded id that looks like the API's."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def timestamp(self, at: float) -> str:
        """This time on the server's calendar clock, in whole seconds as the API gives it."""
        return f"{self._server_epoch + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}"

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
        instance = InstanceRecord(
            id=self.new_id(),
            hostname=hostname or f"instance-{len(self.instances) + 1}",
            volume_ids=tuple(self.new_id() for _ in range(volumes)),
            tags=tuple(tags),
            private_ip=private_ip or f"10.{host}",
            public_ip=f"74.{host}",
            network_id=self._network_id,
            created_at=self.timestamp(self._clock.monotonic()),
            settled_status=status,
        )
        self.instances[instance.id] = instance
        return instance.id

    def remove_instance(self, instance_id: str) -> None:
        """Take an instance away; what was made of it stays in the region-wide listing."""
        del self.instances[instance_id]

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
        status: int = 400,
        reason: str = "refused by the test",
        times: int | None = None,
    ) -> None:
        """Refuse snapshots of this instance, so many times or for ever."""
        self.instances[instance_id].refusal = Refusal(status, code, reason, times)

    def heal(self, instance_id: str) -> None:
        """Take back `fail_volume` and `refuse_create`."""
        instance = self.instances[instance_id]
        instance.failing_volumes.clear()
        instance.refusal = None

    # Snapshots

    def create_snapshot(
        self, instance: InstanceRecord, name: str | None, description: str, at: float
    ) -> SnapshotRecord:
        """Start a snapshot of every volume; each takes its own time."""
        snapshot_id = self.new_id()
        outer = self.behaviour.region_ids == "outer"
        record = SnapshotRecord(
            id=snapshot_id,
            listing_id=snapshot_id if outer else self.new_id(),
            instance_id=instance.id,
            name=name or f"snapshot-{snapshot_id[:8]}",
            description=description,
            created=at,
            created_at=self.timestamp(at),
            volumes=tuple(
                VolumeFate(
                    volume_id,
                    at + self._random.uniform(*self.behaviour.duration),
                    index in instance.failing_volumes,
                )
                for index, volume_id in enumerate(instance.volume_ids)
            ),
            failure_stays_pending=instance.failures_stay_pending,
        )
        self.snapshots[record.id] = record
        self._by_instance.setdefault(instance.id, {})[record.id] = record
        self._listed[record.listing_id] = record
        return record

    def count_snapshots(self, at: float) -> int:
        """How many count in the quota: also those not visible yet, or on their way out."""
        self._drop_gone(at)
        return len(self._listed)

    def shown_snapshots(
        self, at: float, instance_id: str | None = None
    ) -> Collection[SnapshotRecord]:
        """What a listing shows, of one instance or of the whole region."""
        self._drop_gone(at)
        table = self._table(instance_id)
        if not self.behaviour.visible_after:
            return table.values()
        return [record for record in table.values() if self._is_visible(record, at)]

    def find_snapshot(
        self, key: str, at: float, instance_id: str | None = None, *, to_read: bool = False
    ) -> SnapshotRecord | None:
        """By id (region-wide: by the listing's id) or by name; reads may not see it yet."""
        self._drop_gone(at)
        table = self._table(instance_id)
        record = table.get(key) or next((r for r in table.values() if r.name == key), None)
        if record and to_read and not self._is_visible(record, at):
            return None
        return record

    def delete_snapshot(self, record: SnapshotRecord, at: float) -> None:
        """Start to delete; it shows and counts until the deletion is done."""
        if not record.deleted:
            record.deleted_at = at
            self._leaving.append((at + self.behaviour.delete_takes, record))

    def _table(self, instance_id: str | None) -> dict[str, SnapshotRecord]:
        return self._listed if instance_id is None else self._by_instance.get(instance_id, {})

    def _is_visible(self, record: SnapshotRecord, at: float) -> bool:
        return at >= record.created + self.behaviour.visible_after

    def _drop_gone(self, at: float) -> None:
        # Each takes the same time to go, so the first to leave is the first gone.
        while self._leaving and self._leaving[0][0] <= at:
            record = self._leaving.popleft()[1]
            del self._by_instance[record.instance_id][record.id]
            del self._listed[record.listing_id]

    # Restores

    def restore(
        self,
        record: SnapshotRecord,
        target: InstanceRecord | None,
        *,
        hostname: str | None,
        description: str,
        private_ip: str | None,
        at: float,
    ) -> RestoreRecord:
        """Overwrite the target, or build a new instance when there is none."""
        if target:
            instance, busy = target, "RESTORING"
        else:
            new_id = self.add_instance(hostname, volumes=len(record.volumes), private_ip=private_ip)
            instance, busy = self.instances[new_id], "BUILDING"
        instance.busy_status = busy
        instance.busy_until = at + self._random.uniform(*self.behaviour.restore_duration)
        record.in_use_until = max(record.in_use_until, instance.busy_until)
        restore_id = self.new_id()
        restore = RestoreRecord(
            id=restore_id,
            name=f"restore-{restore_id[:8]}",
            instance_id=instance.id,
            snapshot_id=record.id,
            hostname=instance.hostname,
            description=description,
            private_ip=instance.private_ip,
            overwrite_existing=target is not None,
            created_at=self.timestamp(at),
        )
        self.restores[restore.id] = restore
        return restore
