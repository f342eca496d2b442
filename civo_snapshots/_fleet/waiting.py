"""Waiting for what a run has made, wherever it was started: reads only, so that many may wait."""

import asyncio
from collections.abc import Callable

from attrs import evolve
from msgspec import Struct

from .. import _naming
from .._api import RegionApi
from .._watch import CompletionWait, PollPolicy, RegisteredWait, Watcher, grace_of
from ..errors import CivoError
from ..events import Transition
from ..models import Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ..states import StateTable
from .ending import tell_further
from .member import Member, kind_of_end
from .stream import guarded


class WaitSettings(Struct, frozen=True, eq=False):
    """How a run is waited for; `timeout` in seconds."""

    timeout: float
    policy: PollPolicy
    states: StateTable
    concurrency: int
    on_change: Callable[[Transition], object] | None = None


class RunWait:
    """Waits for the snapshots of a run; an outcome without one stays as it is.

    What was refused stays so too, whatever stands in its way.
    """

    def __init__(
        self, api: RegionApi, watcher: Watcher, settings: WaitSettings, run: FleetRun
    ) -> None:
        self._api = api
        self._watcher = watcher
        self._settings = settings
        self._run = run
        self._clock = api.session.clock
        self._began = self._clock.monotonic()
        self._members: dict[str, Member] = {}
        self._open = 0
        self._all_ended = asyncio.Event()

    async def end(self) -> FleetRun:
        """Wait for all of them; a cancellation leaves the run so far on its exception."""
        try:
            self._begin()
            try:
                if self._open:
                    await self._all_ended.wait()
            finally:
                for member in self._members.values():
                    if member.wait is not None:
                        self._watcher.remove(member.wait)
            await self._tell_further()
        except BaseException as error:
            self._result(partial=True).attach_to(error)
            raise
        return self._result(partial=False)

    def _begin(self) -> None:
        settings, now = self._settings, self._began
        tell = settings.on_change and guarded(settings.on_change)
        for outcome in self._run:
            known = outcome.snapshot
            if known is None or outcome.kind is OutcomeKind.REFUSED or known.id in self._members:
                continue
            member = self._members[known.id] = Member(self._ended, known.instance_id, outcome.name)
            member.snapshot, member.duplicates = known, outcome.duplicates
            progress = CompletionWait(
                known.instance_id, known.id, settings.policy, settings.states, now
            )
            # What it brings is a hint: all of it is looked at once.
            self._watcher.seed(progress, known, is_fresh=False)
            deadline = now + settings.timeout
            member.begin_wait(RegisteredWait(progress, now, deadline, member, tell))
            self._open += 1
        for member in self._members.values():
            if member.wait is not None:
                self._watcher.add(member.wait)

    def _ended(self, member: Member, end: Snapshot | CivoError) -> None:
        member.end_wait()
        if isinstance(end, Snapshot):
            member.snapshot = end
            member.finish(OutcomeKind.COMPLETE, None)
        else:
            member.snapshot = getattr(end, "snapshot", None) or member.snapshot
            member.finish(kind_of_end(end), end)
        self._open -= 1
        if not self._open:
            self._all_ended.set()

    async def _tell_further(self) -> None:
        """What bears the run's names besides; only if the run has made something itself."""
        made = any(out.snapshot and not out.adopted for out in self._run)
        if made and self._members and _naming.is_label(self._run.name):
            ends = self._began + self._settings.timeout + grace_of(self._settings.timeout)
            await tell_further(
                self._api,
                self._run.name,
                self._members.values(),
                lambda: ends - self._clock.monotonic(),
                shows_at=self._began,
                workers=self._settings.concurrency,
            )

    def _result(self, *, partial: bool) -> FleetRun:
        return FleetRun(self._run.name, tuple(map(self._outcome, self._run)), partial)

    def _outcome(self, before: Outcome) -> Outcome:
        member = self._members.get(before.snapshot.id) if before.snapshot else None
        now = member.outcome if member else None
        if now is None or before.kind is OutcomeKind.REFUSED:
            return before
        return evolve(
            before,
            kind=now.kind,
            snapshot=now.snapshot,
            error=now.error,
            duplicates=now.duplicates,
        )
