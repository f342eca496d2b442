"""What a create's ends are told as; pure."""

from copy import copy

from ..errors import CivoError, ConflictError, SnapshotExistsError, TryLaterError
from ..models import Snapshot


def unsent(error: CivoError) -> CivoError:
    """An error of the look that comes before the create."""
    return _harmless(error, "nothing was sent, because what exists could not be read")


def nothing_made(error: CivoError) -> CivoError:
    """An error after which the name was searched for in vain."""
    return _harmless(error, "nothing was made, as far as a search for its name can tell")


def _harmless(error: CivoError, how: str) -> CivoError:
    told = copy(error)
    told.may_have_acted = False
    told.message += f"; {how}"
    return told


def another_made(instance_id: str, name: str, refusal: TryLaterError) -> ConflictError:
    """While a create was told to try later, somebody else has made one of its name."""
    return ConflictError(
        f"another snapshot named {name} has just been made of instance {instance_id}; it is not "
        "this create's",
        status=refusal.status,
        code=refusal.code,
        call=refusal.call,
    )


def exists(snapshot: Snapshot) -> SnapshotExistsError:
    """That a snapshot of the name stands in the way."""
    return SnapshotExistsError(
        f"instance {snapshot.instance_id} has a snapshot {snapshot.name} already; use another "
        "name, or on_existing='adopt' to go on with it",
        snapshot=snapshot,
    )
