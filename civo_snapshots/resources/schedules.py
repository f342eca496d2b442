"""Snapshot schedules (API page "Snapshot schedules")."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Unpack
from uuid import UUID

from .. import _validation
from .._api import Listing, RegionApi
from .._session import CallOptions, call_options
from .._validation import Id, OnMisfit
from .._version import made_by_a_client
from ..errors import InvalidArgumentError
from ..models import Acknowledgement, Instance, Schedule
from ._cron import next_runs
from ._names import the_one
from ._resource import Resource

IncludeVolumes = bool | Mapping[str, bool] | Mapping[UUID, bool]


class Schedules(Resource):
    """Creates, reads, changes and deletes what makes snapshots regularly.

    The API's page is "Snapshot schedules".
    """

    @made_by_a_client
    def __init__(self, api: RegionApi) -> None:
        self._api = api

    async def create(
        self,
        name: str,
        *,
        cron_expression: str,
        max_snapshots: int,
        instances: Iterable[Id | Instance],
        period: str | None = None,
        description: str | None = None,
        include_volumes: IncludeVolumes = True,
        **options: Unpack[CallOptions],
    ) -> Schedule:
        """Create a schedule; it is never sent again when its outcome is unknown.

        Args:
            name: of the schedule.
            cron_expression: when it runs; at least 10 minutes must lie between two runs. The server
                judges the syntax.
            max_snapshots: how many of each instance are kept, 1 to 10; beyond them the oldest is
                deleted.
            instances: ids or `Instance` records.
            period: for how long they are kept, such as "48h"; for ever if None.
            description: any text.
            include_volumes: whether the attached volumes are taken: for all instances, or by
                instance id, where those not named take theirs.
            options: as in `CallOptions`.

        Raises:
            OutcomeUnknownError: the schedule may have been created.
            InvalidArgumentError: an argument that cannot be; nothing was sent.
        """
        fields = {
            "cron_expression": _validation.cron(cron_expression),
            "retention": _retention(max_snapshots, period),
            "instances": _scheduled(instances, include_volumes),
            "description": _validation.optional(_validation.description, description),
        }
        return await self._api.schedules.create(
            _validation.label(name), fields, call_options(options)
        )

    def list(
        self, *, on_misfit: OnMisfit = "raise", **options: Unpack[CallOptions]
    ) -> Listing[Schedule]:
        """Every schedule of the region.

        Args:
            on_misfit: "raise" makes an item that is not as documented an error; "skip" leaves it
                out and counts it in `Listing.misfits`.
            options: as in `CallOptions`.
        """
        return self._api.schedules.list(call_options(options)).skipping(
            _validation.skips(on_misfit)
        )

    async def get(self, schedule: Id | Schedule, **options: Unpack[CallOptions]) -> Schedule:
        """One schedule.

        Args:
            schedule: its id, or the `Schedule`.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none.
        """
        return await self._api.schedules.get(
            _validation.schedule_id(schedule), call_options(options)
        )

    async def get_by_name(self, name: str, **options: Unpack[CallOptions]) -> Schedule:
        """The schedule of this very name, by one listing.

        Args:
            name: the whole name, in the same case.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: none bears it.
            AmbiguousNameError: several do; its `candidates` are those.
        """
        listing = self._api.schedules.list(call_options(options))
        return await the_one(listing, "name", name, "schedule")

    async def update(
        self,
        schedule: Id | Schedule,
        *,
        name: str | None = None,
        description: str | None = None,
        paused: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Schedule:
        """Change what is given and leave the rest.

        Args:
            schedule: its id, or the `Schedule`.
            name: the new name.
            description: the new description.
            paused: as `pause()` and `resume()`.
            options: as in `CallOptions`.

        Raises:
            ConflictError: the answer was lost, and somebody else has changed it meanwhile.
            NotFoundError: there is none.
        """
        chosen = call_options(options)  # first: "nothing to update" may be a name misspelt
        if name is None and description is None and paused is None:
            raise InvalidArgumentError("nothing to update: pass name=, description= or paused=")
        fields: dict[str, object] = {
            "name": _validation.optional(_validation.label, name),
            "description": _validation.optional(_validation.description, description),
            "paused": None if paused is None else _validation.boolean(paused, "paused"),
        }
        wanted = _validation.schedule_id(schedule)
        before = schedule if isinstance(schedule, Schedule) else None
        return await self._api.schedules.update(wanted, fields, chosen, before)

    async def pause(self, schedule: Id | Schedule, **options: Unpack[CallOptions]) -> Schedule:
        """Let a schedule make no snapshots until it is resumed; those it has made stay.

        Args:
            schedule: its id, or the `Schedule`.
            options: as in `CallOptions`.
        """
        return await self.update(schedule, paused=True, **options)

    async def resume(self, schedule: Id | Schedule, **options: Unpack[CallOptions]) -> Schedule:
        """Let a paused schedule go on; what it was due for meanwhile is not made up for.

        Args:
            schedule: its id, or the `Schedule`.
            options: as in `CallOptions`.
        """
        return await self.update(schedule, paused=False, **options)

    def next_runs(
        self, schedule: Schedule | str, n: int = 1, *, after: datetime | None = None
    ) -> tuple[datetime, ...]:
        """When a schedule, or a cron expression, is due next, in UTC.

        A forecast that sends nothing: the server judges the syntax, and its zone is documented
        nowhere. It is taken for UTC, unless the expression begins with ``CRON_TZ=``. Needs the
        extra `cron`.

        Args:
            schedule: a `Schedule`, of which a paused one has no next runs, or a cron expression.
            n: how many times.
            after: the time to count from, with its zone; now if None.

        Raises:
            ConfigurationError: the extra is not installed.
            InvalidArgumentError: the expression cannot be read here.
        """
        _validation.count(n, "n", most=10_000)
        start = self._api.session.clock.now() if after is None else after
        if _validation.of_type(start, datetime, "after").tzinfo is None:
            raise InvalidArgumentError("after must be a time with a zone")
        if not isinstance(schedule, Schedule):
            return next_runs(_validation.text(schedule, "a cron expression"), n, start)
        return () if schedule.paused else next_runs(schedule.cron_expression, n, start)

    async def delete(
        self,
        schedule: Id | Schedule,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Delete a schedule; the snapshots it made stay.

        Args:
            schedule: its id, or the `Schedule`.
            missing_ok: whether one that is not there counts as deleted.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none, unless `missing_ok`.
        """
        wanted = _validation.schedule_id(schedule)
        return await self._api.schedules.delete(
            wanted, call_options(options), missing_ok=missing_ok
        )


def _retention(max_snapshots: int, period: str | None) -> dict[str, object]:
    most = _validation.MAX_RETAINED
    retention: dict[str, object] = {
        "max_snapshots": _validation.count(max_snapshots, "max_snapshots", most=most)
    }
    if period is not None:
        retention["period"] = _validation.duration(period)
    return retention


def _scheduled(
    instances: Iterable[Id | Instance],
    include_volumes: IncludeVolumes,
) -> list[dict[str, object]]:
    """Each instance once, and whether its volumes are taken.

    That is always sent, because a server takes its absence for false.
    """
    _validation.instances(instances)
    ids = list(dict.fromkeys(map(_validation.instance_id, instances)))
    if not ids:
        raise InvalidArgumentError("a schedule needs at least one instance")
    if not isinstance(include_volumes, Mapping):
        include_volumes = dict.fromkeys(ids, include_volumes)
    chosen = {_validation.identifier(key, "instance_id"): v for key, v in include_volumes.items()}
    if strangers := sorted(chosen.keys() - set(ids)):
        raise InvalidArgumentError(
            f"include_volumes names instances that are not scheduled: {', '.join(strangers)}"
        )
    return [
        {
            "instance_id": key,
            "include_volumes": _validation.boolean(chosen.get(key, True), "include_volumes"),
        }
        for key in ids
    ]
