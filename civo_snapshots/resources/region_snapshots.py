"""Region-wide snapshots, ``/v2/resourcesnapshots`` (as the official Go client uses it)."""

from collections.abc import Sequence
from typing import Unpack

from attrs import evolve, field, frozen

from .. import _validation
from .._api.context import Scope
from .._api.listing import Listing
from .._api.mutations import Fields, creating, delete, named_fields, restore_fields, update
from .._codec.records import one
from .._codec.region_listing import Scan, Scanner, items_of
from .._session.deadline import CallOptions
from ..models import Acknowledgement, RegionSnapshot, Restore

_PATH = "resourcesnapshots"


@frozen
class _RestoreAnswer:
    """How this endpoint wraps a restore."""

    instance: Restore = field()
    resource_type: str = ""


class RegionSnapshots:
    """Reads, changes, restores and deletes snapshots without naming their instance."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list(self, **options: Unpack[CallOptions]) -> Listing[RegionSnapshot]:
        """Every snapshot of the region, in one answer that grows with the region."""
        return region_listing(self._scope, options)

    async def get(
        self, snapshot: str | RegionSnapshot, **options: Unpack[CallOptions]
    ) -> RegionSnapshot:
        """One snapshot; `NotFoundError` if there is none."""
        return await self._one("GET", _id_of(snapshot), None, options)

    async def update(
        self,
        snapshot: str | RegionSnapshot,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> RegionSnapshot:
        """Change the name or the description; what is not given stays as it is."""
        wanted = _id_of(snapshot)

        async def call(method: str, sent: Fields | None, within: CallOptions) -> RegionSnapshot:
            return await self._one(method, wanted, sent, within)

        fields = named_fields(name, description)
        return await update(self._scope.session, call, fields, options)

    async def delete(
        self,
        snapshot: str | RegionSnapshot,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Start a deletion; `NotFoundError` unless `missing_ok`."""
        request = self._scope.request("DELETE", _PATH, _id_of(snapshot))
        return await delete(self._scope.session, request, missing_ok=missing_ok, options=options)

    async def restore(
        self,
        snapshot: str | RegionSnapshot,
        *,
        hostname: str | None = None,
        description: str | None = None,
        private_ip: str | None = None,
        include_volumes: Sequence[str] | None = None,
        overwrite_existing: bool = False,
        **options: Unpack[CallOptions],
    ) -> Restore:
        """Start a restore to a new instance, or over the original with `overwrite_existing`.

        `include_volumes` names the volumes to restore instead of all. The answer names no
        instance: to wait for an overwritten one, fill in the restore's `instance_id`. It is never
        sent again when its outcome is unknown: `OutcomeUnknownError` then.
        """
        wanted = _id_of(snapshot)
        fields = restore_fields(
            description=description,
            hostname=hostname,
            private_ip=private_ip,
            overwrite=overwrite_existing,
        )
        if include_volumes is not None:
            fields["include_volumes"] = [
                _validation.identifier(volume, "volume id") for volume in include_volumes
            ]
        present = {name: value for name, value in fields.items() if value is not None}
        request = self._scope.request("POST", _PATH, wanted, "restore", body={"instance": present})
        session = self._scope.session
        answer = await creating(
            session.call(request, one(_RestoreAnswer), options=options),
            session.clock,
            what=f"restoring snapshot {wanted}",
            name=hostname or "",
        )
        inner = snapshot.instance if isinstance(snapshot, RegionSnapshot) else None
        return evolve(answer.instance, instance_id=inner.instance_id if inner else "")

    async def _one(
        self,
        method: str,
        wanted: str,
        body: Fields | None,
        options: CallOptions,
    ) -> RegionSnapshot:
        return await self._scope.session.call(
            self._scope.request(method, _PATH, wanted, body=body),
            one(RegionSnapshot),
            is_ours=lambda found: found.id == wanted,
            options=options,
        )


async def scan_region(scope: Scope, scan: Scan, options: CallOptions) -> float | None:
    """Show the region-wide listing; seconds that took of the event loop, None if it broke off."""
    scanner = Scanner(scan)
    request = scope.request("GET", _PATH)
    seen = await scope.session.call(request, scanner, sink=scanner, poll=True, options=options)
    if seen and scanner.has_pages:  # this listing is documented as one answer
        scan.begin(bytes)
        found = await region_listing(scope, options, poll=True).collect()
        items = items_of(found)
        scan.see(items, len(found) - len(items))
    return scanner.spent if seen else None


def region_listing(
    scope: Scope, options: CallOptions, *, poll: bool = False
) -> Listing[RegionSnapshot]:
    """The region-wide listing as records."""
    return scope.listing(
        tuple[RegionSnapshot, ...], _PATH, key=lambda found: found.id, poll=poll, options=options
    )


def _id_of(snapshot: str | RegionSnapshot) -> str:
    chosen = snapshot.id if isinstance(snapshot, RegionSnapshot) else snapshot
    return _validation.identifier(chosen, "snapshot_id")
