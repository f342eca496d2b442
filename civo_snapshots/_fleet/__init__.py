"""Snapshots of many instances, with one outcome each.

It stands on the faces of `_create` and `_watch`, and must not know what users call.
"""

from .intake import Instances
from .settings import DEFAULT_MAX_AGE, OnFailed, RunSettings
from .stream import FleetStream

__all__ = [
    "DEFAULT_MAX_AGE",
    "FleetStream",
    "Instances",
    "OnFailed",
    "RunSettings",
]
