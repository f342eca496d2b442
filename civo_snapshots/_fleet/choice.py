"""What a run does about an instance that has snapshots of its name already; pure."""

from collections.abc import Callable, Collection
from datetime import datetime

from msgspec import Struct

from .. import _naming
from ..errors import SnapshotExistsError, short
from ..models import Snapshot, oldest_first
from ..states import StateTable, Verdict
from .settings import RunSettings

_RANK = {Verdict.COMPLETE: 0, Verdict.PENDING: 1, Verdict.SETTLING: 1, Verdict.FAILED: 2}


class Choice(Struct, frozen=True):
    """What is to be done about one instance.

    Attributes:
        name: of the snapshot to adopt, or to make.
        snapshot: what is to be adopted, or stands in the way; None if one is to be made.
        further: the others that exist under the instance's names.
        refusal: why nothing is adopted or made.
    """

    name: str
    snapshot: Snapshot | None = None
    further: tuple[Snapshot, ...] = ()
    refusal: SnapshotExistsError | None = None


def choose(
    found: Collection[Snapshot], instance_id: str, settings: RunSettings, now: datetime
) -> Choice:
    """Adopt the best of what was found, make one (more), or refuse; `now` is the server's."""
    if not found:
        return Choice(settings.name_for(instance_id))
    key = best_of(settings.states)
    best, *others = sorted(found, key=lambda one: (is_older(one, settings.max_age, now), *key(one)))
    if settings.on_existing == "error":
        why = "use another name, or on_existing='adopt' to continue that run"
        return Choice(best.name, best, tuple(others), _exists(best, "", why))
    if settings.on_failed == "retry" and best.judge(settings.states) is Verdict.FAILED:
        number = 1 + max(_naming.without_repeat(one.name)[1] for one in found)
        if number <= _naming.MAX_REPEATS:
            return Choice(settings.name_for(instance_id, number), None, (best, *others))
    if is_older(best, settings.max_age, now):
        made = f"made {best.created_at:%Y-%m-%d %H:%M:%S %Z}" if best.created_at else "without date"
        why = "use a name of its own for each run, or a larger max_age (None: any age)"
        return Choice(best.name, best, tuple(others), _exists(best, f" ({made})", why))
    return Choice(best.name, best, tuple(others))


def _exists(snapshot: Snapshot, how: str, why: str) -> SnapshotExistsError:
    return SnapshotExistsError(
        f"instance {short(snapshot.instance_id)} has a snapshot {short(snapshot.name)} already"
        f"{how}; {why}",
        snapshot=snapshot,
    )


def best_of(states: StateTable) -> Callable[[Snapshot], tuple[int, float]]:
    """A sort key: the most advanced snapshot first, among equals the oldest."""
    return lambda snapshot: (_RANK[snapshot.judge(states)], oldest_first(snapshot))


def is_older(snapshot: Snapshot, max_age: float | None, now: datetime) -> bool:
    """Whether it is older than so many seconds, as one without a date is; None is any age."""
    if max_age is None:
        return False
    made = snapshot.created_at
    return made is None or (now - made).total_seconds() > max_age
