"""The main job: look at what would be done, snapshot many instances, restore one; draws nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from .. import _naming
from .._client import CivoClient
from .._clock import Clock
from .._fleet import FleetStream
from ..errors import CivoError, NotFoundError, PermissionDeniedError
from ..events import Transition
from ..models import Instance, Quota, Snapshot
from ..outcomes import FleetRun, OutcomeKind
from ._arguments import Options
from ._board import Board, rows_for
from ._report import Plan, Planned, Report, Restoration

TICK = 0.2
"""Seconds between two pictures."""


class Display(Protocol):
    """What the job needs to tell people how it goes."""

    def say(self, text: str) -> None: ...

    def watching(self) -> AbstractContextManager[Callable[[Board], None]]: ...


async def plan(civo: CivoClient, options: Options, clock: Clock) -> Plan:
    """Read whatever tells how a run would go; sends GET requests only."""
    name = options.name or _naming.generate_name(clock.now())

    async def look(instance_id: str) -> Planned:
        wire_name = _naming.name_for(name, instance_id)
        try:
            instance = await civo.instances.get(instance_id)
            existing = None
            if options.name is not None:  # nothing can exist under a name made just now
                found = await civo.snapshots.list(instance_id).collect()
                existing = next((one for one in found if one.name == wire_name), None)
        except CivoError as error:
            return Planned(instance_id, wire_name, error=error)
        return Planned(instance_id, wire_name, instance, existing)

    # First and alone, because it meets what would go wrong everywhere: no region, a bad token.
    quota = await _quota(civo)
    unique = dict.fromkeys(options.instances)
    items = await asyncio.gather(*map(look, unique))
    return Plan(name, civo.region or "", tuple(items), quota, options.restore)


async def _quota(civo: CivoClient) -> Quota | None:
    """The quota; None where a token may not read it, which does not forbid snapshots."""
    try:
        return await civo.quota.get()
    except (PermissionDeniedError, NotFoundError):
        return None


class Job:
    """One fan-out and at most one restore; its report can be asked for at any time.

    Attributes:
        run: None until a fan-out has begun and ended, in whatever way.
    """

    def __init__(self, civo: CivoClient, display: Display, clock: Clock) -> None:
        self._civo = civo
        self._display = display
        self._clock = clock
        self._began = clock.monotonic()
        self._labels: Mapping[str, str] = {}
        self._restoration: Restoration | None = None
        self.run: FleetRun | None = None

    async def fan_out(
        self, instances: Collection[str | Instance], *, name: str | None, timeout: float
    ) -> None:
        """Create a snapshot of each instance and show how they come along, until all have ended."""
        rows = rows_for(instances)
        self._labels = {instance_id: row.label for instance_id, row in rows.items()}
        board = Board("", rows)

        def changed(transition: Transition) -> None:
            board.see(transition.snapshot)

        stream = self._civo.snapshots.create_each(
            instances, name=name, timeout=timeout, on_change=changed
        )
        board.title = f"{stream.run.name} in {self._civo.region}"
        self._display.say(f"Run {stream.run.name}: snapshots of {len(rows)} instances")
        with self._display.watching() as show:
            painter = asyncio.create_task(self._paint(stream, board, show))
            try:
                async for outcome in stream:
                    board.end(outcome)
            except BaseException as error:
                self.run = FleetRun.of(error)
                if left := len(self._civo.unresolved.creates):
                    self._display.say(f"Stopping; asking what became of {left} creates.")
                raise
            finally:
                painter.cancel()
                await asyncio.wait({painter})
            self.run = stream.run
            self._update(stream, board)
            show(board)

    async def _paint(
        self, stream: FleetStream, board: Board, show: Callable[[Board], None]
    ) -> None:
        while True:
            self._update(stream, board)
            show(board)
            await self._clock.sleep(TICK)

    def _update(self, stream: FleetStream, board: Board) -> None:
        board.begin(stream.run)
        board.elapsed = self._clock.monotonic() - self._began
        board.requests = self._civo.requests_sent

    async def restore(self, hostname: str) -> None:
        """Restore the first complete snapshot of the run to a new instance, and wait for it."""
        restoration = self._restoration = Restoration(hostname)
        try:
            snapshot = _first_complete(self.run)
            restoration.of_snapshot = snapshot.id
            label = self._labels[snapshot.instance_id]
            self._display.say(f"Restoring the snapshot of {label} to {hostname}")
            restoration.restore = await self._civo.snapshots.restore(snapshot, hostname=hostname)
            restoration.instance = await self._civo.snapshots.wait_until_restored(
                restoration.restore
            )
        except CivoError as error:
            restoration.error = error

    def report(self, received: Mapping[str, int] | None = None) -> Report | None:
        """The run so far; None before there is anything to tell."""
        if self.run is None:
            return None
        return Report(
            self.run,
            self._labels,
            self._clock.monotonic() - self._began,
            self._civo.requests_sent,
            self._restoration,
            received or {},
            self._civo.unresolved.creates,
            self._civo.unresolved.extra_snapshots,
        )


def _first_complete(run: FleetRun | None) -> Snapshot:
    for outcome in run or ():
        if outcome.kind is OutcomeKind.COMPLETE and outcome.snapshot is not None:
            return outcome.snapshot
    raise CivoError("no snapshot of this run is complete")
