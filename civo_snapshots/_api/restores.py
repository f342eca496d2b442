"""Restores of either endpoint: what is sent, how it is answered, and whose answer it is."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from attrs import evolve, frozen

from .._codec import one
from .._http import Kind, Response
from .._session import ONCE, CallOptions, Within
from ..errors import CivoError, OutcomeUnknownError
from ..models import Instance, Restore
from .context import Fields, RegionContext
from .identity import bears_hostname, id_of
from .mutations import post_once

IsSame = Callable[[str], Awaitable[bool]]

_BASELINE = 10.0
"""Seconds, at most, for what is worth knowing before a restore, but is not needed for it."""


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
        fields=fields,
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
        fields=fields,
        is_same=is_same,
    )


async def _restore(
    context: RegionContext,
    *segments: str,
    body: Fields,
    options: CallOptions,
    what: str,
    instance_id: str,
    fields: Fields,
    is_same: IsSame,
) -> Restore:
    """List the instances, POST once, and note which of them bore the hostname before.

    Nothing in an answer tells the new instance from one of the same hostname for certain.
    """
    call = context.session.begin(Kind.CREATING, options)
    call.deadline.begin()
    post = partial(
        _post,
        context,
        *segments,
        body=body,
        options=call,
        what=what,
        instance_id=instance_id,
        name=fields["hostname"],
        is_same=is_same,
    )
    if fields["overwrite_existing"]:
        return await post()
    within: CallOptions = {**ONCE, "timeout": min(_BASELINE, call.deadline.left() / 2)}
    before: list[Instance] | None = None
    with suppress(CivoError):
        before = await context.listing(
            tuple[Instance, ...], "instances", key=id_of, page_size=100, options=within
        ).collect()
    sent = context.restores.add(context.named_region(), context.session.clock.monotonic())
    sent.hostname = str(fields["hostname"] or "").casefold()
    try:
        restore = await post()
    except CivoError as error:
        sent.is_void = not error.may_have_acted
        raise
    sent.id, sent.hostname = restore.id, restore.hostname.casefold()
    if before is None:
        return restore
    namesakes = [one.id for one in before if bears_hostname(one, restore.hostname)]
    return evolve(restore, namesakes=tuple(namesakes))


async def _post(
    context: RegionContext,
    *segments: str,
    body: Fields,
    options: Within,
    what: str,
    instance_id: str,
    name: object,
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
            name=name,
            is_ours=is_ours,
        )
    except OutcomeUnknownError:
        if not strays or not await is_same(strays[0].from_snapshot):
            raise
    return strays[0]
