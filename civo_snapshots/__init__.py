"""Async SDK for the instance snapshots of CivoStack Enterprise private regions.

Start with `CivoClient`; the errors are drawn as a tree in `civo_snapshots.errors`, and a region to
test against is `civo_snapshots.testing.FakeRegion`. Names are loaded when they are first asked for.
"""

import typing

from . import _lazy
from ._version import __version__

if typing.TYPE_CHECKING:
    from ._api.listing import Listing
    from ._client import CivoClient, RegionView
    from ._clock import Clock
    from ._session.deadline import CallOptions
    from ._session.options import Timeouts
    from ._session.retry import RetryPolicy
    from ._watch.progress import PollPolicy
    from .errors import (
        ApiError,
        AuthenticationError,
        Call,
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
        SnapshotVanishedError,
        TLSError,
        TransportError,
        UnexpectedResponseError,
        WaitError,
        WaitTimeoutError,
    )
    from .events import Event, ExtraSnapshot, RetryScheduled, Transition, UnknownState
    from .models import (
        Acknowledgement,
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
        Volume,
        VolumeStatus,
    )
    from .outcomes import FleetRun, Outcome, OutcomeKind, Unresolved
    from .resources.snapshots import FleetStream
    from .states import State, Verdict
else:
    __getattr__, __dir__ = _lazy.lazy(
        globals(),
        {
            "._client": "CivoClient RegionView",
            "._clock": "Clock",
            "._api.listing": "Listing",
            "._watch.progress": "PollPolicy",
            "._session.retry": "RetryPolicy",
            "._session.deadline": "CallOptions",
            "._session.options": "Timeouts",
            ".errors": """
                ApiError AuthenticationError Call CivoError ClientClosedError
                ConfigurationError ConflictError ConnectFailedError ConnectionLostError
                DeadlineExceededError InvalidArgumentError InvalidRequestError NotFoundError
                OutcomeUnknownError PermissionDeniedError PollFailedError ProxyError
                QuotaExceededError RateLimitError RestoreFailedError ServerError
                ServiceDisabledError SnapshotExistsError SnapshotFailedError
                SnapshotVanishedError TLSError TransportError UnexpectedResponseError
                WaitError WaitTimeoutError
            """,
            ".events": "Event ExtraSnapshot RetryScheduled Transition UnknownState",
            ".models": """
                Acknowledgement Instance LastSnapshot Page Quota Region RegionSnapshot Restore
                RestoreStatus Retention Schedule ScheduledInstance ScheduleStatus Snapshot
                SnapshotStatus Volume VolumeStatus
            """,
            ".outcomes": "FleetRun Outcome OutcomeKind Unresolved",
            ".resources": "",
            ".resources.snapshots": "FleetStream",
            ".states": "State Verdict",
        },
    )

__all__ = [
    "Acknowledgement",
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
    "NotFoundError",
    "Outcome",
    "OutcomeKind",
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "PollFailedError",
    "PollPolicy",
    "ProxyError",
    "Quota",
    "QuotaExceededError",
    "RateLimitError",
    "Region",
    "RegionSnapshot",
    "RegionView",
    "Restore",
    "RestoreFailedError",
    "RestoreStatus",
    "Retention",
    "RetryPolicy",
    "RetryScheduled",
    "Schedule",
    "ScheduleStatus",
    "ScheduledInstance",
    "ServerError",
    "ServiceDisabledError",
    "Snapshot",
    "SnapshotExistsError",
    "SnapshotFailedError",
    "SnapshotStatus",
    "SnapshotVanishedError",
    "State",
    "TLSError",
    "Timeouts",
    "Transition",
    "TransportError",
    "UnexpectedResponseError",
    "UnknownState",
    "Unresolved",
    "Verdict",
    "Volume",
    "VolumeStatus",
    "WaitError",
    "WaitTimeoutError",
    "__version__",
]
