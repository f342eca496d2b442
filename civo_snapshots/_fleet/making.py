"""Getting one instance of a run its snapshot: what exists is adopted, what is missing created."""

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial

from .._api import RegionApi
from .._create import CreateSupervisor
from .._session import LEAST_ATTEMPT
from ..errors import CivoError, ConflictError, DeadlineExceededError
from ..models import Snapshot
from ..outcomes import OutcomeKind
from .adoption import Adoption
from .choice import Choice, choose
from .member import Member, Stage, as_shown, kind_of
from .patience import is_passing, step_within
from .settings import RunSettings
from .stopping import StopCondition


class Making:
    """Adopts or creates, within the seconds that `left` tells.

    Attributes:
        adopts: whether the run looks up what exists.
        stop: what ends the whole run.
    """

    def __init__(
        self,
        api: RegionApi,
        creates: CreateSupervisor,
        settings: RunSettings,
        left: Callable[[], float],
        finish: Callable[[Member, OutcomeKind, CivoError | None], None],
    ) -> None:
        """`finish` is told of each member that ends without a snapshot to wait for."""
        self._api = api
        self._creates = creates
        self._settings = settings
        self._left = left
        self._finish = finish
        self.stop = StopCondition(api, left)
        self.adopts = not settings.is_new and settings.on_existing != "create"
        self._adoption = Adoption(api, settings.name, left, resume=settings.resume)

    async def prepare(self) -> None:
        """Read what the region has, once for all instances."""
        if self.adopts:
            await self.stop.confirmed(self._adoption.prepare)

    async def is_missing(self, instance_id: str) -> bool:
        """Whether the run would make a snapshot of the instance, as far as one look tells."""
        if not self.adopts:
            return True
        found = self._adoption.shown(instance_id) or await self._adoption.find(instance_id)
        return self._choose(instance_id, found).snapshot is None

    async def make(self, member: Member) -> None:
        """Adopt what exists or create; the member then has a snapshot, or is finished."""
        try:
            await self.stop.confirmed(partial(self._try, member), member.instance_id)
        except CivoError as error:
            self._finish(member, kind_of(error), error)

    async def _try(self, member: Member) -> None:
        try:
            await self._advance(member)
        except CivoError as error:
            member.refused_with(error)
            raise

    async def _advance(self, member: Member) -> None:
        if (end := self._end()) is not None:
            self._leave(member, end)
            return
        if self.adopts:
            try:
                found = await self._adoption.find(member.instance_id)
            except CivoError as error:
                if not is_passing(error):
                    raise
                self._leave(member, error)
                return
            member.take(self._choose(member.instance_id, found))
        if member.snapshot is not None:
            return
        if (end := self._end()) is not None:
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, end)
            return
        try:
            await self._create(member)
        except ConflictError:
            if not await self._adopt_taken(member):
                raise

    def _end(self) -> CivoError | None:
        """Why nothing more is sent; None while something may be."""
        if self.stop.error is not None:
            return copy(self.stop.error)
        if self._left() < LEAST_ATTEMPT:
            return DeadlineExceededError("the run's time was over before this create was sent")
        return None

    def _leave(self, member: Member, error: CivoError) -> None:
        """Nothing is sent for it: its outcome is what the run's first look has shown, if that."""
        found = self._adoption.shown(member.instance_id)
        if found:
            member.take(self._choose(member.instance_id, found))
        if member.snapshot is None:
            self._finish(member, OutcomeKind.NOT_ATTEMPTED, error)
            return
        is_proven = self._adoption.names_instance(member.instance_id)
        kind, unfinished = as_shown(member.snapshot, self._settings.states, is_proven=is_proven)
        self._finish(member, kind, unfinished)

    def _choose(self, instance_id: str, found: Sequence[Snapshot]) -> Choice:
        return choose(found, instance_id, self._settings, self._adoption.now())

    async def _create(self, member: Member) -> None:
        member.stage, member.refusal = Stage.SENT, None
        call, quiescing = step_within(self._api.session, self._left), self._settings.quiescing
        call.hold = quiescing.of(member.instance_id, call.deadline.clock) if quiescing else None
        creation = member.creation = self._creates.prepare(
            self._api,
            member.instance_id,
            member.name,
            self._settings.description,
            call,
            unique=self._settings.on_existing != "create" or self._settings.is_new,
        )
        creation.is_shared = not self._settings.is_new
        try:
            snapshot = await self._creates.run_here(creation)
            member.made(snapshot, creation.extras, is_anothers=creation.is_anothers)
        finally:
            member.note(call)
            member.creation = None

    async def _adopt_taken(self, member: Member) -> bool:
        """Adopt what another process has made under the name a moment ago, once it shows."""
        if not self.adopts:
            return False
        member.stage = Stage.UNSENT  # the answer has said that nothing was made
        for pause in (0.0, self._api.session.timeouts.reconcile_window):
            if pause > self._left():
                break
            await self._api.session.pause(pause)
            try:
                found = await self._adoption.listed(member.instance_id)
            except CivoError:
                continue
            choice = self._choose(member.instance_id, found)
            if choice.snapshot is not None:
                self._creates.claims.claim(choice.snapshot.id)  # it is no create's late one
                member.take(choice)
                return True
        return False
