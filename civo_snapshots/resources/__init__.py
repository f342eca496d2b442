"""The API's resources, each a class whose methods are its calls; loaded when first asked for."""

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from .instances import Instances as Instances
    from .quota import Quotas as Quotas
    from .region_snapshots import RegionSnapshots as RegionSnapshots
    from .regions import Regions as Regions
    from .schedules import Schedules as Schedules
    from .snapshots import Snapshots as Snapshots
else:
    __getattr__, __dir__ = lazy(
        globals(),
        {
            ".instances": "Instances",
            ".quota": "Quotas",
            ".region_snapshots": "RegionSnapshots",
            ".regions": "Regions",
            ".schedules": "Schedules",
            ".snapshots": "Snapshots",
        },
    )
