"""Restore drills: a new instance, proven ours, judged and cleaned up by the caller's functions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import define, field
from support.regions import MakeRegion

from civo_snapshots import (
    CivoClient,
    CivoError,
    ConflictError,
    Instance,
    InvalidArgumentError,
    OutcomeUnknownError,
    RestoreDrill,
    RestoreFailedError,
    ServerError,
    Snapshot,
    WaitTimeoutError,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"
INSTANCES = "GET /v2/instances"
WRITES = ("POST", "PUT", "DELETE")


@define
class Hooks:
    """What the drill has called, and what that does."""

    clock: FakeClock
    checked: list[Instance] = field(factory=list)
    cleaned: list[Instance] = field(factory=list)
    check_fails: BaseException | None = None
    check_says: object = None
    cleanup_fails: BaseException | None = None
    stops_in: str = ""
    reached: asyncio.Event = field(factory=asyncio.Event)

    async def _pass(self, where: str, seconds: float) -> None:
        if where == self.stops_in:
            self.reached.set()
            await asyncio.Event().wait()
        await self.clock.sleep(seconds)

    async def check(self, instance: Instance) -> object:
        assert not self.cleaned
        self.checked.append(instance)
        await self._pass("check", 7)
        if self.check_fails:
            raise self.check_fails
        return self.check_says

    async def cleanup(self, instance: Instance) -> None:
        self.cleaned.append(instance)
        await self._pass("cleanup", 3)
        if self.cleanup_fails:
            raise self.cleanup_fails


@define
class Scene:
    """A complete snapshot, and a client."""

    region: FakeRegion
    civo: CivoClient
    snapshot: Snapshot
    hooks: Hooks

    async def drill(self, timeout: float = 600) -> RestoreDrill:
        return await self.civo.snapshots.restore_drill(
            self.snapshot, check=self.hooks.check, cleanup=self.hooks.cleanup, timeout=timeout
        )

    @property
    def writes(self) -> list[str]:
        return [one.method for one in self.region.requests if one.method in WRITES][1:]


@asynccontextmanager
async def scene_of(region: FakeRegion, clock: FakeClock) -> AsyncIterator[Scene]:
    async with (
        region,
        CivoClient(region.token, region=region.region, api_url=region.url, clock=clock) as civo,
    ):
        snapshot = await civo.snapshots.create(region.instance_ids[0], name="nightly-1")
        snapshot = await civo.snapshots.wait_until_complete(snapshot)
        yield Scene(region, civo, snapshot, Hooks(clock))


@pytest.mark.drawn(restore_ends="ACTIVE")
async def test_a_drill_restores_checks_and_cleans_up(
    nothing_left: None, make_region: MakeRegion
) -> None:
    clock = FakeClock()
    async with scene_of(make_region(clock=clock), clock) as scene:
        before = set(scene.region.instance_ids)
        drill = await scene.drill()
        [made] = set(scene.region.instance_ids) - before
        assert [one.id for one in scene.hooks.checked] == [made]
        assert [one.id for one in scene.hooks.cleaned] == [made]
        assert drill.passed
        assert drill.instance is not None
        assert drill.instance.id == made
        assert drill.hostname.startswith("drill-")
        assert drill.restore_seconds is not None
        assert drill.restore_seconds > 0
        assert (drill.check_seconds, drill.cleanup_seconds) == pytest.approx((7, 3))
        drill.raise_for_failures()
        assert scene.writes == ["POST"]  # nothing was deleted
        sent = next(one for one in scene.region.requests if one.path.endswith("/restore"))
        body = json.loads(sent.body)
        assert (body["hostname"], body["overwrite_existing"]) == (drill.hostname, False)
        told = drill.as_dict()
        assert told["new_instance_id"] == made
        assert told["passed"] is True
        assert told["format"] == 1
        assert repr(drill).endswith(f"{drill.hostname}, {made}, passed>")


@pytest.mark.parametrize("says_no", [True, False])
async def test_what_check_and_cleanup_raise_is_on_the_record(
    nothing_left: None, says_no: bool
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        if says_no:
            scene.hooks.check_says = False
        else:
            scene.hooks.check_fails = RuntimeError("the table is empty")
        scene.hooks.cleanup_fails = OSError("no permission")
        drill = await scene.drill()
        assert not drill.passed
        assert len(scene.hooks.cleaned) == 1
        expected = "it returned False" if says_no else "RuntimeError: the table is empty"
        assert expected in drill.to_json()
        with pytest.raises(ExceptionGroup) as caught:
            drill.raise_for_failures()
        assert caught.value.exceptions == (drill.check_error, drill.cleanup_error)


async def test_an_instance_that_was_there_before_is_not_taken_for_ours(nothing_left: None) -> None:
    clock = FakeClock()
    region = FakeRegion(clock=clock)
    async with scene_of(region, clock) as scene:
        old = region.instance_ids[1]
        record = region.state.instances[old]
        # A region that answers with a namesake: the restore's own instance never shows.
        answer = {"id": "r-1", "hostname": record.hostname, "status": {"state": "in_progress"}}
        region.fault(RESTORE, Fault.json(answer))
        with pytest.raises(WaitTimeoutError) as caught:
            await scene.drill(timeout=30)
        assert scene.hooks.checked == scene.hooks.cleaned == []
        drill = RestoreDrill.of(caught.value)
        assert drill is not None
        assert drill.instance is None


async def test_an_instance_made_of_another_snapshot_is_left_alone(nothing_left: None) -> None:
    clock = FakeClock()
    region = FakeRegion(clock=clock, shows_source="snapshot_id")
    async with scene_of(region, clock) as scene:

        async def meddle() -> None:
            while len(region.instance_ids) == 3:
                await clock.sleep(0.05)
            region.state.instances[region.instance_ids[-1]].snapshot_id = "anothers"

        meddling = asyncio.create_task(meddle())
        with pytest.raises(RestoreFailedError, match="was made of anothers: it was left alone"):
            await scene.drill()
        await meddling
        assert scene.hooks.checked == scene.hooks.cleaned == []


@pytest.mark.parametrize("shown", ["no", "snapshot_id", "source_id", "both"])
async def test_what_the_instance_shows_of_its_snapshot_proves_it(
    nothing_left: None, shown: str
) -> None:
    clock = FakeClock()
    region = FakeRegion(clock=clock, shows_source=shown)  # type: ignore[arg-type]
    async with scene_of(region, clock) as scene:
        assert (await scene.drill()).passed


async def test_a_restore_that_fails_is_raised_and_its_instance_cleaned_up(
    nothing_left: None,
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock, restore_ends="ERROR"), clock) as scene:
        with pytest.raises(RestoreFailedError) as caught:
            await scene.drill()
        assert scene.hooks.checked == []
        assert [one.status for one in scene.hooks.cleaned] == ["ERROR"]
        drill = RestoreDrill.of(caught.value)
        assert drill is not None
        assert drill.cleanup_seconds == pytest.approx(3)
        assert not drill.passed


async def test_a_restore_that_is_late_is_cleaned_up_as_well(nothing_left: None) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock, restore_duration=(900, 900)), clock) as scene:
        with pytest.raises(WaitTimeoutError):
            await scene.drill(timeout=60)
        assert [one.status for one in scene.hooks.cleaned] == ["BUILDING"]


async def test_a_restore_whose_answer_was_lost_leaves_no_instance_behind(
    nothing_left: None,
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        scene.region.fault(RESTORE, Fault.drop_after_acting())
        with pytest.raises(OutcomeUnknownError) as caught:
            await scene.drill()
        assert [one.id for one in scene.hooks.cleaned] == [scene.region.instance_ids[-1]]
        drill = RestoreDrill.of(caught.value)
        assert drill is not None
        assert drill.restore is None
        assert drill.instance is not None
        assert scene.region.counts[RESTORE] == 1


async def test_what_was_refused_has_left_nothing_to_look_for(nothing_left: None) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        code = {"code": "database_snapshot_cannot_replace", "reason": "in use"}
        scene.region.fault(RESTORE, Fault.status(409, code))
        with pytest.raises(ConflictError):
            await scene.drill()
        assert scene.region.counts[INSTANCES] == 2  # both before it was sent
        assert scene.hooks.cleaned == []


async def test_nothing_is_restored_while_the_instances_cannot_be_listed(
    nothing_left: None,
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        scene.region.fault(INSTANCES, Fault.status(500), times=None)
        with pytest.raises(ServerError):
            await scene.drill()
        assert scene.writes == []


async def cancelled(running: asyncio.Task[RestoreDrill]) -> RestoreDrill:
    """Cancel a drill: what its end tells."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    drill = RestoreDrill.of(caught.value)
    assert drill is not None
    return drill


async def test_a_drill_cancelled_before_the_answer_finds_its_instance(nothing_left: None) -> None:
    clock = FakeClock()
    region = FakeRegion(clock=clock)
    async with scene_of(region, clock) as scene:
        region.fault(RESTORE, Fault.stall(60))
        with clock.hold():
            running = asyncio.create_task(scene.drill())
            for _ in range(2_000):
                if len(region.instance_ids) > 3:
                    break
                await asyncio.sleep(0.001)
        drill = await cancelled(running)
        assert drill.restore is None
        assert drill.instance is not None
        assert [one.id for one in scene.hooks.cleaned] == [region.instance_ids[-1]]


async def test_a_drill_cancelled_while_it_waits_cleans_its_instance_up(nothing_left: None) -> None:
    clock = FakeClock()
    region = FakeRegion(clock=clock, restore_duration=(300, 300))
    async with scene_of(region, clock) as scene:
        running = asyncio.create_task(scene.drill())
        await clock.sleep(60)
        drill = await cancelled(running)
        assert drill.restore is not None
        assert [one.id for one in scene.hooks.cleaned] == [region.instance_ids[-1]]
        assert drill.cleanup_seconds == pytest.approx(3)


async def test_a_queued_restore_that_is_cancelled_is_known_by_its_hostname(
    nothing_left: None,
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock, restore_queue=120), clock) as scene:
        running = asyncio.create_task(scene.drill())
        await clock.sleep(60)
        drill = await cancelled(running)
        assert drill.restore is not None
        assert drill.instance is None
        assert scene.hooks.cleaned == []
        late = await scene.civo.snapshots.wait_until_restored(drill.restore)
        assert late.hostname == drill.hostname


@pytest.mark.parametrize("where", ["check", "cleanup"])
async def test_a_drill_cancelled_in_a_function_of_the_callers_tells_its_instance(
    nothing_left: None, where: str
) -> None:
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        scene.hooks.stops_in = where
        running = asyncio.create_task(scene.drill())
        await scene.hooks.reached.wait()
        drill = await cancelled(running)
        assert drill.instance is not None
        assert [one.id for one in scene.hooks.cleaned] == [drill.instance.id]
        assert (drill.cleanup_seconds is not None) == (where == "check")
        assert drill.passed == (where == "cleanup")


async def test_the_record_is_found_behind_a_timeout_of_the_callers(nothing_left: None) -> None:
    async def ended() -> None:
        raise TimeoutError from CivoError("behind it")

    with pytest.raises(TimeoutError) as caught:
        await ended()
    assert RestoreDrill.of(caught.value) is None
    clock = FakeClock()
    async with scene_of(FakeRegion(clock=clock), clock) as scene:
        vars(caught.value.__cause__)["drill"] = drill = await scene.drill()
        assert RestoreDrill.of(caught.value) is drill


@pytest.mark.parametrize(
    "wrong", [{"check": None}, {"cleanup": "rm"}, {"timeout": -1}, {"poll": 5}]
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(
    wrong: dict[str, object],
) -> None:
    async def hook(_: Instance) -> None: ...

    options: dict[str, object] = {"check": hook, "cleanup": hook, **wrong}
    async with CivoClient("token", region="LON1", api_url="http://127.0.0.1:1") as civo:
        with pytest.raises(InvalidArgumentError):
            await civo.snapshots.restore_drill("i-1", "s-1", **options)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="overwrite_existing"):
            await civo.snapshots.restore_drill(
                "i-1",
                "s-1",
                check=hook,
                cleanup=hook,
                overwrite_existing=True,  # type: ignore[call-arg]
            )
        assert civo.requests_sent == 0
