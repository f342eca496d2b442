"""Restore drills: whether a backup can be restored, tried on a new instance.

It deletes nothing itself: that is left to a function of the caller's.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime

from attrs import define
from msgspec import Struct

from .. import _naming, _validation
from .._api import RegionApi, bears_hostname, sources_of
from .._clock import Clock
from .._session import ONCE
from ..errors import CivoError, RestoreFailedError, WaitError, chain_of, short
from ..models import Instance, Restore

_LAST_LOOK = 5.0
"""Seconds for finding out what a restore has left behind that was lost or cancelled."""

Hook = Callable[[Instance], Awaitable[object]]
Wait = Callable[[Restore], Awaitable[Instance]]


@define(repr=False)
class RestoreDrill:
    """What happened in a restore drill.

    Attributes:
        instance_id: of the snapshot that was restored.
        snapshot_id: what was restored.
        hostname: of the new instance; it was generated, so that nothing else bears it.
        started_at: by the client's clock.
        restore: what the server answered; None if nothing was accepted.
        instance: the new instance as last seen, once it is proven that the restore made it. What
            the cleanup does about it is not known here.
        restore_seconds: from the request until the instance was there; None if it never was.
        check_seconds: how long the caller's check took; None if it was not called.
        cleanup_seconds: how long the caller's cleanup took; None if it was not called.
        check_error: what the check raised; an `AssertionError` if it returned False.
        cleanup_error: what the cleanup raised: the instance may still be there.
    """

    instance_id: str
    snapshot_id: str
    hostname: str
    started_at: datetime
    restore: Restore | None = None
    instance: Instance | None = None
    restore_seconds: float | None = None
    check_seconds: float | None = None
    cleanup_seconds: float | None = None
    check_error: Exception | None = None
    cleanup_error: Exception | None = None

    @property
    def passed(self) -> bool:
        """Whether the instance came up and the check was content with it."""
        return self.check_seconds is not None and self.check_error is None

    def raise_for_failures(self) -> None:
        """Raise an `ExceptionGroup` of what check and cleanup raised; do nothing without any."""
        errors = [error for error in (self.check_error, self.cleanup_error) if error]
        if errors:
            raise ExceptionGroup(f"the drill of snapshot {short(self.snapshot_id)} failed", errors)

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "format": 1,
            "instance_id": self.instance_id,
            "snapshot_id": self.snapshot_id,
            "hostname": self.hostname,
            "started_at": self.started_at.isoformat(),
            "restore_id": self.restore.id if self.restore else None,
            "new_instance_id": self.instance.id if self.instance else None,
            "passed": self.passed,
            "restore_seconds": self.restore_seconds,
            "check_seconds": self.check_seconds,
            "cleanup_seconds": self.cleanup_seconds,
            "check_error": _told(self.check_error),
            "cleanup_error": _told(self.cleanup_error),
        }

    def to_json(self) -> str:
        """The record as a JSON document."""
        return json.dumps(self.as_dict())

    def __repr__(self) -> str:
        made = self.instance.id if self.instance else "no instance"
        end = "passed" if self.passed else "not passed"
        return f"<RestoreDrill of {short(self.snapshot_id)}: {self.hostname}, {made}, {end}>"

    @staticmethod
    def of(error: BaseException) -> "RestoreDrill | None":
        """What had happened when a drill ended with this exception, or one in it or behind it.

        Args:
            error: what was caught.
        """
        drills = (vars(one).get("drill") for one in chain_of(error))
        return next((drill for drill in drills if isinstance(drill, RestoreDrill)), None)


def _told(error: Exception | None) -> str | None:
    return f"{type(error).__name__}: {error}" if error else None


class DrillRun(Struct, eq=False):
    """One drill; `drill` is filled in as it goes on."""

    api: RegionApi
    drill: RestoreDrill
    check: Hook
    cleanup: Hook
    _before: frozenset[str] = frozenset()

    @classmethod
    def of(cls, api: RegionApi, key: tuple[str, str], check: Hook, cleanup: Hook) -> "DrillRun":
        """A drill of this snapshot, checked; nothing is sent yet."""
        _validation.callback(check, "check", awaited=True)
        _validation.callback(cleanup, "cleanup", awaited=True)
        now = api.session.clock.now()
        hostname = _naming.generate_name(now, "drill")
        return cls(api, RestoreDrill(*key, hostname, now), check, cleanup)

    async def run(self, wait: Wait) -> RestoreDrill:
        """Restore, wait, check, clean up; whatever is raised has the drill: see `of()`."""
        try:
            await self._run(wait)
        except BaseException as error:
            vars(error)["drill"] = self.drill
            raise
        return self.drill

    async def _run(self, wait: Wait) -> None:
        self._before = frozenset(one.id for one in await self.api.list_instances({}).collect())
        clock, drill = self.api.session.clock, self.drill
        began = clock.monotonic()
        try:
            drill.instance = await self._restore(wait)
        except BaseException as error:
            drill.instance = await self._left_by(error)
            if drill.instance is not None:
                await self._clean_up(clock)
            raise
        drill.restore_seconds = clock.monotonic() - began
        try:
            drill.check_seconds, drill.check_error = await _timed(self.check, drill.instance, clock)
        finally:
            await self._clean_up(clock)

    async def _restore(self, wait: Wait) -> Instance:
        """The new instance, proven to be the restore's."""
        drill = self.drill
        what = f"drill of snapshot {drill.snapshot_id}"
        fields = _validation.restore_fields(drill.hostname, what, None, False)
        drill.restore = await self.api.restore_snapshot(
            drill.instance_id, drill.snapshot_id, fields, {}
        )
        instance = await wait(drill.restore)
        if why := self._doubt(instance):
            raise RestoreFailedError(
                f"instance {short(instance.id)} is called {drill.hostname}, but {why}: it was left "
                "alone",
                restore=drill.restore,
                instance=instance,
            )
        return instance

    async def _left_by(self, error: BaseException) -> Instance | None:
        """The instance of a restore that came to no good end, by one look if it is not known."""
        if isinstance(error, WaitError) and error.instance is not None:
            return None if self._doubt(error.instance) else error.instance
        is_cancelled = isinstance(error, asyncio.CancelledError)
        if not (is_cancelled or self.drill.restore or getattr(error, "may_have_acted", False)):
            return None
        try:
            listing = self.api.list_instances({**ONCE, "timeout": _LAST_LOOK})
            listed = await listing.collect()
        except CivoError:
            return None
        named = [one for one in listed if bears_hostname(one, self.drill.hostname)]
        return named[0] if len(named) == 1 and not self._doubt(named[0]) else None

    def _doubt(self, instance: Instance) -> str:
        """Why an instance is not the restore's for certain; empty if it is."""
        if instance.id in (*self._before, self.drill.instance_id):
            return "was there before"
        told = sources_of(instance)
        restore = self.drill.restore
        asked = {self.drill.snapshot_id, restore.from_snapshot if restore else ""}
        if told and not told & asked:
            return f"was made of {short(' or '.join(sorted(told)))}"
        return ""

    async def _clean_up(self, clock: Clock) -> None:
        assert self.drill.instance is not None
        self.drill.cleanup_seconds, self.drill.cleanup_error = await _timed(
            self.cleanup, self.drill.instance, clock
        )


async def _timed(hook: Hook, instance: Instance, clock: Clock) -> tuple[float, Exception | None]:
    """Call one of the caller's functions: how long it took, and what it raised."""
    began = clock.monotonic()
    failure: Exception | None = None
    try:
        if await hook(instance) is False:
            failure = AssertionError("it returned False")
    except Exception as error:
        failure = error
    return clock.monotonic() - began, failure
