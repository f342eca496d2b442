"""At the end of a run: whether more snapshots bear its names than it knows of.

Another process may have run the same name at the same time, or an attempt that died may have made
what did not show yet. One region-wide listing tells; only an instance that seems to have more is
asked itself.
"""

from collections.abc import Callable, Collection, Sequence

from .. import _naming
from .._api import RegionApi
from .._concurrency import for_each
from .._session import LEAST_ATTEMPT
from ..errors import CivoError
from ..models import RegionSnapshot
from .member import Member
from .namesakes import read_namesakes
from .patience import step_within


async def tell_further(
    api: RegionApi,
    run: str,
    members: Collection[Member],
    left: Callable[[], float],
    *,
    shows_at: float,
    workers: int,
) -> None:
    """Add to each member that has a snapshot what else bears its names.

    From the moment `shows_at` on, reads show what was made before the run began. What cannot be
    read within the seconds left stays untold: the run's own outcomes do not depend on it.
    """
    clock = api.session.clock
    await api.session.pause(max(min(shows_at - clock.monotonic(), left()), 0.0))
    if left() < LEAST_ATTEMPT:
        return
    try:
        items = await read_namesakes(api, run, left) or {}
    except CivoError:
        return
    known = {one: _ids_of(one) for one in members if one.snapshot is not None}
    shown = {one: items.get(_naming.without_repeat(one.name)[0], ()) for one in known}
    outer = any(item.id in known[one] for one, found in shown.items() for item in found)

    async def ask(member: Member) -> None:
        try:
            step = step_within(api.session, left)
            listed = await api.list_snapshots(member.instance_id, step).collect()
        except CivoError:
            return
        first, _ = _naming.without_repeat(member.name)
        member.tell_further(
            one
            for one in listed
            if _naming.without_repeat(one.name)[0] == first and one.id not in known[member]
        )

    doubtful = [one for one, found in shown.items() if _has_more(found, known[one], outer=outer)]
    await for_each(doubtful, ask, workers=min(workers, len(doubtful)))


def _ids_of(member: Member) -> set[str]:
    made = (member.snapshot, *member.duplicates)
    return {one.id for one in made if one is not None}


def _has_more(items: Sequence[RegionSnapshot], known: set[str], *, outer: bool) -> bool:
    """Whether items of one instance seem to be more than what is known.

    By their number; where their outer ids are those of snapshots, an unknown one is enough.
    """
    return len(items) > len(known) or (outer and any(item.id not in known for item in items))
