"""The benchmark region's snapshots: ids that both sides can compute, texts kept per snapshot.

Times are `time.monotonic()`, which all processes of a machine share.
"""

import hashlib
import heapq
import json
import random
import resource
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

_CREATED_AT = "2026-11-23T02:00:00Z"
_INSTANCE, _FINISHED, _RUNNING, _CREATED, _NIGHTLY = 1, 2, 3, 4, 8
_VOLUMES = 3


def _ident(kind: int, number: int) -> str:
    """An id in the form of a UUID that client and server both can compute."""
    return f"{number:08x}-{kind:04x}-4000-8000-{number * 2_654_435_761 % (1 << 48):012x}"


def instance_id(number: int) -> str:
    return _ident(_INSTANCE, number)


ARCHIVE = instance_id(0)
"""The instance that all finished snapshots belong to."""


def finished_id(number: int) -> str:
    """A snapshot that was complete before the benchmark; it belongs to the archive instance."""
    return _ident(_FINISHED, number)


def running_id(number: int) -> str:
    """A snapshot that runs from ``POST /_start`` on, of the instance numbered one higher."""
    return _ident(_RUNNING, number)


class Snapshot:
    """One snapshot, and when it is really complete.

    Its volumes finish one by one: the first two after a third and two thirds of its time, the last
    one together with the snapshot. So it is seen to change three times.
    """

    __slots__ = (
        *("begun_at", "created_at", "done_at", "id", "index", "instance_id", "name", "volumes"),
    )

    def __init__(
        self, id: str, index: int, instance: str, name: str, *, done_at: float, created_at: str
    ) -> None:
        self.id = id
        self.index = index
        self.instance_id = instance
        self.name = name
        self.begun_at = time.monotonic() if done_at else 0.0
        self.done_at = done_at
        self.created_at = created_at
        self.volumes = [_ident(16 + number, index) for number in range(_VOLUMES)]

    def begin(self, lasts: float) -> None:
        """It runs from now on, for so many seconds."""
        self.begun_at = time.monotonic()
        self.done_at = self.begun_at + lasts

    def volumes_done(self, now: float) -> int:
        """How many of its volumes are complete."""
        if self.done_at <= now:
            return _VOLUMES
        return sum(self.changes_at(number) <= now for number in range(_VOLUMES - 1))

    def changes_at(self, done: int) -> float:
        """When it changes next, with so many volumes complete."""
        if done == _VOLUMES - 1:
            return self.done_at
        return self.begun_at + (self.done_at - self.begun_at) * (done + 1) / _VOLUMES

    def body(self, done: int, id: str = "") -> str:
        """As the instance's own endpoints show it, with so many volumes complete."""
        state = "Complete" if done == _VOLUMES else "Pending"
        volumes = ",".join(
            f'{{"id":"{volume}","state":"{"Completed" if number < done else "Pending"}"}}'
            for number, volume in enumerate(self.volumes)
        )
        one, two, three = self.volumes
        return (
            f'{{"id":"{id or self.id}","name":"{self.name}","description":"kept for the audit",'
            f'"included_volumes":["{one}","{two}","{three}"],"status":{{"state":"{state}",'
            f'"volumes":[{volumes}]}},"created_at":"{self.created_at}"}}'
        )

    def item(self, done: int) -> bytes:
        """As the region-wide listing shows it; the inner id is the instance's."""
        inner = self.body(done, self.instance_id)
        return (
            f'{{"id":"{self.id}","name":"{self.name}","description":"kept for the audit",'
            f'"resource_type":"instance","created_at":"{self.created_at}","instance":{inner}}}'
        ).encode()


class Region:
    """The snapshots, in the order of their creation, and the counters."""

    def __init__(
        self,
        duration: tuple[float, float],
        seed: int,
        instances: int,
        *,
        refused: float = 0.0,
        stale: float = 0.0,
    ) -> None:
        """`refused` is the share of creates answered 503; reads are `stale` by so many seconds."""
        self._refused = refused
        self._stale = stale
        self._random = random.Random(seed)
        self._duration = duration
        self._instances = instances
        self.snapshots: dict[str, Snapshot] = {}
        self._items: list[bytes] = []
        self._of_instance: dict[str, list[Snapshot]] = {}
        self._changes: list[tuple[float, str]] = []
        self._waiting: list[Snapshot] = []
        self._pages: dict[tuple[int, int], bytes] = {}
        self.counts: Counter[str] = Counter()
        self.connections = 0
        self.bytes_sent = 0

    def add(
        self,
        id: str,
        instance: str,
        name: str,
        *,
        done_at: float,
        waits: bool = False,
        created_at: str = _CREATED_AT,
    ) -> str:
        """One more snapshot; returns its body."""
        snapshot = Snapshot(
            id, len(self._items), instance, name, done_at=done_at, created_at=created_at
        )
        done = 0 if done_at else _VOLUMES
        self.snapshots[id] = snapshot
        self._items.append(snapshot.item(done))
        self._of_instance.setdefault(instance, []).append(snapshot)
        if waits:
            self._waiting.append(snapshot)
        elif done_at:
            heapq.heappush(self._changes, (snapshot.changes_at(0), id))
        return snapshot.body(done)

    def add_nights(self, nights: int) -> None:
        """A finished snapshot of each instance from each of so many nights, named as runs do."""
        for night in range(nights, 0, -1):
            date = datetime.now(UTC) - timedelta(days=night)
            for number in range(self._instances):
                owner = instance_id(number)
                digest = hashlib.sha256(owner.encode()).hexdigest()[:12]
                self.add(
                    _ident(_NIGHTLY, len(self._items)),
                    owner,
                    f"nightly-{date:%Y%m%d}-{digest}",
                    done_at=0.0,
                    created_at=f"{date:%Y-%m-%dT%H:%M:%SZ}",
                )

    def start(self) -> None:
        """From now on the snapshots that wait for it run."""
        for snapshot in self._waiting:
            snapshot.begin(self._random.uniform(*self._duration))
            self._changes.append((snapshot.changes_at(0), snapshot.id))
        self._waiting.clear()
        heapq.heapify(self._changes)

    def create(self, instance: str, body: bytes) -> bytes | None:
        """The body of the snapshot made; None if the create is refused, and nothing made."""
        if self._refused and self._random.random() < self._refused:
            return None
        name = json.loads(body)["name"]
        done_at = time.monotonic() + self._random.uniform(*self._duration)
        made = _ident(_CREATED, len(self._items))
        return self.add(made, instance, name, done_at=done_at).encode()

    def get(self, instance: str, id: str) -> bytes | None:
        snapshot = self.snapshots.get(id)
        if snapshot is None or snapshot.instance_id != instance:
            return None
        now = self._now()
        return (
            snapshot.body(snapshot.volumes_done(now)).encode() if snapshot.begun_at <= now else None
        )

    def listing(self) -> bytes:
        now, changes = self._now(), self._changes
        while changes and changes[0][0] <= now:
            snapshot = self.snapshots[heapq.heappop(changes)[1]]
            done = snapshot.volumes_done(now)
            self._items[snapshot.index] = snapshot.item(done)
            if done < _VOLUMES:
                heapq.heappush(changes, (snapshot.changes_at(done), snapshot.id))
        return b"[%s]" % b",".join(self._items[: self._shown(now)])

    def _shown(self, now: float) -> int:
        """How many items a read shows; those made last may still be missing on a replica."""
        size = len(self._items)
        if self._stale:
            made = list(self.snapshots.values())
            while size and made[size - 1].begun_at > now:
                size -= 1
        return size

    def listing_of(self, instance: str) -> bytes:
        now = self._now()
        found = (one for one in self._of_instance.get(instance, []) if one.begun_at <= now)
        return f"[{','.join(one.body(one.volumes_done(now)) for one in found)}]".encode()

    def _now(self) -> float:
        """The moment that a read shows: a replica's lags behind."""
        return time.monotonic() - self._stale

    def page(self, page: int, size: int) -> bytes:
        """A page of instances, rendered once."""
        if (page, size) not in self._pages:
            numbers = range((page - 1) * size, min(page * size, self._instances))
            envelope = {
                "page": page,
                "per_page": size,
                "pages": -(-self._instances // size),
                "items": [_instance(number) for number in numbers],
            }
            self._pages[page, size] = json.dumps(envelope).encode()
        return self._pages[page, size]

    def stats(self) -> bytes:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return json.dumps(
            {
                "counts": self.counts,
                "connections": self.connections,
                "bytes_sent": self.bytes_sent,
                "cpu": usage.ru_utime + usage.ru_stime,
            }
        ).encode()

    def done(self) -> bytes:
        """When each snapshot that was not complete beforehand is."""
        times = {id: one.done_at for id, one in self.snapshots.items() if one.done_at}
        return json.dumps(times).encode()


def _instance(number: int) -> dict[str, object]:
    return {
        "id": instance_id(number),
        "hostname": f"db{number}.example.test",
        "status": "ACTIVE",
        "region": "LON1",
        "network_id": _ident(5, 0),
        "private_ip": "10.0.0.1",
        "public_ip": "192.0.2.1",
        "size": "g3.large",
        "tags": ["prod", "db"],
        "attached_volumes": [{"id": _ident(6, number)}, {"id": _ident(7, number)}],
        "created_at": _CREATED_AT,
        "cpu_cores": 4,
        "ram_mb": 8192,
        "disk_gb": 100,
    }
