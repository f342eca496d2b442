"""Restores of either endpoint: what is sent, how it is answered, and whose answer it is."""

from collections.abc import Awaitable, Callable

from attrs import frozen

from .._codec import one
from .._http import Response
from .._session import CallOptions
from ..errors import OutcomeUnknownError
from ..models import Restore
from .context import Fields, RegionContext
from .mutations import post_once

IsSame = Callable[[str], Awaitable[bool]]


@frozen
class _Wrapped:
    """A restore in its resource type, as either endpoint may answer it."""

    instance: Restore | None = None


def restore_of(response: Response) -> Restore:
    """Read a restore, bare or wrapped."""
    return one(_Wrapped)(response).instance or one(Restore)(response)


async def restore_own(
    context: RegionContext,
    instance_id: str,
    snapshot_id: str,
    fields: Fields,
    options: CallOptions,
    *,
    is_same: IsSame,
) -> Restore:
    """By the endpoint of an instance's own snapshots."""
    return await _restore(
        context,
        *("instances", instance_id, "snapshots", snapshot_id),
        # Documented as `private_ip`, and spelled the other way in answers.
        body={**fields, "private_ip": fields["private_ipv4"]},
        options=options,
        what=f"restoring snapshot {snapshot_id} of instance {instance_id}",
        instance_id=instance_id,
        hostname=fields["hostname"],
        is_same=is_same,
    )


async def restore_regional(
    context: RegionContext,
    snapshot_id: str,
    fields: Fields,
    options: CallOptions,
    *,
    is_same: IsSame,
) -> Restore:
    """By the region-wide endpoint."""
    return await _restore(
        context,
        *("resourcesnapshots", snapshot_id),
        body={"instance": {name: part for name, part in fields.items() if part is not None}},
        options=options,
        what=f"restoring snapshot {snapshot_id}",
        instance_id="",
        hostname=fields["hostname"],
        is_same=is_same,
    )


async def _restore(
    context: RegionContext,
    *segments: str,
    body: Fields,
    options: CallOptions,
    what: str,
    instance_id: str,
    hostname: object,
    is_same: IsSame,
) -> Restore:
    """POST once; the last segment is the id, or the name, of the snapshot.

    An answer bears the snapshot's real id, and which of a region-wide snapshot's ids that is is
    documented nowhere. If it is not the text that was asked for, `is_same` finds out whether it is
    the same snapshot's.
    """
    strays: list[Restore] = []

    def is_ours(answer: Restore) -> bool:
        if answer.from_snapshot in ("", segments[-1]):
            return True
        strays.append(answer)
        return False

    try:
        return await post_once(
            context,
            restore_of,
            *segments,
            "restore",
            body=body,
            options=options,
            what=what,
            instance_id=instance_id,
            name=hostname,
            is_ours=is_ours,
        )
    except OutcomeUnknownError:
        if not strays or not await is_same(strays[0].from_snapshot):
            raise
    return strays[0]
