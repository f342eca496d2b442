"""One snapshot: a record whose state follows from the time it is looked at."""

import random
from bisect import bisect_right, insort
from typing import Literal, TypeAlias

from attrs import define, evolve, field, frozen

from civo_snapshots.testing._records import LONG_AGO
from civo_snapshots.testing._switches import StateSpelling

Phase: TypeAlias = Literal["pending", "complete", "failed", "deleting"]

NEVER = float("inf")


@frozen(kw_only=True)
class StateWords:
    """One spelling; the defaults are the documented words."""

    pending: str = "Pending"
    complete: str = "Complete"
    failed: str = "Failed"
    deleting: str = "deleting"
    volume_pending: str = "Pending"
    volume_complete: str = "Completed"
    volume_failed: str = "Failed"


_DOCUMENTED = StateWords()
# Spellings that have been seen, each meaning the same as its neighbours.
PENDING_WORDS = ("Pending", "pending", "in_progress", "in-progress", "new", "")
COMPLETE_WORDS = ("Complete", "Completed", "complete", "completed", "Ready", "available")


def words_of(spelling: StateSpelling, rng: random.Random) -> StateWords:
    """The words of one more snapshot."""
    if spelling == "documented":
        return _DOCUMENTED
    if not isinstance(spelling, str):
        return evolve(_DOCUMENTED, **spelling)
    return StateWords(
        pending=rng.choice(PENDING_WORDS),
        complete=rng.choice(COMPLETE_WORDS),
        volume_pending=rng.choice(PENDING_WORDS),
        volume_complete=rng.choice(COMPLETE_WORDS),
    )


@frozen
class VolumeFate:
    """When the snapshot of one volume ends, and how; `listed_at` is when it first shows."""

    id: str
    done_at: float
    fails: bool
    listed_at: float = LONG_AGO


@frozen
class Earlier:
    """What a snapshot was called up to a time."""

    until: float
    name: str
    description: str


@define(eq=False, kw_only=True)
class SnapshotRecord:
    """One snapshot; it stays on record after its deletion.

    Whoever changes `name` or `description` by hand has to clear `texts`.

    Attributes:
        listing_id: the id of its item in the region-wide listing.
        created: when its create acted, on the region's clock; so are all times here.
        number: how many there were before it.
        captured_at: when the disks were captured.
        complete_at: when its own state says that it is complete.
        status_from: when its status is no longer empty.
        is_strangers: somebody else made it, not a request to this fake.
        is_unlisted: the region-wide listing does not show it.
        earlier: what it was called before, for reads that lag behind.
        texts: JSON by shape, each with the stage that it was made for: a listing of thousands
            of snapshots is mostly joined from texts made before.
    """

    id: str
    listing_id: str
    instance_id: str
    name: str
    description: str
    created: float
    created_at: str
    captured_at: float
    volumes: tuple[VolumeFate, ...]
    words: StateWords
    number: int = 0
    complete_early: float = 0.0
    failure_stays_pending: bool = False
    shows_deleting: bool = False
    status_from: float = LONG_AGO
    is_strangers: bool = False
    is_unlisted: bool = False
    deleted_at: float | None = None
    gone_at: float = NEVER
    in_use_until: float = LONG_AGO
    done_at: float = field(init=False)
    complete_at: float = field(init=False)
    earlier: list[Earlier] = field(init=False, factory=list[Earlier])
    texts: dict[str, tuple[int, str]] = field(init=False, factory=dict[str, tuple[int, str]])
    # When its JSON changes, in order: between two of these times it is always the same.
    _moments: list[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.done_at = max((fate.done_at for fate in self.volumes), default=self.created)
        self.complete_at = max(self.created, self.done_at - self.complete_early)
        times = {self.status_from, self.complete_at, self.done_at}
        for fate in self.volumes:
            times |= {fate.done_at, fate.listed_at}
        self._moments = sorted(times)

    @property
    def deleted(self) -> bool:
        return self.deleted_at is not None

    def stage(self, seen: float) -> int:
        """A number that is the same for times at which the snapshot looks the same."""
        return bisect_right(self._moments, seen)

    def phase(self, seen: float) -> Phase:
        """What it is doing."""
        if self.shows_deleting and self.deleted_at is not None and seen >= self.deleted_at:
            return "deleting"
        if any(fate.fails for fate in self.volumes):
            ended = seen >= self.done_at and not self.failure_stays_pending
            return "failed" if ended else "pending"
        return "complete" if seen >= self.complete_at else "pending"

    def state(self, seen: float) -> str:
        """That in its own words."""
        word: str = getattr(self.words, self.phase(seen))
        return word

    def volume_state(self, fate: VolumeFate, seen: float) -> str:
        """What one volume is doing, in the snapshot's words."""
        if seen < fate.done_at:
            return self.words.volume_pending
        return self.words.volume_failed if fate.fails else self.words.volume_complete

    def called(self, seen: float) -> tuple[str, str]:
        """The name and the description that it had at this time."""
        for before in self.earlier:
            if seen < before.until:
                return before.name, before.description
        return self.name, self.description

    def rename(self, name: str, description: str, at: float, *, lag: float) -> None:
        """Change what it is called; reads that lag this many seconds still see what it was."""
        self.earlier = [before for before in self.earlier if before.until > at - lag]
        if lag:
            self.earlier.append(Earlier(at, self.name, self.description))
            insort(self._moments, at)
        self.name, self.description = name, description
        self.texts.clear()

    def begin_deletion(self, at: float, takes: float) -> None:
        """Go, after so many seconds."""
        self.deleted_at, self.gone_at = at, at + takes
        insort(self._moments, at)
        # Stages are numbered anew.
        self.texts.clear()
