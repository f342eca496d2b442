"""The shared watcher of one region: every wait registers here, and one poll serves them all.

It runs one loop while anybody waits: sleep until a wait is due, poll, tell, end the waits whose
time is over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from copy import copy

from .._api import RegionApi
from .._clock import Clock
from ..errors import CivoError, ClientClosedError, NotFoundError
from ..models import Snapshot
from .poller import Poller
from .progress import CompletionWait
from .schedule import RegisteredWait, WaitRegistry
from .state_report import StateReporter

logger = logging.getLogger("civo_snapshots")

FINAL_POLL_GRACE = 5.0
"""Seconds that a poll in flight may outlast a deadline: its answer may be the one waited for."""

_RECHECK = 0.2
"""Seconds between checks of a poll that outlasts a deadline: a 429 may have begun a pause."""


class Watcher:
    """Polls a region for as long as anybody waits for something in it."""

    def __init__(
        self,
        api: RegionApi,
        clock: Clock,
        *,
        states_met: StateReporter | None = None,
        paused_for: Callable[[], float] = lambda: 0.0,
        rate_limit_interval: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """`paused_for` tells for how many seconds nothing may be sent, `rate_limit_interval` how
        many should lie between two polls for a rate limit's sake.
        """
        self._registry = WaitRegistry()
        self._poller = Poller(api, clock, self._registry, self)
        self._clock = clock
        self._states_met = states_met or StateReporter()
        self._paused_for = paused_for
        self._rate_limit_interval = rate_limit_interval
        self._task: asyncio.Task[None] | None = None
        self._sleeper: asyncio.Task[None] | None = None
        self._wakes_at = 0.0
        self._ticked = float("-inf")
        self._stopping: set[asyncio.Task[None]] = set()
        self.ticks = 0

    def seed(self, progress: CompletionWait, known: Snapshot) -> None:
        """Let a wait begin with what its caller has already, which may end it at once."""
        progress.seed(known)
        self._states_met.note(known, progress.states)

    def add(self, wait: RegisteredWait) -> None:
        """Begin to watch; the first poll comes when the wait is due."""
        group = self._registry.add(wait)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif self._sleeper is not None and group is not None:
            wake = self._registry.wake_for(group, self._ticked, self._min_interval())
            if wake < self._wakes_at:
                self._sleeper.cancel()

    def remove(self, wait: RegisteredWait) -> None:
        """Stop watching for a caller that gave up; does nothing if the wait is over."""
        if self._registry.discard(wait) and not self._registry:
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

    # The loop: sleep until a wait is due, poll, tell, expire.

    async def _run(self) -> None:
        try:
            while self._registry:
                await self._sleep_until(
                    self._registry.next_wake(self._ticked, self._min_interval())
                )
                await self._tick(self._clock.monotonic())
                self._expire()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("the watcher failed")
            self._end_all(CivoError(f"the watcher failed: {type(error).__name__}"))

    def _min_interval(self) -> float:
        """Seconds between two ticks at least, whatever the policies say."""
        return max(self._poller.min_interval, self._rate_limit_interval())

    async def _tick(self, now: float) -> None:
        """Poll for the waits that are due, and once more for those whose time is over."""
        due = self._registry.due(now)
        last = {wait for wait in self._registry.overdue(now) if self._needs_final_poll(wait)}
        if not due and not last:
            return
        self.ticks += 1
        self._ticked = now

        def is_due(wait: RegisteredWait) -> bool:
            return wait.group in due or wait in last

        everybody = await self._within_grace(self._poller.poll(is_due))
        self._registry.postpone(self._clock.monotonic(), None if everybody else due)

    async def _sleep_until(self, moment: float, *others: asyncio.Task[bool]) -> None:
        """Sleep until then, until `add()` registers an earlier wait, or one of others ends."""
        self._wakes_at = moment
        pause = moment - self._clock.monotonic()
        sleeper = self._sleeper = asyncio.ensure_future(self._clock.sleep(pause))
        try:
            ends: set[asyncio.Future[None] | asyncio.Future[bool]] = {sleeper, *others}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            self._sleeper = None

    def _needs_final_poll(self, wait: RegisteredWait) -> bool:
        # Not if the last one was a moment ago or none may be sent now.
        self._registry.catch_up(wait)
        recent = wait.polled >= wait.deadline - wait.progress.policy.floor
        return self._paused_for() <= 0 and not recent

    async def _within_grace(self, poll: Awaitable[bool]) -> bool:
        """Await a poll, ending on time those waits whose deadline it overruns."""
        task = asyncio.ensure_future(poll)
        try:
            while not task.done() and self._registry:
                now, deadline = self._clock.monotonic(), self._registry.next_deadline()
                late = min(self._latest_end(deadline), now + _RECHECK)
                await self._sleep_until(deadline if deadline > now else late, task)
                if not task.done():
                    self._expire(polling=True)
        finally:
            task.cancel()
            await asyncio.wait({task})
        return not task.cancelled() and task.result()

    def _latest_end(self, deadline: float) -> float:
        # A machine that slept through the deadline still has the grace for one poll.
        # A poll that a pause holds back is not in flight.
        grace = 0.0 if self._paused_for() > 0 else FINAL_POLL_GRACE
        return max(deadline, self._ticked) + grace

    def _expire(self, *, polling: bool = False) -> None:
        """End the waits whose time is over, unless a final poll for them is due or on its way."""
        now = self._clock.monotonic()
        for wait in self._registry.overdue(now):
            pending = polling or self._needs_final_poll(wait)
            if not pending or self._latest_end(wait.deadline) <= now:
                self._registry.catch_up(wait)
                wait.progress.expire(now)
                self._finish(wait)

    # What a poll shows goes into the wait's progress, and its end to the caller.

    def on_snapshot(self, wait: RegisteredWait, snapshot: Snapshot) -> None:
        """The server showed this snapshot."""
        now = self._clock.monotonic()
        self._registry.catch_up(wait)
        if snapshot.id != wait.progress.snapshot_id and wait in self._registry:
            self._registry.rekey(wait, snapshot.id)
        wait.shown = wait.absent_since = None
        changed = wait.progress.observe(snapshot, now)
        self._states_met.note(snapshot, wait.progress.states)
        if wait.on_change is not None:
            for transition in changed:
                if wait in self._registry:
                    wait.on_change(transition)
        self._after_poll(wait, now)

    def on_not_found(self, wait: RegisteredWait, error: NotFoundError) -> None:
        """The server says that it does not exist."""
        now = self._clock.monotonic()
        self._registry.catch_up(wait)
        wait.progress.on_not_found(error, now)
        self._after_poll(wait, now)

    def on_error(self, wait: RegisteredWait, error: CivoError) -> None:
        """The poll failed."""
        now = self._clock.monotonic()
        self._registry.catch_up(wait)
        if isinstance(error, ClientClosedError):
            wait.progress.outcome = copy(error)
        else:
            wait.progress.on_error(error, now)
        self._after_poll(wait, now)

    def _after_poll(self, wait: RegisteredWait, now: float) -> None:
        wait.polled = now
        if wait.deadline <= now:
            wait.progress.expire(now)  # this was its final poll, whatever else the tick asks for
        self._finish(wait)

    def _finish(self, wait: RegisteredWait) -> None:
        outcome = wait.progress.outcome
        if outcome is not None and self._registry.discard(wait):
            wait.on_end(outcome)

    def _end_all(self, error: CivoError) -> None:
        for wait in list(self._registry):
            wait.progress.outcome = copy(error)  # each waiter raises its own
            self._finish(wait)
