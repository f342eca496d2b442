"""Snapshots of many instances, with one outcome each.

It stands on the faces of `_create` and `_watch`, and must not know what users call.
"""

from .settings import Instances, OnExisting, RunSettings
from .stream import FleetStream

__all__ = ["FleetStream", "Instances", "OnExisting", "RunSettings"]
