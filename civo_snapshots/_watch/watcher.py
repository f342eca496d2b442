"""The shared watcher of one region: every wait registers here, and one poll serves them all.

It runs one loop while anybody waits: sleep until a wait is due, poll, tell, end the waits whose
time is over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from copy import copy
from math import inf

from .._api import RegionApi
from .._clock import Clock
from .._codec import ListedStatus
from ..errors import CivoError, ClientClosedError, NotFoundError
from ..models import Snapshot
from .poll_round import asked_to_wait
from .poller import Poller
from .progress import CompletionWait, is_same
from .schedule import PollGroup, RegisteredWait, WaitRegistry
from .state_report import StateReporter
from .telling import WaitTeller

logger = logging.getLogger("civo_snapshots")

_RECHECK = 0.2
"""Seconds between checks of a poll that outlasts a deadline: a 429 may have begun a pause."""

_A_MOMENT = 0.001
"""Seconds that a clock may be off: as good as none."""


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
        self._teller = WaitTeller(api)
        self._states_met = states_met or StateReporter(api.session.tell)
        self._paused_for = paused_for
        self._rate_limit_interval = rate_limit_interval
        self._task: asyncio.Task[None] | None = None
        self._sleeper: asyncio.Task[None] | None = None
        self._wakes_at = 0.0
        self._ticked = -inf
        self._tick_of = 0
        self._held_until = -inf
        self._stopping: set[asyncio.Task[None]] = set()
        self.ticks = 0

    def seed(self, progress: CompletionWait, known: Snapshot, *, is_fresh: bool) -> None:
        """Let a wait begin with what is known; if that is fresh, it may end it at once."""
        progress.seed(known, is_fresh=is_fresh)
        self._states_met.note(known, progress.states)

    def add(self, wait: RegisteredWait) -> None:
        """Begin to watch; the first poll comes when the wait is due."""
        if not self._registry:
            self._ticked = -inf  # it need not keep a distance from the polls of one that is over
        is_earlier = self._registry.add(wait)
        self._teller.started(wait)
        if self._task is None or self._task.done():
            # Polls belong to all who wait: what the first of them traces is no place for them.
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), context=Context())
        elif is_earlier and self._sleeper is not None and wait.group is not None:
            wake = self._registry.wake_for(wait.group, self._ticked, self._min_interval())
            if wake < self._wakes_at:
                self._sleeper.cancel()

    def remove(self, wait: RegisteredWait) -> None:
        """Stop watching for a caller that gave up; does nothing if the wait is over."""
        if not self._registry.discard(wait):
            return
        self._registry.progress_of(wait)  # with the listings that had nothing new for it
        self._teller.ended(wait, asyncio.CancelledError.__name__)
        if not self._registry:
            self._stop()

    async def close(self) -> None:
        """End every wait with `ClientClosedError`."""
        self._stop()
        try:
            if self._stopping:
                await asyncio.wait(self._stopping)
        finally:
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
                await self._sleep_until(self._next_wake())
                await self._tick(self._clock.monotonic())
                self._expire()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            logger.exception("the watcher failed")
            self._end_all(CivoError(f"the watcher failed: {type(error).__name__}"))

    def _next_wake(self) -> float:
        wake = self._registry.next_wake(self._ticked, self._min_interval())
        return max(wake, min(self._paused_until(), self._registry.next_deadline()))

    def _min_interval(self) -> float:
        """Seconds between two ticks at least, whatever the policies say."""
        return max(self._poller.min_interval, self._rate_limit_interval())

    async def _tick(self, now: float) -> None:
        """Poll for the waits that are due, and once more for those whose time is over."""
        due: set[PollGroup] = set() if self._is_paused() else self._registry.due(now)
        last = {wait for wait in self._registry.overdue(now) if self._needs_final_poll(wait)}
        if not due and not last:
            return
        self.ticks += 1
        self._ticked, self._tick_of = now, self._registry.changes

        def is_due(wait: RegisteredWait) -> bool:
            return wait.group in due or wait in last

        with self._teller.polling(self._poller, len(self._registry)):
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
        floor = self._registry.progress_of(wait).policy.floor
        recent = wait.polled >= wait.deadline - floor
        return not self._is_paused() and not recent

    def _paused_until(self) -> float:
        """Until when the server wants nothing to be sent."""
        return max(self._held_until, self._clock.monotonic() + self._paused_for())

    def _is_paused(self) -> bool:
        return self._paused_until() - self._clock.monotonic() > _A_MOMENT

    async def _within_grace(self, poll: Awaitable[bool]) -> bool:
        """Await a poll, ending on time those waits whose deadline it overruns.

        A wait that came too late to be part of it gets its first look beside it.
        """
        task = asyncio.ensure_future(poll)
        extra: dict[asyncio.Task[bool], RegisteredWait] = {}
        try:
            while self._registry and (running := _running(task, *extra)):
                await self._sleep_until(self._next_end(), *running)
                if not _running(task, *extra):
                    break
                for wait in self._expire(polling=True):
                    wait.looked = self._clock.monotonic()
                    extra[asyncio.ensure_future(self._look_at(wait))] = wait
                for one, wait in extra.items():
                    if wait not in self._registry:
                        one.cancel()
        finally:
            for one in (task, *extra):
                one.cancel()
            await asyncio.wait({task, *extra})
        results = [one.result() for one in (task, *extra) if not one.cancelled()]
        return any(results)

    async def _look_at(self, wait: RegisteredWait) -> bool:
        await self._poller.poll_each([wait])
        return False

    def _next_end(self) -> float:
        """When a wait may have to end while a poll is on its way."""
        now = self._clock.monotonic()
        overdue = self._registry.overdue(now)
        if not overdue:
            return self._registry.next_deadline()
        return min(now + _RECHECK, *map(self._latest_end, overdue))

    def _latest_end(self, wait: RegisteredWait) -> float:
        # A machine that slept through the deadline still has the grace for one poll.
        # A poll that a pause holds back is not in flight.
        grace = 0.0 if self._is_paused() else wait.grace
        return max(wait.deadline, wait.looked, self._ticked) + grace

    def _expire(self, *, polling: bool = False) -> list[RegisteredWait]:
        """End the waits whose time is over, unless a final poll for them is due or on its way.

        Returns those that the poll on its way does not look at, and nothing has looked at before.
        """
        now = self._clock.monotonic()
        unseen: list[RegisteredWait] = []
        for wait in self._registry.overdue(now):
            needs_poll = self._needs_final_poll(wait)
            if polling and needs_poll and self._is_unseen(wait):
                unseen.append(wait)
            elif not (polling or needs_poll) or self._latest_end(wait) <= now:
                wait.progress.expire(now)
                self._finish(wait)
        return unseen

    def _is_unseen(self, wait: RegisteredWait) -> bool:
        is_in_tick = wait.number <= self._tick_of and min(wait.due, wait.deadline) <= self._ticked
        return not is_in_tick and wait.polled == wait.looked == -inf

    # What a poll shows goes into the wait's progress, and its end to the caller.

    def on_snapshot(self, wait: RegisteredWait, snapshot: Snapshot) -> None:
        """The server showed this snapshot."""
        now = self._clock.monotonic()
        progress = self._registry.progress_of(wait)
        if snapshot.id != progress.snapshot_id and wait in self._registry:
            self._registry.rekey(wait, snapshot.id)
        wait.shown = wait.absent_since = None
        self._teller.changed += not is_same(progress.status(), snapshot.status)
        changed = progress.observe(snapshot, now)
        self._states_met.note(snapshot, progress.states)
        if wait.on_change is not None:
            for transition in changed:
                if wait in self._registry:
                    wait.on_change(transition)
        self._after_poll(wait, now)

    def on_pending(self, wait: RegisteredWait, status: ListedStatus) -> None:
        """The listing shows another status, which ends nothing and of which nobody hears."""
        progress = wait.progress
        self._teller.changed += not is_same(progress.status(), status)
        progress.observe_pending(status)
        if not self._states_met.has_met(status) and progress.last is not None:
            self._states_met.note(progress.last, progress.states)
        wait.absent_since = None
        wait.polled = now = self._clock.monotonic()
        if wait.deadline <= now:
            self._after_poll(wait, now)

    def on_not_found(self, wait: RegisteredWait, error: NotFoundError) -> None:
        """The server says that it does not exist."""
        now = self._clock.monotonic()
        self._registry.progress_of(wait).on_not_found(error, now)
        self._after_poll(wait, now)

    def on_error(self, wait: RegisteredWait, error: CivoError) -> None:
        """The poll failed."""
        now = self._clock.monotonic()
        progress = self._registry.progress_of(wait)
        if isinstance(error, ClientClosedError):
            progress.outcome = copy(error)
        else:
            progress.on_error(error, now)
            self._held_until = max(self._held_until, now + asked_to_wait(error))
        self._after_poll(wait, now)

    def on_refused(self, wait: RegisteredWait, error: CivoError) -> None:
        """The poll was refused, which is proven."""
        now = self._clock.monotonic()
        self._registry.progress_of(wait).on_refused(error, now)
        self._after_poll(wait, now)

    def _after_poll(self, wait: RegisteredWait, now: float) -> None:
        wait.polled = now
        if wait.deadline <= now:
            wait.progress.expire(now)  # this was its final poll, whatever else the tick asks for
        self._finish(wait)

    def _finish(self, wait: RegisteredWait) -> None:
        outcome = wait.progress.outcome
        if outcome is not None and self._registry.discard(wait):
            failed = isinstance(outcome, CivoError)
            self._teller.ended(wait, type(outcome).__name__ if failed else "")
            wait.on_end(outcome)

    def _end_all(self, error: CivoError) -> None:
        for wait in list(self._registry):
            wait.progress.outcome = copy(error)  # each waiter raises its own
            self._finish(wait)


def _running(*tasks: asyncio.Task[bool]) -> list[asyncio.Task[bool]]:
    return [task for task in tasks if not task.done()]
