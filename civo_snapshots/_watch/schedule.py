"""The waits of one region, and when each is due for a poll; pure.

Waits that begin about the same time form a group: they are due together and have one pause. So the
cost of a tick does not grow with the number of waits, but for those it has something to tell.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import count
from math import inf

from attrs import define, field
from msgspec import Struct

from ..errors import CivoError
from ..events import Transition
from ..models import Snapshot
from .policy import PollPolicy, grace_of
from .progress import CompletionWait

next_id = count(1).__next__
"""What tells a wait from all others of the process."""


class PollGroup(Struct, eq=False):
    """Waits of one policy that began within half of its shortest pause.

    Attributes:
        started: when the youngest of them began.
        due: when to poll next.
        deadline: no wait of them ends before.
    """

    policy: PollPolicy
    started: float
    due: float
    deadline: float
    size: int = 0


@define(eq=False, repr=False)  # as `CompletionWait` is, and for its reason
class RegisteredWait:
    """One registered wait.

    Attributes:
        due: when to poll first.
        on_end: told once, with the finished snapshot or the error.
        on_change: told of each transition, at once and in order; must not block.
        polled: when it was last asked for, successfully or not.
        unlisted_since: since when the region-wide listing has not shown it.
        shown: the digest of what the listing showed last, if nothing but waiting follows from it.
        mark: the reading of the listing that showed it last.
        told: how many listings were shown when it was last told anything.
        absent_since: since when a 404 without a code, and its instance's listing, lack it.
        looked: when it was looked at by itself, because its time was over before a tick could.
        number: waits that were registered later have a higher one.
        id: what tells it from all other waits of the process.
    """

    progress: CompletionWait
    due: float
    deadline: float
    on_end: Callable[[Snapshot | CivoError], None]
    on_change: Callable[[Transition], None] | None = None
    polled: float = -inf
    unlisted_since: float | None = None
    shown: int | None = None
    mark: object = None
    told: int = 0
    absent_since: float | None = None
    looked: float = -inf
    number: int = field(default=0, init=False)
    id: int = field(factory=next_id, init=False)
    group: PollGroup | None = field(default=None, init=False)

    @property
    def grace(self) -> float:
        """Seconds that a poll in flight may outlast the deadline."""
        return grace_of(self.deadline - self.progress.started)


class WaitRegistry:
    """The waits and their groups.

    Attributes:
        by_id: the waits for each snapshot.
        has_outer_ids: whether the listing was seen to show snapshots under their own ids.
        listings: how many listings of the region were read for all waits.
        listed: when the last one was.
        changes: how often a wait was added or discarded.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[RegisteredWait, ...]] = {}
        self._groups: dict[PollGroup, None] = {}
        self._open: dict[PollPolicy, PollGroup] = {}
        self.has_outer_ids = False
        self.changes = 0
        self.listings = 0
        self.listed = -inf
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[RegisteredWait]:
        return (wait for waits in self.by_id.values() for wait in waits)

    def __contains__(self, wait: RegisteredWait) -> bool:
        return wait.group is not None

    def add(self, wait: RegisteredWait) -> bool:
        """Register a wait, in the group of those that began about when it did.

        Returns whether its group has something to do earlier than before.
        """
        policy, started = wait.progress.policy, wait.progress.started
        group = self._open.get(policy)
        if group is None or abs(group.due - wait.due) > policy.floor / 2:
            group = self._open[policy] = PollGroup(policy, started, wait.due, wait.deadline)
            self._groups[group] = None
        is_earlier = not group.size or wait.due < group.due or wait.deadline < group.deadline
        group.due = min(group.due, wait.due)
        group.deadline = min(group.deadline, wait.deadline)
        group.started = max(group.started, started)
        group.size += 1
        wait.group = group
        wait.told = self.listings
        key = wait.progress.snapshot_id
        others = self.by_id.get(key)
        self.by_id[key] = (wait,) if others is None else (*others, wait)
        self._size += 1
        self.changes += 1
        wait.number = self.changes
        return is_earlier

    def rekey(self, wait: RegisteredWait, snapshot_id: str) -> None:
        """Go on with a snapshot's id after it was asked for by its name."""
        others = [one for one in self.by_id.pop(wait.progress.snapshot_id) if one is not wait]
        if others:
            self.by_id[wait.progress.snapshot_id] = tuple(others)
        wait.progress.snapshot_id = snapshot_id
        self.by_id[snapshot_id] = (*self.by_id.get(snapshot_id, ()), wait)

    def discard(self, wait: RegisteredWait) -> bool:
        """Forget a wait. Return whether it was registered."""
        group, wait.group = wait.group, None
        if group is None:
            return False
        group.size -= 1
        if not group.size:
            del self._groups[group]
            if self._open.get(group.policy) is group:
                del self._open[group.policy]
        key = wait.progress.snapshot_id
        waits = self.by_id.pop(key)
        if len(waits) > 1:
            self.by_id[key] = tuple(other for other in waits if other is not wait)
        self._size -= 1
        self.changes += 1
        return True

    def show_listing(self, now: float, apart_from: Collection[RegisteredWait] = ()) -> None:
        """Note a listing that said nothing new, apart from some waits that are told by themselves.

        The others learn of it when they are next asked for, so that it costs nothing for each.
        """
        for wait in apart_from:
            self.progress_of(wait)
        self.listings += 1
        self.listed = now
        for wait in apart_from:
            wait.told = self.listings

    def progress_of(self, wait: RegisteredWait) -> CompletionWait:
        """A wait's progress, with the listings that had nothing new for it."""
        if (seen := self.listings - wait.told) > 0:
            wait.progress.observe_again(seen)
            wait.unlisted_since = None
            wait.polled = max(wait.polled, self.listed)
            wait.told = self.listings
        return wait.progress

    def wake_for(self, group: PollGroup, ticked: float, min_interval: float) -> float:
        """When the group has something to do; ticks lie `min_interval` seconds apart at least."""
        pause = max(group.policy.floor, min(min_interval, group.policy.ceiling))
        return min(max(group.due, ticked + pause), group.deadline)

    def next_wake(self, ticked: float, min_interval: float) -> float:
        """When any of the groups has something to do."""
        return min((self.wake_for(one, ticked, min_interval) for one in self._groups), default=inf)

    def next_deadline(self) -> float:
        """No wait ends for its time before then."""
        return min((group.deadline for group in self._groups), default=inf)

    def due(self, now: float) -> set[PollGroup]:
        """The groups that are due, joined by those that will be within half a floor."""
        due = [group for group in self._groups if group.due <= now]
        soon = now + min((group.policy.floor for group in due), default=0.0) / 2
        return {group for group in self._groups if group.due <= soon} if due else set()

    def overdue(self, now: float) -> list[RegisteredWait]:
        """The waits whose time is over."""
        if self.next_deadline() > now:
            return []
        for group in self._groups:
            if group.deadline <= now:
                group.deadline = inf
        for wait in self:
            if wait.group is not None:
                wait.group.deadline = min(wait.group.deadline, wait.deadline)
        return [wait for wait in self if wait.deadline <= now]

    def postpone(self, now: float, groups: Iterable[PollGroup] | None = None) -> None:
        """These groups, or all, were polled: they are due again after their policy's pause."""
        self._open.clear()
        for group in self._groups if groups is None else groups:
            pause = group.policy.pause(now - group.started)
            group.due = max(group.due, now + pause)
