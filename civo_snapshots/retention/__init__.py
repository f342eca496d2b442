"""What to keep: the policy, the plan and the report of a prune; pure.

It must not know the network: who reads the region and deletes is `snapshots.plan_prune()` and
`snapshots.prune()`.
"""

from .decisions import decide
from .plan import PruneDecision, PrunePlan
from .policy import RetentionPolicy
from .report import PruneKind, PruneOutcome, PruneReport

__all__ = [
    "PruneDecision",
    "PruneKind",
    "PruneOutcome",
    "PrunePlan",
    "PruneReport",
    "RetentionPolicy",
    "decide",
]
