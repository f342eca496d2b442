"""Waiting for snapshots that anybody made."""

import asyncio
from collections.abc import Sequence

from ..._fleet import kind_of_end
from ...errors import CivoError, WaitError
from ...events import Transition
from ...models import Snapshot
from ...outcomes import OutcomeKind
from .._board import Board, Row
from .._exits import Exit, worst
from .._find import Found, find_snapshots
from .._progress import painting
from .._records import SNAPSHOTS, Json, snapshot_json
from .._session import EndedError, Session
from .._words import exit_of, explained, many


async def wait(
    session: Session, *, snapshots: tuple[str, ...], instance: str | None, timeout: float
) -> Exit:
    """Wait for all of them."""
    found = await find_snapshots(session.civo, snapshots, instance)
    title = f"Waiting for {many(len(found), 'snapshot')} in {session.civo.region}"
    return await wait_for(session, found, timeout, title)


async def wait_for(session: Session, found: Sequence[Found], timeout: float, title: str) -> Exit:
    """Wait until each is complete, show how they come along, and print how they ended."""
    civo = session.civo
    refuse_orphans(found)
    began = session.clock.monotonic()
    rows = {one.snapshot.id: Row(one.label if len(found) > 1 else one.hostname) for one in found}
    board = Board(title, rows)

    def update() -> None:
        board.elapsed = session.clock.monotonic() - began
        board.requests = civo.requests_sent

    async def one_of_them(one: Found) -> Snapshot | CivoError:
        row = rows[one.snapshot.id]
        row.see(one.snapshot)

        def changed(transition: Transition) -> None:
            row.see(transition.snapshot)

        try:
            done = await civo.snapshots.wait_until_complete(
                one.snapshot, timeout=timeout, on_change=changed
            )
        except CivoError as error:
            if isinstance(error, WaitError):
                row.see(error.snapshot)
            row.end(kind_of_end(error), error)
            return error
        row.see(done)
        row.end(OutcomeKind.COMPLETE, None)
        return done

    async with painting(session.out, session.clock, board, update):
        ends = await asyncio.gather(*map(one_of_them, found))
    return _told(session, found, ends)


def refuse_orphans(found: Sequence[Found]) -> None:
    """End the command if an instance is not known, without which nothing can be waited for."""
    for one in found:
        if not one.snapshot.instance_id:
            raise EndedError(
                Exit.FAILED,
                f"Error: the instance of snapshot {one.snapshot.name} is gone or not told by the "
                "region; name it as INSTANCE/SNAPSHOT to wait for it.",
            )


def _told(session: Session, found: Sequence[Found], ends: Sequence[Snapshot | CivoError]) -> Exit:
    codes, items = list[Exit](), list[Json]()
    for one, ended in zip(found, ends, strict=True):
        last = ended.snapshot if isinstance(ended, WaitError) else ended
        known = last if isinstance(last, Snapshot) else one.snapshot
        items.append(snapshot_json(known, one.hostname))
        if isinstance(ended, CivoError):
            session.out.fail(f"Error: {one.label}: {explained(ended)}")
            codes.append(exit_of(ended))
    session.out.items(SNAPSHOTS, items, name="name")
    if (code := worst(codes)) is Exit.TIMED_OUT:
        labels = " ".join(one.label for one in found)
        session.out.say(f"To wait on: civo-snapshots wait {labels}")
    return code


async def watch(session: Session, *, snapshot: str, instance: str | None, timeout: float) -> Exit:
    """Print each change as it is seen, as data."""
    [found] = await find_snapshots(session.civo, [snapshot], instance)
    refuse_orphans([found])
    began = session.clock.monotonic()
    try:
        async for change in session.civo.snapshots.watch(found.snapshot, timeout=timeout):
            seconds = session.clock.monotonic() - began
            if session.out.form == "table":
                what = f"volume {change.volume_id}" if change.volume_id else "snapshot"
                before = f"{change.before or 'new'} -> " if change.before is not None else ""
                session.out.line(f"{seconds:7.1f} s  {what}  {before}{change.after or 'new'}")
            else:
                item = {
                    "id": found.snapshot.id,
                    "name": found.snapshot.name,
                    "hostname": found.hostname,
                    "volume_id": change.volume_id,
                    "before": change.before,
                    "after": change.after,
                    "seconds": round(seconds, 1),
                }
                session.out.record(item, name="name")
    except WaitError as error:
        session.out.fail(f"Error: {explained(error)}")
        return exit_of(error)
    session.out.say(f"{found.label} is complete.", "good")
    return Exit.OK
