"""Random lives of a snapshot: odd spellings, unknown states, flapping, volumes that come and go."""

import random
from collections.abc import Mapping, Sequence

from attrs import frozen

from benchmarks.hostile._oracle import Trouble
from civo_snapshots import (
    AuthenticationError,
    CivoError,
    ConnectionLostError,
    DeadlineExceededError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    Snapshot,
    SnapshotStatus,
    UnexpectedResponseError,
    VolumeStatus,
)

COMPLETE = ("Complete", "complete", "Completed", "completed", "COMPLETE ", "\tcOmPlEtEd\n")
FAILED = ("Failed", "failed", "FAILED", " failed", "error", "ERROR", "Error\r\n")
PENDING = ("Pending", "pending", "", " ", "new", "in_progress", "in-progress", "available", "Ready")
UNKNOWN = (
    *("Copying", "queued", "done", "success", "not complete", "complete.", "completedd", "fail"),
    *("None", "null", "true", "0", "\u5b8c\u4e86", "compl\u00e9te", "\u0421omplete", "errored"),
)
_FATAL = (AuthenticationError, PermissionDeniedError, ServiceDisabledError)


@frozen
class Gone:
    """The server says 404, for the snapshot or for its instance."""

    instance: bool


Moment = Snapshot | Gone


@frozen
class Life:
    """What the server would say of one snapshot at any time."""

    instance_id: str
    snapshot_id: str
    name: str
    moments: tuple[tuple[float, Moment], ...]
    outages: tuple[tuple[float, float], ...]

    def at(self, time: float) -> Moment:
        found = self.moments[0][1]
        for begins, moment in self.moments:
            if begins > time:
                break
            found = moment
        return found

    def is_out(self, time: float) -> bool:
        return any(begins <= time < ends for begins, ends in self.outages)


def states_of(snapshot: Snapshot) -> tuple[str, Mapping[str, str], Sequence[str]]:
    """The texts that a verdict rests upon."""
    volumes = {volume.id: volume.state for volume in snapshot.volumes}
    return snapshot.state, volumes, snapshot.included_volumes


def _text(rng: random.Random, mood: str) -> str:
    pools = {"done": COMPLETE, "bad": FAILED, "busy": PENDING + UNKNOWN}
    return rng.choice(pools[mood])


_INCLUDED = ((), (), ("v-1", "v-2"), ("v-1", "v-2", "v-3", "v-4"))


def snapshot_of(rng: random.Random, instance_id: str, snapshot_id: str, mood: str) -> Snapshot:
    """A snapshot with up to four volumes, each mostly as far as the snapshot itself."""
    chosen = rng.sample(("v-1", "v-2", "v-3", "v-4"), rng.choice((0, 1, 2, 2, 3, 4)))
    volumes = []
    for volume in chosen:
        own = mood if rng.random() < 0.8 else rng.choice(("done", "done", "busy"))
        volumes.append(VolumeStatus(volume, _text(rng, own)))
    if volumes and mood == "bad" and rng.random() < 0.5:
        mood = "busy"  # a volume failed, the snapshot does not say so yet
    status = SnapshotStatus(_text(rng, mood), tuple(volumes))
    # By dice of their own: the lives themselves stay what they were before these were told.
    included = random.Random(repr(status)).choice(_INCLUDED)
    return Snapshot(
        snapshot_id,
        f"n-{snapshot_id}",
        included_volumes=included,
        status=status,
        instance_id=instance_id,
    )


def life_of(rng: random.Random, instance_id: str, snapshot_id: str) -> Life:
    """One random life; most of them end, some flap, vanish, or never finish."""
    moods = rng.choice(
        (
            ("busy", "busy", "done"),
            ("busy", "done", "busy", "done"),
            ("busy", "gone", "busy", "done"),
            ("gone", "busy", "done"),
            ("gone", "gone", "busy"),
            ("busy", "gone"),
            ("busy", "bad", "done"),
            ("busy", "bad"),
            ("busy", "busy", "busy"),
            ("done",),
        )
    )
    time = 0.0
    moments: list[tuple[float, Moment]] = []
    for mood in moods:
        if mood == "gone":
            moments.append((time, Gone(rng.random() < 0.2)))
            time += rng.choice((0.5, 2.0, 8.0, 40.0, 120.0)) * rng.random()
            continue
        for _ in range(rng.randint(1, 4)):  # volumes move, vanish and reappear within a mood
            moments.append((time, snapshot_of(rng, instance_id, snapshot_id, mood)))
            time += rng.choice((0.3, 2.0, 10.0, 60.0)) * rng.random()
    outages = []
    if rng.random() < 0.15:
        begins = rng.uniform(0, 60)
        outages.append((begins, begins + rng.uniform(5, 200)))
    return Life(instance_id, snapshot_id, f"n-{snapshot_id}", tuple(moments), tuple(outages))


def gone(life: Life, moment: Gone) -> NotFoundError:
    """The 404 that stands for it."""
    code = "database_instance_find" if moment.instance else "database_snapshot_not_found"
    return NotFoundError(f"404 {life.snapshot_id}", status=404, code=code)


def bad_luck(rng: random.Random, *, fatal: float = 0.002) -> CivoError:
    """What a poll may fail with; seldom a refusal of access."""
    if rng.random() < fatal * 10:  # one poll in ten fails at all
        return rng.choice(_FATAL)("no access", status=403)
    return rng.choice(
        (
            ConnectionLostError("reset"),
            DeadlineExceededError("late", may_have_acted=True),
            ServerError("503", status=503),
            RateLimitError("429", status=429, retry_after=1.0),
            UnexpectedResponseError("no JSON", status=200),
        )
    )


def trouble_of(error: CivoError, at: float) -> Trouble:
    """The same, in the oracle's words."""
    if isinstance(error, ServiceDisabledError):
        return Trouble(at, "fatal")
    if isinstance(error, PermissionDeniedError):
        return Trouble(at, "denied")
    return Trouble(at, "429" if isinstance(error, RateLimitError) else "luck")
