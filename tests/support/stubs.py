"""A region's API without a network: a test overrides the calls that it expects."""

from collections.abc import Awaitable, Callable, Sequence

from civo_snapshots import CivoClient, Clock, Listing, Page, Snapshot
from civo_snapshots._api import RegionApi


class StubApi(RegionApi):
    """A call that is not overridden has nowhere to go."""

    def __init__(self, clock: Clock) -> None:
        client = CivoClient("stub-token", region="LON1", api_url="http://127.0.0.1:1", clock=clock)
        super().__init__(client._state.session, client.region)


def listing_of(fetch: Callable[[], Awaitable[Sequence[Snapshot]]]) -> Listing[Snapshot]:
    """A listing of one page."""

    async def page(number: int) -> Page[Snapshot]:
        return Page(number, tuple(await fetch()))

    return Listing(page, key=lambda found: found.id)
