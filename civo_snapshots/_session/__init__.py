"""One logical call: its slot, its deadline, its retries, and the client's limits.

It must not know records, resources, or what a request is for.
"""

from .call import Session
from .deadline import LEAST_ATTEMPT, Deadline
from .limiter import Limiter
from .options import ONCE, CallOptions, Timeouts, call_options
from .retry import RetryPolicy, Waits, is_transient, policy_for

__all__ = [
    "LEAST_ATTEMPT",
    "ONCE",
    "CallOptions",
    "Deadline",
    "Limiter",
    "RetryPolicy",
    "Session",
    "Timeouts",
    "Waits",
    "call_options",
    "is_transient",
    "policy_for",
]
