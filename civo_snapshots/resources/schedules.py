"""Snapshot schedules (API page "Snapshot schedules")."""

from collections.abc import Iterable, Mapping
from typing import Unpack

from .. import _validation
from .._api import Listing, RegionApi
from .._session import CallOptions
from .._validation import OnMisfit
from ..errors import InvalidArgumentError
from ..models import Acknowledgement, Instance, Schedule


class Schedules:
    """Creates, reads, changes and deletes schedules."""

    def __init__(self, api: RegionApi) -> None:
        self._api = api

    async def create(
        self,
        name: str,
        *,
        cron_expression: str,
        max_snapshots: int,
        instances: Iterable[str | Instance],
        period: str | None = None,
        description: str | None = None,
        include_volumes: bool | Mapping[str, bool] = True,
        **options: Unpack[CallOptions],
    ) -> Schedule:
        """Create a schedule; it is never sent again when its outcome is unknown.

        Runs must lie at least 10 minutes apart; the server judges the cron syntax. Beyond
        `max_snapshots` (1 to 10) the oldest is deleted. `include_volumes` says whether the attached
        volumes are taken: for all instances, or by instance id, where those not named take theirs.
        Raises `OutcomeUnknownError` if the schedule may have been created.
        """
        fields = {
            "cron_expression": _validation.cron(cron_expression),
            "retention": _retention(max_snapshots, period),
            "instances": _scheduled(instances, include_volumes),
            "description": _validation.optional(_validation.description, description),
        }
        return await self._api.create_schedule(_validation.label(name), fields, options)

    def list(
        self, *, on_misfit: OnMisfit = "raise", **options: Unpack[CallOptions]
    ) -> Listing[Schedule]:
        """Every schedule of the region.

        An item that is not as documented is an error, or with ``on_misfit="skip"`` left out and
        counted in `Listing.misfits`.
        """
        return self._api.list_schedules(options).skipping(_validation.skips(on_misfit))

    async def get(self, schedule: str | Schedule, **options: Unpack[CallOptions]) -> Schedule:
        """One schedule; `NotFoundError` if there is none."""
        return await self._api.get_schedule(_validation.schedule_id(schedule), options)

    async def update(
        self,
        schedule: str | Schedule,
        *,
        name: str | None = None,
        description: str | None = None,
        paused: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> Schedule:
        """Change what is given and leave the rest; `paused` stops or resumes the schedule."""
        if name is None and description is None and paused is None:
            raise InvalidArgumentError("nothing to update: pass name=, description= or paused=")
        fields: dict[str, object] = {
            "name": _validation.optional(_validation.label, name),
            "description": _validation.optional(_validation.description, description),
            "paused": None if paused is None else _validation.boolean(paused, "paused"),
        }
        return await self._api.update_schedule(_validation.schedule_id(schedule), fields, options)

    async def delete(
        self,
        schedule: str | Schedule,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Delete a schedule; the snapshots it made stay."""
        wanted = _validation.schedule_id(schedule)
        return await self._api.delete_schedule(wanted, options, missing_ok=missing_ok)


def _retention(max_snapshots: int, period: str | None) -> dict[str, object]:
    most = _validation.MAX_RETAINED
    retention: dict[str, object] = {
        "max_snapshots": _validation.count(max_snapshots, "max_snapshots", most=most)
    }
    if period is not None:
        retention["period"] = _validation.duration(period)
    return retention


def _scheduled(
    instances: Iterable[str | Instance], include_volumes: bool | Mapping[str, bool]
) -> list[dict[str, object]]:
    """Each instance once, and whether its volumes are taken.

    That is always sent, because a server takes its absence for false.
    """
    ids = list(dict.fromkeys(map(_validation.instance_id, instances)))
    if not ids:
        raise InvalidArgumentError("a schedule needs at least one instance")
    if not isinstance(include_volumes, Mapping):
        include_volumes = dict.fromkeys(ids, include_volumes)
    chosen = {_validation.identifier(key, "instance_id") for key in include_volumes}
    if strangers := sorted(chosen - set(ids)):
        raise InvalidArgumentError(
            f"include_volumes names instances that are not scheduled: {', '.join(strangers)}"
        )
    return [
        {
            "instance_id": key,
            "include_volumes": _validation.boolean(
                include_volumes.get(key, True), "include_volumes"
            ),
        }
        for key in ids
    ]
