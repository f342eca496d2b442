"""Everybody who waits in one region, and when whom is to be looked at; pure.

Waits that begin about the same time are a cohort: they are due together and have one pause. So what
a tick costs does not grow with the number of waits, but for those it has something to tell.
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf

from attrs import define, field

from .._collector import Lasting
from ..errors import CivoError
from ..events import Transition
from ..models import Snapshot
from .progress import PollPolicy, Progress


@define(eq=False)
class Cohort:
    """Waits of one policy that began within half of its shortest pause.

    Attributes:
        started: when the youngest of them began.
        due: when to look next.
        deadline: no wait of them ends before.
    """

    policy: PollPolicy
    started: float
    due: float
    deadline: float
    size: int = 0


@define(eq=False)
class Watch:
    """One registered wait.

    Attributes:
        due: when to look first.
        on_end: told once, with the finished snapshot or the error.
        on_change: told of each transition, at once and in order; must not block.
        looked: when it was last looked at, successfully or not.
        unlisted_since: since when the region-wide listing has not shown it.
        shown: the digest of what the listing showed last, if nothing but waiting follows from it.
        mark: the reading of the listing that showed it last.
        told: how many listings were shown when it was last told anything.
    """

    progress: Progress
    due: float
    deadline: float
    on_end: Callable[[Snapshot | CivoError], None]
    on_change: Callable[[Transition], None] | None = None
    looked: float = -inf
    unlisted_since: float | None = None
    shown: int | None = None
    mark: object = None
    told: int = 0
    cohort: Cohort | None = field(default=None, init=False)


class Crowd:
    """The waits and their cohorts.

    Attributes:
        by_id: the waits for each snapshot.
        has_outer_ids: whether the listing was seen to show snapshots under their own ids.
        listings: how many listings of the region were shown to everybody.
        listed: when the last one was.
        changes: how often somebody came or went.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, tuple[Watch, ...]] = {}
        self._cohorts: dict[Cohort, None] = {}
        self._open: dict[PollPolicy, Cohort] = {}
        self.has_outer_ids = False
        self.changes = 0
        self.listings = 0
        self.listed = -inf
        self._size = 0
        self._lasting = Lasting()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Watch]:
        return (watch for watches in self.by_id.values() for watch in watches)

    def __contains__(self, watch: Watch) -> bool:
        return watch.cohort is not None

    def add(self, watch: Watch) -> Cohort | None:
        """Begin to wait; the cohort if there is something to do for it earlier than without it."""
        policy, started = watch.progress.policy, watch.progress.started
        cohort = self._open.get(policy)
        hurries = True
        if cohort is None or abs(cohort.due - watch.due) > policy.floor / 2:
            cohort = self._open[policy] = Cohort(policy, started, watch.due, watch.deadline)
            self._cohorts[cohort] = None
        elif watch.due < cohort.due or watch.deadline < cohort.deadline:
            cohort.due = min(cohort.due, watch.due)
            cohort.deadline = min(cohort.deadline, watch.deadline)
        else:
            hurries = False
        cohort.started = max(cohort.started, started)
        cohort.size += 1
        watch.cohort = cohort
        watch.told = self.listings
        key = watch.progress.snapshot_id
        others = self.by_id.get(key)
        self.by_id[key] = (watch,) if others is None else (*others, watch)
        self._size += 1
        self.changes += 1
        self._lasting.made()
        return cohort if hurries else None

    def discard(self, watch: Watch) -> bool:
        """Wait no longer; whether it did."""
        cohort, watch.cohort = watch.cohort, None
        if cohort is None:
            return False
        cohort.size -= 1
        if not cohort.size:
            del self._cohorts[cohort]
            if self._open.get(cohort.policy) is cohort:
                del self._open[cohort.policy]
        key = watch.progress.snapshot_id
        watches = self.by_id.pop(key)
        if len(watches) > 1:
            self.by_id[key] = tuple(other for other in watches if other is not watch)
        self._size -= 1
        self.changes += 1
        return True

    def show_listing(self, now: float) -> None:
        """Everybody was shown the listing; whom it says nothing new is told so later, in one go."""
        self.listings += 1
        self.listed = now

    def catch_up(self, watch: Watch, *, but_the_last: bool = False) -> None:
        """Tell a wait of the listings that had nothing new for it.

        The last one is left out if it lacked the snapshot, or is told by itself.
        """
        if (seen := self.listings - watch.told - but_the_last) > 0:
            watch.progress.see_again(seen)
            watch.unlisted_since = None
            watch.looked = max(watch.looked, self.listed)
        watch.told = self.listings

    def wake_for(self, cohort: Cohort, ticked: float, rest: float) -> float:
        """When there is something to do for it, if the last tick was then and asks for a rest."""
        pause = max(cohort.policy.floor, min(rest, cohort.policy.ceiling))
        return min(max(cohort.due, ticked + pause), cohort.deadline)

    def next_wake(self, ticked: float, rest: float) -> float:
        """When there is something to do for anybody."""
        return min((self.wake_for(one, ticked, rest) for one in self._cohorts), default=inf)

    def next_deadline(self) -> float:
        """No wait ends for its time before then."""
        return min((cohort.deadline for cohort in self._cohorts), default=inf)

    def due(self, now: float) -> set[Cohort]:
        """The cohorts that are due, joined by those that will be within half a floor."""
        due = [cohort for cohort in self._cohorts if cohort.due <= now]
        soon = now + min((cohort.policy.floor for cohort in due), default=0.0) / 2
        return {cohort for cohort in self._cohorts if cohort.due <= soon} if due else set()

    def overdue(self, now: float) -> list[Watch]:
        """The waits whose time is over."""
        if self.next_deadline() > now:
            return []
        for cohort in self._cohorts:
            if cohort.deadline <= now:
                cohort.deadline = inf
        for watch in self:
            if watch.cohort is not None:
                watch.cohort.deadline = min(watch.cohort.deadline, watch.deadline)
        return [watch for watch in self if watch.deadline <= now]

    def postpone(self, now: float, cohorts: Iterable[Cohort] | None = None) -> None:
        """These, or all, were looked at: the next time after their policy's pause."""
        self._open.clear()
        for cohort in self._cohorts if cohorts is None else cohorts:
            pause = cohort.policy.pause(now - cohort.started)
            cohort.due = max(cohort.due, now + pause)
