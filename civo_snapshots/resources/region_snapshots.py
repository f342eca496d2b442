"""Region-wide snapshots, ``/v2/resourcesnapshots`` (as the official Go client uses it)."""

from typing import Unpack

from .. import _validation
from .._api import Listing, RegionApi
from .._create import CreateSupervisor
from .._session import CallOptions, call_options
from .._validation import Id, OnMisfit
from .._version import made_by_a_client
from ..models import Acknowledgement, RegionSnapshot, Restore
from ._resource import Resource
from ._runs import believed_from


class RegionSnapshots(Resource):
    """Reads, changes, restores and deletes snapshots without naming their instance.

    The API's documents do not have them; the official Go client does, as ``/v2/resourcesnapshots``.
    """

    @made_by_a_client
    def __init__(self, api: RegionApi, creates: CreateSupervisor) -> None:
        self._api = api
        self._creates = creates

    def list(
        self, *, on_misfit: OnMisfit = "raise", **options: Unpack[CallOptions]
    ) -> Listing[RegionSnapshot]:
        """Every snapshot of the region, in one answer that grows with the region.

        Args:
            on_misfit: "raise" makes an item that is not as documented an error; "skip" leaves it
                out and counts it in `Listing.misfits`.
            options: as in `CallOptions`.
        """
        found = self._api.list_region_snapshots(call_options(options))
        return found.skipping(_validation.skips(on_misfit))

    async def get(
        self, snapshot: Id | RegionSnapshot, **options: Unpack[CallOptions]
    ) -> RegionSnapshot:
        """One snapshot.

        Args:
            snapshot: its id, or the `RegionSnapshot`.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none.
        """
        wanted = _validation.region_snapshot_id(snapshot)
        return await self._api.get_region_snapshot(wanted, call_options(options))

    async def update(
        self,
        snapshot: Id | RegionSnapshot,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RegionSnapshot:
        """Change the name or the description; what is not given stays as it is.

        Where the answer is lost, as `Snapshots.update()`.

        Args:
            snapshot: its id, or the `RegionSnapshot`.
            name: the new name.
            description: the new description.
            options: as in `CallOptions`.

        Raises:
            ConflictError: somebody else changed it meanwhile.
            NotFoundError: there is none.
        """
        chosen = call_options(options)  # first: "nothing to update" may be a name misspelt
        wanted = _validation.region_snapshot_id(snapshot)
        fields = _validation.update_fields(name, description)
        before = snapshot if isinstance(snapshot, RegionSnapshot) else None
        return await self._api.update_region_snapshot(wanted, fields, chosen, before)

    async def delete(
        self,
        snapshot: Id | RegionSnapshot,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Start a deletion; the quota is freed when it completes.

        Args:
            snapshot: its id, or the `RegionSnapshot`.
            missing_ok: whether one that is not there counts as deleted.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none, unless `missing_ok`.
        """
        wanted = _validation.region_snapshot_id(snapshot)
        return await self._api.delete_region_snapshot(
            wanted,
            call_options(options),
            missing_ok=missing_ok,
            believed_from=believed_from(self._api, self._creates, wanted),
        )

    async def restore(
        self,
        snapshot: Id | RegionSnapshot,
        *,
        hostname: str | None = None,
        description: str | None = None,
        private_ip: str | None = None,
        include_volumes: bool = True,
        overwrite_existing: bool = False,
        **options: Unpack[CallOptions],
    ) -> Restore:
        """Start a restore to a new instance, or over the original with `overwrite_existing`.

        The answer names no instance: to wait for an overwritten one, fill in the restore's
        `instance_id`. It is never sent again when its outcome is unknown.

        Args:
            snapshot: its id, or the `RegionSnapshot`.
            hostname: of the new instance.
            description: any text.
            private_ip: an IPv4 address for the new instance, in its network.
            include_volumes: whether the attached volumes are restored too.
            overwrite_existing: restore over the snapshot's own instance, whose present disks are
                lost.
            options: as in `CallOptions`.

        Raises:
            OutcomeUnknownError: it was sent, no answer came, and it may have acted.
            NotFoundError: there is no such snapshot.
        """
        wanted = _validation.region_snapshot_id(snapshot)
        fields = _validation.restore_fields(hostname, description, private_ip, overwrite_existing)
        # Always sent, because a server takes its absence for false.
        fields["include_volumes"] = _validation.boolean(include_volumes, "include_volumes")
        inner = snapshot.instance if isinstance(snapshot, RegionSnapshot) else None
        instance_id = inner.instance_id if inner else ""
        return await self._api.restore_region_snapshot(
            wanted, fields, call_options(options), instance_id
        )
