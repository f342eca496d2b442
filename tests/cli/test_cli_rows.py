"""What other tools do, done here: each row of the table in docs/reference/command-line.md.

A row is run through the installed script, in a process of its own, against a region over real HTTP.
"""

import shlex
from collections.abc import Callable

import pytest
from attrs import frozen
from support.command import ROOT, Done, Script, has, ids, names

from civo_snapshots.testing import FakeRegion
from civo_snapshots.testing._records import ScheduledInstance, ScheduleRecord

DOCS = ROOT / "docs" / "reference" / "command-line.md"


@frozen
class Row:
    """What one types elsewhere, what one types here, and what then must be so.

    Where it begins, web-1 has the snapshot "before" and db-1 "nightly" and "weekly".
    """

    theirs: str
    ours: str
    must: Callable[[FakeRegion, Done], bool]

    @property
    def markdown(self) -> str:
        return f"| `{self.theirs}` | `civo-snapshots {self.ours}` |"


def restores(region: FakeRegion) -> list[object]:
    return list(region.state.restores.values())


def body(region: FakeRegion, method: str) -> object:
    """What was sent with the last request of this method."""
    return next(sent.json() for sent in reversed(region.requests) if sent.method == method)


def schedules(region: FakeRegion) -> list[str]:
    return [
        f"{one.name}{' paused' if one.paused else ''}" for one in region.state.schedules.values()
    ]


ALL = ["web-1/before", "db-1/nightly", "db-1/weekly"]

ROWS = [
    Row(
        "civo instance snapshot list db-1",
        "list db-1",
        lambda _, done: "nightly" in done.out and "before" not in done.out,
    ),
    Row(
        "civo instance snapshot show web-1 before",
        "show web-1/before",
        lambda _, done: "before" in done.out and "Complete" in done.out,
    ),
    Row(
        "civo instance snapshot create web-2 -n first",
        "create web-2 -n first --yes",
        lambda region, _: names(region) == [*ALL, "web-2/first"],
    ),
    Row(
        "civo instance snapshot create web-2 -n first -d 'as it was'",
        "create web-2 -n first -d 'as it was' --yes",
        lambda region, _: body(region, "POST") == {"name": "first", "description": "as it was"},
    ),
    Row(
        "civo instance snapshot update web-1 before -n kept",
        "update web-1/before -n kept --yes",
        lambda region, _: "web-1/kept" in names(region),
    ),
    Row(
        "civo instance snapshot update web-1 before -d 'for the audit'",
        "update web-1/before -d 'for the audit' --yes",
        lambda region, _: body(region, "PUT") == {"description": "for the audit"},
    ),
    Row(
        "civo instance snapshot delete web-1 before",
        "delete web-1/before --yes",
        lambda region, _: names(region) == ALL[1:],
    ),
    Row(
        "civo instance snapshot restore web-1 before --hostname copy-1",
        "restore web-1/before --hostname copy-1 --yes",
        lambda region, _: "copy-1" in ids(region),
    ),
    Row(
        "civo instance snapshot restore web-1 before --hostname copy-1 --private-ipv4 10.0.0.99",
        "restore web-1/before --hostname copy-1 --private-ipv4 10.0.0.99 --yes",
        lambda region, _: "10.0.0.99" in str(body(region, "POST")),
    ),
    Row(
        "civo instance snapshot restore web-1 before --overwrite-existing",
        "restore web-1/before --overwrite-existing --yes",
        lambda region, _: len(restores(region)) == 1 and len(ids(region)) == 3,
    ),
    Row(
        "civo resource-snapshot list",
        "list",
        lambda _, done: all(one.split("/")[1] in done.out for one in ALL),
    ),
    Row(
        "civo resource-snapshot show before",
        "show before",
        lambda _, done: "web-1" in done.out,
    ),
    Row(
        "civo resource-snapshot update before --description 'for the audit'",
        "update before --description 'for the audit' --yes",
        lambda region, _: body(region, "PUT") == {"description": "for the audit"},
    ),
    Row(
        "civo resource-snapshot delete before",
        "rm before --yes",
        lambda region, _: names(region) == ALL[1:],
    ),
    Row(
        "civo resource-snapshot restore before --hostname copy-1 --include-volumes",
        "restore before --hostname copy-1 --include-volumes --yes",
        lambda region, _: "'include_volumes': True" in str(body(region, "POST")),
    ),
    Row(
        "civo resource-snapshot restore before --hostname copy-1",
        "restore before --hostname copy-1 --no-include-volumes --yes",
        lambda region, _: "'include_volumes': False" in str(body(region, "POST")),
    ),
    Row(
        "civo resource-snapshot restore before --overwrite",
        "restore before --overwrite --yes",
        lambda region, _: len(restores(region)) == 1 and len(ids(region)) == 3,
    ),
    Row(
        "civo snapshot-schedule create",
        "schedule create nightly web-1 web-2 --cron '0 2 * * *' --keep 7 --yes",
        lambda region, _: schedules(region) == ["daily", "nightly"],
    ),
    Row("civo snapshot-schedule list", "schedule list", lambda _, done: "daily" in done.out),
    Row(
        "civo snapshot-schedule show daily",
        "schedule show daily",
        lambda _, done: "0 3 * * *" in done.out and "db-1" in done.out,
    ),
    Row(
        "civo snapshot-schedule update daily --name weekly",
        "schedule update daily --name weekly --yes",
        lambda region, _: schedules(region) == ["weekly"],
    ),
    Row(
        "civo snapshot-schedule update daily --paused",
        "schedule pause daily --yes",
        lambda region, _: schedules(region) == ["daily paused"],
    ),
    Row(
        "civo snapshot-schedule update daily --paused=false",
        "schedule resume daily --yes",
        lambda region, _: schedules(region) == ["daily"],
    ),
    Row(
        "civo snapshot-schedule delete daily",
        "schedule rm daily --yes",
        lambda region, _: schedules(region) == [],
    ),
    Row("civo instance ls", "instances", lambda _, done: "web-2" in done.out),
    Row("civo region ls", "regions", lambda _, done: "LON1" in done.out),
    Row("civo quota show", "quota --all", lambda _, done: "disk_snapshot_count" in done.out),
    Row(
        "civo apikey current",
        "config",
        lambda _, done: "CIVO_TOKEN" in done.out and "canary" not in done.out,
    ),
    Row(
        "civo ... --region LON1 -o json",
        "list --region LON1 -o json",
        lambda _, done: len(done.json) == 3,
    ),
    Row(
        "civo ... -o custom -f id",
        "list db-1 -o id",
        lambda region, done: set(done.lines) < set(region.state.snapshots),
    ),
    Row(
        "civo ... --yes (or doctl --force)",
        "delete weekly --yes",
        lambda region, _: names(region) == ALL[:2],
    ),
    Row(
        "hcloud server create-image --wait",
        "create web-2 --wait --yes",
        lambda _, done: "1/1  web-2  complete" in done.err and "Complete" in done.out,
    ),
    Row(
        "hcloud image list -o noheader",
        "list --no-header",
        lambda _, done: "NAME" not in done.out and len(done.lines) == 3,
    ),
    Row(
        "hcloud image list -l env=prod",
        "instances --tag prod -o name",
        lambda _, done: done.lines == ["web-1", "web-2"],
    ),
    Row(
        "hcloud image list -o columns=id,name",
        "list -o jsonl",
        lambda _, done: len(done.lines) == 3 and done.lines[0].startswith('{"id"'),
    ),
    Row("hcloud image list --quiet", "list --quiet", lambda _, done: done.err == ""),
    Row(
        "hcloud image delete nightly weekly",
        "delete nightly weekly --yes",
        lambda region, _: names(region) == ["web-1/before"],
    ),
    Row(
        "hcloud --debug image list",
        "--debug list",
        lambda _, done: "RequestDone: GET /v2/instances: 200" in done.err,
    ),
    Row(
        "hcloud completion bash",
        "completion bash",
        lambda _, done: "complete -o nosort -F" in done.out,
    ),
    Row(
        "hcloud completion zsh",
        "completion zsh",
        lambda _, done: done.out.startswith("#compdef civo-snapshots"),
    ),
    Row(
        "hcloud completion fish",
        "completion fish",
        lambda _, done: "complete --no-files --command civo-snapshots" in done.out,
    ),
    Row(
        "hcloud completion powershell",
        "completion powershell",
        lambda _, done: "Register-ArgumentCompleter" in done.out,
    ),
    Row(
        "aws ec2 wait snapshot-completed --snapshot-ids ...",
        "wait web-1/before nightly --timeout 10m",
        lambda _, done: len(done.lines) == 3,
    ),
    Row(
        "aws ec2 create-snapshots --dry-run",
        "run --tag prod --name tonight --dry-run",
        lambda region, done: done.out.count("create") == 2 and names(region) == ALL,
    ),
    Row(
        "one command per instance in a loop",
        "run --tag prod --name tonight --yes",
        lambda region, _: len(names(region)) == 5,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ours)
def test_it_does_what_the_other_tool_does(row: Row, region: FakeRegion, script: Script) -> None:
    has(region, "web-1", "before")
    has(region, "db-1", "nightly", "weekly")
    plan_daily(region)
    done = script(*shlex.split(row.ours))
    assert done.code == 0, done.err
    assert row.must(region, done), (done, names(region))
    assert "Traceback" not in done.err
    assert region.refused_fields == []


def plan_daily(region: FakeRegion) -> None:
    """Let the region have the schedule "daily" of db-1."""
    state = region.state
    schedule = ScheduleRecord(
        id=state.new_id(),
        name="daily",
        description="",
        cron_expression="0 3 * * *",
        max_snapshots=7,
        period="",
        instances=(ScheduledInstance(ids(region)["db-1"], ()),),
        created_at=state.timestamp(region.clock.monotonic()),
    )
    state.schedules[schedule.id] = schedule


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.ours)
def test_the_docs_have_the_row(row: Row) -> None:
    assert row.markdown in DOCS.read_text().splitlines()
