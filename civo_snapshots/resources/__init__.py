"""The API's resources, each a class whose methods check their arguments and delegate."""

from .._naming import run_name
from ._drill import RestoreDrill
from ._prune_plan import PruneOptions
from ._runs import DEFAULT_RUN_TIMEOUT, RunOptions
from .instances import Instances
from .quota import Quotas
from .region_snapshots import RegionSnapshots
from .regions import Regions
from .schedules import Schedules
from .snapshots import Snapshots

__all__ = [
    "DEFAULT_RUN_TIMEOUT",
    "Instances",
    "PruneOptions",
    "Quotas",
    "RegionSnapshots",
    "Regions",
    "RestoreDrill",
    "RunOptions",
    "Schedules",
    "Snapshots",
    "run_name",
]
