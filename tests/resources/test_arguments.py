"""What callers pass wrongly is said before anything is sent, whichever method they call."""

import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from civo_snapshots import (
    AmbiguousNameError,
    CivoClient,
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    Restore,
    RetentionPolicy,
    Snapshot,
    Transition,
)
from civo_snapshots.testing import FakeClock, FakeRegion

pytestmark = pytest.mark.usefixtures("nothing_left")

RESOURCES = ("instances", "snapshots", "region_snapshots", "schedules", "regions", "quota")
ARGUMENTS: dict[str, Any] = {
    "instance": "i-1",
    "instance_id": "i-1",
    "instances": ["i-1"],
    "snapshot_id": "s-1",
    "schedule": "sch-1",
    "hostname": "db1",
    "restore": Restore("r-1", hostname="copy"),
    "name": "nightly",
    "cron_expression": "0 2 * * *",
    "max_snapshots": 1,
    "region": "LON1",
    "run": None,
    "prefix": "nightly",
    "policy": RetentionPolicy(),
    "plan": None,
    "check": None,
    "cleanup": None,
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


async def told(transition: object) -> None:
    """An async callback."""


class Told:
    """A callable whose call is async."""

    async def __call__(self, transition: object) -> None: ...


CLIENT: dict[str, dict[str, Any]] = {  # R189
    "poll": {"poll": 5},
    "ssl_context": {"ssl_context": "x"},
    "ssl_context false": {"ssl_context": False},
    "clock": {"clock": 5},
    "timeouts": {"timeouts": 5},
    "timeouts zero": {"timeouts": 0},
    "states": {"states": 5},
    "states empty text": {"states": "Done"},
    "states of no text": {"states": {5: "complete"}},
    "states of a wrong word": {"states": {"Done": "finished"}},
    "on_event": {"on_event": 5},
    "on_event async": {"on_event": told},
    "http_session": {"http_session": "x"},
    "api_url": {"api_url": 5},
    "allow_insecure_http": {"allow_insecure_http": "no"},
}


@pytest.mark.parametrize("options", CLIENT.values(), ids=CLIENT)
def test_a_client_says_which_argument_is_of_a_wrong_type(options: dict[str, Any]) -> None:  # R189
    with pytest.raises((ConfigurationError, InvalidArgumentError), match=next(iter(options))):
        CivoClient("token", region="LON1", **options)


async def test_a_state_may_be_named_by_its_word() -> None:  # R189
    words: Any = {"Done": "complete"}
    spelled = {"complete": "Done", "volume_complete": "Done"}
    async with (
        FakeRegion(clock=FakeClock(), states=spelled) as region,
        CivoClient(
            region.token, region="LON1", api_url=region.url, clock=region.clock, states=words
        ) as civo,
    ):
        made = await civo.snapshots.create(region.instance_ids[0])
        assert (await civo.snapshots.wait_until_complete(made)).state == "Done"


RUNS: dict[str, dict[str, Any]] = {  # R189
    "on_change async": {"on_change": told},
    "on_change async partial": {"on_change": partial(told)},
    "on_change async object": {"on_change": Told()},
    "on_change": {"on_change": 5},
    "poll": {"poll": 5},
    "poll zero": {"poll": 0},
    "allow_empty": {"allow_empty": 1},
    "instances": {"instances": "abc"},
    "instances bytes": {"instances": b"abc"},
    "instances number": {"instances": 5},
    "instances none": {"instances": None},
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS)
def test_a_run_says_which_argument_is_of_a_wrong_type(options: dict[str, Any]) -> None:  # R189
    civo = CivoClient("token", region="LON1", api_url="http://127.0.0.1:1")
    arguments = {"instances": ["i-1"], **options}
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        civo.snapshots.create_each(**arguments)


async def test_a_schedule_does_not_take_a_text_letter_by_letter(civo: CivoClient) -> None:  # R189
    with pytest.raises(InvalidArgumentError, match="instances must be a list"):
        await civo.schedules.create(
            "nightly", cron_expression="0 2 * * *", max_snapshots=1, instances="abc"
        )


WAITS: dict[str, Callable[[CivoClient, Any], Any]] = {
    "complete": lambda civo, poll: civo.snapshots.wait_until_complete("i-1", "s-1", poll=poll),
    "deleted": lambda civo, poll: civo.snapshots.wait_until_deleted("i-1", "s-1", poll=poll),
    "restored": lambda civo, poll: civo.snapshots.wait_until_restored(
        Restore("r-1", hostname="copy"), poll=poll
    ),
    "watch": lambda civo, poll: anext(civo.snapshots.watch("i-1", "s-1", poll=poll)),
}


@pytest.mark.parametrize("poll", [5, 0, "fast"])
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
async def test_a_wait_takes_nothing_but_a_policy(
    civo: CivoClient, region: FakeRegion, wait: Callable[[CivoClient, Any], Any], poll: Any
) -> None:  # R189
    with pytest.raises(InvalidArgumentError, match="poll must be of PollPolicy"):
        await wait(civo, poll)
    assert region.total == 0


async def test_a_wait_refuses_what_it_cannot_call(civo: CivoClient, region: FakeRegion) -> None:
    """R189: and awaits an async function."""
    wrong: Any = 5
    with pytest.raises(InvalidArgumentError, match="on_change must be a function"):
        await civo.snapshots.wait_until_complete("i-1", "s-1", on_change=wrong)
    assert region.total == 0
    seen: list[Transition] = []

    async def note(transition: Transition) -> None:
        seen.append(transition)

    made = await civo.snapshots.create(region.instance_ids[0])
    await civo.snapshots.wait_until_complete(made, on_change=note)
    assert seen


async def test_a_coroutine_that_nobody_awaits_is_logged(
    civo: CivoClient, region: FakeRegion, caplog: pytest.LogCaptureFixture
) -> None:
    """R189: one that hides in a plain function shows at its first call, without a warning."""
    hidden: Any = lambda transition: told(transition)  # noqa: E731, PLW0108
    run = await civo.snapshots.create_many(region.instance_ids[:1], on_change=hidden)
    assert run.counts["complete"] == 1
    assert "on_change of a run is not awaited" in caplog.text


async def test_a_uuid_is_an_id_everywhere(civo: CivoClient, region: FakeRegion) -> None:  # R189
    instance = UUID(region.instance_ids[0])
    assert (await civo.instances.get(instance)).id == str(instance)
    made = await civo.snapshots.create(instance, name="nightly")
    key = UUID(made.id)
    assert (await civo.snapshots.get(instance, key)).instance_id == str(instance)
    assert await civo.snapshots.list(instance).collect()
    assert (await civo.snapshots.wait_until_complete(instance, key)).id == made.id
    assert (await civo.region_snapshots.get(key)).id == made.id
    run = await civo.snapshots.create_many([instance])
    assert run.counts["complete"] == 1
    schedule = await civo.schedules.create(
        "nightly",
        cron_expression="0 2 * * *",
        max_snapshots=1,
        instances=[instance],
        include_volumes={instance: False},
    )
    [listed] = region.state.schedules.values()
    assert [one.volume_ids for one in listed.instances] == [()]
    assert (await civo.schedules.get(UUID(schedule.id))).id == schedule.id
    restored = await civo.snapshots.restore(instance, key, overwrite_existing=True)
    filled: Any = instance
    again = Restore(restored.id, overwrite_existing=True, instance_id=filled)
    assert (await civo.snapshots.wait_until_restored(again)).id == str(instance)
    await civo.snapshots.delete(instance, key)
    await civo.snapshots.wait_until_deleted(instance, key)
    with pytest.raises(NotFoundError):
        await civo.snapshots.get(Snapshot(made.id, instance_id=str(instance)))


async def test_a_long_description_arrives_whole(civo: CivoClient, region: FakeRegion) -> None:
    """C134: its length is the server's to judge."""
    text = "é\n" * 2_500
    made = await civo.snapshots.create(region.instance_ids[0], description=text)
    assert (await civo.snapshots.get(made)).description == text


async def test_one_listing_finds_what_bears_a_name(civo: CivoClient, region: FakeRegion) -> None:
    """By the very text, and an id is not asked for as if it were a name."""
    first = region.add_instance("db1")
    region.add_instance("db10")
    assert (await civo.instances.get_by_name("db1")).id == first
    made = await civo.snapshots.create(first, name="nightly")
    assert (await civo.snapshots.get_by_name(first, "nightly")).id == made.id
    schedule = await civo.schedules.create(
        "weekly", cron_expression="0 2 * * 0", max_snapshots=1, instances=[first]
    )
    region.counts.clear()
    assert (await civo.schedules.get_by_name("weekly")).id == schedule.id
    assert region.total == 1
    for lookup in (
        civo.instances.get_by_name("db2"),
        civo.snapshots.get_by_name(first, "Nightly"),
        civo.schedules.get_by_name(schedule.id),
    ):
        with pytest.raises(NotFoundError, match="there is no"):
            await lookup
    for empty in (civo.instances.get_by_name(""), civo.schedules.get_by_name("")):
        with pytest.raises(InvalidArgumentError, match="name must be text"):
            await empty


async def test_a_name_that_several_bear_lists_them(civo: CivoClient, region: FakeRegion) -> None:
    two = {region.add_instance("db1"), region.add_instance("db1")}
    with pytest.raises(AmbiguousNameError, match="2 instances have the hostname 'db1'") as caught:
        await civo.instances.get_by_name("db1")
    assert {one.id for one in caught.value.candidates} == two
    assert all(one in str(caught.value) for one in two)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.candidates == caught.value.candidates
    instance = region.instance_ids[0]
    made = [await civo.snapshots.create(instance, name="nightly") for _ in range(2)]
    with pytest.raises(AmbiguousNameError) as several:
        await civo.snapshots.get_by_name(instance, "nightly")
    assert {one.id for one in several.value.candidates} == {one.id for one in made}


@pytest.mark.parametrize("app", ["backup-service/2.1", "nightly", "a" * 128])
async def test_the_user_agent_names_the_application(region: FakeRegion, app: str) -> None:
    async with CivoClient(
        region.token, region="LON1", api_url=region.url, clock=region.clock, app=app
    ) as civo:
        await civo.quota.get()
    agent = region.requests[0].headers["User-Agent"]
    assert agent.startswith("civo-snapshots/")
    assert agent.endswith(f" {app}")


@pytest.mark.parametrize(
    "app",
    [" ", "a b", "a/b/c", "/1", "a/", "é", "a\r\nX: y", "a\n", "a" * 129, "(a)", None, 5, b"a"],
)
def test_an_application_that_no_header_may_hold_is_refused(app: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="app must be a name or name/version"):
        CivoClient("token", region="LON1", app=app)
