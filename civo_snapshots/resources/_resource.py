"""What the resources have in common."""

from .._api import RegionApi


class Resource:
    """The calls of a region, and how they are shown."""

    _api: RegionApi

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._api!r}>"
