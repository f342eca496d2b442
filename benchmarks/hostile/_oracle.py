"""Says how a wait must end, from what was seen; written from the design's rules, not from the code.

It shares no table and no rule with the package: the point is that two readings of the same text
agree. "First terminal verdict stands", unknown states never end a wait, volumes count from their
first sight on, trouble is tolerated for a time.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import define, field, frozen

End = Literal["complete", "failed", "unsettled", "vanished", "not found", "poll failed"]


@frozen
class Sight:
    """The snapshot was shown: its own state text, and those of its listed volumes."""

    at: float
    own: str
    volumes: Mapping[str, str]


@frozen
class Missing:
    """404; `instance` tells that it was the instance that is gone."""

    at: float
    instance: bool


@frozen
class Trouble:
    """The look failed: fatally (no access), as a 429 (which never counts), or by bad luck."""

    at: float
    kind: Literal["fatal", "429", "luck"]


Look = Sight | Missing | Trouble


@frozen
class Rules:
    """The times that the policy of the wait names."""

    settle: float
    appear: float
    tolerate: float
    troubles: int = 10
    misses: int = 3


@define
class _Wait:
    rules: Rules
    started: float
    volumes: dict[str, str] = field(factory=dict[str, str])
    sighted: bool = False
    absent: int = 0
    troubled: list[float] = field(factory=list[float])
    odd_since: float | None = None

    def sight(self, look: Sight) -> End | None:
        self.volumes |= look.volumes
        words = [text.strip().lower() for text in self.volumes.values()]
        own = look.own.strip().lower()
        if any(word in ("failed", "error") for word in [own, *words]):
            return "failed"
        if own not in ("complete", "completed"):
            self.odd_since = None
            return None
        if all(word in ("complete", "completed") for word in words):
            return "complete"
        if self.odd_since is None:
            self.odd_since = look.at
        return "unsettled" if look.at - self.odd_since >= self.rules.settle else None

    def miss(self, look: Missing) -> End | None:
        self.absent += 1
        self.troubled.clear()
        if self.sighted:
            over = self.absent >= self.rules.misses
        else:
            over = look.at - self.started >= self.rules.appear
        if not over:
            return None
        return "not found" if look.instance else "vanished"

    def trouble(self, look: Trouble) -> End | None:
        if look.kind == "fatal":
            return "poll failed"
        if look.kind == "luck":
            self.troubled.append(look.at)
            lasted = look.at - self.troubled[0]
            if len(self.troubled) >= self.rules.troubles and lasted >= self.rules.tolerate:
                return "poll failed"
        return None

    def take(self, look: Look) -> End | None:
        if isinstance(look, Missing):
            return self.miss(look)
        if isinstance(look, Trouble):
            return self.trouble(look)
        self.sighted, self.absent = True, 0
        self.troubled.clear()
        return self.sight(look)


def verdict(
    rules: Rules, started: float, known: Sight | None, looks: Sequence[Look]
) -> tuple[End | None, int]:
    """How the wait must end and after how many looks; None if none of them ends it.

    What the caller knew beforehand counts, but is no sight: a 404 may still be mere delay.
    """
    wait = _Wait(rules, started)
    if known is not None and (end := wait.sight(known)) is not None:
        return end, 0
    for number, look in enumerate(looks, 1):
        if (end := wait.take(look)) is not None:
            return end, number
    return None, len(looks)
