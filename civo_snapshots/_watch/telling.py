"""The events of one region's waits and polls."""

from collections.abc import Generator
from contextlib import contextmanager

from .._api import RegionApi
from ..errors import short
from ..events import Polled, WaitEnded, WaitStarted
from .poller import Poller
from .schedule import RegisteredWait


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
            state = short(progress.last.state) if progress.last else ""
            seconds = self._session.clock.monotonic() - progress.started
            end = WaitEnded(*self._common(wait), error, state, seconds, progress.polls)
            self._session.tell(end)

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

    def _common(self, wait: RegisteredWait) -> tuple[int, str, str, str, str]:
        progress = wait.progress
        return wait.id, progress.until, self._region, progress.instance_id, progress.snapshot_id
