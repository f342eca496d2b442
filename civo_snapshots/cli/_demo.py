"""The demo's region: instances of several volumes, and two failures staged among them."""

from attrs import frozen

from ..outcomes import FleetRun, OutcomeKind
from ..testing import FakeRegion

ROLES = ("web", "db", "cache", "queue", "batch")
INSTANCES = 130
RESTORED = "restored-by-the-demo"


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
    for number in range(INSTANCES):
        role = ROLES[number % len(ROLES)]
        tags = (role, "prod") if number % 13 < 5 else (role,)
        hostname = f"{role}-{number:03}"
        instance_id = region.add_instance(hostname, volumes=1 + number * 7 % 3, tags=tags)
        if "prod" in tags:
            chosen.append(instance_id)
    stage = Stage(failing=chosen[17], refused=chosen[31])
    region.fail_volume(stage.failing)
    region.refuse_create(stage.refused, reason="the snapshot would be too big (staged)")
    return stage
