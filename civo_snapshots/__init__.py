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
        Event,
        ExtraSnapshot,
        ListingAvoided,
        RetryScheduled,
        Transition,
        UnknownState,
        UnusualState,
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
    from .outcomes import FleetRun, Outcome, OutcomeKind, Unresolved
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
            "._fleet": "FleetStream",
            "._session": "CallOptions RetryPolicy Timeouts",
            "._watch": "PollPolicy",
            ".errors": """
                AmbiguousNameError ApiError AuthenticationError CivoError ClientClosedError
                ConfigurationError ConflictError ConnectFailedError ConnectionLostError
                DeadlineExceededError InvalidArgumentError InvalidRequestError NotFoundError
                OutcomeUnknownError PermissionDeniedError PollFailedError ProxyError
                QuotaExceededError RateLimitError RestoreFailedError ServerError
                ServiceDisabledError SnapshotExistsError SnapshotFailedError
                SnapshotUnsettledError SnapshotVanishedError TLSError TransportError TryLaterError
                UnexpectedResponseError WaitError WaitTimeoutError
            """,
            ".events": """
                Event ExtraSnapshot ListingAvoided RetryScheduled Transition UnknownState
                UnusualState
            """,
            ".models": """
                Acknowledgement Call Instance LastSnapshot Page Quota Region RegionSnapshot Restore
                RestoreStatus Retention Schedule ScheduledInstance ScheduleStatus Snapshot
                SnapshotStatus Subnet Volume VolumeStatus
            """,
            ".outcomes": "FleetRun Outcome OutcomeKind Unresolved",
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
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "PollFailedError",
    "PollPolicy",
    "ProxyError",
    "PruneDecision",
    "PruneKind",
    "PruneOptions",
    "PruneOutcome",
    "PrunePlan",
    "PruneReport",
    "Quota",
    "QuotaExceededError",
    "RateLimitError",
    "Region",
    "RegionSnapshot",
    "RegionView",
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
    "Timeouts",
    "Transition",
    "TransportError",
    "TryLaterError",
    "UnexpectedResponseError",
    "UnknownState",
    "Unresolved",
    "UnusualState",
    "Verdict",
    "Volume",
    "VolumeStatus",
    "WaitError",
    "WaitTimeoutError",
    "__version__",
    "run_name",
]
