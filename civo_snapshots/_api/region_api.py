"""Every call of the API in one region: its path, its body, its record, and whose answer it is.

Whoever needs the API is given one of these, and a test gives a stub of it. Arguments are checked
by then. `poll` marks a call of a watcher's, which has slots of its own among the requests.
"""

from functools import partial

from .._codec import ListingConsumer, RegionListingReader, items_of, page
from .._http import Kind, Request
from .._session import CallOptions, LogicalCall, Session, Within
from ..errors import CivoError
from ..models import (
    Acknowledgement,
    Instance,
    Page,
    Quota,
    Region,
    RegionSnapshot,
    Restore,
    Snapshot,
)
from .context import Fields, RegionContext, path_of
from .deletions import delete, delete_snapshot
from .identity import bears, id_of, is_instance_of, owned
from .listing import Listing
from .mutations import update
from .orphans import REGION_WIDE, orphan_of
from .restores import restore_own, restore_regional
from .rivals import SentRestores
from .schedule_api import ScheduleApi


class RegionApi:
    """One method per call of the API, those of schedules in a part of their own.

    Attributes:
        session: what all calls go through.
        restores: what the client has sent of them.
    """

    def __init__(
        self, session: Session, region: str | None, restores: SentRestores | None = None
    ) -> None:
        self.session = session
        self.restores = restores or SentRestores()
        self._context = RegionContext(session, region, self.restores)
        self.schedules = ScheduleApi(self._context)

    def __repr__(self) -> str:
        return f"region {self._context.region!r}"

    def named_region(self) -> str:
        """The region's code; `ConfigurationError` if none was named anywhere."""
        return self._context.named_region()

    # Instances

    def list_instances(self, options: Within, *, per_page: int = 100) -> Listing[Instance]:
        return self._context.listing(
            tuple[Instance, ...], "instances", key=id_of, page_size=per_page, options=options
        )

    async def get_instance(self, instance_id: str, options: Within) -> Instance:
        is_ours = is_instance_of(instance_id, self.named_region())
        return await self._context.record(
            Instance, "GET", "instances", instance_id, is_ours=is_ours, options=options
        )

    # The snapshots of an instance

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        def with_instance(page: Page[Snapshot]) -> Page[Snapshot]:
            for found in page.items:
                owned(found, instance_id)
            return page

        return self._context.listing(
            tuple[Snapshot, ...],
            *_of(instance_id),
            key=id_of,
            poll=poll,
            options=options,
            complete=with_instance,
        )

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        found = await self._context.record(
            Snapshot,
            "GET",
            "instances",
            instance_id,
            "snapshots",
            snapshot_id,
            is_ours=bears(snapshot_id),
            poll=poll,
            options=options,
        )
        return owned(found, instance_id)

    async def create_snapshot(
        self,
        instance_id: str,
        name: str,
        description: str | None,
        call: LogicalCall,
    ) -> Snapshot:
        made = await self._context.record(
            Snapshot,
            "POST",
            *_of(instance_id),
            body={"name": name, "description": description},
            options=call,
        )
        return owned(made, instance_id)

    async def update_snapshot(
        self,
        instance_id: str,
        snapshot_id: str,
        fields: Fields,
        options: CallOptions,
        before: Snapshot | None,
    ) -> Snapshot:
        updated = await update(
            self._context,
            Snapshot,
            *_of(instance_id),
            snapshot_id,
            fields=fields,
            is_ours=bears,
            options=options,
            before=before,
        )
        return owned(updated, instance_id)

    async def delete_snapshot(
        self,
        instance_id: str,
        snapshot_id: str,
        options: CallOptions,
        *,
        missing_ok: bool,
        believed_from: float,
    ) -> Acknowledgement:
        """Until `believed_from`, a moment on the client's clock, a 404 may be mere delay."""
        return await delete_snapshot(
            self._context,
            *_of(instance_id),
            snapshot_id,
            options=options,
            missing_ok=missing_ok,
            listed=partial(self.list_snapshots, instance_id),
            believed_from=believed_from,
        )

    async def get_orphan(self, snapshot_id: str, options: CallOptions) -> RegionSnapshot | None:
        """A snapshot that has outlived its instance; None if it is gone as well.

        Raises `NotFoundError` where that cannot be told.
        """
        return await orphan_of(self._context, snapshot_id, options)

    async def restore_snapshot(
        self, instance_id: str, snapshot_id: str, fields: Fields, options: CallOptions
    ) -> Restore:
        async def is_same(other_id: str) -> bool:
            try:
                found = await self.get_snapshot(instance_id, snapshot_id, {})
            except CivoError:
                return False
            return found.id == other_id

        restore = await restore_own(
            self._context, instance_id, snapshot_id, fields, options, is_same=is_same
        )
        return owned(restore, instance_id)

    # The snapshots of the region

    def list_region_snapshots(
        self, options: Within, *, poll: bool = False
    ) -> Listing[RegionSnapshot]:
        return self._context.listing(
            tuple[RegionSnapshot, ...], REGION_WIDE, key=id_of, poll=poll, options=options
        )

    async def read_region_listing(self, consumer: ListingConsumer, options: Within) -> float | None:
        """Show the listing as it comes.

        Returns how many seconds of the processor reading took; None if it broke off because it was
        larger than it is worth.
        """
        reader = RegionListingReader(consumer)
        request = self._context.request("GET", (REGION_WIDE,))
        seen = await self.session.call(request, reader, sink=reader, poll=True, within=options)
        if seen and reader.has_pages:  # this listing is documented as one answer
            consumer.begin(bytes)
            found = await self.list_region_snapshots(options, poll=True).collect()
            items = items_of(found)
            consumer.consume(items, len(found) - len(items))
        return reader.spent if seen else None

    async def get_region_snapshot(self, snapshot_id: str, options: Within) -> RegionSnapshot:
        return await self._context.record(
            RegionSnapshot,
            "GET",
            REGION_WIDE,
            snapshot_id,
            is_ours=bears(snapshot_id),
            options=options,
        )

    async def update_region_snapshot(
        self,
        snapshot_id: str,
        fields: Fields,
        options: CallOptions,
        before: RegionSnapshot | None,
    ) -> RegionSnapshot:
        return await update(
            self._context,
            RegionSnapshot,
            REGION_WIDE,
            snapshot_id,
            fields=fields,
            is_ours=bears,
            options=options,
            before=before,
        )

    async def delete_region_snapshot(
        self, snapshot_id: str, options: CallOptions, *, missing_ok: bool, believed_from: float
    ) -> Acknowledgement:
        return await delete(
            self._context,
            *(REGION_WIDE, snapshot_id),
            options=options,
            missing_ok=missing_ok,
            believed_from=believed_from,
        )

    async def restore_region_snapshot(
        self, snapshot_id: str, fields: Fields, options: CallOptions, instance_id: str = ""
    ) -> Restore:
        """`instance_id` is what is known of the snapshot's instance, which no answer names."""

        async def is_same(other_id: str) -> bool:
            return await self._is_same(snapshot_id, other_id)

        restore = await restore_regional(
            self._context, snapshot_id, fields, options, is_same=is_same
        )
        return owned(restore, instance_id)

    async def _is_same(self, snapshot_id: str, other_id: str) -> bool:
        """Whether the other id is that of the same snapshot.

        The listing's ids may differ from those of the instances' own endpoints.
        """
        try:
            item = await self.get_region_snapshot(snapshot_id, {})
            if item.instance is None or other_id == item.instance.id:
                return item.instance is not None
            found = await self.get_snapshot(item.instance.id, other_id, {})
        except (CivoError, ValueError):
            return False
        return found.name == item.name != ""

    # The account

    def list_regions(self, options: CallOptions) -> Listing[Region]:
        """The one call that needs no region itself."""

        async def fetch(number: int) -> Page[Region]:
            query = () if number == 1 else (("page", str(number)),)
            request = Request(
                "GET", path_of("regions"), Kind.SAFE, self._context.region or "", query
            )
            return await self.session.call(
                request, page(tuple[Region, ...], number), within=options
            )

        return Listing(fetch, lambda region: region.code)

    async def get_quota(self, options: Within) -> Quota:
        return await self._context.record(Quota, "GET", "quota", options=options)


def _of(instance_id: str) -> tuple[str, str, str]:
    """The path of an instance's snapshots."""
    return "instances", instance_id, "snapshots"
