"""Waiting for a snapshot to be gone: which absence is believed, and whom to ask about it."""

from collections.abc import Callable
from math import inf
from typing import ClassVar

from attrs import define

from .._api import Missing, RegionApi, missing_of, outlasts_lag
from .._session import ONCE
from ..errors import CivoError, ClientClosedError, NotFoundError
from ..events import OnChange
from ..models import Snapshot
from .policy import grace_of
from .progress import CompletionWait
from .telling import telling
from .wait import Wait
from .watcher import Watcher


def _nobody_knows(seen: Snapshot | None) -> bool:
    return False


@define(eq=False, repr=False)
class DeletionWait(CompletionWait):
    """One wait for a snapshot to be gone: its absence is the success.

    Attributes:
        believed_from: when a 404 begins to count: a moment after its create it may be mere delay.
        is_old: whether the snapshot, as this wait has seen it, is older than any such delay.
    """

    until: ClassVar[str] = "deleted"

    believed_from: float = -inf
    is_old: Callable[[Snapshot | None], bool] = _nobody_knows

    def on_not_found(self, error: NotFoundError, now: float) -> None:
        self.polls += 1
        self.recover()
        if now < self.believed_from and not self.is_old(self.last):
            return
        if missing_of(error) is Missing.INSTANCE:
            self._end(error)  # which says nothing of the snapshot
            return
        gone = Snapshot(id=self.snapshot_id, instance_id=self.instance_id)
        self._end(self.last if self.last is not None else gone)

    def _judge(self, snapshot: Snapshot, now: float) -> None:
        """Whatever its state, it is still there."""


async def wait_until_deleted(
    api: RegionApi,
    watcher: Watcher,
    progress: DeletionWait,
    deadline: float,
    *,
    known: Snapshot | None,
    on_change: OnChange | None,
) -> None:
    """Wait until the snapshot is gone, also where its instance went before it."""
    try:
        await Wait(watcher, progress, deadline, known).end(on_change)
    except NotFoundError as error:
        if error is not progress.outcome:
            raise  # it is an error of `on_change`
        ids = progress.instance_id, progress.snapshot_id
        orphan = DeletionWait(*ids, progress.policy, progress.states, progress.started)
        orphan.last, orphan.polls = progress.last, progress.polls
        with telling(api, orphan.until, *ids, orphan.seen):
            await _wait_for_orphan(api, orphan, deadline, error)


async def _wait_for_orphan(
    api: RegionApi, progress: DeletionWait, deadline: float, instance_gone: NotFoundError
) -> None:
    """Ask the region-wide endpoint, because a snapshot may outlive its instance."""
    clock = api.session.clock
    untold_since: float | None = None
    while progress.outcome is None:
        now = clock.monotonic()
        within = max(0.0, deadline - now) + grace_of(deadline - progress.started)
        try:
            if await api.get_orphan(progress.snapshot_id, {**ONCE, "timeout": within}) is None:
                return
            untold_since = None
            progress.observe_again(1)
        except NotFoundError:
            untold_since = now if untold_since is None else untold_since
            if outlasts_lag(untold_since, now):
                instance_gone.message += "; whether its snapshot is gone as well cannot be told"
                raise instance_gone from None
        except ClientClosedError:
            raise
        except CivoError as error:
            progress.on_error(error, now)
        left = deadline - clock.monotonic()
        if progress.outcome is None and left < 0.001:  # a sleep may end a rounding error early
            progress.expire(clock.monotonic())
        if progress.outcome is None:
            await api.session.pause(min(left, progress.policy.pause(now - progress.started)))
    if isinstance(progress.outcome, CivoError):
        raise progress.outcome
