"""How the waits for snapshots and restores begin: arguments checked, with the client's settings."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from math import inf
from typing import TypeVar

from msgspec import Struct

from .. import _validation
from .._api import RegionApi
from .._create import CreateSupervisor
from .._session import CallOptions
from .._validation import Id
from .._watch import (
    CompletionWait,
    DeletionWait,
    PollPolicy,
    Wait,
    Watcher,
    policy_or,
    wait_timeout,
    wait_until_deleted,
    wait_until_restored,
)
from ..events import OnChange
from ..models import Instance, Restore, Snapshot
from ..states import StateTable
from ._names import refuse_name
from ._runs import believed_from

_LEAST_TIME = 0.5
"""Seconds for a question before a wait, however short that is to be."""

_Kind = TypeVar("_Kind", bound=CompletionWait)


class Waits(Struct, frozen=True, eq=False):
    """What the waits of a region share; `poll` is the policy of one of them, if not the client's.

    A snapshot comes as `Snapshots` takes it.
    """

    api: RegionApi
    creates: CreateSupervisor
    watcher: Callable[[], Watcher]
    policy: PollPolicy
    states: StateTable

    def completion(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None,
        timeout: float | None,
        poll: PollPolicy | None,
    ) -> Wait:
        """A wait for a snapshot to be complete, which begins when it is awaited."""
        progress, deadline = self._begin(CompletionWait, snapshot, snapshot_id, timeout, poll)
        return Wait(self.watcher(), progress, deadline, _known(snapshot))

    async def deletion(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None,
        timeout: float | None,
        poll: PollPolicy | None,
        on_change: OnChange | None,
    ) -> None:
        """Wait for a snapshot to be gone."""
        progress, deadline = self._begin(DeletionWait, snapshot, snapshot_id, timeout, poll)
        key = progress.instance_id, progress.snapshot_id
        why = "nothing is known of a name once it is gone"
        within: CallOptions = {"timeout": max(deadline - progress.started, _LEAST_TIME)}
        await refuse_name(self.api, snapshot, key, why, within)
        known = _known(snapshot)
        # Another client may have made it a moment ago, as far as anybody here knows.
        own = believed_from(self.api, self.creates, progress.snapshot_id)
        window = self.api.session.timeouts.reconcile_window
        progress.believed_from = own if own > -inf else progress.started + window
        progress.is_old = lambda seen: self._is_old(seen or known)
        await wait_until_deleted(
            self.api, self.watcher(), progress, deadline, known=known, on_change=on_change
        )

    def _is_old(self, snapshot: Snapshot | None) -> bool:
        """Whether every read shows it by now, as far as the clocks can tell."""
        if snapshot is None:
            return False
        session = self.api.session
        clock = self.creates.claims.clock_of(self.api.named_region())
        since = session.clock.now() - timedelta(seconds=session.timeouts.reconcile_window)
        return clock.is_younger(snapshot, since, session.clock_skew) is False

    async def restore(
        self, restore: Restore, timeout: float | None, poll: PollPolicy | None
    ) -> Instance:
        """Wait for a restore's instance."""
        return await self.of_restores(timeout, poll)(restore)

    def of_restores(
        self, timeout: float | None, poll: PollPolicy | None
    ) -> Callable[[Restore], Awaitable[Instance]]:
        """What waits for a restore that is still to be asked for; arguments checked."""
        return partial(
            wait_until_restored,
            self.api,
            timeout=wait_timeout(timeout),
            policy=policy_or(poll, self.policy),
            states=self.states,
        )

    def _begin(
        self,
        kind: type[_Kind],
        snapshot: Id | Snapshot,
        snapshot_id: Id | None,
        timeout: float | None,
        poll: PollPolicy | None,
    ) -> tuple[_Kind, float]:
        """A wait of this kind that begins now, and its deadline."""
        key = _validation.snapshot_key(snapshot, snapshot_id)
        seconds = wait_timeout(timeout)
        self.api.named_region()
        now = self.api.session.clock.monotonic()
        return kind(*key, policy_or(poll, self.policy), self.states, now), now + seconds


def _known(snapshot: Id | Snapshot) -> Snapshot | None:
    return snapshot if isinstance(snapshot, Snapshot) else None
