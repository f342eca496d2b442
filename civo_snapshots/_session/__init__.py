"""One logical call: its slot, its deadline, its retries, and the client's limits.

It must not know records, resources, or what a request is for.
"""

from .call import Session, Within
from .confirmation import CONFIRMED_AFTER, Confirmation, Doubt, doubt_of
from .deadline import LEAST_ATTEMPT, Deadline
from .hold import OnQuiesceError, Quiesce, Quiescing
from .limiter import Limiter
from .logical_call import LogicalCall
from .options import ONCE, CallOptions, Timeouts, call_options
from .retry import RetryPolicy, is_about_one_object, is_transient, policy_for

__all__ = [
    "CONFIRMED_AFTER",
    "LEAST_ATTEMPT",
    "ONCE",
    "CallOptions",
    "Confirmation",
    "Deadline",
    "Doubt",
    "Limiter",
    "LogicalCall",
    "OnQuiesceError",
    "Quiesce",
    "Quiescing",
    "RetryPolicy",
    "Session",
    "Timeouts",
    "Within",
    "call_options",
    "doubt_of",
    "is_about_one_object",
    "is_transient",
    "policy_for",
]
