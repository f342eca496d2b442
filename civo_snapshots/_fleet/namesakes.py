"""What the region-wide listing holds of one run: one request for all its instances."""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from .. import _naming
from .._api import RegionApi, is_listing_refusal
from .._codec import ListingItem
from .._http import Mask
from ..errors import CivoError
from ..models import RegionSnapshot
from .patience import step_within

Namesakes = Mapping[str, Sequence[RegionSnapshot]]
"""A run's items by the first name of their instance's snapshots; repeats are among them."""

_MOST_KEPT = 32 << 20
"""Bytes of one run's snapshots, about 50,000 of them: a hostile server may name all alike."""


class _OfRun:
    """The region's snapshots whose names are a run's; a consumer of its listing.

    Attributes:
        is_complete: whether none of them is missing.
    """

    limit = inf

    def __init__(self, run: str) -> None:
        self._run = run
        self.begin(bytes)

    def begin(self, mask: Mask) -> None:
        self._mask = mask
        self.is_complete = True
        self._kept = 0
        self.by_name: dict[str, list[RegionSnapshot]] = {}

    def consume(self, items: Sequence[ListingItem], left_out: int = 0) -> None:
        self.is_complete = self.is_complete and not left_out
        for item in items:
            name = item.name or item.inner().name or ""
            if self.is_complete and _naming.is_of_run(name, self._run):
                self._keep(name, item)

    def _keep(self, name: str, item: ListingItem) -> None:
        self._kept += len(bytes(item.instance))
        found = item.record(self._mask)
        if found is None or self._kept > _MOST_KEPT:
            # What cannot be read, or is too much to be true, may be what is looked for.
            self.is_complete = False
        else:
            first, _ = _naming.without_repeat(name)
            self.by_name.setdefault(first, []).append(found)


async def read_namesakes(api: RegionApi, run: str, left: Callable[[], float]) -> Namesakes | None:
    """The run's items in the region; None where there is no such listing, or not the whole of it.

    Goes on through an outage for the seconds that are left.
    """

    namesakes = _OfRun(run)
    try:
        seen = await api.read_region_listing(namesakes, step_within(api.session, left))
    except CivoError as error:
        if not is_listing_refusal(error):
            raise
        return None
    return namesakes.by_name if seen is not None and namesakes.is_complete else None
