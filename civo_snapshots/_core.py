"""What the views of one client share as soon as a resource is used: watchers, creates, settings."""

from . import states
from ._api.context import Scope
from ._create.supervisor import Creations
from ._session.call import Session
from ._watch.progress import PollPolicy
from ._watch.wait import looks_of
from ._watch.watcher import Watcher
from .events import UnknownState
from .models import Snapshot


class Core:
    """One per client."""

    def __init__(
        self,
        session: Session,
        *,
        poll: PollPolicy | None,
        table: states.StateTable | None,
        concurrency: int,
    ) -> None:
        self.session = session
        self.poll = poll or PollPolicy()
        self.table = table or states.DEFAULT_STATES
        self.concurrency = concurrency
        self._watchers: dict[str, Watcher] = {}
        self.creations = Creations(session.clock, session.tell)

    def scope(self, region: str | None) -> Scope:
        """What the resources of a region work with."""
        return Scope(self.session, region, self.creations)

    def watcher(self, scope: Scope) -> Watcher:
        """The one watcher of a region, whose code may be spelled in either case."""
        region = scope.named_region().upper()
        if region not in self._watchers:
            self._watchers[region] = Watcher(
                looks_of(scope),
                self.session.clock,
                on_unknown=self._tell_unknown,
                pause_left=self.session.pause_left,
                pace=self.session.pace,
            )
        return self._watchers[region]

    def _tell_unknown(self, snapshot: Snapshot, state: str) -> None:
        self.session.tell(UnknownState(snapshot, state))

    async def close(self) -> None:
        """End waits, and creates that nobody waits for any more."""
        for watcher in self._watchers.values():
            await watcher.close()
        await self.creations.close()
