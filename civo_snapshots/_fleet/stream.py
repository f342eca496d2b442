"""A fan-out as callers have it: an iterator of outcomes, and the run so far."""

import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from contextvars import copy_context
from functools import partial
from typing import Self

from attrs import evolve

from .._api import RegionApi
from .._create import CreateSupervisor
from .._watch import Watcher
from ..errors import InvalidArgumentError, QuotaExceededError
from ..events import Transition
from ..outcomes import FleetRun, Outcome
from .intake import Instances, begun, check_empty, each, ids_of, ids_of_all, is_whole
from .patience import step_within
from .run import Fleet
from .settings import RunSettings

logger = logging.getLogger("civo_snapshots")


class FleetStream:
    """A fan-out to iterate: yields each `Outcome` as soon as it is known.

    A slow reader slows the run. Leaving the loop early stops it: no further create is sent, and
    `await stream.aclose()` returns when those already sent are known, or left to the client.
    """

    def __init__(self, fleet: Fleet, outcomes: AsyncGenerator[Outcome]) -> None:
        self._fleet = fleet
        self._outcomes = outcomes

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
            settings = evolve(settings, on_change=_guarded(settings.on_change))
        fleet = Fleet(api, creates, watcher, settings, expected)

        async def outcomes() -> AsyncGenerator[Outcome]:
            source = await begun(iter(expected) if is_whole(instances) else ids_of(instances))
            if source is None:  # no request is sent for nothing
                check_empty(allow_empty=settings.allow_empty)
                source = iter(())
            else:
                await fleet.prepare()
                if check_quota:
                    wanted = [one async for one in each(source)]
                    await fleet.stop.confirmed(partial(_check_quota, api, fleet, set(wanted)))
                    source = iter(wanted)
            async with aclosing(fleet.outcomes(source)) as running:
                async for outcome in running:
                    yield outcome

        return cls(fleet, outcomes())

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return self

    async def __anext__(self) -> Outcome:
        try:
            return await anext(self._outcomes)
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self.run.attach_to(error)
            raise

    async def aclose(self) -> None:
        """End the run early."""
        await self._outcomes.aclose()

    @property
    def run(self) -> FleetRun:
        """The run so far, in input order."""
        return self._fleet.result()


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


def _guarded(on_change: Callable[[Transition], object]) -> Callable[[Transition], None]:
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
