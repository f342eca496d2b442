"""When to ask for the region's listing, and when to do without it; pure.

A listing that fails is asked for again after a short pause, because the same outage would meet the
single GETs that take its place. It is avoided for minutes only where it was refused twice in a row,
or is proven to be of no use here.
"""

from math import inf

LISTED_PER_WATCHED = 400
"""A region-wide listing pays while it holds at most so many snapshots per watched one.

In CPU it would pay from one in fifty; but requests are what a rate limit counts."""

AVOIDED_FOR = 300.0
_LONGEST_PAUSE = 8.0
_SUSPECT_AFTER = 3
_PROOFS = 2


class ListingUse:
    """What is known of one region's listing."""

    def __init__(self) -> None:
        self._size: int | None = None
        self._failures = 0
        self._proofs = 0
        self._refusals = 0
        self._avoided_until = -inf
        self._too_large_for: float = inf
        self._is_avoided = False

    def pays(self, now: float, watched: int) -> bool:
        """Whether reading it pays for so many waits."""
        if now < self._avoided_until and watched <= 2 * self._too_large_for:
            return False
        return self._size is None or self._size <= LISTED_PER_WATCHED * watched

    def succeeded(self, size: int, *, is_useful: bool) -> None:
        """Note that it was read, how many snapshots it holds, and whether any is waited for."""
        self._size = size
        self._failures = self._proofs = self._refusals = 0
        self._is_avoided = self._is_avoided and not is_useful

    def failed(self) -> float:
        """Note that it failed. Return the seconds until it is asked for again."""
        self._failures += 1
        return min(2.0 ** (self._failures - 1), _LONGEST_PAUSE)

    @property
    def is_suspect(self) -> bool:
        """Whether it has failed so often in a row that a GET should tell whether all else does."""
        return self._failures >= _SUSPECT_AFTER

    def is_proven_broken(self, *, get_works: bool) -> bool:
        """Take what such a GET has shown. Return whether only the listing fails."""
        self._proofs = self._proofs + 1 if get_works else 0
        return self._proofs >= _PROOFS

    def is_refused(self) -> bool:
        """Note a refusal. Return whether it is believed, which one by itself is not."""
        self._refusals += 1
        return self._refusals > 1

    @property
    def has_worked(self) -> bool:
        """Whether it was read before."""
        return self._size is not None

    def avoid(self, now: float, too_large_for: float = inf) -> bool:
        """Do without it for minutes, or until so many waits are twice as many.

        Returns whether that is news: what it was avoided for before is not.
        """
        self._avoided_until = now + AVOIDED_FOR
        self._too_large_for = too_large_for
        self._failures = self._proofs = 0
        is_news, self._is_avoided = not self._is_avoided, True
        return is_news
