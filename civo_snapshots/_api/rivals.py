"""The restores of one client to the same hostname, which nothing in their answers tells apart."""

from collections.abc import Sequence

from msgspec import Struct

from ..models import Restore

_QUEUE = 120.0
"""Seconds in which a restore's instance shows: it may be queued for a minute."""

_KEPT = 900.0
"""Seconds for which an instance is known to be another's."""


class SentRestore(Struct, eq=False):
    """A restore that this client has sent.

    Attributes:
        id: the restore's, once it is answered.
        instance_id: the instance that it has made, once that is known.
        is_void: it has certainly done nothing.
    """

    region: str
    at: float
    hostname: str = ""
    id: str = ""
    instance_id: str = ""
    is_void: bool = False


class SentRestores:
    """The restores to new instances that a client has sent lately."""

    def __init__(self) -> None:
        self._sent: list[SentRestore] = []

    def add(self, region: str, now: float) -> SentRestore:
        """Note one that is about to be sent, and forget those of long ago."""
        self._sent = [one for one in self._sent if now - one.at < _KEPT and not one.is_void]
        self._sent.append(sent := SentRestore(region.casefold(), now))
        return sent

    def made(self, restore: Restore, instance_id: str) -> None:
        """Note which instance a restore has made."""
        for one in self._sent:
            if one.id == restore.id:
                one.instance_id = instance_id

    def _others(self, restore: Restore, region: str) -> Sequence[SentRestore]:
        asked = region.casefold(), restore.hostname.casefold()
        return [
            one
            for one in self._sent
            if (one.region, one.hostname) == asked and one.id != restore.id
        ]

    def taken(self, restore: Restore, region: str) -> set[str]:
        """The instances that others are known to have made."""
        return {one.instance_id for one in self._others(restore, region)}

    def has_rivals(self, restore: Restore, region: str, now: float) -> bool:
        """Whether the instance of another one may be taken for this one's."""
        others = self._others(restore, region)
        return any(not (one.instance_id or one.is_void) and now - one.at < _QUEUE for one in others)
