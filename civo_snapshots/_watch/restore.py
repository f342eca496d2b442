"""Waiting for a restore through its instance, because a restore has no status of its own; pure.

A new instance is there when one of the asked hostname is ACTIVE and not older than the restore. An
overwritten one may still be ACTIVE from before: it counts once it was seen in another state, or
has stayed ACTIVE for a settling time.
"""

from attrs import define

from .. import states
from ..errors import CivoError, RestoreFailedError, WaitTimeoutError
from ..models import Instance, Restore
from ..states import State

_SETTLE = 30.0
_FAILED = ("error", "failed")


@define
class RestoreProgress:
    """One wait for one restore: `outcome` is None until it is over."""

    restore: Restore
    started: float
    last: Instance | None = None
    outcome: Instance | CivoError | None = None
    looks: int = 0
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

    def see(self, instance: Instance | None, now: float) -> None:
        """What a look found."""
        self.looks += 1
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
                looks=self.looks,
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
        return now - self._active_since >= _SETTLE

    def expire(self, now: float) -> None:
        """The wait's time is over."""
        state = self.last.status if self.last else "not seen"
        self.outcome = WaitTimeoutError(
            f"restore {self.restore.id} was not finished after {now - self.started:.1f} s "
            f"(instance {state}); it goes on, wait again",
            restore=self.restore,
            instance=self.last,
            elapsed=now - self.started,
            looks=self.looks,
        )
