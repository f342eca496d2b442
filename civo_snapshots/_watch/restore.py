"""Waiting for a restore through its instance, because a restore has no status of its own.

A new instance has to be told from others of its hostname, and is there once it is active or
stopped. Where another restore of this client makes one like it, its address tells them apart, or
nothing does. An overwritten instance may be before as it will be at the end, also for as long as
the restore is queued: what is seen ends the wait only after something else was seen, or has
stayed for longer than a queue.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from math import inf
from typing import TypeVar

from attrs import evolve
from msgspec import Struct, field

from .. import _validation
from .._api import RegionApi, bears_hostname, outlasts_lag, sources_of
from .._session import CONFIRMED_AFTER, ONCE, CallOptions
from ..errors import (
    CivoError,
    InvalidArgumentError,
    NotFoundError,
    PollFailedError,
    RestoreFailedError,
    WaitError,
    WaitTimeoutError,
    printable,
    short,
)
from ..models import Instance, Restore
from ..states import BROKEN_INSTANCE, DEFAULT_STATES, State, StateTable, classify, normalise
from .faults import Faults
from .policy import PollPolicy, grace_of
from .poll_round import asked_to_wait
from .progress import SHOWN
from .telling import telling

W = TypeVar("W", bound=WaitError)

_THERE = ("active", "shutoff")

_SETTLED_AFTER = 120.0
"""Seconds after which what has not changed is the end: a restore may be queued for a minute."""

_TOLERANCE = timedelta(seconds=30)
"""How much older than its restore an instance may seem: they are dated by different machines."""


def _no_rivals() -> bool:
    return False


class RestoreWait(Struct, eq=False):
    """One wait for one restore: `outcome` is None until it is over."""

    restore: Restore
    started: float
    states: StateTable = DEFAULT_STATES
    last: Instance | None = None
    outcome: Instance | CivoError | None = None
    polls: int = 0
    has_rivals: Callable[[], bool] = _no_rivals
    """Whether another restore may make an instance like this one's at the moment."""
    _old: frozenset[str] | None = None
    _alike: int = 0
    _seen: dict[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])

    def pick(self, instances: list[Instance], now: float = inf) -> Instance | None:
        """The instance that the restore makes, among those that bear its hostname."""
        restore = self.restore
        named = [
            one
            for one in instances
            if bears_hostname(one, restore.hostname) and one.id != restore.instance_id
        ]
        if restore.namesakes is not None:
            named = [one for one in named if one.id not in restore.namesakes]
        else:
            named = [one for one in named if self._is_young(one) is not False]
        if proven := [one for one in named if self._has_address(one)]:
            return proven[0]
        made_of_it = [one for one in named if self._is_made_of_it(one)]
        if restore.namesakes is None and not made_of_it:
            named = self._without_old(named)
        named = made_of_it or named
        if len(named) > 1:
            named = [one for one in named if self._is_young(one)]
        # Two of one name, and nothing to tell them apart: rather none than a stranger's.
        self._alike = len(named)
        if len(named) != 1 or self._may_be_anothers(named[0], now):
            return None
        return named[0]

    def _has_address(self, instance: Instance) -> bool:
        return instance.private_ip == self.restore.private_ipv4 != ""

    def _may_be_anothers(self, instance: Instance, now: float) -> bool:
        """Whether its own may still be queued, and this one be that of another restore."""
        if now - self.started >= _SETTLED_AFTER:
            return False
        has_another_address = "" not in (instance.private_ip, self.restore.private_ipv4)
        return has_another_address or self._names_another(instance) or self.has_rivals()

    def _names_another(self, instance: Instance) -> bool:
        """Whether it says that it was made of another snapshot."""
        return not self._is_made_of_it(instance) and bool(sources_of(instance))

    def _is_made_of_it(self, instance: Instance) -> bool:
        snapshot_id = self.restore.from_snapshot
        return snapshot_id != "" and snapshot_id in (instance.snapshot_id, instance.source_id)

    def _is_young(self, instance: Instance) -> bool | None:
        """Whether it is no older than the restore; None if that cannot be told."""
        made, asked = instance.created_at, self.restore.created_at
        if made is None or asked is None:
            return None
        return made >= asked - _TOLERANCE

    def _without_old(self, named: list[Instance]) -> list[Instance]:
        """Leave out what was there already when the wait began, unless its date proves it."""
        if self._old is None:
            self._old = frozenset(
                one.id for one in named if self._is_young(one) is None and _has_ended(one)
            )
        return [one for one in named if one.id not in self._old]

    def observe(self, instance: Instance | None, now: float) -> None:
        """Take what a poll found."""
        self.polls += 1
        if instance is None:
            return
        self.last = instance
        status = normalise(instance.status)
        mark = (status, instance.snapshot_id, instance.source_id)
        self._seen[mark] = now
        if not _has_ended(instance) or not self._is_new(mark, now):
            return
        if status in _THERE:
            self.outcome = instance
            return
        self._fail(
            RestoreFailedError,
            f"{self._called}: instance {short(instance.id)} is {short(instance.status)}",
            now,
        )

    def _is_new(self, mark: tuple[str, ...], now: float) -> bool:
        """Whether the instance looks so because of the restore, and not from before."""
        if not self.restore.overwrite_existing:
            return True
        others = [at for other, at in self._seen.items() if other != mark]
        if others:
            return outlasts_lag(max(others), now)
        says_complete = classify(self.restore.status.state, self.states) is State.COMPLETE
        if says_complete and mark[0] in _THERE:
            return True
        return now - self.started >= _SETTLED_AFTER

    @property
    def _called(self) -> str:
        return f"restore {short(self.restore.id)}"

    def seen(self) -> tuple[str, int]:
        """The instance's status as it was seen last, and the number of polls."""
        return (self.last.status if self.last else ""), self.polls

    def expire(self, now: float) -> None:
        """The wait's time is over."""
        seen = short(self.last.status) if self.last else "not seen"
        if self._old and self.last is None:
            old = printable(", ".join(sorted(self._old)), SHOWN)
            seen += f", but {old} of that hostname, which may be older"
        elif self._alike > 1 and self.last is None:
            seen += f", but {self._alike} new ones of that hostname, which nothing tells apart"
        self._fail(
            WaitTimeoutError,
            f"{self._called} was not finished after {now - self.started:.1f} s "
            f"(instance {seen}); it goes on, wait again",
            now,
        )

    def fail(self, error: CivoError, now: float) -> None:
        """Polls have failed for too long."""
        outcome = self._fail(
            PollFailedError,
            f"looking at the instance of {self._called} failed: "
            f"{printable(error.message, SHOWN)}; it may be fine, wait again",
            now,
        )
        outcome.call, outcome.error = error.call, error

    def _fail(self, kind: type[W], message: str, now: float) -> W:
        """End with an error of this kind."""
        self.outcome = error = kind(
            message,
            restore=self.restore,
            instance=self.last,
            elapsed=now - self.started,
            polls=self.polls,
        )
        return error


def _has_ended(instance: Instance) -> bool:
    return normalise(instance.status) in (*_THERE, *BROKEN_INSTANCE)


async def wait_until_restored(
    api: RegionApi, restore: Restore, *, timeout: float, policy: PollPolicy, states: StateTable
) -> Instance:
    """Poll until the restored instance is there; raises `WaitError`s of the restore."""
    if restore.overwrite_existing:
        known = _validation.identifier(restore.instance_id, "restore.instance_id")
        restore = evolve(restore, instance_id=known)
    elif not restore.hostname:
        raise InvalidArgumentError("this restore names no hostname to wait for")
    api.named_region()
    clock = api.session.clock
    progress = RestoreWait(restore, clock.monotonic(), states)
    progress.has_rivals = lambda: api.restores.has_rivals(
        restore, api.named_region(), clock.monotonic()
    )
    with telling(api, "restored", restore.instance_id, restore.from_snapshot, progress.seen):
        await _poll_until_over(api, progress, timeout, policy)
        if isinstance(progress.outcome, CivoError):
            raise progress.outcome
    assert isinstance(progress.outcome, Instance)
    return progress.outcome


async def _poll_until_over(
    api: RegionApi, progress: RestoreWait, timeout: float, policy: PollPolicy
) -> None:
    clock = api.session.clock
    deadline = progress.started + timeout
    faults = Faults(policy.tolerate)
    while progress.outcome is None:
        now, began = clock.monotonic(), api.session.confirmation.mark()
        asked = 0.0
        try:
            found = await _find(api, progress, max(0.0, deadline - now) + grace_of(timeout))
            faults.count = 0
            progress.observe(found, clock.monotonic())
        except CivoError as error:
            asked = asked_to_wait(error)
            confirm = api.session.confirmation.confirms
            read = partial(_find, api, progress, grace_of(timeout))
            has_time = deadline - now > CONFIRMED_AFTER
            refused = has_time and await confirm(
                error, read, region=api.named_region(), since=began
            )
            if refused or faults.end_the_wait(error, now):
                progress.fail(error, now)
        if progress.outcome is None:
            left = deadline - clock.monotonic()
            if left < 0.001:  # a sleep may end a rounding error early
                progress.expire(clock.monotonic())
            else:
                pause = min(left, max(asked, policy.pause(now - progress.started)))
                await api.session.pause(pause)


async def _find(api: RegionApi, progress: RestoreWait, within: float) -> Instance | None:
    options: CallOptions = {**ONCE, "timeout": within}
    restore = progress.restore
    if progress.last is not None or restore.overwrite_existing:
        known = progress.last.id if progress.last else restore.instance_id
        try:
            return await api.get_instance(known, options)
        except NotFoundError:
            return None
    listed = await api.list_instances(options).collect()
    taken = api.restores.taken(restore, api.named_region())
    found = progress.pick(
        [one for one in listed if one.id not in taken], api.session.clock.monotonic()
    )
    if found is not None:
        api.restores.made(restore, found.id)
    return found
