"""Snapshot schedules (API page "Snapshot schedules")."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack

from .. import _validation
from .._api.context import Scope, instance_id_of
from .._api.listing import Listing
from .._api.mutations import Fields, creating, delete, update
from .._codec.records import one
from .._session.deadline import CallOptions
from ..errors import InvalidArgumentError
from ..models import Acknowledgement, Instance, Schedule


class Schedules:
    """Creates, reads, changes and deletes schedules."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def create(
        self,
        name: str,
        *,
        cron_expression: str,
        max_snapshots: int,
        instances: Iterable[str | Instance],
        period: str | None = None,
        description: str | None = None,
        include_volumes: Mapping[str, Sequence[str]] | None = None,
        **options: Unpack[CallOptions],
    ) -> Schedule:
        """Create a schedule; it is never sent again when its outcome is unknown.

        Runs must lie at least 10 minutes apart. Beyond `max_snapshots` (1 to 10) the oldest is
        deleted. `include_volumes` names, per instance id, the volumes to take instead of all.
        Raises `OutcomeUnknownError` if the schedule may have been created.
        """
        volumes = {
            _validation.identifier(key, "instance_id"): [
                _validation.identifier(volume, "volume id") for volume in chosen
            ]
            for key, chosen in (include_volumes or {}).items()
        }
        ids = list(dict.fromkeys(instance_id_of(instance) for instance in instances))
        if not ids:
            raise InvalidArgumentError("a schedule needs at least one instance")
        if strangers := sorted(volumes.keys() - set(ids)):
            raise InvalidArgumentError(
                f"include_volumes names instances that are not scheduled: {', '.join(strangers)}"
            )
        retention: dict[str, object] = {
            "max_snapshots": _validation.count(
                max_snapshots, "max_snapshots", most=_validation.MAX_RETAINED
            )
        }
        if period is not None:
            retention["period"] = _validation.duration(period)
        body = {
            "name": _validation.label(name),
            "cron_expression": _validation.cron(cron_expression),
            "retention": retention,
            "instances": [_scheduled(key, volumes.get(key)) for key in ids],
            "description": _validation.optional(_validation.description, description),
        }
        request = self._scope.request("POST", "resourcesnapshotschedules", body=body)
        session = self._scope.session
        return await creating(
            session.call(
                request,
                one(Schedule),
                is_ours=lambda schedule: schedule.name in ("", name),
                options=options,
            ),
            session.clock,
            what=f"creating schedule {name}",
            name=name,
        )

    def list(self, **options: Unpack[CallOptions]) -> Listing[Schedule]:
        """Every schedule of the region."""
        return self._scope.listing(
            tuple[Schedule, ...],
            "resourcesnapshotschedules",
            key=lambda schedule: schedule.id,
            options=options,
        )

    async def get(self, schedule: str | Schedule, **options: Unpack[CallOptions]) -> Schedule:
        """One schedule; `NotFoundError` if there is none."""
        return await self._one("GET", _schedule_id(schedule), None, options)

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
        body: dict[str, object] = {
            "name": _validation.optional(_validation.label, name),
            "description": _validation.optional(_validation.description, description),
            "paused": None if paused is None else _validation.boolean(paused, "paused"),
        }
        wanted = _schedule_id(schedule)

        async def call(method: str, sent: Fields | None, within: CallOptions) -> Schedule:
            return await self._one(method, wanted, sent, within)

        return await update(self._scope.session, call, body, options)

    async def delete(
        self,
        schedule: str | Schedule,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Delete a schedule; the snapshots it made stay."""
        request = self._scope.request("DELETE", "resourcesnapshotschedules", _schedule_id(schedule))
        return await delete(self._scope.session, request, missing_ok=missing_ok, options=options)

    async def _one(
        self,
        method: str,
        wanted: str,
        body: Fields | None,
        options: CallOptions,
    ) -> Schedule:
        return await self._scope.session.call(
            self._scope.request(method, "resourcesnapshotschedules", wanted, body=body),
            one(Schedule),
            is_ours=lambda found: found.id == wanted,
            options=options,
        )


def _schedule_id(schedule: str | Schedule) -> str:
    chosen = schedule.id if isinstance(schedule, Schedule) else schedule
    return _validation.identifier(chosen, "schedule_id")


def _scheduled(instance_id: str, volumes: Sequence[str] | None) -> dict[str, object]:
    scheduled: dict[str, object] = {"instance_id": instance_id}
    if volumes is not None:
        scheduled["include_volumes"] = volumes
    return scheduled
