"""Every error of the SDK.

::

    CivoError
    ├─ ConfigurationError, InvalidArgumentError      (also ValueError) nothing was sent
    ├─ TransportError                                no usable answer
    │   ├─ ConnectFailedError, TLSError, ProxyError  nothing was sent
    │   ├─ ConnectionLostError                       the request may have been sent
    ├─ DeadlineExceededError                         (also TimeoutError) the call's own time ran out
    ├─ ApiError                                      the API said no
    │   ├─ InvalidRequestError  AuthenticationError  PermissionDeniedError  NotFoundError
    │   ├─ ConflictError  TryLaterError  RateLimitError  QuotaExceededError  ServiceDisabledError
    │   ├─ ServerError
    ├─ UnexpectedResponseError                       an answer that makes no sense
    ├─ OutcomeUnknownError                           a create or restore that may have acted
    ├─ SnapshotExistsError                           a fan-out was told not to adopt what exists
    ├─ QuiesceError                                  quiescing for a create failed; nothing was sent
    ├─ AmbiguousNameError                            several bear the name that was to mean one
    ├─ WaitError                                     a wait that ended without success
    │   ├─ SnapshotFailedError  SnapshotUnsettledError  SnapshotVanishedError
    │   ├─ PollFailedError  RestoreFailedError
    │   └─ WaitTimeoutError                          (also TimeoutError)
    └─ ClientClosedError

They pickle, and they hold neither headers nor the token nor anything of the HTTP library.
"""

from .._naming import printable, short
from .api import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    TryLaterError,
)
from .base import (
    AmbiguousNameError,
    CivoError,
    ClientClosedError,
    ConfigurationError,
    ConnectFailedError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidArgumentError,
    OutcomeUnknownError,
    ProxyError,
    QuiesceError,
    SnapshotExistsError,
    TLSError,
    TransportError,
    UnexpectedResponseError,
    chain_of,
)
from .waits import (
    PollFailedError,
    RestoreFailedError,
    SnapshotFailedError,
    SnapshotUnsettledError,
    SnapshotVanishedError,
    WaitError,
    WaitTimeoutError,
)

__all__ = [
    "AmbiguousNameError",
    "ApiError",
    "AuthenticationError",
    "CivoError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectFailedError",
    "ConnectionLostError",
    "DeadlineExceededError",
    "InvalidArgumentError",
    "InvalidRequestError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "PollFailedError",
    "ProxyError",
    "QuiesceError",
    "QuotaExceededError",
    "RateLimitError",
    "RestoreFailedError",
    "ServerError",
    "ServiceDisabledError",
    "SnapshotExistsError",
    "SnapshotFailedError",
    "SnapshotUnsettledError",
    "SnapshotVanishedError",
    "TLSError",
    "TransportError",
    "TryLaterError",
    "UnexpectedResponseError",
    "WaitError",
    "WaitTimeoutError",
    "chain_of",
    "printable",
    "short",
]
