"""The exact shape of each request: method, path, query, headers and body, one row per call.

It is compared with what the HTTP library is given, and with what arrives at the independent fake
region, which takes each field as API.md describes it and nothing else.
"""

import inspect
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from attrs import evolve, frozen

from civo_snapshots import (
    CivoClient,
    FleetRun,
    Instance,
    Outcome,
    OutcomeKind,
    RegionSnapshot,
    Restore,
    RestoreStatus,
    RetentionPolicy,
    Schedule,
    Snapshot,
)
from civo_snapshots.resources.instances import Instances
from civo_snapshots.resources.quota import Quotas
from civo_snapshots.resources.region_snapshots import RegionSnapshots
from civo_snapshots.resources.regions import Regions
from civo_snapshots.resources.schedules import Schedules
from civo_snapshots.resources.snapshots import Snapshots
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

URL = "http://127.0.0.1:1"
TOKEN = "token-1"
RESOURCES = {
    "instances": Instances,
    "snapshots": Snapshots,
    "region_snapshots": RegionSnapshots,
    "schedules": Schedules,
    "regions": Regions,
    "quota": Quotas,
}


class _NoStream:
    output_size = 0


class _Response(aiohttp.ClientResponse):
    """What the mock lacks for the current version of the HTTP library."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"stream_writer": _NoStream(), **kwargs})


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    monkeypatch.setattr("aioresponses.core.ClientResponse", _Response)
    with aioresponses() as mock:
        yield mock


@frozen
class Row:
    """One call and the one request that it must send, after a listing of the instances at most."""

    called: str
    call: Callable[[CivoClient], Awaitable[object]]
    method: str
    path: str
    query: dict[str, str]
    body: object
    answer: object
    lists_instances: bool = False


HERE = {"region": "LON1"}
SNAPSHOT = {"id": "s-1", "name": "nightly"}
DONE = {**SNAPSHOT, "status": {"state": "Complete"}}
KNOWN = Snapshot(id="s-1", instance_id="i-1")
OLD = evolve(KNOWN, created_at=datetime(2020, 1, 1, tzinfo=UTC))
DATED = {"Date": "Thu, 26 Nov 2026 12:00:00 GMT"}
RESTORE = {"id": "r-1", "hostname": "copy", "from_snapshot": "s-1"}
OVERWRITE = {"id": "r-1", "overwrite_existing": True, "status": {"state": "complete"}}
SCHEDULE = {"id": "c-1", "name": "weekly"}
ACTIVE = {"id": "i-1", "hostname": "copy", "status": "ACTIVE"}
OK = {"result": "success"}
ONE = "/v2/instances/i-1/snapshots/s-1"
MANY = "/v2/instances/i-1/snapshots"
WIDE = "/v2/resourcesnapshots"
PLAN = "/v2/resourcesnapshotschedules"


def create_schedule(civo: CivoClient, **more: Any) -> Awaitable[object]:
    return civo.schedules.create(
        "weekly", cron_expression="0 2 * * 0", max_snapshots=7, instances=["i-1"], **more
    )


async def watch_all(civo: CivoClient) -> object:
    return [transition async for transition in civo.snapshots.watch("i-1", "s-1")]


async def restored(civo: CivoClient, **more: Any) -> object:
    return await civo.snapshots.wait_until_restored(Restore(id="r-1", **more))


async def each_outcome(civo: CivoClient) -> object:
    return [outcome async for outcome in civo.snapshots.create_each(["i-1"])]


ROWS = [
    Row(
        "instances.list",
        lambda civo: civo.instances.list().collect(),
        "GET",
        "/v2/instances",
        {**HERE, "page": "1", "per_page": "100"},
        None,
        {"page": 1, "per_page": 100, "pages": 1, "items": [ACTIVE]},
    ),
    Row(
        "instances.list",
        lambda civo: civo.instances.list(per_page=7).collect(),
        "GET",
        "/v2/instances",
        {**HERE, "page": "1", "per_page": "7"},
        None,
        {"page": 1, "per_page": 100, "pages": 1, "items": []},
    ),
    Row(
        "instances.get_by_name",
        lambda civo: civo.instances.get_by_name("db1"),
        "GET",
        "/v2/instances",
        {**HERE, "page": "1", "per_page": "100"},
        None,
        {"page": 1, "per_page": 100, "pages": 1, "items": [{**ACTIVE, "hostname": "db1"}]},
    ),
    Row(
        "instances.get",
        lambda civo: civo.instances.get("i-1"),
        "GET",
        "/v2/instances/i-1",
        HERE,
        None,
        ACTIVE,
    ),
    Row(
        "snapshots.create",
        lambda civo: civo.snapshots.create("i-1", name="nightly"),
        "POST",
        MANY,
        HERE,
        {"name": "nightly"},
        SNAPSHOT,
    ),
    Row(
        "snapshots.create",
        lambda civo: civo.snapshots.create(Instance(id="i-1"), name="nightly", description="ü\n"),
        "POST",
        MANY,
        HERE,
        {"name": "nightly", "description": "ü\n"},
        SNAPSHOT,
    ),
    Row(
        "snapshots.create_many",
        lambda civo: civo.snapshots.create_many(["i-1"], description="d"),
        "POST",
        MANY,
        HERE,
        {"name": re.compile(r"snap-\d{8}-\d{6}-[0-9a-f]{8}-[0-9a-f]{12}"), "description": "d"},
        {"id": "s-1", "status": {"state": "Complete"}},
    ),
    Row(
        "snapshots.create_each",
        each_outcome,
        "POST",
        MANY,
        HERE,
        {"name": re.compile(r"snap-\d{8}-\d{6}-[0-9a-f]{8}-[0-9a-f]{12}")},
        {"id": "s-1", "status": {"state": "Complete"}},
    ),
    Row(
        "snapshots.get",
        lambda civo: civo.snapshots.get("i-1", "s-1"),
        "GET",
        ONE,
        HERE,
        None,
        SNAPSHOT,
    ),
    Row("snapshots.get", lambda civo: civo.snapshots.get(KNOWN), "GET", ONE, HERE, None, SNAPSHOT),
    Row(
        "snapshots.list",
        lambda civo: civo.snapshots.list("i-1").collect(),
        "GET",
        MANY,
        HERE,
        None,
        [SNAPSHOT],
    ),
    Row(
        "snapshots.get_by_name",
        lambda civo: civo.snapshots.get_by_name("i-1", "nightly"),
        "GET",
        MANY,
        HERE,
        None,
        [{**SNAPSHOT, "name": "nightly"}],
    ),
    Row(
        "snapshots.update",
        lambda civo: civo.snapshots.update("i-1", "s-1", name="nightly"),
        "PUT",
        ONE,
        HERE,
        {"name": "nightly"},
        SNAPSHOT,
    ),
    Row(
        "snapshots.update",
        lambda civo: civo.snapshots.update(KNOWN, description=""),
        "PUT",
        ONE,
        HERE,
        {"description": ""},
        SNAPSHOT,
    ),
    Row(
        "snapshots.delete",
        lambda civo: civo.snapshots.delete(KNOWN),
        "DELETE",
        ONE,
        HERE,
        None,
        OK,
    ),
    Row(
        "snapshots.roll_back",
        lambda civo: civo.snapshots.roll_back(
            FleetRun("nightly", (Outcome("i-1", "nightly-1", OutcomeKind.COMPLETE, KNOWN),))
        ),
        "DELETE",
        ONE,
        HERE,
        None,
        OK,
    ),
    Row(
        "snapshots.plan_prune",
        lambda civo: civo.snapshots.plan_prune("nightly", RetentionPolicy(), instances=["i-1"]),
        "GET",
        WIDE,
        HERE,
        None,
        [],
    ),
    Row(
        "snapshots.restore",
        lambda civo: civo.snapshots.restore(
            KNOWN, hostname="copy.of.db1", private_ip="10.0.0.4", description="d"
        ),
        "POST",
        f"{ONE}/restore",
        HERE,
        {
            "description": "d",
            "hostname": "copy.of.db1",
            "private_ip": "10.0.0.4",
            "private_ipv4": "10.0.0.4",
            "overwrite_existing": False,
        },
        RESTORE,
        lists_instances=True,
    ),
    Row(
        "snapshots.restore",
        lambda civo: civo.snapshots.restore(KNOWN, overwrite_existing=True),
        "POST",
        f"{ONE}/restore",
        HERE,
        {"overwrite_existing": True},
        RESTORE,
    ),
    Row(
        "snapshots.wait_until_complete",
        lambda civo: civo.snapshots.wait_until_complete("i-1", "s-1"),
        "GET",
        ONE,
        HERE,
        None,
        DONE,
    ),
    Row("snapshots.watch", watch_all, "GET", ONE, HERE, None, DONE),
    Row(
        "snapshots.wait_until_deleted",
        lambda civo: civo.snapshots.wait_until_deleted(OLD),
        "GET",
        ONE,
        HERE,
        None,
        404,
    ),
    Row(
        "snapshots.wait_until_restored",
        lambda civo: restored(civo, hostname="copy", namesakes=()),
        "GET",
        "/v2/instances",
        {**HERE, "page": "1", "per_page": "100"},
        None,
        {"page": 1, "per_page": 100, "pages": 1, "items": [ACTIVE]},
    ),
    Row(
        "snapshots.wait_until_restored",
        lambda civo: restored(
            civo, overwrite_existing=True, instance_id="i-1", status=RestoreStatus(state="complete")
        ),
        "GET",
        "/v2/instances/i-1",
        HERE,
        None,
        ACTIVE,
    ),
    Row(
        "region_snapshots.list",
        lambda civo: civo.region_snapshots.list().collect(),
        "GET",
        WIDE,
        HERE,
        None,
        [SNAPSHOT],
    ),
    Row(
        "region_snapshots.get",
        lambda civo: civo.region_snapshots.get("s-1"),
        "GET",
        f"{WIDE}/s-1",
        HERE,
        None,
        SNAPSHOT,
    ),
    Row(
        "region_snapshots.update",
        lambda civo: civo.region_snapshots.update(
            RegionSnapshot(id="s-1"), name="weekly", description="d"
        ),
        "PUT",
        f"{WIDE}/s-1",
        HERE,
        {"name": "weekly", "description": "d"},
        SNAPSHOT,
    ),
    Row(
        "region_snapshots.delete",
        lambda civo: civo.region_snapshots.delete("s-1"),
        "DELETE",
        f"{WIDE}/s-1",
        HERE,
        None,
        OK,
    ),
    Row(
        "region_snapshots.restore",
        lambda civo: civo.region_snapshots.restore(
            "s-1", hostname="copy", private_ip="10.0.0.4", include_volumes=False
        ),
        "POST",
        f"{WIDE}/s-1/restore",
        HERE,
        {
            "instance": {
                "hostname": "copy",
                "private_ipv4": "10.0.0.4",
                "overwrite_existing": False,
                "include_volumes": False,
            }
        },
        {"resource_type": "instance", "instance": RESTORE},
        lists_instances=True,
    ),
    Row(
        "region_snapshots.restore",
        lambda civo: civo.region_snapshots.restore("s-1", overwrite_existing=True, description="d"),
        "POST",
        f"{WIDE}/s-1/restore",
        HERE,
        {"instance": {"description": "d", "overwrite_existing": True, "include_volumes": True}},
        {"resource_type": "instance", "instance": OVERWRITE},
    ),
    Row(
        "schedules.create",
        create_schedule,
        "POST",
        PLAN,
        HERE,
        {
            "name": "weekly",
            "cron_expression": "0 2 * * 0",
            "retention": {"max_snapshots": 7},
            "instances": [{"instance_id": "i-1", "include_volumes": True}],
        },
        SCHEDULE,
    ),
    Row(
        "schedules.create",
        lambda civo: create_schedule(
            civo, period="48h", description="d", include_volumes={"i-1": False}
        ),
        "POST",
        PLAN,
        HERE,
        {
            "name": "weekly",
            "cron_expression": "0 2 * * 0",
            "retention": {"max_snapshots": 7, "period": "48h"},
            "instances": [{"instance_id": "i-1", "include_volumes": False}],
            "description": "d",
        },
        SCHEDULE,
    ),
    Row(
        "schedules.list",
        lambda civo: civo.schedules.list().collect(),
        "GET",
        PLAN,
        HERE,
        None,
        [SCHEDULE],
    ),
    Row(
        "schedules.get_by_name",
        lambda civo: civo.schedules.get_by_name("weekly"),
        "GET",
        PLAN,
        HERE,
        None,
        [{**SCHEDULE, "name": "weekly"}],
    ),
    Row(
        "schedules.get",
        lambda civo: civo.schedules.get("c-1"),
        "GET",
        f"{PLAN}/c-1",
        HERE,
        None,
        SCHEDULE,
    ),
    Row(
        "schedules.update",
        lambda civo: civo.schedules.update(Schedule(id="c-1"), paused=False),
        "PUT",
        f"{PLAN}/c-1",
        HERE,
        {"paused": False},
        SCHEDULE,
    ),
    Row(
        "schedules.update",
        lambda civo: civo.schedules.update("c-1", name="weekly", description="d", paused=True),
        "PUT",
        f"{PLAN}/c-1",
        HERE,
        {"name": "weekly", "description": "d", "paused": True},
        SCHEDULE,
    ),
    Row(
        "schedules.pause",
        lambda civo: civo.schedules.pause(Schedule(id="c-1")),
        "PUT",
        f"{PLAN}/c-1",
        HERE,
        {"paused": True},
        SCHEDULE,
    ),
    Row(
        "schedules.resume",
        lambda civo: civo.schedules.resume("c-1"),
        "PUT",
        f"{PLAN}/c-1",
        HERE,
        {"paused": False},
        SCHEDULE,
    ),
    Row(
        "schedules.delete",
        lambda civo: civo.schedules.delete("c-1"),
        "DELETE",
        f"{PLAN}/c-1",
        HERE,
        None,
        OK,
    ),
    Row(
        "regions.list",
        lambda civo: civo.regions.list().collect(),
        "GET",
        "/v2/regions",
        HERE,
        None,
        [{"code": "LON1"}],
    ),
    Row("quota.get", lambda civo: civo.quota.get(), "GET", "/v2/quota", HERE, None, {}),
]


def client() -> CivoClient:
    return CivoClient(TOKEN, region="LON1", api_url=URL, clock=FakeClock(), retries=False)


def matches(expected: object, sent: object) -> bool:
    """Equality with the JSON's types, but for texts that are made up anew each time."""
    if isinstance(expected, re.Pattern):
        return isinstance(sent, str) and expected.fullmatch(sent) is not None
    if isinstance(expected, dict) and isinstance(sent, dict):
        return expected.keys() == sent.keys() and all(matches(expected[k], sent[k]) for k in sent)
    if isinstance(expected, list) and isinstance(sent, list):
        return len(expected) == len(sent) and all(map(matches, expected, sent))
    return type(expected) is type(sent) and expected == sent


def check_content(row: Row, headers: dict[str, str], body: bytes | None) -> None:
    """Take the SDK's own headers out of these, and compare them and the body with the row."""
    assert headers.pop("Accept") == "application/json"
    assert re.fullmatch(r"civo-snapshots/\S+ aiohttp/\S+", headers.pop("User-Agent"))
    if row.body is None:
        assert not body
    else:
        assert headers.pop("Content-Type") == "application/json"
        assert matches(row.body, json.loads(body or b"")), body


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.called)
async def test_each_call_sends_exactly_this(row: Row, mocked: aioresponses) -> None:
    whole = f"{URL}{row.path}?" + "&".join(f"{name}={value}" for name, value in row.query.items())
    if row.answer == 404:
        gone = {"code": "database_snapshot_not_found"}
        mocked.add(whole, row.method, status=404, payload=gone, headers=DATED)
    else:
        mocked.add(whole, row.method, body=json.dumps(row.answer))
    if row.lists_instances:
        mocked.get(f"{URL}/v2/instances?page=1&per_page=100&region=LON1", payload={"items": []})
    async with client() as civo:
        await row.call(civo)
        assert civo.requests_sent == 1 + row.lists_instances
    if row.lists_instances:
        first = next(iter(mocked.requests))
        assert (first[0], first[1].path) == ("GET", "/v2/instances")
        del mocked.requests[first]
    ((method, url), (request,)), *others = mocked.requests.items()
    assert not others
    assert (method, url.path, dict(url.query)) == (row.method, row.path, row.query)
    sent = request.kwargs
    headers = dict(sent["headers"])
    check_content(row, headers, sent["data"])
    assert headers == {}  # the token is added as the request leaves, which no mock sees
    assert len(sent["middlewares"]) == 1
    assert sent["allow_redirects"] is False
    assert sent["raise_for_status"] is False
    assert sent["timeout"].total is None
    assert not {"auth", "cookies", "proxy", "proxy_auth", "params", "json", "ssl"} & sent.keys()


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    """A region that has what the rows name."""
    async with FakeRegion(instances=0, token=TOKEN, clock=FakeClock()) as region:
        state = region.state
        instance = evolve(state.instances.pop(region.add_instance()), id="i-1")
        state.instances["i-1"] = instance
        region.add_instance("db1")
        region.add_instance("copy")
        known = state.add_stranger("nightly", "i-1")
        state.table.add(evolve(known, id="s-1", listing_id="s-1", name="mine"))
        yield region


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.called)
async def test_each_call_reaches_a_region_like_this_and_is_accepted(
    row: Row, region: FakeRegion
) -> None:
    """R151: the fake judges every field by the API's description, not by what the SDK sends."""
    async with CivoClient(
        TOKEN, region="LON1", api_url=region.url, clock=region.clock, retries=False
    ) as civo:
        if row.path.startswith(PLAN):
            await create_schedule(civo)
            (plan,) = region.state.schedules.values()
            region.state.schedules["c-1"] = evolve(plan, id="c-1", name="mine")
            region.requests.clear()
        if row.answer == 404:
            region.fault("*", Fault.code("database_snapshot_not_found"))
        await row.call(civo)
    sent = next(one for one in region.requests if (one.method, one.path) == (row.method, row.path))
    assert sent.query == row.query
    headers = dict(sent.headers)
    assert headers.pop("Authorization") == f"bearer {TOKEN}"
    check_content(row, headers, sent.body)
    assert headers.pop("Host") == region.url.removeprefix("http://")
    assert headers.keys() <= {"Accept-Encoding", "Content-Length"}
    assert [one.status for one in region.requests if one.status not in {200, 201}] == (
        [404] if row.answer == 404 else []
    )
    assert not region.refused_fields


def test_each_public_method_has_a_row() -> None:
    tested = {row.called for row in ROWS}
    public = {
        f"{attribute}.{name}"
        for attribute, resource in RESOURCES.items()
        for name, _ in inspect.getmembers(resource, inspect.isfunction)
        if not name.startswith("_")
    }
    others = {  # which send more than one request, or none
        *("snapshots.start_many", "snapshots.find_run", "snapshots.wait_many"),
        *("snapshots.prune", "snapshots.restore_drill", "schedules.next_runs"),
    }
    assert public == tested | others


async def test_the_resources_of_a_client_are_those_that_are_tested() -> None:
    async with client() as civo:
        for attribute, resource in RESOURCES.items():
            assert type(getattr(civo, attribute)) is resource
        modules = {type(part).__module__ for part in vars(civo).values() if part}
    ours = {name for name in modules if ".resources." in name}
    assert ours == {resource.__module__ for resource in RESOURCES.values()}


async def test_regions_can_be_listed_without_one(mocked: aioresponses) -> None:
    mocked.get(f"{URL}/v2/regions", payload=[{"code": "LON1"}])
    async with CivoClient(TOKEN, api_url=URL) as civo:
        assert [region.code async for region in civo.regions.list()] == ["LON1"]


async def test_the_pages_of_any_listing_are_followed_if_the_server_promises_them(
    mocked: aioresponses,
) -> None:
    for path, key in (("/v2/regions", "code"), (WIDE, "id"), (PLAN, "id"), (MANY, "id")):
        first = {"page": 1, "pages": 2, "items": [{key: "a"}]}
        second = {"page": 2, "pages": 2, "items": [{key: "b"}]}
        mocked.get(f"{URL}{path}?region=LON1", payload=first)
        mocked.get(f"{URL}{path}?region=LON1&page=2", payload=second)
    async with client() as civo:
        assert [found.code for found in await civo.regions.list().collect()] == ["a", "b"]
        assert [found.id for found in await civo.region_snapshots.list().collect()] == ["a", "b"]
        assert [found.id for found in await civo.schedules.list().collect()] == ["a", "b"]
        found = await civo.snapshots.list("i-1").collect()
        assert [(one.id, one.instance_id) for one in found] == [("a", "i-1"), ("b", "i-1")]
