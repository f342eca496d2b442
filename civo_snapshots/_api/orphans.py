"""Snapshots that have outlived their instance: only the region-wide endpoint tells of them."""

from .._session import Within
from ..errors import CivoError, NotFoundError
from ..models import RegionSnapshot, Snapshot
from .context import RegionContext
from .identity import Missing, bears, id_of, missing_of

REGION_WIDE = "resourcesnapshots"
_PROOFS = 3
"""How many items of the listing are tried as proof of what its ids are."""


async def orphan_of(
    context: RegionContext, snapshot_id: str, options: Within
) -> RegionSnapshot | None:
    """The region-wide item of a snapshot whose instance is gone; None if it is gone as well.

    Raises `NotFoundError` where that cannot be told: where there is no such endpoint, or where
    its ids are not those of the instances' own snapshots, so that a 404 says nothing of them.
    """
    failure: NotFoundError | None = None
    try:
        found = [
            await context.record(
                RegionSnapshot,
                "GET",
                *(REGION_WIDE, snapshot_id),
                is_ours=bears(snapshot_id),
                options=options,
            )
        ]
    except NotFoundError as error:
        if missing_of(error) is not Missing.OBJECT:
            raise
        failure = error
        listing = context.listing(
            tuple[RegionSnapshot, ...], REGION_WIDE, key=id_of, options=options
        )
        found = await listing.collect()
    for item in found:
        # By its ids alone: another instance's snapshot may bear the same name.
        if snapshot_id == item.id or (item.instance and snapshot_id == item.instance.id):
            return item
    if failure is None:
        raise NotFoundError(f"{snapshot_id} is a name; only a snapshot's id tells it from others")
    # Where there is nothing at all there is no proof either, and the two answers have to do.
    if found and not await _shows_own_ids(context, found, options):
        raise failure
    return None


async def _shows_own_ids(
    context: RegionContext, listed: list[RegionSnapshot], options: Within
) -> bool:
    """Whether the ids of this listing are those of the instances' own snapshots.

    Which of them are is documented nowhere; one that its instance knows as well proves it.
    """
    by_instance = {item.instance.id: item.id for item in listed if item.instance}
    for instance_id, snapshot_id in list(by_instance.items())[:_PROOFS]:
        try:
            own = await context.record(
                Snapshot,
                "GET",
                *("instances", instance_id, "snapshots", snapshot_id),
                is_ours=bears(snapshot_id),
                options=options,
            )
        except CivoError:
            continue
        if own.id == snapshot_id:
            return True
    return False
