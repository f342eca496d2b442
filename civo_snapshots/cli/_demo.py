"""The demo: a region embedded in this process, two failures staged in it, and the job run there."""

from collections.abc import Sequence

from attrs import frozen

from .._client import CivoClient
from .._clock import Clock
from ..models import Instance
from ..outcomes import FleetRun, OutcomeKind
from ..testing import FakeRegion
from ._arguments import Options
from ._job import Job
from ._report import Exit, Report
from ._screen import Screen

_ROLES = ("web", "db", "cache", "queue", "batch")
_INSTANCES = 130
_PER_PAGE = 50
_CHOSEN = 50
_HOSTNAME = "restored-by-the-demo"


@frozen
class Pace:
    """How long things take in the embedded region, in seconds."""

    volume: tuple[float, float] = (1.0, 6.0)
    restore: tuple[float, float] = (0.8, 1.0)
    latency: float = 0.08


@frozen
class Stage:
    """What will go wrong: the ids of the instance with a bad volume, and of the refused one."""

    failing: str
    refused: str

    def was_played(self, run: FleetRun) -> bool:
        """Whether exactly this went wrong."""
        wrong = {outcome.instance_id: outcome.kind for outcome in run.failures}
        staged = {self.failing: OutcomeKind.FAILED, self.refused: OutcomeKind.REFUSED}
        return wrong == staged


def populate(region: FakeRegion) -> Stage:
    """Fill the region with instances of one to three volumes; every 13 of them 5 are tagged."""
    chosen: list[str] = []
    for number in range(_INSTANCES):
        role = _ROLES[number % len(_ROLES)]
        tags = (role, "prod") if number % 13 < 5 else (role,)
        hostname = f"{role}-{number:03}"
        instance_id = region.add_instance(hostname, volumes=1 + number * 7 % 3, tags=tags)
        if "prod" in tags:
            chosen.append(instance_id)
    stage = Stage(failing=chosen[17], refused=chosen[31])
    region.fail_volume(stage.failing)
    region.refuse_create(stage.refused, reason="the snapshot would be too big (staged)")
    return stage


async def demo(options: Options, screen: Screen, clock: Clock, pace: Pace) -> int:
    """Run it, and say whether all went as staged: that is its exit code."""
    async with FakeRegion(
        instances=0,
        duration=pace.volume,
        restore_duration=pace.restore,
        latency=pace.latency,
        clock=clock,
    ) as region:
        stage = populate(region)
        screen.say(
            f"Embedded region {region.region} at {region.url}: {_INSTANCES} instances, real HTTP "
            "on loopback.\nStaged: one volume will fail, and one create will be refused."
        )
        civo = CivoClient(region.token, region=region.region, api_url=region.url, clock=clock)
        job = Job(civo, screen, clock)
        try:
            async with civo:
                chosen = await _choose(civo, screen)
                await job.fan_out(chosen, name=options.name or "demo", timeout=options.timeout)
                await job.restore(_HOSTNAME)
        finally:
            report = job.report(region.counts)
            screen.report(report)
    return _judge(stage, report, screen)


async def _choose(civo: CivoClient, screen: Screen) -> Sequence[Instance]:
    """Read the listing page by page, and pick by tag."""
    found: list[Instance] = []
    async for page in civo.instances.list(per_page=_PER_PAGE).pages():
        found += page.items
        screen.say(f"Listing instances: page {page.number} of {page.pages}, {len(page.items)}")
    chosen = [instance for instance in found if "prod" in instance.tags]
    screen.say(f"{len(chosen)} of {len(found)} instances are tagged prod.")
    return chosen


def _judge(stage: Stage, report: Report | None, screen: Screen) -> int:
    if (
        report is not None
        and stage.was_played(report.run)
        and report.is_restored
        and report.adds_up
    ):
        screen.say("All as staged: one failed, one was refused, and neither touched the others.")
        return Exit.OK
    screen.say("NOT as staged: this is a defect, or the timeout was too short.")
    return Exit.INCOMPLETE
