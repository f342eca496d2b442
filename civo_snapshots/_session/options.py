"""How long things may take, as a value that is checked once."""

from attrs import field, frozen

from .. import _validation


@frozen
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: for TCP and TLS.
        read: of silence while an answer is due.
        attempt: for one request with its answer, from the moment it may be sent.
        call: for a whole call with its retries; deletes, updates and reads.
        create: the same for calls that create something.
        settle: after which a create whose answer was lost, and that shows nowhere, did nothing and
            is sent again; a server that commits later than that makes a second snapshot.
    """

    connect: float = field(default=5.0)
    read: float = field(default=20.0)
    attempt: float = field(default=30.0)
    call: float = field(default=90.0)
    create: float = field(default=120.0)
    settle: float = field(default=8.0)

    def __attrs_post_init__(self) -> None:
        for name in ("connect", "read", "attempt", "call", "create", "settle"):
            _validation.seconds(getattr(self, name), name)
