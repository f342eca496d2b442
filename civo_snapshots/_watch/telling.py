"""The events of one region's waits and polls."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from .._api import RegionApi
from .._session import Session
from ..errors import short
from ..events import Polled, WaitEnded, WaitStarted
from .poller import Poller
from .schedule import RegisteredWait, next_id

_Common = tuple[int, str, str, str, str]
"""What the first fields of both events of a wait are."""


class WaitTeller:
    """Tells them to the client.

    Attributes:
        changed: how many waits the poll on its way has told something new.
    """

    def __init__(self, api: RegionApi) -> None:
        self._session = api.session
        self._region = api.named_region()
        self.changed = 0

    def started(self, wait: RegisteredWait) -> None:
        """A wait was registered."""
        if self._session.is_heard(WaitStarted):
            self._session.tell(WaitStarted(*self._common(wait)))

    def ended(self, wait: RegisteredWait, error: str) -> None:
        """A wait is over; `error` is the class of its error."""
        if self._session.is_heard(WaitEnded):
            progress = wait.progress
            _tell_end(self._session, self._common(wait), error, progress.started, progress.seen())

    @contextmanager
    def polling(self, poller: Poller, watched: int) -> Generator[None]:
        """Tell of the poll that is made within."""
        session, region = self._session, self._region
        began, requests = session.clock.monotonic(), session.polls_done[region.upper()]
        self.changed = 0
        try:
            yield
        finally:  # also where the last caller gives up meanwhile
            if session.is_heard(Polled):
                how = "single" if poller.listed is None else "listing"
                took = session.polls_done[region.upper()] - requests
                seconds = session.clock.monotonic() - began
                told = (watched, poller.listed or 0, self.changed, took, seconds)
                session.tell(Polled(region, how, *told))

    def _common(self, wait: RegisteredWait) -> _Common:
        progress = wait.progress
        return wait.id, progress.until, self._region, progress.instance_id, progress.snapshot_id


def _tell_end(
    session: Session, common: _Common, error: str, began: float, seen: tuple[str, int]
) -> None:
    state, polls = seen
    seconds = session.clock.monotonic() - began
    session.tell(WaitEnded(*common, error, short(state), seconds, polls))


@contextmanager
def telling(
    api: RegionApi,
    until: str,
    instance_id: str,
    snapshot_id: str,
    seen: Callable[[], tuple[str, int]],
) -> Generator[None]:
    """Tell of the wait that is made within, by polls of its own.

    `seen` tells the state that was seen last, and the number of polls.
    """
    session, error = api.session, ""
    began = session.clock.monotonic()
    common = next_id(), until, api.named_region(), instance_id, snapshot_id
    if session.is_heard(WaitStarted):
        session.tell(WaitStarted(*common))
    try:
        yield
    except BaseException as failure:  # also where the caller gives up
        error = type(failure).__name__
        raise
    finally:
        if session.is_heard(WaitEnded):
            _tell_end(session, common, error, began, seen())
