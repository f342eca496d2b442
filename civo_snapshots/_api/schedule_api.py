"""The calls of snapshot schedules in one region."""

from .._codec import one
from .._session import CallOptions, Within
from ..models import Acknowledgement, Schedule
from .context import Fields, RegionContext
from .deletions import delete
from .identity import bears, id_of
from .listing import Listing
from .mutations import post_once, update

_PATH = "resourcesnapshotschedules"


class ScheduleApi:
    """One method per call."""

    def __init__(self, context: RegionContext) -> None:
        self._context = context

    async def create(self, name: str, fields: Fields, options: CallOptions) -> Schedule:
        return await post_once(
            self._context,
            one(Schedule),
            _PATH,
            body={"name": name, **fields},
            options=options,
            what=f"creating schedule {name}",
            name=name,
            is_ours=lambda schedule: schedule.name in ("", name),
        )

    def list(self, options: Within) -> Listing[Schedule]:
        return self._context.listing(tuple[Schedule, ...], _PATH, key=id_of, options=options)

    async def get(self, schedule_id: str, options: CallOptions) -> Schedule:
        is_ours = bears(schedule_id)
        return await self._context.record(
            Schedule, "GET", _PATH, schedule_id, is_ours=is_ours, options=options
        )

    async def update(
        self, schedule_id: str, fields: Fields, options: CallOptions, before: Schedule | None
    ) -> Schedule:
        return await update(
            self._context,
            Schedule,
            *(_PATH, schedule_id),
            fields=fields,
            is_ours=bears,
            options=options,
            before=before,
        )

    async def delete(
        self, schedule_id: str, options: CallOptions, *, missing_ok: bool
    ) -> Acknowledgement:
        return await delete(
            self._context,
            _PATH,
            schedule_id,
            options=options,
            missing_ok=missing_ok,
            listed=self.list,
        )
