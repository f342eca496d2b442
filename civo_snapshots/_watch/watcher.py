"""The shared watcher of one region: every wait registers here, and one look serves them all.

It runs one loop while anybody waits: sleep until somebody is due, look, tell, end the waits whose
time is over. It is given functions to look with, not a client.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from copy import copy

from .. import states
from .._clock import Clock
from ..errors import CivoError, ClientClosedError, NotFoundError
from ..models import Snapshot, texts_of
from ..states import StateTable
from .poller import Lookout, Looks
from .schedule import Crowd, Watch

logger = logging.getLogger("civo_snapshots")

GRACE = 5.0
"""Seconds that a look in flight may outlast a deadline: its answer may be the one waited for."""

_RECHECK = 0.2
"""Seconds after which a look that outlasts a deadline is looked after: a pause may have begun."""

_MOST_FAMILIAR = 1_000
"""State texts after which no further one is remarked on: somebody makes them up."""


class Watcher:
    """Looks at a region for as long as somebody waits for something in it."""

    def __init__(
        self,
        looks: Looks,
        clock: Clock,
        *,
        on_unknown: Callable[[Snapshot, str], None] | None = None,
        pause_left: Callable[[], float] = lambda: 0.0,
        pace: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`pause_left` tells for how many seconds nothing may be sent, `pace` how far apart two
        looks should be for a rate limit's sake.
        """
        self._crowd = Crowd()
        self._lookout = Lookout(looks, clock, self._crowd, self)
        self._clock = clock
        self._on_unknown = on_unknown
        self._pause_left = pause_left
        self._pace = pace
        self._familiar: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._sleeper: asyncio.Task[None] | None = None
        self._wakes_at = 0.0
        self._ticked = float("-inf")
        self._stopping: set[asyncio.Task[None]] = set()
        self.ticks = 0

    def add(self, watch: Watch) -> None:
        """Begin to watch; the first look comes when it is due."""
        cohort = self._crowd.add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._sleeper is not None and cohort is not None:
            wake = self._crowd.wake_for(cohort, self._ticked, self._rest())
            if wake < self._wakes_at:
                self._sleeper.cancel()

    def remove(self, watch: Watch) -> None:
        """Stop watching, for a waiter that gave up; does nothing if the wait is over."""
        if self._crowd.discard(watch) and not self._crowd:
            self._stop()

    async def close(self) -> None:
        """End every wait with `ClientClosedError`."""
        self._stop()
        if self._stopping:
            await asyncio.wait(self._stopping)
        self._end_all(
            ClientClosedError("the client was closed during this wait; the snapshot goes on")
        )

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._stopping.add(self._task)
            self._task.add_done_callback(self._stopping.discard)
            self._task = None

    # The loop: sleep until somebody is due, look, tell, expire.

    async def _run(self) -> None:
        try:
            while self._crowd:
                await self._sleep_until(self._crowd.next_wake(self._ticked, self._rest()))
                await self._tick(self._clock.monotonic())
                self._expire()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("the watcher failed")
            self._end_all(CivoError(f"the watcher failed: {type(error).__name__}"))

    def _rest(self) -> float:
        """Seconds from the last tick to the next, whatever the waits would like."""
        return max(self._lookout.rest, self._pace())

    async def _tick(self, now: float) -> None:
        """Look at who is due, and once more at whose time is over."""
        due = self._crowd.due(now)
        last = {watch for watch in self._crowd.overdue(now) if self._needs_last_look(watch)}
        if not due and not last:
            return
        self.ticks += 1
        self._ticked = now

        def is_due(watch: Watch) -> bool:
            return watch.cohort in due or watch in last

        everybody = await self._within_grace(self._lookout.look(is_due))
        self._crowd.postpone(self._clock.monotonic(), None if everybody else due)

    async def _sleep_until(self, moment: float, *others: asyncio.Task[bool]) -> None:
        """Sleep until then, until `add` has somebody who may be earlier, or until others end."""
        self._wakes_at = moment
        pause = moment - self._clock.monotonic()
        sleeper = self._sleeper = asyncio.ensure_future(self._clock.sleep(pause))
        try:
            ends: set[asyncio.Future[None] | asyncio.Future[bool]] = {sleeper, *others}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            self._sleeper = None

    def _needs_last_look(self, watch: Watch) -> bool:
        # Not if the last one was a moment ago or none may be sent now.
        self._crowd.catch_up(watch)
        recent = watch.looked >= watch.deadline - watch.progress.policy.floor
        return self._pause_left() <= 0 and not recent

    async def _within_grace(self, look: Awaitable[bool]) -> bool:
        """Await a look, ending on time those waits whose deadline it overruns."""
        task = asyncio.ensure_future(look)
        try:
            while not task.done() and self._crowd:
                now, deadline = self._clock.monotonic(), self._crowd.next_deadline()
                late = min(self._latest_end(deadline), now + _RECHECK)
                await self._sleep_until(deadline if deadline > now else late, task)
                if not task.done():
                    self._expire(looking=True)
        finally:
            task.cancel()
            await asyncio.wait({task})
        return not task.cancelled() and task.result()

    def _latest_end(self, deadline: float) -> float:
        # A machine that slept through the deadline still has the grace for one look.
        # A look that a 429's pause holds back is in flight no more than one not begun.
        grace = 0.0 if self._pause_left() > 0 else GRACE
        return max(deadline, self._ticked) + grace

    def _expire(self, *, looking: bool = False) -> None:
        """End the waits whose time is over and who need no last look, or have waited for it."""
        now = self._clock.monotonic()
        for watch in self._crowd.overdue(now):
            pending = looking or self._needs_last_look(watch)
            if not pending or self._latest_end(watch.deadline) <= now:
                self._crowd.catch_up(watch)
                watch.progress.expire(now)
                self._settle(watch)

    # What was seen goes into the wait's progress, and its end to the waiter.

    def show(self, watch: Watch, snapshot: Snapshot) -> None:
        """The server showed this snapshot."""
        now = self._clock.monotonic()
        self._crowd.catch_up(watch)
        watch.shown = None
        changed = watch.progress.see(snapshot, now)
        self._report_unknown(snapshot, watch.progress.table)
        if watch.on_change is not None:
            for transition in changed:
                if watch in self._crowd:
                    watch.on_change(transition)
        self._after_look(watch, now)

    def miss(self, watch: Watch, error: NotFoundError) -> None:
        """The server says that it does not exist."""
        now = self._clock.monotonic()
        self._crowd.catch_up(watch)
        watch.progress.miss(error, now)
        self._after_look(watch, now)

    def fault(self, watch: Watch, error: CivoError) -> None:
        """Looking failed."""
        now = self._clock.monotonic()
        self._crowd.catch_up(watch)
        if isinstance(error, ClientClosedError):
            watch.progress.outcome = copy(error)
        else:
            watch.progress.fault(error, now)
        self._after_look(watch, now)

    def _after_look(self, watch: Watch, now: float) -> None:
        watch.looked = now
        if watch.deadline <= now:
            watch.progress.expire(now)  # this was its last look, whatever else the round asks for
        self._settle(watch)

    def _report_unknown(self, snapshot: Snapshot, table: StateTable) -> None:
        for text in sorted(texts_of(snapshot) - self._familiar):
            if len(self._familiar) >= _MOST_FAMILIAR:
                break
            self._familiar.add(text)
            if not states.is_known(text, table):
                logger.warning("unknown state %r counts as pending", text)
                if self._on_unknown is not None:
                    self._on_unknown(snapshot, text)

    def _settle(self, watch: Watch) -> None:
        outcome = watch.progress.outcome
        if outcome is not None and self._crowd.discard(watch):
            watch.on_end(outcome)

    def _end_all(self, error: CivoError) -> None:
        for watch in list(self._crowd):
            watch.progress.outcome = copy(error)  # each waiter raises its own
            self._settle(watch)
