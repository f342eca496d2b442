"""Instances: what snapshots are made of (API page "Instances")."""

from typing import Unpack

from .. import _validation
from .._api import Listing, RegionApi
from .._session import CallOptions, call_options
from .._validation import Id, OnMisfit
from .._version import made_by_a_client
from ..models import Instance
from ._names import the_one
from ._resource import Resource

MAX_PER_PAGE = 100


class Instances(Resource):
    """Reads the instances of a region.

    The API's page is "Instances".
    """

    @made_by_a_client
    def __init__(self, api: RegionApi) -> None:
        self._api = api

    def list(
        self,
        *,
        per_page: int = MAX_PER_PAGE,
        on_misfit: OnMisfit = "raise",
        **options: Unpack[CallOptions],
    ) -> Listing[Instance]:
        """Every instance, page by page as they are read.

        Args:
            per_page: 1 to 100.
            on_misfit: "raise" makes an item that is not as documented an error; "skip" leaves it
                out and counts it in `Listing.misfits`.
            options: as in `CallOptions`.
        """
        size = _validation.count(per_page, "per_page", most=MAX_PER_PAGE)
        found = self._api.list_instances(call_options(options), per_page=size)
        return found.skipping(_validation.skips(on_misfit))

    async def get(self, instance_id: Id, **options: Unpack[CallOptions]) -> Instance:
        """One instance.

        Args:
            instance_id: its id, or its hostname where the server takes that.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none.
        """
        return await self._api.get_instance(
            _validation.instance_id(instance_id), call_options(options)
        )

    async def get_by_name(self, hostname: str, **options: Unpack[CallOptions]) -> Instance:
        """The instance of this very hostname, by one listing.

        Args:
            hostname: the whole of it.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: none bears it.
            AmbiguousNameError: several do; its `candidates` are those.
        """
        listing = self._api.list_instances(call_options(options))
        return await the_one(listing, "hostname", hostname, "instance")
