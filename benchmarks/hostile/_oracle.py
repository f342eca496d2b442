"""Says how a wait must end, from what its polls showed.

It is written from the design's rules and shares no table and no code with the package: the point
is that two readings of the same text agree. The first terminal verdict stands, unknown states never
end a wait, volumes count from the first poll that shows them, or includes them while others are
shown, and errors are tolerated for a time.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import define, field, frozen

_FINISHED = ("complete", "completed", "available", "ready")

End = Literal["complete", "failed", "unsettled", "vanished", "not found", "poll failed"]


@frozen
class Shown:
    """The snapshot was shown: its own state text, those of its listed volumes, and the ids of
    those that it includes.
    """

    at: float
    own: str
    volumes: Mapping[str, str]
    included: Sequence[str]


@frozen
class Missing:
    """404; `instance` tells that it was the instance that is gone."""

    at: float
    instance: bool


@frozen
class Trouble:
    """The poll failed: fatally (a proven refusal), for this snapshot alone (403), as a 429 (which
    never counts), or by bad luck.
    """

    at: float
    kind: Literal["fatal", "denied", "429", "luck"]


Poll = Shown | Missing | Trouble


@frozen
class Rules:
    """The times that the policy of the wait names."""

    volume_grace: float
    appear: float
    tolerate: float
    troubles: int = 10
    misses: int = 3
    missed_for: float = 5.0
    denials: int = 3
    denied_for: float = 5.0


@define
class _Wait:
    rules: Rules
    started: float
    volumes: dict[str, str] = field(factory=dict[str, str])
    included: Sequence[str] = ()
    was_shown: bool = False
    absent: list[float] = field(factory=list[float])
    troubled: list[float] = field(factory=list[float])
    denied: list[float] = field(factory=list[float])
    odd_since: float | None = None

    def saw(self, shown: Shown) -> None:
        self.volumes |= shown.volumes
        self.included = shown.included or self.included

    def shown(self, poll: Shown) -> End | None:
        self.saw(poll)
        words = [text.strip().lower() for text in self.volumes.values()]
        own = poll.own.strip().lower()
        if any(word in ("failed", "error") for word in [own, *words]):
            return "failed"
        if own not in _FINISHED:
            self.odd_since = None
            return None
        unlisted = words and any(one not in self.volumes for one in self.included)
        if all(word in _FINISHED for word in words) and not unlisted:
            return "complete"
        if self.odd_since is None:
            self.odd_since = poll.at
        return "unsettled" if poll.at - self.odd_since >= self.rules.volume_grace else None

    def miss(self, poll: Missing) -> End | None:
        self.absent.append(poll.at)
        self.troubled.clear()
        self.denied.clear()
        if self.was_shown:
            lasted = poll.at - self.absent[0]
            over = len(self.absent) >= self.rules.misses and lasted >= self.rules.missed_for
        else:
            over = poll.at - self.started >= self.rules.appear
        if not over:
            return None
        return "not found" if poll.instance else "vanished"

    def trouble(self, poll: Trouble) -> End | None:
        if poll.kind == "fatal":
            return "poll failed"
        if poll.kind == "denied":
            self.denied.append(poll.at)
            lasted = poll.at - self.denied[0]
            if len(self.denied) >= self.rules.denials and lasted >= self.rules.denied_for:
                return "poll failed"
        if poll.kind == "luck":
            self.denied.clear()
        if poll.kind in ("luck", "denied"):
            self.troubled.append(poll.at)
            lasted = poll.at - self.troubled[0]
            if len(self.troubled) >= self.rules.troubles and lasted >= self.rules.tolerate:
                return "poll failed"
        return None

    def take(self, poll: Poll) -> End | None:
        if isinstance(poll, Missing):
            return self.miss(poll)
        if isinstance(poll, Trouble):
            return self.trouble(poll)
        self.was_shown = True
        self.absent.clear()
        self.troubled.clear()
        self.denied.clear()
        return self.shown(poll)


def verdict(
    rules: Rules, started: float, known: Shown | None, polls: Sequence[Poll]
) -> tuple[End | None, int]:
    """How the wait must end and after how many polls; None if none of them ends it.

    What the caller knew beforehand ends nothing, but its volumes count.
    """
    wait = _Wait(rules, started)
    if known is not None:
        wait.saw(known)
    for number, poll in enumerate(polls, 1):
        if (end := wait.take(poll)) is not None:
            return end, number
    return None, len(polls)
