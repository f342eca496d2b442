"""Async SDK for the instance snapshots of CivoStack Enterprise private regions.

Start with `CivoClient`; the errors are drawn as a tree in `civo_snapshots.errors`, and a region to
test against is `civo_snapshots.testing.FakeRegion`. Names are loaded when they are first asked for.
"""

import typing

from . import _lazy
from ._version import __version__

if typing.TYPE_CHECKING:
    from ._api import Listing
    from ._client import CivoClient, RegionView
    from ._clock import Clock
    from ._create import Unresolved
    from ._fleet import FleetStream
    from ._session import CallOptions, RetryPolicy, Timeouts
    from ._watch import PollPolicy
    from .errors import (
        AmbiguousNameError,
        ApiError,
        AuthenticationError,
        CivoError,
        ClientClosedError,
        ConfigurationError,
        ConflictError,
        ConnectFailedError,
        ConnectionLostError,
        DeadlineExceededError,
        InvalidArgumentError,
        InvalidRequestError,
        NotFoundError,
        OutcomeUnknownError,
        PermissionDeniedError,
        PollFailedError,
        ProxyError,
        QuiesceError,
        QuotaExceededError,
        RateLimitError,
        RestoreFailedError,
        ServerError,
        ServiceDisabledError,
        SnapshotExistsError,
        SnapshotFailedError,
        SnapshotUnsettledError,
        SnapshotVanishedError,
        TLSError,
        TransportError,
        TryLaterError,
        UnexpectedResponseError,
        WaitError,
        WaitTimeoutError,
    )
    from .events import (
        CreateRecovered,
        Event,
        ExtraSnapshot,
        ListingAvoided,
        OutcomeKnown,
        Polled,
        RequestDone,
        RetryScheduled,
        Throttled,
        Transition,
        UnknownState,
        UnusualState,
        WaitEnded,
        WaitStarted,
    )
    from .models import (
        Acknowledgement,
        Call,
        Instance,
        LastSnapshot,
        Page,
        Quota,
        Region,
        RegionSnapshot,
        Restore,
        RestoreStatus,
        Retention,
        Schedule,
        ScheduledInstance,
        ScheduleStatus,
        Snapshot,
        SnapshotStatus,
        Subnet,
        Volume,
        VolumeStatus,
    )
    from .outcomes import FleetRun, Outcome, OutcomeKind, UnresolvedCreate
    from .resources import PruneOptions, RestoreDrill, RunOptions, run_name
    from .retention import (
        PruneDecision,
        PruneKind,
        PruneOutcome,
        PrunePlan,
        PruneReport,
        RetentionPolicy,
    )
    from .states import State, Verdict
else:
    __getattr__, __dir__ = _lazy.lazy(
        globals(),
        {
            "._api": "Listing",
            "._client": "CivoClient RegionView",
            "._clock": "Clock",
            "._create": "Unresolved",
            "._fleet": "FleetStream",
            "._session": "CallOptions RetryPolicy Timeouts",
            "._watch": "PollPolicy",
            ".errors": """
                AmbiguousNameError ApiError AuthenticationError CivoError ClientClosedError
                ConfigurationError ConflictError ConnectFailedError ConnectionLostError
                DeadlineExceededError InvalidArgumentError InvalidRequestError NotFoundError
                OutcomeUnknownError PermissionDeniedError PollFailedError ProxyError
                QuiesceError QuotaExceededError RateLimitError RestoreFailedError ServerError
                ServiceDisabledError SnapshotExistsError SnapshotFailedError
                SnapshotUnsettledError SnapshotVanishedError TLSError TransportError TryLaterError
                UnexpectedResponseError WaitError WaitTimeoutError
            """,
            ".events": """
                CreateRecovered Event ExtraSnapshot ListingAvoided OutcomeKnown Polled
                RequestDone RetryScheduled Throttled Transition UnknownState UnusualState WaitEnded
                WaitStarted
            """,
            ".models": """
                Acknowledgement Call Instance LastSnapshot Page Quota Region RegionSnapshot Restore
                RestoreStatus Retention Schedule ScheduledInstance ScheduleStatus Snapshot
                SnapshotStatus Subnet Volume VolumeStatus
            """,
            ".outcomes": "FleetRun Outcome OutcomeKind UnresolvedCreate",
            ".resources": "PruneOptions RestoreDrill RunOptions run_name",
            ".retention": """
                PruneDecision PruneKind PruneOutcome PrunePlan PruneReport RetentionPolicy
            """,
            ".states": "State Verdict",
        },
    )

__all__ = [
    "Acknowledgement",
    "AmbiguousNameError",
    "ApiError",
    "AuthenticationError",
    "Call",
    "CallOptions",
    "CivoClient",
    "CivoError",
    "ClientClosedError",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "ConnectFailedError",
    "ConnectionLostError",
    "CreateRecovered",
    "DeadlineExceededError",
    "Event",
    "ExtraSnapshot",
    "FleetRun",
    "FleetStream",
    "Instance",
    "InvalidArgumentError",
    "InvalidRequestError",
    "LastSnapshot",
    "Listing",
    "ListingAvoided",
    "NotFoundError",
    "Outcome",
    "OutcomeKind",
    "OutcomeKnown",
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "PollFailedError",
    "PollPolicy",
    "Polled",
    "ProxyError",
    "PruneDecision",
    "PruneKind",
    "PruneOptions",
    "PruneOutcome",
    "PrunePlan",
    "PruneReport",
    "QuiesceError",
    "Quota",
    "QuotaExceededError",
    "RateLimitError",
    "Region",
    "RegionSnapshot",
    "RegionView",
    "RequestDone",
    "Restore",
    "RestoreDrill",
    "RestoreFailedError",
    "RestoreStatus",
    "Retention",
    "RetentionPolicy",
    "RetryPolicy",
    "RetryScheduled",
    "RunOptions",
    "Schedule",
    "ScheduleStatus",
    "ScheduledInstance",
    "ServerError",
    "ServiceDisabledError",
    "Snapshot",
    "SnapshotExistsError",
    "SnapshotFailedError",
    "SnapshotStatus",
    "SnapshotUnsettledError",
    "SnapshotVanishedError",
    "State",
    "Subnet",
    "TLSError",
    "Throttled",
    "Timeouts",
    "Transition",
    "TransportError",
    "TryLaterError",
    "UnexpectedResponseError",
    "UnknownState",
    "Unresolved",
    "UnresolvedCreate",
    "UnusualState",
    "Verdict",
    "Volume",
    "VolumeStatus",
    "WaitEnded",
    "WaitError",
    "WaitStarted",
    "WaitTimeoutError",
    "__version__",
    "run_name",
]
