"""Any order of creates, losses, deletes, renames and dead clients: what the server has is known.

The invariant: each snapshot on the server was told to a caller, or made by a call that was said to
be unknown or unresolved, or reported as one too many; and nothing was told that is not there.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from civo_snapshots import (
    CivoClient,
    FleetRun,
    NotFoundError,
    OutcomeUnknownError,
    Snapshot,
)
from civo_snapshots._naming import name_for
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

CREATE = "POST /v2/instances/{id}/snapshots"
RUN = "nightly"
LOSSES: dict[str, Callable[[], Fault]] = {
    "before": Fault.drop_before_acting,
    "after": Fault.drop_after_acting,
    "reset": lambda: Fault.drop_after_acting(reset=True),
    "late": lambda: Fault.late_commit(3.0),  # within the reconcile window
    "too late": lambda: Fault.late_commit(12.0),  # after it: a second one may be made
    "cut": Fault.cut_body,
    "gateway": lambda: Fault.gateway_html(504, acts=True),
}
which = st.integers(0, 2)


class Region(RuleBasedStateMachine):
    """One region, one client at a time, and a record of what callers were told."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.region = FakeRegion(instances=3, clock=self.clock, duration=(1, 5))
        self.told: dict[str, str] = {}  # snapshot id to instance id
        self.deleted: set[str] = set()
        self.unknown: set[str] = set()  # names on the wire of which nothing certain was said
        self.names: set[str] = set()  # that the present client has sent
        self.renamed: dict[str, str] = {}  # snapshot id to the name it was made under
        self.number = 0
        self.await_(self.region.start())
        self.begin_anew()

    def await_(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def tell(self, snapshot: Snapshot, *, fresh: bool = True) -> None:
        assert not fresh or snapshot.id not in self.told
        self.told[snapshot.id] = snapshot.instance_id

    def tell_run(self, run: FleetRun) -> None:
        for outcome in run:
            if outcome.snapshot is not None:
                self.tell(outcome.snapshot, fresh=not outcome.adopted)
            if outcome.kind == "unknown":
                self.unknown.add(outcome.name)
            for further in outcome.duplicates:
                self.told[further.id] = outcome.instance_id

    # What callers do

    @rule(instance=which)
    def create(self, instance: int) -> None:
        self.number += 1
        name = f"job-{self.number}"
        self.names.add(name)

        async def work() -> None:
            try:
                self.tell(
                    await self.civo.snapshots.create(self.region.instance_ids[instance], name=name)
                )
            except OutcomeUnknownError as error:
                self.unknown.add(error.name)

        self.await_(work())

    @rule(turns=st.integers(0, 60), instance=which)
    def cancel_a_create(self, turns: int, instance: int) -> None:
        self.number += 1
        name = f"job-{self.number}"
        self.names.add(name)

        async def work() -> None:
            chosen = self.region.instance_ids[instance]
            job = asyncio.ensure_future(self.civo.snapshots.create(chosen, name=name))
            for _ in range(turns):
                await asyncio.sleep(0)
            job.cancel()
            with contextlib.suppress(asyncio.CancelledError, OutcomeUnknownError):
                self.tell(await job)

        self.await_(work())

    @rule()
    def run_the_fleet(self) -> None:
        self.tell_run(
            self.await_(self.civo.snapshots.create_many(self.region.instance_ids, name=RUN))
        )

    @rule(turns=st.integers(1, 150))
    def cancel_the_fleet(self, turns: int) -> None:
        async def work() -> None:
            fleet = self.civo.snapshots.create_many(self.region.instance_ids, name=RUN)
            job = asyncio.ensure_future(fleet)
            for _ in range(turns):
                await asyncio.sleep(0)
            job.cancel()
            try:
                self.tell_run(await job)
            except asyncio.CancelledError as error:
                if (run := FleetRun.of(error)) is not None:  # else it had not begun
                    self.tell_run(run)

        self.await_(work())

    @rule(instance=which)
    def list(self, instance: int) -> None:
        listing = self.civo.snapshots.list(self.region.instance_ids[instance])
        table = self.region.state.snapshots
        for found in self.await_(listing.collect()):
            assert table[found.id].instance_id == found.instance_id
            assert not table[found.id].deleted

    @precondition(lambda self: self.told.keys() - self.deleted)
    @rule(data=st.data(), lose=st.booleans())
    def delete(self, data: st.DataObject, lose: bool) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.told.keys() - self.deleted)))
        if lose:
            route = "DELETE /v2/instances/{id}/snapshots/{sid}"
            self.region.fault(route, Fault.drop_after_acting())
        self.await_(self.civo.snapshots.delete(self.told[chosen], chosen))
        self.deleted.add(chosen)

    # What the server and other people do

    @rule(how=st.sampled_from(sorted(LOSSES)), times=st.integers(1, 3))
    def lose_the_next_answers(self, how: str, times: int) -> None:
        self.region.fault(CREATE, LOSSES[how](), times=times)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def somebody_renames(self, data: st.DataObject) -> None:
        """P82: a caller identifies a snapshot by its id."""
        chosen = data.draw(st.sampled_from(sorted(self.told)))
        record = self.region.state.snapshots[chosen]
        self.renamed.setdefault(chosen, record.name)
        record.name = f"theirs-{chosen[:8]}"
        record.texts.clear()
        with contextlib.suppress(NotFoundError):
            found = self.await_(self.civo.snapshots.get(self.told[chosen], chosen))
            assert found.id == chosen

    @rule(turns=st.integers(1, 150))
    def kill_the_client(self, turns: int) -> None:
        """L115: no close, no partial run; the next client begins with the same run name."""

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        async def work() -> None:
            fleet = self.civo.snapshots.create_many(self.region.instance_ids, name=RUN)
            job = asyncio.ensure_future(fleet)
            for _ in range(turns):
                await asyncio.sleep(0)
            # From here on it sends nothing, and its sockets close like a dead process's.
            transport = self.civo._state.session._transport
            transport.send = never  # type: ignore[method-assign, assignment]
            if transport._session is not None:
                await transport._session.close()
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
            await self.civo.close()

        self.await_(work())
        # Whatever it had sent and not told may still be made: these names are unknown from now on.
        self.unknown |= self.names | self.run_names()
        self.begin_anew()

    # What was told

    def run_names(self) -> set[str]:
        return {name_for(RUN, instance_id) for instance_id in self.region.instance_ids}

    def begin_anew(self) -> None:
        self.names = set()
        self.civo = CivoClient(
            self.region.token,
            region=self.region.region,
            api_url=self.region.url,
            clock=self.clock,
        )

    def reported(self) -> set[str]:
        """The ids that the client itself reports, to whoever asks it."""
        extras = {extra.extra_id for extra in self.civo.unresolved.extra_snapshots}
        return extras | {one.snapshot.id for one in self.civo.unresolved.creates if one.snapshot}

    def unresolved(self) -> set[str]:
        """The names of creates whose outcome the client itself reports as unknown."""
        open_ones = (one for one in self.civo.unresolved.creates if one.snapshot is None)
        return {one.name for one in open_ones}

    @invariant()
    def nothing_was_told_that_is_not_there(self) -> None:
        table = self.region.state.snapshots
        assert self.told.keys() <= table.keys()
        assert self.reported() <= table.keys()
        assert all(table[key].instance_id == instance for key, instance in self.told.items())

    def no_snapshot_is_unreported(self) -> None:
        """Told, reported as unresolved or too many, or made under a name said to be unknown."""
        known = self.told.keys() | self.reported()
        names = self.unknown | self.unresolved()
        lost = [
            f"{key} {self.renamed.get(key, record.name)}"
            for key, record in self.region.state.snapshots.items()
            if key not in known and self.renamed.get(key, record.name) not in names
        ]
        assert not lost

    def the_last_run_tells_all_of_its_name(self) -> None:
        """F115: whatever died before, a run of the same name knows every snapshot of it."""
        self.region.clear_faults()
        self.clock.advance(60)  # whatever was still to be committed late has been
        self.begin_anew()
        run = self.await_(self.civo.snapshots.create_many(self.region.instance_ids, name=RUN))
        self.tell_run(run)
        assert [outcome.kind for outcome in run] == ["complete"] * len(run)
        for key, record in self.region.state.snapshots.items():
            if record.name in self.run_names() and not record.deleted:
                assert key in self.told

    def teardown(self) -> None:
        try:
            self.await_(self.civo.close())
            self.no_snapshot_is_unreported()
            self.the_last_run_tells_all_of_its_name()
        finally:
            self.await_(self.end())
            self.loop.close()

    async def end(self) -> None:
        await self.civo.close()
        await self.region.stop()
        await asyncio.sleep(0)


TestRegion = Region.TestCase
TestRegion.settings = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
