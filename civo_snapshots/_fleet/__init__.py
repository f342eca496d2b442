"""Snapshots of many instances, with one outcome each.

It stands on the faces of `_create` and `_watch`, and must not know what users call.
"""

from .finding import RunSearch
from .intake import Instances, is_whole
from .member import kind_of_end
from .settings import DEFAULT_MAX_AGE, OnFailed, RunSettings
from .stream import FleetStream
from .waiting import RunWait, WaitSettings

__all__ = [
    "DEFAULT_MAX_AGE",
    "FleetStream",
    "Instances",
    "OnFailed",
    "RunSearch",
    "RunSettings",
    "RunWait",
    "WaitSettings",
    "is_whole",
    "kind_of_end",
]
