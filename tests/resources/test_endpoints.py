"""Every endpoint over a real socket against the fake region, and what is refused before it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from attrs import evolve
from support.regions import MakeRegion

from civo_snapshots import (
    Acknowledgement,
    ApiError,
    CivoClient,
    CivoError,
    ConfigurationError,
    ConflictError,
    InvalidArgumentError,
    InvalidRequestError,
    Listing,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    QuotaExceededError,
    RestoreStatus,
    ServiceDisabledError,
    Snapshot,
    UnexpectedResponseError,
)
from civo_snapshots.testing import SECRET_CANARIES, FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

ONE = "GET /v2/instances/{id}/snapshots/{sid}"
DELETE = "DELETE /v2/instances/{id}/snapshots/{sid}"
UPDATE = "PUT /v2/instances/{id}/snapshots/{sid}"
RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"


@pytest.fixture
async def region(make_region: MakeRegion) -> AsyncIterator[FakeRegion]:
    """A region whose time only the client's waits move."""
    async with make_region(instances=3, clock=FakeClock(), more_regions=["NYC1"]) as region:
        yield region


@pytest.fixture
async def civo(region: FakeRegion) -> AsyncIterator[CivoClient]:
    async with CivoClient(
        region.token, region=region.region, api_url=region.url, clock=region.clock
    ) as civo:
        yield civo


@pytest.fixture
async def done(civo: CivoClient, region: FakeRegion) -> Snapshot:
    """A finished snapshot of the first instance."""
    made = await civo.snapshots.create(region.instance_ids[0], name="nightly", description="d")
    return await civo.snapshots.wait_until_complete(made)


# Instances, regions, quota


@pytest.mark.drawn(created_at_form="Z", code_case="given")
async def test_instances_are_listed_across_pages_and_read_one_by_one(
    civo: CivoClient, region: FakeRegion
) -> None:
    tagged = region.add_instance("db1", tags=["prod"], volumes=3)
    listed = await civo.instances.list(per_page=2).collect()
    assert [found.id for found in listed] == region.instance_ids
    assert [found.id for found in listed if "prod" in found.tags] == [tagged]
    one = await civo.instances.get(tagged)
    assert one == listed[-1]
    assert (one.hostname, one.status, one.region) == ("db1", "ACTIVE", "LON1")
    assert len(one.attached_volumes) == 3
    assert one.created_at is not None
    pages = [page async for page in civo.instances.list(per_page=2).pages()]
    assert [len(page.items) for page in pages] == [2, 2]


@pytest.mark.parametrize("options", [{"pages_off_by": -1}, {"null_per_page": True}])
async def test_instances_are_all_listed_whatever_the_server_says_of_its_pages(
    options: dict[str, Any],
) -> None:
    async with FakeRegion(instances=45, **options) as region:
        async with CivoClient(region.token, region="LON1", api_url=region.url) as civo:
            found = await civo.instances.list(per_page=15).collect()
        assert [one.id for one in found] == region.instance_ids


@pytest.mark.drawn
async def test_an_instances_secrets_are_never_read(civo: CivoClient, region: FakeRegion) -> None:
    one = await civo.instances.get(region.instance_ids[0])
    for listed in [one, *await civo.instances.list().collect()]:
        for secret in (*SECRET_CANARIES, *SECRET_CANARIES.values()):
            assert secret not in repr(listed)


async def test_what_else_an_instance_tells_is_kept_without_its_secrets(
    civo: CivoClient, region: FakeRegion
) -> None:
    """X141."""
    shown = {"id": "i-9", "gpu_type": "a100", **SECRET_CANARIES}
    region.fault("GET /v2/instances/{id}", Fault.json(shown))
    one = await civo.instances.get("i-9")
    assert one.extra == {"gpu_type": "a100"}
    assert "canary" not in repr(one.extra)


async def test_regions_are_listed_with_or_without_a_region(
    civo: CivoClient, region: FakeRegion
) -> None:
    assert [(r.code, r.default) async for r in civo.regions.list()] == [
        ("LON1", True),
        ("NYC1", False),
    ]
    assert (await civo.regions.list().collect())[0].features == {"iaas": True, "kubernetes": False}
    async with CivoClient(region.token, api_url=region.url) as nowhere:
        assert len(await nowhere.regions.list().collect()) == 2


@pytest.mark.drawn
async def test_the_quota_counts_what_is_there(civo: CivoClient, region: FakeRegion) -> None:
    before = await civo.quota.get()
    assert before.free_snapshots == before.disk_snapshot_count_limit == 10_000
    await civo.snapshots.create(region.instance_ids[0])
    after = await civo.quota.get()
    assert (after.disk_snapshot_count_usage, after.free_snapshots) == (1, 9_999)
    assert after.pairs["disk_snapshot_count"] == (10_000, 1)
    assert after.pairs["instance_count"] == (1_000_000, len(region.instance_ids))
    assert len(after.pairs) == 20


@pytest.mark.parametrize("numbers", ["text", "float", "integer", "drawn"])
async def test_numbers_are_read_in_each_of_their_forms(numbers: Any) -> None:
    async with (
        FakeRegion(instances=2, numbers=numbers, snapshot_limit=-1, duration=(0.0, 0.0)) as region,
        CivoClient(region.token, region="LON1", api_url=region.url) as civo,
    ):
        quota = await civo.quota.get()
        assert quota.pairs["gpu_count"] == (-1, 0)
        assert (quota.is_unlimited, quota.free_snapshots) == (True, None)
        run = await civo.snapshots.create_each(region.instance_ids, quota="check").__anext__()
        assert run.snapshot is not None
        one = await civo.instances.get(region.instance_ids[0])
        assert (one.cpu_cores, one.ram_mb, one.disk_gb, one.gpu_count) == (2, 4_096, 50, 0)
        assert (one.source_type, one.volume_type, one.subnets) == ("diskimage", "standard", ())
        assert one.firewall_id.startswith("fake-firewall")
        assert await civo.instances.list().collect() == [
            await civo.instances.get(key) for key in region.instance_ids
        ]


# One instance's snapshots


@pytest.mark.drawn(
    one_at_a_time=False,
    states="documented",
    empty_status=0.0,
    visible_after=0.0,
    read_lag=0.0,
    volume_listing="each",
    included_volumes="listed",
)
async def test_a_snapshot_is_created_with_a_name_of_its_own(
    civo: CivoClient, region: FakeRegion
) -> None:
    instance = await civo.instances.get(region.instance_ids[0])
    named = await civo.snapshots.create(instance, name="nightly", description="ü\n🙂")
    unnamed = await civo.snapshots.create(instance.id)
    assert (named.name, named.description, named.instance_id) == ("nightly", "ü\n🙂", instance.id)
    assert named.state == "Pending"
    assert [volume.state for volume in named.volumes] == ["Pending", "Pending"]
    assert unnamed.name.startswith("snap-2026")
    listed = [found async for found in civo.snapshots.list(instance)]
    assert listed == [named, unnamed]
    assert await civo.snapshots.list(region.instance_ids[1]).collect() == []


@pytest.mark.drawn(delete_takes=0.0, read_lag=0.0)
async def test_a_snapshot_is_named_by_record_or_by_two_ids(
    civo: CivoClient, done: Snapshot
) -> None:
    assert await civo.snapshots.get(done) == done
    assert await civo.snapshots.get(done.instance_id, done.id) == done
    renamed = await civo.snapshots.update(done, name="weekly")
    assert (renamed.name, renamed.description) == ("weekly", "d")
    described = await civo.snapshots.update(done.instance_id, done.id, description="")
    assert (described.name, described.description) == ("weekly", "")
    assert await civo.snapshots.delete(done.instance_id, done.id) == Acknowledgement()
    with pytest.raises(NotFoundError) as caught:
        await civo.snapshots.get(done)
    assert caught.value.code == "database_snapshot_not_found"
    assert done.id in str(caught.value)
    assert done.instance_id in str(caught.value)


@pytest.mark.civo_region(empty_delete=True)
async def test_an_empty_acknowledgement_is_one_too(civo_region: FakeRegion) -> None:  # H46
    async with CivoClient(civo_region.token, region="LON1", api_url=civo_region.url) as civo:
        made = await civo.snapshots.create(civo_region.instance_ids[0])
        assert await civo.snapshots.delete(made) == Acknowledgement()


@pytest.mark.parametrize("body", [b"[]", b'"deleted"', b"ok"])
async def test_an_acknowledgement_that_makes_no_sense_is_none(
    civo: CivoClient, region: FakeRegion, done: Snapshot, body: bytes
) -> None:
    region.fault(DELETE, Fault.status(200, body), times=None)
    with pytest.raises(UnexpectedResponseError):
        await civo.snapshots.delete(done)


async def test_an_acknowledgement_keeps_its_text(
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    region.fault(DELETE, Fault.json({"result": "ok"}))
    region.fault(DELETE, Fault.json({"id": done.id}))
    assert (await civo.snapshots.delete(done)).result == "ok"
    assert (await civo.snapshots.delete(done)).result == "success"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"result": "failed"}, "failed"),
        ({"result": 5}, "5"),
        ({"result": "", "code": "database_snapshot_cannot_delete_in_use"}, None),
        ({"status": 500}, ""),
    ],
    ids=str,
)
async def test_an_acknowledgement_that_tells_of_a_failure_is_one(  # R156
    civo: CivoClient, region: FakeRegion, done: Snapshot, body: dict[str, object], code: str | None
) -> None:
    region.fault(DELETE, Fault.json(body), times=None)
    with pytest.raises(ApiError) as caught:
        await civo.snapshots.delete(done, retries=False)
    assert caught.value.code == (body["code"] if code is None else code)


async def test_somebodys_record_acknowledges_nothing(  # R156
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    region.fault(DELETE, Fault.json({"id": done.id, "name": done.name}))
    assert await civo.snapshots.delete(done) == Acknowledgement()  # asked again
    assert region.counts[DELETE] == 2


@pytest.mark.drawn(delete_takes=0.0)
async def test_deleting_what_is_gone_is_an_error_unless_that_is_fine(  # H29
    civo: CivoClient, done: Snapshot
) -> None:
    await civo.snapshots.delete(done)
    with pytest.raises(NotFoundError):
        await civo.snapshots.delete(done)
    assert (await civo.snapshots.delete(done, missing_ok=True)).already_gone


@pytest.mark.drawn(delete_takes=0.0, duration=(10.0, 20.0))
async def test_a_delete_whose_answer_was_lost_has_worked(  # H30
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    """It was made long enough ago: within the reconcile window, a 404 is asked again (R201)."""
    region.fault(DELETE, Fault.drop_after_acting())
    assert await civo.snapshots.delete(done) == Acknowledgement(already_gone=True)
    assert region.counts[DELETE] == 2


@pytest.mark.drawn
async def test_a_snapshot_in_use_is_not_deleted_and_not_asked_again(  # H32, S77
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    await civo.snapshots.restore(done, hostname="copy")
    with pytest.raises(ConflictError) as caught:
        await civo.snapshots.delete(done)
    assert caught.value.code == "database_snapshot_cannot_delete_in_use"
    assert region.counts[DELETE] == 1


@pytest.mark.drawn(read_lag=0.0)
async def test_an_update_whose_answer_was_lost_is_compared_first(  # S76
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    region.fault(UPDATE, Fault.drop_after_acting())
    weekly = await civo.snapshots.update(done, name="weekly")
    assert weekly.name == "weekly"
    assert region.counts[UPDATE] == 1
    region.fault(UPDATE, Fault.drop_before_acting())
    assert (await civo.snapshots.update(weekly, name="monthly")).name == "monthly"
    assert region.counts[UPDATE] == 3


@pytest.mark.drawn
async def test_a_restore_makes_a_new_instance(
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    restore = await civo.snapshots.restore(
        done.instance_id, done.id, hostname="copy", private_ip="10.0.9.9", description="why"
    )
    assert (restore.hostname, restore.private_ipv4) == ("copy", "10.0.9.9")
    assert (restore.from_snapshot, restore.instance_id) == (done.id, done.instance_id)
    assert restore.status == RestoreStatus("in_progress")
    assert restore.completed_at is None
    made = await civo.snapshots.wait_until_restored(restore)
    assert (made.status, made.private_ip) == (region.switches.restore_ends, "10.0.9.9")
    assert made.hostname == f"copy.{region.switches.domain}".removesuffix(".")
    assert made.id != done.instance_id


@pytest.mark.drawn(restore_queue=0.0, read_lag=0.0)
async def test_a_restore_overwrites_the_original(civo: CivoClient, done: Snapshot) -> None:
    restore = await civo.snapshots.restore(done, overwrite_existing=True)
    assert restore.overwrite_existing
    assert (await civo.instances.get(done.instance_id)).status == "RESTORING"
    assert (await civo.snapshots.wait_until_restored(restore)).id == done.instance_id


@pytest.mark.drawn
async def test_a_restore_before_completion_is_refused_once(
    civo: CivoClient, region: FakeRegion
) -> None:
    made = await civo.snapshots.create(region.instance_ids[0])
    with pytest.raises(ConflictError):
        await civo.snapshots.restore(made, hostname="copy")
    assert region.counts[RESTORE] == 1


@pytest.mark.drawn
async def test_a_restore_whose_answer_was_lost_is_not_repeated(  # S74
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    region.fault(RESTORE, Fault.drop_after_acting())
    with pytest.raises(OutcomeUnknownError) as caught:
        await civo.snapshots.restore(done, hostname="copy")
    assert (caught.value.instance_id, caught.value.name) == (done.instance_id, "copy")
    assert region.counts[RESTORE] == len(region.state.restores) == 1


# The region's snapshots


@pytest.mark.drawn(
    delete_takes=0.0,
    visible_after=0.0,
    read_lag=0.0,
    region_listing=True,
    listing_gaps=0.0,
    region_ids="outer",
)
async def test_the_regions_snapshots_are_listed_read_changed_and_deleted(
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    other = await civo.snapshots.create(region.instance_ids[1], name="other")
    listed = await civo.region_snapshots.list().collect()
    assert [(found.id, found.name) for found in listed] == [
        (done.id, "nightly"),
        (other.id, "other"),
    ]
    assert listed[0].resource_type == "instance"
    assert listed[0].instance is not None
    assert listed[0].instance.status == done.status
    assert await civo.region_snapshots.get(done.id) == listed[0]
    changed = await civo.region_snapshots.update(listed[0], name="weekly", description="x")
    assert (changed.name, changed.description) == ("weekly", "x")
    assert await civo.region_snapshots.delete(changed) == Acknowledgement()
    assert (await civo.region_snapshots.delete(changed, missing_ok=True)).already_gone
    with pytest.raises(NotFoundError):
        await civo.region_snapshots.delete(done.id)


@pytest.mark.drawn(region_listing=True, listing_gaps=0.0, region_ids="outer")
async def test_the_regions_snapshots_are_restored(
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    (item,) = await civo.region_snapshots.list().collect()
    restore = await civo.region_snapshots.restore(
        item, hostname="copy", include_volumes=False, private_ip="10.0.9.8"
    )
    made = await civo.snapshots.wait_until_restored(restore)
    assert made.hostname == f"copy.{region.switches.domain}".removesuffix(".")
    assert made.private_ip == "10.0.9.8"
    assert made.attached_volumes == ()
    over = await civo.region_snapshots.restore(done.id, overwrite_existing=True)
    assert over.overwrite_existing
    known = evolve(over, instance_id=done.instance_id)
    assert (await civo.snapshots.wait_until_restored(known)).id == done.instance_id


@pytest.mark.drawn(region_listing=True, listing_gaps=0.0, region_ids="outer", read_lag=0.0)
async def test_an_update_of_the_regions_snapshot_is_compared_too(  # S76
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    route = "PUT /v2/resourcesnapshots/{id}"
    region.fault(route, Fault.drop_after_acting())
    assert (await civo.region_snapshots.update(done.id, name="weekly")).name == "weekly"
    assert region.counts[route] == 1


# Schedules


@pytest.mark.drawn(read_lag=0.0)
async def test_schedules_are_made_listed_read_changed_and_deleted(
    civo: CivoClient, region: FakeRegion
) -> None:
    first, second, _ = region.instance_ids
    made = await civo.schedules.create(
        "weekly",
        cron_expression="0 2 * * SUN".lower(),
        max_snapshots=10,
        instances=[first, second, first],
        period="48h",
        description="d",
        include_volumes={second: False},
    )
    assert [(one.id, len(one.included_volumes)) for one in made.instances] == [  # R151
        (first, 2),
        (second, 0),
    ]
    assert (made.retention.max_snapshots, made.retention.period) == (10, "48h")
    assert (made.status.state, made.status.last_snapshot.id) == ("active", "")
    assert await civo.schedules.list().collect() == [made]
    assert await civo.schedules.get(made.id) == await civo.schedules.get(made) == made
    paused = await civo.schedules.update(made, paused=True)
    assert (paused.paused, paused.status.state) == (True, "paused")
    changed = await civo.schedules.update(made.id, name="monthly", description="", paused=False)
    assert (changed.name, changed.description, changed.paused) == ("monthly", "", False)
    assert await civo.schedules.delete(changed) == Acknowledgement()
    assert (await civo.schedules.delete(made.id, missing_ok=True)).already_gone
    with pytest.raises(NotFoundError):
        await civo.schedules.get(made)


async def test_a_schedule_whose_answer_was_lost_is_not_made_again(
    civo: CivoClient, region: FakeRegion
) -> None:
    region.fault("POST /v2/resourcesnapshotschedules", Fault.drop_after_acting())
    with pytest.raises(OutcomeUnknownError) as caught:
        await civo.schedules.create(
            "weekly", cron_expression="0 2 * * *", max_snapshots=1, instances=region.instance_ids
        )
    assert caught.value.name == "weekly"
    assert len(region.state.schedules) == 1


@pytest.mark.drawn(read_lag=0.0)
async def test_an_update_of_a_schedule_is_compared_too(  # S76
    civo: CivoClient, region: FakeRegion
) -> None:
    made = await civo.schedules.create(
        "weekly", cron_expression="0 2 * * *", max_snapshots=1, instances=region.instance_ids
    )
    route = "PUT /v2/resourcesnapshotschedules/{id}"
    region.fault(route, Fault.drop_after_acting())
    assert (await civo.schedules.update(made, paused=True)).paused
    assert region.counts[route] == 1


# Other regions


@pytest.mark.drawn(
    visible_after=0.0, read_lag=0.0, region_listing=True, listing_gaps=0.0, region_ids="outer"
)
async def test_a_view_asks_its_own_region_over_the_same_client(
    civo: CivoClient, region: FakeRegion
) -> None:
    there = civo.in_region("NYC1")
    (first, *_) = region.in_region("NYC1").instances
    made = await there.snapshots.create(first, name="nightly")
    await there.snapshots.wait_until_complete(made)
    assert [found.id async for found in there.region_snapshots.list()] == [made.id]
    assert await civo.region_snapshots.list().collect() == []
    with pytest.raises(NotFoundError):
        await civo.snapshots.get(made)
    assert (there.region, civo.region) == ("NYC1", "LON1")
    assert there.requests_sent == civo.requests_sent == region.total
    assert region.connections_opened == 1
    assert {r.query["region"] for r in region.requests} == {"LON1", "NYC1"}
    assert repr(there) == "<RegionView region='NYC1'>"


@pytest.mark.drawn
async def test_both_spellings_of_a_region_share_one_watcher(
    civo: CivoClient, region: FakeRegion
) -> None:
    made = await civo.in_region("lon1").snapshots.create(region.instance_ids[0])
    await civo.in_region("lon1").snapshots.wait_until_complete(made)
    await civo.snapshots.wait_until_complete(made)
    assert len(civo._state._watchers) == 1


async def test_without_a_region_nothing_but_regions_can_be_asked(region: FakeRegion) -> None:
    async with CivoClient(region.token, api_url=region.url) as civo:  # C137
        made = Snapshot(id="s-1", instance_id="i-1")
        for call in (
            lambda: civo.instances.list().collect(),
            lambda: civo.snapshots.create("i-1"),
            lambda: civo.snapshots.wait_until_complete(made),
            lambda: civo.snapshots.create_many(["i-1"]),
            civo.quota.get,
        ):
            with pytest.raises(ConfigurationError, match="no region"):
                await call()
        with pytest.raises(ConfigurationError):
            civo.in_region("../x")
        assert region.total == 0


# Refusals of the API


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "database_instance_snapshot_too_big", InvalidRequestError),
        (403, "quota_limit_reached", QuotaExceededError),
        (403, "disabled_service", ServiceDisabledError),
        (403, "database_account_access_denied", PermissionDeniedError),
        (409, "database_snapshot_cannot_replace", ConflictError),
        (404, "database_snapshot_create_instance_not_found", NotFoundError),
    ],
)
async def test_a_refused_create_is_typed_and_not_repeated(
    civo: CivoClient, region: FakeRegion, status: int, code: str, kind: type[CivoError]
) -> None:
    instance_id = region.instance_ids[0]
    region.refuse_create(instance_id, code, status=status, reason="because\nof\x1b[31mthis")
    with pytest.raises(kind) as caught:
        await civo.snapshots.create(instance_id)
    assert "because\\nof" in str(caught.value)  # B68
    assert "\x1b" not in str(caught.value)
    assert region.total == 1


async def test_a_region_without_snapshots_says_what_is_needed(
    civo: CivoClient, region: FakeRegion
) -> None:
    region.fault("*", Fault.status(404, b"404 page not found"))  # S79
    with pytest.raises(NotFoundError, match="Enterprise private region"):
        await civo.region_snapshots.list().collect()


# Answers that belong to another request (T13, B63)


async def test_another_objects_answer_is_never_returned(
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    stray = Fault.json({"id": "other", "name": "other"})
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "GET /v2/instances/{id}": lambda: civo.instances.get(done.instance_id),
        ONE: lambda: civo.snapshots.get(done),
        "GET /v2/resourcesnapshots/{id}": lambda: civo.region_snapshots.get(done.id),
    }
    for route, call in calls.items():
        region.fault(route, stray)
        assert "id='other'" not in repr(await call())
        assert region.counts[route] >= 2
        region.fault(route, stray, times=None)
        with pytest.raises(UnexpectedResponseError, match="belongs to another request"):
            await call()
        region.clear_faults()


async def test_a_stray_answer_to_a_schedules_create_leaves_it_unknown(
    civo: CivoClient, region: FakeRegion
) -> None:
    region.fault("POST /v2/resourcesnapshotschedules", Fault.json({"id": "c", "name": "other"}))
    with pytest.raises(OutcomeUnknownError, match="belongs to another request"):
        await civo.schedules.create(
            "weekly", cron_expression="0 2 * * *", max_snapshots=1, instances=["i-1"]
        )


async def test_an_id_that_the_server_made_up_reaches_no_other_path(  # X145
    civo: CivoClient, region: FakeRegion, done: Snapshot
) -> None:
    evil = "../../../v2/instances"
    region.fault("GET /v2/instances/{id}/snapshots", Fault.json([{"id": evil}]))
    (found,) = await civo.snapshots.list(done.instance_id).collect()
    spent = region.total
    for call in (civo.snapshots.delete, civo.snapshots.get, civo.snapshots.restore):
        with pytest.raises(InvalidArgumentError):
            await call(found)
    assert region.total == spent


# Refused before anything is sent (C131-C136, S75)

BAD_IDS = [
    "..",
    ".",
    "",
    "a/b",
    "a?x",
    "a#f",
    "%2e%2e",
    "a\r\nb",
    "a\\b",
    "a b",
    "é",
    "x" * 10_000,
    None,
    5,
    b"a",
    ".hidden",
]
BAD_NAMES = ["", "x" * 64, "Upper", "under_score", "-a", "a-", "a.b", "a\n", "\u0661", 5, b"a"]
BAD_SECONDS = [0, -1, float("nan"), float("inf"), True, "5", None]

Call = Callable[[CivoClient, Any], Awaitable[object]]


@pytest.fixture(scope="module")
def offline() -> CivoClient:
    """A client to an address where nothing may ever arrive."""
    return CivoClient("token-1", region="LON1", api_url="http://127.0.0.1:1", retries=False)


async def assert_refused(civo: CivoClient, call: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await call()
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 500
    assert civo.requests_sent == 0


def schedule(civo: CivoClient, **changed: Any) -> Awaitable[object]:
    options: dict[str, Any] = {
        "name": "weekly",
        "cron_expression": "0 2 * * *",
        "max_snapshots": 1,
        "instances": ["i-1"],
        **changed,
    }
    return civo.schedules.create(options.pop("name"), **options)


async def watched(civo: CivoClient, *args: Any, **more: Any) -> None:
    async for _ in civo.snapshots.watch(*args, **more):
        pass


ID_CALLS: dict[str, Call] = {
    "instances.get": lambda civo, bad: civo.instances.get(bad),
    "snapshots.create": lambda civo, bad: civo.snapshots.create(bad),
    "snapshots.list": lambda civo, bad: civo.snapshots.list(bad).collect(),
    "snapshots.get 1": lambda civo, bad: civo.snapshots.get(bad, "s-1"),
    "snapshots.get 2": lambda civo, bad: civo.snapshots.get("i-1", bad),
    "snapshots.update": lambda civo, bad: civo.snapshots.update("i-1", bad, name="a"),
    "snapshots.delete": lambda civo, bad: civo.snapshots.delete("i-1", bad),
    "snapshots.delete 1": lambda civo, bad: civo.snapshots.delete(bad, "s-1"),
    "snapshots.restore": lambda civo, bad: civo.snapshots.restore("i-1", bad),
    "snapshots.wait": lambda civo, bad: civo.snapshots.wait_until_complete("i-1", bad),
    "snapshots.wait deleted": lambda civo, bad: civo.snapshots.wait_until_deleted("i-1", bad),
    "snapshots.watch": lambda civo, bad: watched(civo, "i-1", bad),
    "snapshots.create_many": lambda civo, bad: civo.snapshots.create_many(["i-1", bad]),
    "region.get": lambda civo, bad: civo.region_snapshots.get(bad),
    "region.update": lambda civo, bad: civo.region_snapshots.update(bad, name="a"),
    "region.delete": lambda civo, bad: civo.region_snapshots.delete(bad),
    "region.restore": lambda civo, bad: civo.region_snapshots.restore(bad),
    "schedules.get": lambda civo, bad: civo.schedules.get(bad),
    "schedules.update": lambda civo, bad: civo.schedules.update(bad, paused=True),
    "schedules.delete": lambda civo, bad: civo.schedules.delete(bad),
    "schedules.create": lambda civo, bad: schedule(civo, instances=[bad]),
    "schedules.create key": lambda civo, bad: schedule(civo, include_volumes={bad: True}),
}


@pytest.mark.parametrize("called", ID_CALLS)
async def test_bad_ids_are_refused_before_anything_is_sent(
    called: str, offline: CivoClient
) -> None:
    for bad in BAD_IDS:  # C131
        await assert_refused(offline, partial(ID_CALLS[called], offline, bad))


NAME_CALLS: dict[str, Call] = {
    "snapshots.create": lambda civo, bad: civo.snapshots.create("i-1", name=bad),
    "snapshots.update": lambda civo, bad: civo.snapshots.update("i-1", "s-1", name=bad),
    "snapshots.create_many": lambda civo, bad: civo.snapshots.create_many(["i-1"], name=bad),
    "region.update": lambda civo, bad: civo.region_snapshots.update("s-1", name=bad),
    "schedules.create": lambda civo, bad: schedule(civo, name=bad),
    "schedules.update": lambda civo, bad: civo.schedules.update("c-1", name=bad),
}


@pytest.mark.parametrize("called", NAME_CALLS)
async def test_bad_names_are_refused_before_anything_is_sent(
    called: str, offline: CivoClient
) -> None:
    for bad in BAD_NAMES:  # C132
        await assert_refused(offline, partial(NAME_CALLS[called], offline, bad))


OTHER_CALLS: dict[str, Call] = {
    "nothing to update": lambda civo, _: civo.snapshots.update("i-1", "s-1"),
    "nothing to update, region": lambda civo, _: civo.region_snapshots.update("s-1"),
    "nothing to update, schedule": lambda civo, _: civo.schedules.update("c-1"),
    "one id only": lambda civo, _: civo.snapshots.get("i-1"),
    "record and id": lambda civo, _: civo.snapshots.get(
        Snapshot(id="s-1", instance_id="i-1"), "s-1"
    ),
    "record without instance": lambda civo, _: civo.snapshots.get(Snapshot(id="s-1")),
    "description no text": lambda civo, _: civo.snapshots.create("i-1", description=5),  # type: ignore[arg-type]
    "description surrogate": lambda civo, _: civo.snapshots.update(
        "i-1", "s-1", description="\ud800"
    ),
    "description of a run": lambda civo, _: civo.snapshots.create_many(
        ["i-1"], description="\ud800"
    ),
    "hostname and overwrite": lambda civo, _: civo.snapshots.restore(
        "i-1", "s-1", hostname="a", overwrite_existing=True
    ),
    "hostname and overwrite, region": lambda civo, _: civo.region_snapshots.restore(
        "s-1", hostname="a", overwrite_existing=True
    ),
    "overwrite no bool": lambda civo, _: civo.snapshots.restore(
        "i-1",
        "s-1",
        overwrite_existing=1,  # type: ignore[arg-type]
    ),
    "hostname": lambda civo, _: civo.snapshots.restore("i-1", "s-1", hostname="a..b"),
    "hostname long": lambda civo, _: civo.snapshots.restore("i-1", "s-1", hostname="a." * 127),
    "private ip": lambda civo, _: civo.snapshots.restore("i-1", "s-1", private_ip="300.1.1.1"),
    "private ip v6": lambda civo, _: civo.snapshots.restore("i-1", "s-1", private_ip="::1"),
    "private ip, region": lambda civo, _: civo.region_snapshots.restore("s-1", private_ip="x"),
    "cron": lambda civo, _: schedule(civo, cron_expression="* * * * *"),
    "cron empty": lambda civo, _: schedule(civo, cron_expression=" "),
    "cron no text": lambda civo, _: schedule(civo, cron_expression=5),
    "retention 0": lambda civo, _: schedule(civo, max_snapshots=0),
    "retention 11": lambda civo, _: schedule(civo, max_snapshots=11),
    "retention bool": lambda civo, _: schedule(civo, max_snapshots=True),
    "period": lambda civo, _: schedule(civo, period="2 days"),
    "no instances": lambda civo, _: schedule(civo, instances=[]),
    "stranger's volumes": lambda civo, _: schedule(civo, include_volumes={"i-2": True}),
    "volumes no flag": lambda civo, _: schedule(civo, include_volumes={"i-1": ["v-1"]}),
    "volumes, region": lambda civo, _: civo.region_snapshots.restore(
        "s-1",
        include_volumes=["v"],  # type: ignore[arg-type]
    ),
    "schedule description": lambda civo, _: schedule(civo, description="\ud800"),
    "schedule update": lambda civo, _: civo.schedules.update("c-1", description="\ud800"),
    "paused no bool": lambda civo, _: civo.schedules.update("c-1", paused=1),  # type: ignore[arg-type]
    "per_page 0": lambda civo, _: civo.instances.list(per_page=0).collect(),
    "per_page 101": lambda civo, _: civo.instances.list(per_page=101).collect(),
    "wait negative": lambda civo, _: civo.snapshots.wait_until_complete("i-1", "s-1", timeout=-1),
    "wait NaN": lambda civo, _: civo.snapshots.wait_until_deleted(
        "i-1", "s-1", timeout=float("nan")
    ),
    "watch forever": lambda civo, _: watched(civo, "i-1", "s-1", timeout=float("inf")),
    "one instance as a fleet": lambda civo, _: civo.snapshots.create_many("i-1"),
    "run's name": lambda civo, _: civo.snapshots.create_many(["i-1"], name="x" * 51),
    "on_existing": lambda civo, _: civo.snapshots.create_many(["i-1"], on_existing="skip"),  # type: ignore[arg-type]
    "quota": lambda civo, _: civo.snapshots.create_many(["i-1"], quota=True),  # type: ignore[arg-type]
    "concurrency": lambda civo, _: civo.snapshots.create_many(["i-1"], concurrency=0),
    "in flight": lambda civo, _: civo.snapshots.create_many(["i-1"], max_in_flight=0),
    "run's timeout": lambda civo, _: civo.snapshots.create_many(["i-1"], timeout=0),
    "retries": lambda civo, _: civo.quota.get(retries="yes"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("called", OTHER_CALLS)
async def test_what_cannot_work_is_refused_before_anything_is_sent(
    called: str, offline: CivoClient
) -> None:
    await assert_refused(offline, lambda: OTHER_CALLS[called](offline, None))


async def test_bad_time_limits_are_refused_before_anything_is_sent(offline: CivoClient) -> None:
    for bad in BAD_SECONDS:  # C136, P100
        for call in (
            partial(offline.quota.get),
            partial(offline.snapshots.create, "i-1"),
            partial(offline.snapshots.delete, "i-1", "s-1"),
        ):
            await assert_refused(offline, partial(call, timeout=bad))


async def test_a_time_is_read_with_its_zone(civo: CivoClient, done: Snapshot) -> None:
    assert done.created_at == datetime(2026, 1, 1, tzinfo=UTC)


# Items that are not as documented

LISTS: dict[str, Callable[[CivoClient, Any], Listing[Any]]] = {
    "GET /v2/instances": lambda civo, how: civo.instances.list(on_misfit=how),
    "GET /v2/instances/{id}/snapshots": lambda civo, how: civo.snapshots.list("i-1", on_misfit=how),
    "GET /v2/resourcesnapshots": lambda civo, how: civo.region_snapshots.list(on_misfit=how),
    "GET /v2/resourcesnapshotschedules": lambda civo, how: civo.schedules.list(on_misfit=how),
}


@pytest.mark.parametrize("route", LISTS)
async def test_a_list_goes_on_after_a_misfit_if_that_is_asked_for(
    civo: CivoClient, region: FakeRegion, route: str
) -> None:
    """R200."""
    items: Any = [{"id": "x-1"}, {"id": "x-2", "created_at": 5}, {"id": "x-3"}]
    region.fault(route, Fault.json(items), times=None)
    found = LISTS[route](civo, "skip")
    assert [item.id for item in await found.collect()] == ["x-1", "x-3"]
    assert found.misfits == 1
    with pytest.raises(UnexpectedResponseError, match=r"expected a time, got int at \$\[1\]"):
        await LISTS[route](civo, "raise").collect()
    with pytest.raises(InvalidArgumentError, match="on_misfit"):
        LISTS[route](civo, "ignore")


# Restores, in the forms of their answers

OWN_RESTORE = "POST /v2/instances/{id}/snapshots/{sid}/restore"
WIDE_RESTORE = "POST /v2/resourcesnapshots/{id}/restore"


@pytest.mark.parametrize("region_ids", ["outer", "inner", "name"])
@pytest.mark.parametrize("wrapping", ["documented", "always", "never"])
async def test_restores_are_read_bare_or_wrapped(wrapping: Any, region_ids: Any) -> None:
    """R193: whichever of its ids the region shows, an answer for this snapshot is ours."""
    async with (
        FakeRegion(restore_wrapping=wrapping, region_ids=region_ids, duration=(0.0, 0.0)) as region,
        CivoClient(region.token, region="LON1", api_url=region.url) as civo,
    ):
        made = await civo.snapshots.create(region.instance_ids[0])
        own = await civo.snapshots.restore(made, hostname="copy-1")
        assert (own.hostname, own.from_snapshot) == ("copy-1", made.id)
        assert own.instance_id == made.instance_id
        [item] = await civo.region_snapshots.list().collect()
        wide = await civo.region_snapshots.restore(item, hostname="copy-2")
        assert (wide.hostname, wide.from_snapshot) == ("copy-2", made.id)
        assert not wide.extra


@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_restore_answered_for_another_snapshot_is_refused(
    civo: CivoClient, region: FakeRegion, wrapped: bool
) -> None:
    """R193: the stray answer of somebody else's restore, of either endpoint."""
    made = await civo.snapshots.create(region.instance_ids[0])
    other = await civo.snapshots.create(region.instance_ids[0])
    answer: Any = {"id": "r-1", "from_snapshot": other.id, "hostname": "copy"}
    if wrapped:
        answer = {"resource_type": "instance", "instance": answer}
    for route in (OWN_RESTORE, WIDE_RESTORE):
        region.fault(route, Fault.json(answer, status=201))
    with pytest.raises(OutcomeUnknownError, match="belongs to another request"):
        await civo.snapshots.restore(made, hostname="copy")
    with pytest.raises(OutcomeUnknownError, match="belongs to another request"):
        await civo.region_snapshots.restore(made.id, hostname="copy")
