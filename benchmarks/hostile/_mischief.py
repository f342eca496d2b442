"""What others do to a region: the network and the server behind it, and other people."""

import random
from collections.abc import Callable, Mapping

from attrs import define

from benchmarks.hostile import _truth
from benchmarks.hostile._telling import Judge
from civo_snapshots.testing import FakeRegion, Fault

_OF_SNAPSHOT = "/v2/instances/{id}/snapshots/{sid}"
CHANGES = (
    "POST /v2/instances/{id}/snapshots",
    "POST /v2/instances/{id}/snapshots",
    f"DELETE {_OF_SNAPSHOT}",
    f"PUT {_OF_SNAPSHOT}",
    f"POST {_OF_SNAPSHOT}/restore",
)
READS = (
    "GET /v2/instances/{id}/snapshots",
    f"GET {_OF_SNAPSHOT}",
    "GET /v2/resourcesnapshots",
    "GET /v2/instances",
    "GET /v2/instances/{id}",
)
FAULTS: Mapping[str, Callable[[], Fault]] = {
    "drop before acting": Fault.drop_before_acting,
    "drop after acting": Fault.drop_after_acting,
    "reset after acting": lambda: Fault.drop_after_acting(reset=True),
    "cut body": Fault.cut_body,
    "malformed": Fault.malformed_json,
    "500": lambda: Fault.status(500, {"code": "", "reason": "oops"}),
    "500 and acts": lambda: Fault.status(500, {"code": "", "reason": "oops"}, acts=True),
    "502": Fault.gateway_html,
    "504 and acts": lambda: Fault.gateway_html(504, acts=True),
    "429": Fault.rate_limited,
    "gateway's 404": lambda: Fault.gateway_html(404),
    "404 in plain text": Fault.no_such_page,
    "stray 401": Fault.unauthorized,
    "stray 403": Fault.forbidden,
    "quota lock": lambda: Fault.code("database_quota_lock_failed"),
    "region unavailable": lambda: Fault.code("region_unavailable"),
    "connection failed": lambda: Fault.code("openstack_connection_failed"),
}
_OF_CHANGES: Mapping[str, Callable[[], Fault]] = {
    "late": lambda: Fault.late_commit(3.0),
    "too late": lambda: Fault.late_commit(20.0),
    "much too late": lambda: Fault.late_commit(50.0),
    "in process": lambda: Fault.code("database_snapshot_create_already_in_process"),
}
NETWORK: Mapping[str, int] = {"go_wrong": 8, "outage": 1, "recover": 3}
PEOPLE: Mapping[str, int] = {
    "put_in_theirs": 2,
    "make_theirs": 2,
    "remove_one": 2,
    "rename_one": 1,
    "break_volume": 1,
    "mend": 2,
    "refuse": 1,
}


@define
class Mischief:
    """Acts on the region's own tables; what it does is told to whoever judges."""

    region: FakeRegion
    judge: Judge
    say: Callable[[str], None]

    # The network

    def go_wrong(self, rng: random.Random, number: int) -> None:
        is_change = rng.random() < 0.6
        kinds = {**FAULTS, **_OF_CHANGES} if is_change else FAULTS
        route = rng.choice(CHANGES if is_change else (*READS, "*"))
        kind = rng.choice(sorted(kinds))
        times = 1 if kind.startswith("stray") else rng.randint(1, 3)
        self.say(f"{kind} on {route}, {times} times")
        self.region.fault(route, kinds[kind](), times=times, after=rng.choice((0, 0, 1, 3)))

    def outage(self, rng: random.Random, number: int) -> None:
        self.say("an outage")
        self.region.outage(rng.choice((1.0, 8.0, 30.0)))

    def recover(self, rng: random.Random, number: int) -> None:
        self.region.clear_faults()

    # Other people

    def put_in_theirs(self, rng: random.Random, number: int) -> None:
        """One that has been there for a while, as it stays."""
        age = rng.choice((0.0, 5.0, 3_600.0, 50_000.0))
        state = rng.choice(("complete", "complete", "failed"))
        name, instance_id = self._free_name(rng)
        if name:
            self.say(f"others: {name} of {instance_id[:8]}, {age} s old, {state}")
            self.region.state.add_stranger(
                name, instance_id, age=age, state=state, description="theirs"
            )

    def make_theirs(self, rng: random.Random, number: int) -> None:
        """One that is made at this moment."""
        name, instance_id = self._free_name(rng)
        if name:
            self.say(f"others begin {name} of {instance_id[:8]}")
            state = self.region.state
            state.create_snapshot(state.instances[instance_id], name, "theirs", self.judge.now)

    def _free_name(self, rng: random.Random) -> tuple[str, str]:
        instance_id = rng.choice(self.region.instance_ids)
        run = rng.choice(("nightly", "weekly"))
        name = rng.choice((_truth.wire_name(run, instance_id), "mine", f"other-{rng.random()}"[:9]))
        name = name.replace(".", "-")
        table = self.region.state.table
        there = table.of_region(self.judge.now)
        if self.region.switches.unique_names == "instance":
            there = table.of_instance(instance_id, self.judge.now)
        taken = self.region.switches.unique_names != "free" and any(
            one.name == name for one in there
        )
        return ("" if taken else name), instance_id

    def remove_one(self, rng: random.Random, number: int) -> None:
        state = self.region.state
        there = [one for one in state.snapshots.values() if not one.deleted]
        if there:
            record = rng.choice(there)
            self.say(f"others delete {record.name} {record.id[:8]}")
            state.table.begin_deletion(record, self.judge.now)

    def rename_one(self, rng: random.Random, number: int) -> None:
        state = self.region.state
        there = [one for one in state.snapshots.values() if not one.deleted]
        if there:
            record = rng.choice(there)
            self.say(f"others rename {record.name} {record.id[:8]}")
            self.judge.renamed[record.id] = self.judge.now
            state.update_snapshot(record, f"theirs-{number}", None, self.judge.now)

    def break_volume(self, rng: random.Random, number: int) -> None:
        instance_id = rng.choice(self.region.instance_ids[:3])
        self.say(f"volumes of {instance_id[:8]} fail")
        self.region.fail_volume(instance_id, rng.randint(0, 1), leave_pending=rng.random() < 0.3)

    def mend(self, rng: random.Random, number: int) -> None:
        self.mend_all()

    def mend_all(self) -> None:
        for instance_id in self.region.instance_ids:
            self.region.heal(instance_id)

    def refuse(self, rng: random.Random, number: int) -> None:
        instance_id = rng.choice(self.region.instance_ids)
        code = rng.choice(
            (
                "database_instance_snapshot_too_big",
                "quota_limit_reached",
                "instance_state_must_be_active_or_shutoff",
            )
        )
        self.say(f"refuse {instance_id[:8]} with {code}")
        self.region.refuse_create(instance_id, code, times=rng.randint(1, 2))
