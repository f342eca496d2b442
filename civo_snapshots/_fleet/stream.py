"""A fan-out as callers have it: an iterator of outcomes, and the run so far."""

import asyncio
import inspect
import logging
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from .._api import RegionApi
from .._clock import Clock
from .._concurrency import done_within
from .._create import CreateSupervisor
from .._version import made_by_a_client
from .._watch import Watcher
from ..errors import ClientClosedError, InvalidArgumentError, QuotaExceededError
from ..events import Transition
from ..outcomes import FleetRun, Outcome
from .intake import Instances, Source, begun, check_empty, each, ids_of, ids_of_all, is_whole
from .patience import step_within
from .run import Fleet
from .settings import RunSettings

logger = logging.getLogger("civo_snapshots")

LEAVE_GRACE = 5.0
"""Seconds that a closing client waits for a run that is ending already."""


class OpenRun:
    """What a client keeps of a run until it has ended, so that closing the client can end it.

    Attributes:
        is_read: whether somebody waits for its next outcome.
        is_ending: whether its stream is being closed.
        is_over: whether it came to its own end.
        ended: set when nothing of it goes on.
    """

    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self._fleet = fleet
        self.is_read = self.is_ending = self.is_over = False
        self.ended = asyncio.Event()
        self._clock = clock
        self._outcomes: Callable[[], AsyncGenerator[Outcome] | None] = lambda: None

    def begin(self, outcomes: AsyncGenerator[Outcome]) -> None:
        """Take what drives it; weakly, because a run ends when its stream is dropped."""
        self._outcomes = weakref.ref(outcomes)

    def interrupted(self) -> FleetRun | None:
        """The run so far, if it was cancelled or left and what it has sent is being found out."""
        return self._fleet.result() if self._fleet.is_interrupted else None

    async def leave(self) -> None:
        """End it unless it is being read; wait a little for one that is ending already."""
        is_ending = self.is_ending or self._fleet.is_interrupted
        if self.is_read and not is_ending:
            return
        outcomes = self._outcomes()
        if outcomes is not None and not is_ending:
            self.is_ending = True
            await outcomes.aclose()
            return
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await done_within(ended, self._clock, LEAVE_GRACE)
        finally:
            ended.cancel()


class FleetStream:
    """A fan-out to iterate: yields each `Outcome` as soon as it is known.

    Use it as ``async with civo.snapshots.create_each(...) as stream`` and iterate within. Leaving
    the block early ends the run as a cancellation does: no further create is sent, and those
    already sent are known then, or left to `CivoClient.unresolved`.

    A slow reader slows the run: creates begin while the next outcome is waited for, and one more
    for each outcome taken. So after a plain ``break`` no more is sent than what has begun, at most
    `concurrency` creates; the run ends when its stream is dropped or the client is closed.
    """

    @made_by_a_client
    def __init__(self, fleet: Fleet, outcomes: AsyncGenerator[Outcome], open_run: OpenRun) -> None:
        self._fleet = fleet
        self._outcomes = outcomes
        self._open_run = open_run
        self._is_left = False

    @classmethod
    def open(
        cls,
        api: RegionApi,
        creates: CreateSupervisor,
        watcher: Watcher,
        settings: RunSettings,
        instances: Instances,
        *,
        check_quota: bool,
    ) -> Self:
        """A run that begins when it is iterated; ids that are known already are checked at once."""
        expected = list(ids_of_all(instances)) if is_whole(instances) else []
        if is_whole(instances) and not expected:
            check_empty(allow_empty=settings.allow_empty)
        if settings.on_change is not None:
            settings = replace(settings, on_change=guarded(settings.on_change))
        fleet = Fleet(api, creates, watcher, settings, expected)

        async def prepared() -> Source:
            source = await begun(iter(expected) if is_whole(instances) else ids_of(instances))
            if source is None:  # no request is sent for nothing
                check_empty(allow_empty=settings.allow_empty)
                return iter(())
            await fleet.prepare()
            if not check_quota:
                return source
            wanted = [one async for one in each(source)]
            await fleet.stop.confirmed(partial(_check_quota, api, fleet, set(wanted)))
            return iter(wanted)

        open_run = OpenRun(fleet, api.session.clock)
        outcomes = _outcomes(fleet, prepared, creates, open_run)
        open_run.begin(outcomes)
        return cls(fleet, outcomes, open_run)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        finally:
            if error is not None:
                self.run.attach_to(error)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run!r}>"

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        self._open_run.is_read = True
        try:
            return await anext(self._outcomes)
        except StopAsyncIteration:
            if self._is_left or self._open_run.is_over:
                raise
            error: BaseException = ClientClosedError(
                "the client was closed before this run was over; the same name continues it"
            )
        except BaseException as raised:
            self._is_left = True
            error = raised
        finally:
            self._open_run.is_read = False
        self._fleet.stopped()
        self.run.attach_to(error)
        raise error

    async def aclose(self) -> None:
        """End the run early; returns when what was sent is known or left to the client."""
        self._is_left = self._open_run.is_ending = True
        self._fleet.stopped()
        await self._outcomes.aclose()

    @property
    def run(self) -> FleetRun:
        """The run so far, in input order."""
        return self._fleet.result()


async def _outcomes(
    fleet: Fleet,
    prepared: Callable[[], Awaitable[Source]],
    creates: CreateSupervisor,
    open_run: OpenRun,
) -> AsyncGenerator[Outcome]:
    """Drive a run, known to the client until it ends, and afterwards if that was not its own."""
    has_begun = False
    creates.open_runs.add(open_run)
    try:
        source = await prepared()
        has_begun = True
        async with aclosing(fleet.outcomes(source)) as outcomes:
            async for outcome in outcomes:
                yield outcome
        open_run.is_over = True
    except BaseException as error:
        fleet.stopped()
        if has_begun or not isinstance(error, Exception):  # else the error says it all
            creates.interrupted.add(fleet.result())
        raise
    finally:
        creates.open_runs.discard(open_run)
        open_run.ended.set()


async def _check_quota(api: RegionApi, fleet: Fleet, wanted: set[str]) -> None:
    missing = 0
    for instance_id in wanted:
        missing += await fleet.is_missing(instance_id)
    free = (await api.get_quota(step_within(api.session, fleet.left))).free_snapshots
    if free is not None and free < missing:
        raise QuotaExceededError(
            f"the run needs {missing} snapshots and the quota has {free} left; nothing was "
            "created; delete snapshots or ask for a higher quota"
        )


def guarded(on_change: Callable[[Transition], object]) -> Callable[[Transition], None]:
    """A callback's error is logged: it must not end what others wait for."""

    context = copy_context()  # the watcher's is nobody's

    def tell(transition: Transition) -> None:
        try:
            told = context.run(on_change, transition)
            if inspect.isawaitable(told):
                if inspect.iscoroutine(told):
                    told.close()
                raise InvalidArgumentError("on_change of a run is not awaited")
        except Exception:
            logger.exception("the on_change callback raised")

    return tell
