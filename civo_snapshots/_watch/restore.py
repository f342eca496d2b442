"""Waiting for a restore through its instance, because a restore has no status of its own.

A new instance is there when one of the asked hostname is ACTIVE and not older than the restore. An
overwritten one may still be ACTIVE from before: it counts once it was seen in another state, or
has stayed ACTIVE for half a minute.
"""

from functools import partial

from attrs import define, evolve

from .. import _validation, states
from .._api import RegionApi
from .._session import CONFIRMED_AFTER, ONCE, CallOptions
from ..errors import (
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    PollFailedError,
    RestoreFailedError,
    WaitTimeoutError,
)
from ..models import Instance, Restore
from ..states import State, StateTable
from .policy import PollPolicy, grace_of
from .progress import CompletionWait

_ACTIVE_FOR = 30.0
_FAILED = ("error", "failed")


@define
class RestoreWait:
    """One wait for one restore: `outcome` is None until it is over."""

    restore: Restore
    started: float
    last: Instance | None = None
    outcome: Instance | CivoError | None = None
    polls: int = 0
    _was_away: bool = False
    _active_since: float | None = None

    def pick(self, instances: list[Instance]) -> Instance | None:
        """The instance that the restore makes, among those that bear its hostname."""
        named = [found for found in instances if found.hostname == self.restore.hostname]
        made = self.restore.created_at
        if made is not None:
            made = made.replace(microsecond=0)  # instances may be dated in whole seconds
            named = [found for found in named if not found.created_at or found.created_at >= made]
            dated = [found for found in named if found.created_at]
            named = dated or named
        # Two of one name, and nothing to tell them apart: rather none than a stranger's.
        return named[0] if len(named) == 1 else None

    def observe(self, instance: Instance | None, now: float) -> None:
        """Take what a poll found."""
        self.polls += 1
        if instance is None:
            return
        self.last = instance
        status = states.normalise(instance.status)
        if status in _FAILED:
            self.outcome = RestoreFailedError(
                f"restore {self.restore.id}: instance {instance.id} is {instance.status}",
                restore=self.restore,
                instance=instance,
                elapsed=now - self.started,
                polls=self.polls,
            )
        elif status != "active":
            self._was_away, self._active_since = True, None
        elif self._is_back(now):
            self.outcome = instance

    def _is_back(self, now: float) -> bool:
        if not self.restore.overwrite_existing or self._was_away:
            return True
        if states.classify(self.restore.status.state) is State.COMPLETE:
            return True
        if self._active_since is None:
            self._active_since = now
        return now - self._active_since >= _ACTIVE_FOR

    def expire(self, now: float) -> None:
        """The wait's time is over."""
        state = self.last.status if self.last else "not seen"
        self.outcome = WaitTimeoutError(
            f"restore {self.restore.id} was not finished after {now - self.started:.1f} s "
            f"(instance {state}); it goes on, wait again",
            restore=self.restore,
            instance=self.last,
            elapsed=now - self.started,
            polls=self.polls,
        )


async def wait_until_restored(
    api: RegionApi, restore: Restore, *, timeout: float, policy: PollPolicy, states: StateTable
) -> Instance:
    """Poll until the restored instance is ACTIVE; raises `WaitError`s of the restore."""
    if restore.overwrite_existing:
        known = _validation.identifier(restore.instance_id, "restore.instance_id")
        restore = evolve(restore, instance_id=known)
    elif not restore.hostname:
        raise InvalidArgumentError("this restore names no hostname to wait for")
    api.named_region()
    clock = api.session.clock
    progress = RestoreWait(restore, clock.monotonic())
    deadline = progress.started + timeout
    trouble = CompletionWait(
        restore.instance_id, restore.from_snapshot, policy, states, progress.started
    )
    while progress.outcome is None:
        now, began = clock.monotonic(), api.session.confirmation.mark()
        try:
            found = await _find(api, progress, max(0.0, deadline - now) + grace_of(timeout))
            progress.observe(found, clock.monotonic())
            trouble.recover()
        except CivoError as error:
            confirm = api.session.confirmation.confirms
            read = partial(_find, api, progress, grace_of(timeout))
            has_time = deadline - now > CONFIRMED_AFTER
            if has_time and await confirm(error, read, region=api.named_region(), since=began):
                trouble.on_refused(error, now)
            else:
                trouble.on_error(error, now)
            if isinstance(trouble.outcome, PollFailedError):
                trouble.outcome.restore = restore
                trouble.outcome.instance = progress.last
                progress.outcome = trouble.outcome
        if progress.outcome is None:
            left = deadline - clock.monotonic()
            if left <= 0:
                progress.expire(clock.monotonic())
            else:
                await clock.sleep(min(left, policy.pause(now - progress.started)))
    if isinstance(progress.outcome, Instance):
        return progress.outcome
    raise progress.outcome


async def _find(api: RegionApi, progress: RestoreWait, within: float) -> Instance | None:
    options: CallOptions = {**ONCE, "timeout": within}
    restore = progress.restore
    if progress.last is not None or restore.overwrite_existing:
        known = progress.last.id if progress.last else restore.instance_id
        try:
            return await api.get_instance(known, options)
        except NotFoundError:
            return None
    return progress.pick(await api.list_instances(options).collect())
