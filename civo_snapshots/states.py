"""The vocabulary of states, and the one rule that says when a snapshot is finished.

Nothing here knows JSON, records, time or the network: a state is the text the server sent.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """What a state text means for somebody who waits."""

    PENDING = "pending"
    """It still goes on; what no table knows counts as this."""
    """It still goes on; what no table knows counts as this."""
    COMPLETE = "complete"
    """It is done."""
    """It is done."""
    FAILED = "failed"
    """It will never be complete."""
    """It will never be complete."""


class Verdict(StrEnum):
    """What a snapshot and its volumes amount to together."""

    PENDING = "pending"
    """It still goes on."""
    """It still goes on."""
    SETTLING = "settling"
    """The snapshot says complete, not all of its volumes do: wait a little longer."""
    COMPLETE = "complete"
    """The snapshot says so, and so do all of its volumes."""
    """The snapshot says so, and so do all of its volumes."""
    FAILED = "failed"
    """The snapshot or one of its volumes has failed."""
    """The snapshot or one of its volumes has failed."""

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self in (Verdict.COMPLETE, Verdict.FAILED)


StateTable = Mapping[str, State]

# The documented set is open ("Complete" | "Failed" | "Pending" | etc.): a text in no group is taken
# for one that means "still running", but is worth a remark.
DEFAULT_STATES: StateTable = MappingProxyType(
    {
        "complete": State.COMPLETE,
        "completed": State.COMPLETE,
        "available": State.COMPLETE,
        "ready": State.COMPLETE,
        "failed": State.FAILED,
        "error": State.FAILED,
        "": State.PENDING,
        "pending": State.PENDING,
        "new": State.PENDING,
        "in_progress": State.PENDING,
        "in-progress": State.PENDING,
    }
)

# To look a member up on its class takes Python code, up to 3.11.
_PENDING, _COMPLETE, _FAILED = State.PENDING, State.COMPLETE, State.FAILED

# They come from systems in which they mean finished; no document of the API names them.
_UNUSUAL = frozenset({"available", "ready"})

BROKEN_INSTANCE = ("error", "failed")
"""The states that an instance does not leave by itself; in the form of `normalise()`."""


def normalise(text: str) -> str:
    """The form in which a state text is looked up."""
    return text.strip().lower()


def extended(extra: Mapping[str, State]) -> StateTable:
    """The default table with a deployment's own spellings added."""
    return MappingProxyType(
        {**DEFAULT_STATES, **{normalise(text): state for text, state in extra.items()}}
    )


def classify(text: str, table: StateTable = DEFAULT_STATES) -> State:
    """What the text means; an unknown text means PENDING, so that it never ends a wait."""
    return table.get(normalise(text), _PENDING)


def is_known(text: str, table: StateTable = DEFAULT_STATES) -> bool:
    """Whether the table has the text."""
    return normalise(text) in table


def is_unusual(text: str, table: StateTable = DEFAULT_STATES) -> bool:
    """Whether the text counts as complete without being documented as such."""
    return normalise(text) in _UNUSUAL and classify(text, table) is State.COMPLETE


def those_in(
    meaning: State, volumes: Iterable[tuple[str, str]], table: StateTable = DEFAULT_STATES
) -> tuple[str, ...]:
    """The ids of the volumes whose state text means this."""
    return tuple(one for one, text in volumes if classify(text, table) is meaning)


def never_listed(listed: Collection[str], included: Iterable[str]) -> tuple[str, ...]:
    """The ids of the volumes that a snapshot includes and that have still to be listed.

    None where no volume is listed at all: there the snapshot's own state speaks for them.
    """
    return tuple(one for one in included if one not in listed) if listed else ()


def verdict(
    snapshot: str,
    volumes: Iterable[tuple[str, str]] = (),
    included: Iterable[str] = (),
    table: StateTable = DEFAULT_STATES,
) -> Verdict:
    """Judge a snapshot by its own state text, and by the id and the state text of each volume.

    `volumes` are those that were ever listed, `included` the ids of those that it is made of.
    Any FAILED decides first; then a snapshot is complete when it says so, no volume differs and
    none is still to be listed.
    """
    own, pairs = classify(snapshot, table), tuple(volumes)
    # Mostly the same few. No set of what they mean: to hash a member of an enum takes Python code.
    seen = [classify(text, table) for text in {text for _, text in pairs}]
    if own is _FAILED or _FAILED in seen:
        return Verdict.FAILED
    if own is not _COMPLETE:
        return Verdict.PENDING
    is_whole = seen.count(_COMPLETE) == len(seen)
    if is_whole and (not pairs or {one for one, _ in pairs}.issuperset(included)):
        return Verdict.COMPLETE
    return Verdict.SETTLING
