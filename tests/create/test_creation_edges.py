"""How a create asks what it asks on its way, and what it says where its ways end."""

from datetime import timedelta

import pytest
from test_creation import (
    BUSY,
    LATER,
    Server,
    answered,
    fails,
    lost_before_acting,
)

from civo_snapshots import (
    CivoError,
    Instance,
    Listing,
    OutcomeUnknownError,
    RetryPolicy,
    ServerError,
    Snapshot,
)
from civo_snapshots._create.claims import Claims
from civo_snapshots._session import LogicalCall, Within
from civo_snapshots.testing import FakeClock


class Witness(Server):
    """Notes what each look was given."""

    trouble: CivoError | None = None
    looks: tuple[tuple[str, str, LogicalCall], ...] = ()

    def _note(self, what: str, instance_id: str, options: Within) -> None:
        assert isinstance(options, LogicalCall)
        self.looks += ((what, instance_id, options),)

    def list_snapshots(
        self, instance_id: str, options: Within, *, poll: bool = False
    ) -> Listing[Snapshot]:
        self._note("list", instance_id, options)
        return super().list_snapshots(instance_id, options, poll=poll)

    async def get_snapshot(
        self, instance_id: str, snapshot_id: str, options: Within, *, poll: bool = False
    ) -> Snapshot:
        self._note("get", instance_id, options)
        return await super().get_snapshot(instance_id, snapshot_id, options, poll=poll)

    async def get_instance(self, instance_id: str, options: Within) -> Instance:
        self._note("instance", instance_id, options)
        if self.trouble is not None:
            raise self.trouble
        return await super().get_instance(instance_id, options)


async def renamed(server: Server) -> Snapshot:
    return server.make("n-1")


async def test_every_look_is_at_the_creates_own_instance_within_its_own_time() -> None:
    """R166: only the look that must not fail, at what may be its own snapshot, is repeated."""
    server = Witness(FakeClock(), [fails(BUSY), lost_before_acting, renamed])
    creation = server.creation()
    await creation.run()
    call = creation.call
    assert {what for what, _, _ in server.looks} == {"instance", "list", "get"}
    for what, instance_id, within in server.looks:
        assert instance_id == "i"
        assert (within.deadline, within.record) == (call.deadline, call.record)
        assert within.policy == (call.policy if what == "get" else RetryPolicy(attempts=1))


async def test_an_instance_that_cannot_be_read_is_not_taken_for_one_in_error() -> None:
    """R152."""
    server = Witness(FakeClock(), [fails(BUSY), answered])
    server.trouble = ServerError("busy", status=503)
    assert (await server.creation().run()).id == "s0"
    assert server.sent == 2


async def test_told_to_try_later_until_the_end_a_loss_before_stays_unknown() -> None:
    """R152, R175: and the error tells the last answer."""
    server = Server(FakeClock(), [lost_before_acting, fails(LATER)])
    with pytest.raises(OutcomeUnknownError, match="may have acted: locked; look for") as caught:
        await server.creation(policy=RetryPolicy(attempts=2)).run()
    assert caught.value.may_have_acted
    assert server.sent == 2


async def test_a_renamed_answer_that_is_another_creates_is_not_ours() -> None:
    """S73, S71: one snapshot is never returned to two creates."""
    claims = Claims()

    async def stray(server: Server) -> Snapshot:
        return Snapshot(id="s0", name="other", instance_id="i")

    server = Server(FakeClock(), [answered, stray])
    assert (await server.creation(claims=claims).run()).id == "s0"
    with pytest.raises(OutcomeUnknownError):
        await server.creation(claims=claims).run()


@pytest.mark.parametrize(("age", "ours"), [(timedelta(), True), (timedelta(days=1), False)])
async def test_a_renamed_answer_is_ours_unless_it_is_older(age: timedelta, ours: bool) -> None:
    """S73: a gateway's cache may answer with yesterday's."""
    clock = FakeClock()

    async def answer(server: Server) -> Snapshot:
        return server.make("n-1", created_at=clock.now() - age)

    server = Server(clock, [answer])
    server.teach_its_clock()
    creation = server.creation()
    if ours:
        assert (await creation.run()).name == "n-1"
    else:
        with pytest.raises(OutcomeUnknownError):
            await creation.run()
