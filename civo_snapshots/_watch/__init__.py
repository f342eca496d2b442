"""Many waits that share few polls.

It must not know creates or runs.
"""

from .deletion import DeletionWait, wait_until_deleted
from .policy import PollPolicy, grace_of, policy_or
from .progress import CompletionWait
from .restore import wait_until_restored
from .schedule import RegisteredWait
from .state_report import StateReporter
from .wait import Wait, wait_timeout
from .watcher import Watcher

__all__ = [
    "CompletionWait",
    "DeletionWait",
    "PollPolicy",
    "RegisteredWait",
    "StateReporter",
    "Wait",
    "Watcher",
    "grace_of",
    "policy_or",
    "wait_timeout",
    "wait_until_deleted",
    "wait_until_restored",
]
