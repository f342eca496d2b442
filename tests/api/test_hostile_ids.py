"""Ids that could change a path: none of them makes a request, wherever it comes from."""

import random
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from civo_snapshots import (
    CivoClient,
    CivoError,
    ConfigurationError,
    FleetRun,
    InvalidArgumentError,
    Outcome,
    OutcomeKind,
    PollPolicy,
    Restore,
    Snapshot,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

FIXED: tuple[object, ...] = (
    *("", ".", "..", "...", "/", "//", "\\", "a/b", "a\\b", "../x", "./x", "x/..", "a/../../quota"),
    *("%2e%2e", "%2E%2E%2f", "..%2f", "%252e%252e", "%", "a%00", "%2f", "..;", ";", "a;b", "~"),
    *("a?x", "a#f", "?region=NYC1", "#", "&", "a&region=NYC1", "=", "+", " ", "a b", " a", "a "),
    *("a\r\nX: y", "\n", "a\n", "\t", "\x00", "a\x00", "\x7f", "\x1b[31m", "\x85", "a\u2028b"),
    *("\uff0e\uff0e", "\u2024\u2024", "\u2215", "\u29f8", "\u0430bc", "\u0661\u0662", "\u212a"),
    *("\ud800", "\U0001f4a3", "e\u0301", "\u202e", "\ufeffa", "a\u200b", "\u00e9"),
    *("-a", "_a", ".a", "@", "a@b", "a:b", "http://evil.example/", "//evil.example", "x" * 129),
    *("x" * 10_000, "../" * 50, "{id}", "${x}", "'", '"', "`id`", "a,b", "(a)", "a|b", "*", "[x]"),
    *(None, 0, 1, -1, 5.5, True, float("nan"), b"i-1", [], ["i-1"], {}, {"id": "i-1"}, ("i-1",)),
    *(object(), Ellipsis, str, 10**5000),
)
ALPHABET = (
    "a0-_.  ./\\%25#?&;:@=+~\r\n\t\x00\x1b\u00e9\uff0e\u2215\u0430\U0001f4a3'\"<>|*(){}[]^`$,!"
)
PLAIN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}", re.ASCII)
TEXTS = tuple(one for one in FIXED if isinstance(one, str) and one)


def hostile(count: int) -> Iterator[object]:
    """So many invalid ids."""
    yield from FIXED
    rng, made = random.Random(131), len(FIXED)
    while made < count:
        text = "".join(rng.choices(ALPHABET, k=rng.choice((1, 2, 3, 8, 40, 200))))
        if not PLAIN.fullmatch(text):
            made += 1
            yield text


async def consumed(items: Any) -> None:
    async for _ in items:
        pass


def calls_of(civo: CivoClient, bad: Any) -> Mapping[str, Callable[[], Any]]:
    """Every public way to pass an id, by a name for it."""
    snapshots, region, schedules = civo.snapshots, civo.region_snapshots, civo.schedules

    def schedule(**more: Any) -> Any:
        given: dict[str, Any] = {"instances": ["i-1"], **more}
        return schedules.create("n", cron_expression="0 2 * * *", max_snapshots=1, **given)

    calls: dict[str, Callable[[], Any]] = {
        "instances.get": lambda: civo.instances.get(bad),
        "create": lambda: snapshots.create(bad),
        "list": lambda: snapshots.list(bad).collect(),
        "create_many": lambda: snapshots.create_many([bad]),
        "create_many, half good": lambda: snapshots.create_many(["i-1", bad], name="n"),
        "create_each": lambda: consumed(snapshots.create_each([bad])),
        "region.get": lambda: region.get(bad),
        "region.update": lambda: region.update(bad, name="n"),
        "region.delete": lambda: region.delete(bad, missing_ok=True),
        "region.restore": lambda: region.restore(bad, hostname="h"),
        "schedules.get": lambda: schedules.get(bad),
        "schedules.update": lambda: schedules.update(bad, paused=True),
        "schedules.delete": lambda: schedules.delete(bad, missing_ok=True),
        "schedules.create": lambda: schedule(instances=[bad]),
    }

    async def watched(instance: Any, snapshot: Any) -> None:
        await consumed(snapshots.watch(instance, snapshot))

    for place, key in {"instance": (bad, "s-1"), "snapshot": ("i-1", bad)}.items():
        calls |= {
            f"get, {place}": partial(snapshots.get, *key),
            f"update, {place}": partial(snapshots.update, *key, description="d"),
            f"delete, {place}": partial(snapshots.delete, *key, missing_ok=True),
            f"restore, {place}": partial(snapshots.restore, *key, hostname="h"),
            f"wait, {place}": partial(snapshots.wait_until_complete, *key),
            f"deleted, {place}": partial(snapshots.wait_until_deleted, *key),
            f"watch, {place}": partial(watched, *key),
        }
    return calls


def record_calls(civo: CivoClient, bad: str) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """The same with records, whose ids came from answers."""
    calls: dict[str, Callable[[], Awaitable[object]]] = {}
    for record in (Snapshot(bad, instance_id="i-1"), Snapshot("s-1", instance_id=bad)):
        made = Outcome("i-1", "n", OutcomeKind.COMPLETE, record)
        calls |= {
            f"get {record.id}": partial(civo.snapshots.get, record),
            f"delete {record.id}": partial(civo.snapshots.delete, record),
            f"restore {record.id}": partial(civo.snapshots.restore, record),
            f"wait {record.id}": partial(civo.snapshots.wait_until_complete, record),
            f"roll back {record.id}": partial(civo.snapshots.roll_back, FleetRun("n", (made,))),
        }
    restore = Restore("r-1", overwrite_existing=True, instance_id=bad)
    calls["restored"] = lambda: civo.snapshots.wait_until_restored(restore)
    return calls


async def test_no_hostile_id_makes_a_request(nothing_left: None) -> None:
    """C131, X145: 2,000 ids on every method that takes one."""
    async with (
        FakeRegion() as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        for bad in hostile(2_000):
            for call in calls_of(civo, bad).values():
                with pytest.raises(InvalidArgumentError):
                    await call()
            with pytest.raises(ConfigurationError):
                civo.in_region(bad)  # type: ignore[arg-type]
        assert region.total == 0
        assert civo.requests_sent == 0


async def test_no_record_with_a_hostile_id_makes_a_request(nothing_left: None) -> None:
    """X145: a record may have been made from an answer."""
    async with (
        FakeRegion() as region,
        CivoClient(region.token, region=region.region, api_url=region.url) as civo,
    ):
        for bad in TEXTS:
            for call in record_calls(civo, bad).values():
                with pytest.raises((InvalidArgumentError, ExceptionGroup)):
                    await call()
        assert region.total == 0


def assert_meant(region: FakeRegion) -> None:
    """Every request went to a route of the API, for an instance that exists."""
    known = {*region.instance_ids}
    for request in region.requests:
        assert not request.route.endswith("(unknown)"), request.path
        parts = request.path.split("/")
        assert all(PLAIN.fullmatch(part) for part in parts[1:]), request.path
        assert parts[2] != "instances" or parts[3] in known, request.path


@pytest.mark.parametrize("listing", [True, False])
async def test_a_hostile_id_in_an_answer_goes_nowhere(listing: bool, nothing_left: None) -> None:
    """X145: create, list, wait, adopt and delete, each answered with such an id."""
    clock = FakeClock()
    policy = PollPolicy(tolerate=5)
    async with (
        FakeRegion(instances=2, clock=clock, region_listing=listing) as region,
        CivoClient(
            region.token, region=region.region, api_url=region.url, clock=clock, poll=policy
        ) as civo,
    ):
        first = region.instance_ids[0]
        for bad in TEXTS:
            region.clear_faults()
            item = {"id": bad, "name": "n-1", "status": {"state": "Pending"}}
            outer = {**item, "instance": item}
            name = f"run-{TEXTS.index(bad)}"
            region.fault("POST /v2/instances/{id}/snapshots", Fault.json(item, status=201))
            region.fault("GET /v2/instances/{id}/snapshots", Fault.json([item]), times=2)
            region.fault("GET /v2/resourcesnapshots", Fault.json([outer]), times=2)
            made = await civo.snapshots.create(first, name="n-1")
            assert made.id == bad
            [listed] = await civo.snapshots.list(first).collect()
            for record in (made, listed):
                for call in (
                    civo.snapshots.delete,
                    civo.snapshots.get,
                    civo.snapshots.wait_until_complete,
                ):
                    with pytest.raises(CivoError):
                        await call(record)
            run = await civo.snapshots.create_many(region.instance_ids, name=name)
            assert len(run) == 2
        assert_meant(region)
