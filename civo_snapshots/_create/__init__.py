"""Exactly one snapshot per create, over an API without idempotency keys.

It must not know waits or runs.
"""

from .creation import Creation, OnExisting
from .supervisor import CreateSupervisor
from .unresolved import Unresolved

__all__ = ["CreateSupervisor", "Creation", "OnExisting", "Unresolved"]
