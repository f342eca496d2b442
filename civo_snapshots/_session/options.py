"""What callers may choose: how long things may take, and how often they are tried."""

from typing import TypedDict

from attrs import frozen

from .. import _validation
from .retry import RetryPolicy, policy_for


@frozen
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: for TCP and TLS.
        read: of silence while an answer is due.
        attempt: for one request with its answer, from the moment it may be sent.
        call: for a whole call with its retries; deletes, updates and reads.
        create: the same for calls that create something.
        reconcile_window: after which a create whose answer was lost, and that shows nowhere, did
            nothing and is sent again; a server that commits later makes a second snapshot.
    """

    connect: float = 5.0
    read: float = 20.0
    attempt: float = 30.0
    call: float = 90.0
    create: float = 120.0
    reconcile_window: float = 8.0

    def __attrs_post_init__(self) -> None:
        for name in ("connect", "read", "attempt", "call", "create", "reconcile_window"):
            _validation.seconds(getattr(self, name), name)


class CallOptions(TypedDict, total=False):
    """What every call accepts.

    Attributes:
        timeout: seconds for the whole call with its retries, from now on; of a listing, for each
            page.
        retries: True for the default policy, False for none, or a `RetryPolicy`.
    """

    timeout: float
    retries: bool | RetryPolicy


def call_options(given: CallOptions) -> CallOptions:
    """The options of a call, checked; `TypeError` for a keyword that there is not."""
    if not given:
        return given
    _validation.keywords(given, CallOptions.__annotations__)
    if "timeout" in given:
        _validation.seconds(given["timeout"], "timeout")
    if "retries" in given:
        policy_for(given["retries"])
    return given


ONCE: CallOptions = {"retries": False}
"""For whoever asks again anyway."""
