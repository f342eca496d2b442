"""What callers pass wrongly is said before anything is sent, whichever method they call."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from civo_snapshots import CivoClient, InvalidArgumentError, Restore
from civo_snapshots.testing import FakeClock, FakeRegion

pytestmark = pytest.mark.usefixtures("nothing_left")

RESOURCES = ("instances", "snapshots", "region_snapshots", "schedules", "regions", "quota")
ARGUMENTS: dict[str, Any] = {
    "instance": "i-1",
    "instance_id": "i-1",
    "instances": ["i-1"],
    "snapshot_id": "s-1",
    "schedule": "sch-1",
    "restore": Restore("r-1", hostname="copy"),
    "name": "nightly",
    "cron_expression": "0 2 * * *",
    "max_snapshots": 1,
    "region": "LON1",
    "run": None,
}
"""What a parameter without a default is given; `snapshot` differs."""


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    async with FakeRegion(clock=FakeClock()) as region:
        yield region


@pytest.fixture
async def civo(region: FakeRegion) -> AsyncIterator[CivoClient]:
    async with CivoClient(
        region.token, region=region.region, api_url=region.url, clock=region.clock
    ) as civo:
        yield civo


def methods_of(owner: object) -> Iterator[str]:
    """The names of what can be called on it."""
    for name, found in inspect.getmembers_static(type(owner)):
        if not name.startswith("_") and inspect.isfunction(found):
            yield name


def every_method() -> list[str]:
    """Each public method of the client and its resources, as what follows `civo.`."""
    client = CivoClient("token", region="LON1", api_url="http://127.0.0.1:1")
    names = list(methods_of(client))
    return names + [
        f"{resource}.{name}"
        for resource in RESOURCES
        for name in methods_of(getattr(client, resource))
    ]


def called(civo: CivoClient, method: str) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """The method, and the arguments with which it could be called."""
    owner: Any = civo
    for name in method.split("."):
        owner = getattr(owner, name)
    args: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, parameter in inspect.signature(owner).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if name == "snapshot":
            args.append("s-1" if method.startswith("region_") else "i-1")
        elif name == "snapshot_id" and parameter.kind is parameter.POSITIONAL_ONLY:
            args.append("s-1")
        elif parameter.default is parameter.empty:
            keywords[name] = ARGUMENTS[name]
    return owner, args, keywords


async def answer_of(result: Any) -> Any:
    """What a coroutine returns; a listing or a stream has to refuse at the call."""
    return await result if inspect.isawaitable(result) else result


def test_the_methods_are_found() -> None:
    found = every_method()
    assert {"close", "in_region", "snapshots.watch", "schedules.list", "quota.get"} <= set(found)
    assert len(found) > 25


@pytest.mark.parametrize("method", every_method())
async def test_no_keyword_is_swallowed(
    civo: CivoClient, region: FakeRegion, method: str
) -> None:  # R187
    function, args, keywords = called(civo, method)
    for wrong in ("timeuot", "snapshot_name", "overwrite"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{wrong}'"):
            await answer_of(function(*args, **keywords, **{wrong: 5}))
    assert region.total == civo.requests_sent == 0


OPTIONED = [
    name
    for name in every_method()
    if any(
        parameter.kind is parameter.VAR_KEYWORD
        for parameter in inspect.signature(
            called(CivoClient("t", region="LON1", api_url="http://127.0.0.1:1"), name)[0]
        ).parameters.values()
    )
]


@pytest.mark.parametrize("method", OPTIONED)
async def test_an_option_of_a_wrong_type_is_refused(
    civo: CivoClient, region: FakeRegion, method: str
) -> None:  # R187
    function, args, keywords = called(civo, method)
    wrongs: list[dict[str, Any]] = [{"timeout": "5"}]
    wrongs += [] if "_many" in method or "_each" in method else [{"retries": 3}]
    for wrong in wrongs:
        with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
            await answer_of(function(*args, **keywords, **wrong))
    assert region.total == 0


def nothing() -> Iterator[str]:
    """A filter that matched no instance."""
    yield from ()


async def nothing_async() -> AsyncIterator[str]:
    for instance in nothing():
        yield instance


EMPTY: dict[str, Callable[[], Any]] = {
    "list": list,
    "set": set,
    "generator": nothing,
    "async generator": nothing_async,
}


@pytest.mark.parametrize("quota", ["check", "ignore"])
@pytest.mark.parametrize("instances", EMPTY.values(), ids=EMPTY)
async def test_a_run_over_nothing_is_refused_unless_it_is_expected(
    civo: CivoClient, region: FakeRegion, instances: Callable[[], Any], quota: Any
) -> None:  # R188
    with pytest.raises(InvalidArgumentError, match="allow_empty=True"):
        await civo.snapshots.create_many(instances(), name="nightly", quota=quota)
    run = await civo.snapshots.create_many(
        instances(), name="nightly", quota=quota, allow_empty=True
    )
    assert (len(run), run.partial, region.total) == (0, False, 0)


async def test_a_known_emptiness_is_refused_at_the_call(civo: CivoClient) -> None:  # R188
    with pytest.raises(InvalidArgumentError, match="no instances"):
        civo.snapshots.create_each([], name="nightly")


@pytest.mark.parametrize("name", [None, "nightly"])
async def test_a_generator_that_was_looked_into_loses_nothing(
    civo: CivoClient, region: FakeRegion, name: str | None
) -> None:  # R188
    async def found() -> AsyncIterator[str]:
        for instance in region.instance_ids:
            yield instance

    for instances in (iter(region.instance_ids), found()):
        run = await civo.snapshots.create_many(instances, name=name)
        assert [one.instance_id for one in run] == region.instance_ids
        assert run.counts["complete"] == 3
