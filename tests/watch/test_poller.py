"""Which requests a tick makes: the cheapest that show what is due."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from support.scene import Scene, Waiter, gone, named, snapshot, turn

from civo_snapshots import (
    AuthenticationError,
    CivoError,
    ConnectionLostError,
    Event,
    ListingAvoided,
    NotFoundError,
    PermissionDeniedError,
    PollFailedError,
    PollPolicy,
    RateLimitError,
    ServerError,
    ServiceDisabledError,
    Snapshot,
    SnapshotUnsettledError,
    SnapshotVanishedError,
)
from civo_snapshots._api import is_listing_refusal
from civo_snapshots._watch import DeletionWait, Watcher
from civo_snapshots.errors import ApiError


@pytest.fixture(autouse=True)
async def _ends_by_itself(nothing_left: None) -> AsyncIterator[None]:
    """A watcher stops a few turns of the event loop after its last wait, and leaves no task."""
    yield
    await turn()


def watcher_of(scene: Scene) -> Watcher:
    return Watcher(scene.api(), scene.clock)


async def completed(waiters: list[Waiter]) -> list[str]:
    return [(await waiter.snapshot()).id for waiter in waiters]


# The cheapest plan


async def test_one_snapshot_takes_one_get() -> None:
    scene = Scene()
    (key,) = scene.add(1, shown="Complete")
    assert (await Waiter(scene, watcher_of(scene), key).snapshot()).state == "Complete"
    assert scene.asked == [("get", key[1], 0)]
    assert scene.has_own_slot == [True]


async def test_several_waits_for_one_snapshot_take_one_get() -> None:
    scene = Scene()
    (key,) = scene.add(1, shown="Complete")
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for _ in range(5)]
    assert await completed(waiters) == [key[1]] * 5
    assert scene.counts == {"get": 1}


async def test_several_snapshots_of_one_instance_take_its_listing() -> None:
    scene = Scene()
    keys = scene.add(1, each=3, shown="Complete")
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in (*keys, keys[0])]
    assert await completed(waiters) == [key for _, key in (*keys, keys[0])]
    assert scene.asked == [("instance", "i-0", 0)]


async def test_many_instances_take_one_listing_of_the_region() -> None:  # P101
    scene = Scene()
    keys = scene.add(1000)
    scene.finish(at=30)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    assert await completed(waiters) == [key for _, key in keys]
    assert scene.counts == {"region": watcher.ticks}
    assert watcher.ticks < 30


async def test_a_listing_serves_waits_that_are_not_due_yet_too() -> None:
    scene = Scene()
    first, second, third = scene.add(3, shown="Complete")
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, first), Waiter(scene, watcher, second)]
    later = Waiter(scene, watcher, third, due=100)
    assert await completed([*waiters, later]) == [first[1], second[1], third[1]]
    assert scene.counts == {"region": 1}


# What a listing does not show


async def test_what_an_instances_listing_lacks_is_asked_for_by_get() -> None:
    scene = Scene()
    keys = scene.add(1, each=3, shown="Complete")
    scene.unlisted = {keys[1][1]}
    watcher = watcher_of(scene)
    assert len(await completed([Waiter(scene, watcher, key) for key in keys])) == 3
    assert scene.asked == [("instance", "i-0", 0), ("get", keys[1][1], 0)]


async def test_an_instances_listing_that_is_not_found_says_nothing_yet() -> None:
    scene = Scene(faults={"instance": [gone("database_instance_find")]})
    keys = scene.add(1, each=2, shown="Complete")
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts == {"instance": 1, "get": 2}


async def test_an_instances_listing_that_fails_is_a_failed_poll_of_each_wait() -> None:
    scene = Scene(faults={"instance": [ConnectionLostError("lost"), None]})
    keys = scene.add(1, each=2, shown="Complete")
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.times("instance") == [0, 1]
    assert scene.counts == {"instance": 2}


async def test_what_the_regions_listing_lacks_is_asked_for_before_it_counts_as_missing() -> None:
    scene = Scene()  # P102
    keys = scene.add(3)
    scene.finish(at=60)
    scene.unlisted = {keys[1][1]}
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    asked = {key for kind, key, _ in scene.asked if kind == "get"}
    assert asked == {keys[1][1]}
    assert min(scene.times("get")) >= 5  # a replica may lag behind


async def test_what_was_listed_late_is_not_asked_for() -> None:
    scene = Scene()
    keys = scene.add(3)
    scene.finish(at=20)
    scene.finish(keys[0], at=20)
    hidden = scene.shown[keys[0]]
    assert callable(hidden)
    scene.shown[keys[0]] = lambda now: hidden(now) if now >= 3 else None
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert set(scene.counts) == {"region"}


async def test_a_deletion_is_told_by_the_snapshots_own_get_only() -> None:  # P102
    scene = Scene()
    keys = scene.add(3)
    for key in keys[:2]:
        scene.shown[key] = lambda now: "Pending" if now < 20 else None
    scene.unlisted = {keys[2][1]}
    watcher = watcher_of(scene)
    going = [Waiter(scene, watcher, key, kind=DeletionWait) for key in keys[:2]]
    staying = Waiter(scene, watcher, keys[2], kind=DeletionWait, timeout=100)
    for waiter in going:
        assert isinstance(await waiter.end(), Snapshot)
    assert isinstance(await staying.end(), CivoError)
    assert scene.counts["get"] >= 3


async def test_a_snapshot_that_is_gone_is_told_after_five_seconds() -> None:  # P95
    scene = Scene()
    keys = scene.add(3)
    scene.shown[keys[0]] = lambda now: "Pending" if now < 3 else None
    scene.finish(*keys[1:], at=40)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    error = await waiters[0].end()
    assert isinstance(error, SnapshotVanishedError)
    assert scene.counts["get"] == 6
    await completed(waiters[1:])


async def test_a_listing_that_shows_no_awaited_snapshot_is_avoided_for_a_while() -> None:
    scene = Scene()
    keys = scene.add(3)
    scene.finish(at=400)
    scene.unlisted = {key for _, key in keys}
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    asked = scene.times("region")
    late = [at for at in asked if at > 10]
    assert late  # it is tried again,
    assert late[0] >= 300  # after five minutes
    assert len(asked) - len(late) <= 7


async def test_a_listing_that_is_too_long_is_given_up_for_gets() -> None:
    scene = Scene(too_large_for=3)
    keys = scene.add(3)
    scene.finish(at=100)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.times("region") == [0]
    assert scene.counts["get"] == 3 * watcher.ticks


async def test_a_listing_that_was_too_long_is_tried_again_for_twice_as_many_waits() -> None:
    scene = Scene(too_large_for=3)
    keys = scene.add(7)
    scene.finish(at=20)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys[:3]]
    await scene.clock.sleep(10)
    waiters += [Waiter(scene, watcher, key) for key in keys[3:]]
    await completed(waiters)
    asked = scene.times("region")
    assert asked[0] == 0
    assert min(asked[1:]) >= 10
    assert max(scene.times("get")) < 11


async def test_a_listing_that_takes_long_to_read_is_read_less_often() -> None:
    scene = Scene(spent=0.25)
    keys = scene.add(3)
    scene.finish(at=20)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    asked = scene.times("region")
    assert {later - earlier for earlier, later in pairwise(asked)} == {5.0}


async def test_the_first_poll_tells_only_what_the_create_had_not() -> None:
    scene = Scene()
    keys = scene.add(2)
    scene.finish(at=5)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key, known=known(key)) for key in keys]
    await completed(waiters)
    for waiter in waiters:
        assert [(change.before, change.after) for change in waiter.changes] == [
            ("Pending", "Complete")
        ]
        assert waiter.progress.polls == watcher.ticks


# Whose item it is


def known(key: tuple[str, str], name: str = "") -> Snapshot:
    return snapshot(key[1], "Pending", key[0], name or named(*key))


async def test_an_inner_id_is_proof_too() -> None:
    scene = Scene(ids="inner")
    keys = scene.add(3, shown="Complete")
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts == {"region": 1}


async def test_an_end_that_only_a_name_supports_is_confirmed_by_get() -> None:
    scene = Scene(ids="name")
    keys = scene.add(3)
    scene.finish(at=10)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key, known=known(key)) for key in keys])
    assert scene.counts["get"] == 3
    assert min(scene.times("get")) >= 10
    assert scene.counts["region"] == watcher.ticks


async def test_that_it_settles_is_not_believed_by_its_name_alone() -> None:
    """R178: the end of the volume grace is an end too, and needs a GET."""
    scene = Scene(ids="name")
    keys = scene.add(3)
    scene.finish(at=10, shown=("Complete", "Completed", "Pending"))
    watcher = watcher_of(scene)
    ends = [await one.end() for one in [Waiter(scene, watcher, k, known=known(k)) for k in keys]]
    assert {type(end) for end in ends} == {SnapshotUnsettledError}
    assert min(scene.times("get")) >= 10
    assert scene.counts["get"] == 3 * len([at for at in scene.times("region") if at >= 10])


async def test_a_name_that_anybody_may_choose_identifies_nothing() -> None:
    scene = Scene(ids="name")
    keys = scene.add(3)
    scene.finish(at=8)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key, known=known(key, "before-upgrade")) for key in keys]
    await completed(waiters)
    assert scene.counts["get"] > 3  # each end was seen by its own GET


async def test_an_end_that_only_a_name_supports_is_confirmed_when_its_wait_is_due() -> None:
    scene = Scene(ids="name")
    keys = scene.add(3, shown="Complete")
    watcher = watcher_of(scene)
    due = [Waiter(scene, watcher, key, known=known(key)) for key in keys[:2]]
    later = Waiter(scene, watcher, keys[2], known=known(keys[2]), due=50)
    await completed(due)
    assert not later.done
    await later.snapshot()
    assert later.ended_at == 50


# What it costs


async def test_a_listing_that_is_mostly_of_others_is_asked_for_once() -> None:
    scene = Scene(strangers=20_000)
    keys = scene.add(20)
    scene.finish(at=5)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts["region"] == 1
    assert scene.counts["get"] == 20 * (watcher.ticks - 1)
    assert all(scene.has_own_slot)  # R171: no creates are in its way


async def test_a_listing_pays_again_when_enough_waits_are_registered() -> None:
    scene = Scene(strangers=4_000)
    keys = scene.add(60)
    scene.finish(at=5)
    watcher = watcher_of(scene)
    few = [Waiter(scene, watcher, key) for key in keys[:5]]
    await completed(few)
    assert scene.counts["region"] == 1
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts["region"] == 2


# A listing that is refused


@pytest.mark.parametrize(
    "error",
    [
        gone(""),
        PermissionDeniedError("no", status=403),
        ServiceDisabledError("no", status=403),
        ApiError("no", status=405),
        ServerError("no", status=501),
    ],
    ids=lambda error: str(error.status),
)
async def test_without_a_listing_each_wait_that_is_due_takes_a_get(error: ApiError) -> None:  # S79
    assert is_listing_refusal(error)
    scene = Scene(faults={"region": [error]})
    *keys, last = scene.add(31)
    scene.finish(at=4)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    later = Waiter(scene, watcher, last, due=100)
    await completed(waiters)
    assert scene.times("region") == [0, 1]  # R163: one refusal by itself is not believed
    assert scene.counts["get"] == 30 * watcher.ticks
    later.remove()


async def test_a_refused_listing_is_tried_again_later() -> None:
    scene = Scene(faults={"region": [gone(), gone(), None]})
    keys = scene.add(3)
    scene.finish(at=400)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    first, second, third, *_ = scene.times("region")
    assert (first, second, third >= 301) == (0, 1, True)


async def test_one_refusal_of_a_listing_that_has_worked_costs_no_gets() -> None:
    """R163, R153: a firewall or a gateway that is being changed says so as well."""
    denied = PermissionDeniedError("no", status=403)
    scene = Scene(faults={"region": [None, denied, None, gone(""), None]})
    keys = scene.add(30)
    scene.finish(at=20)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert set(scene.counts) == {"region"}


@pytest.mark.parametrize(
    "error",
    [ConnectionLostError("lost"), ServerError("no", status=503), RateLimitError("no", status=429)],
    ids=["lost", "503", "429"],
)
async def test_a_transient_error_of_a_listing_is_no_refusal(error: CivoError) -> None:
    assert not is_listing_refusal(error)
    scene = Scene(faults={"region": [error, error, None]})
    keys = scene.add(3, shown="Complete")
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts == {"region": 3}


async def test_a_listing_that_fails_where_gets_work_is_replaced_by_gets() -> None:
    """R163: two GETs, one after each of two failures in a row, prove that it alone is broken."""
    scene = Scene(faults={"region": [ConnectionLostError("lost")]})
    keys = scene.add(3)
    scene.finish(at=20)
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.times("region") == [0, 1, 3, 7]
    assert [at for at in scene.times("get") if at < 7] == [3]
    assert len([at for at in scene.times("get") if at == 7]) == 1 + 3


@pytest.mark.parametrize("failures", range(1, 12))
async def test_a_listing_that_fails_in_an_outage_is_not_replaced_by_gets(failures: int) -> None:
    """R163: the GETs of N snapshots would meet the same outage."""
    lost = ServerError("out", status=503)
    scene = Scene(faults={"region": [lost] * failures + [None]})
    keys = scene.add(500)
    scene.finish(at=100)
    scene.faults["get"] = [lost] * failures + [None]
    watcher = watcher_of(scene)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts["get"] == max(0, failures - 2)
    assert max(b - a for a, b in pairwise(scene.times("region"))) <= 11


async def test_that_a_listing_is_avoided_is_told_once() -> None:
    """R163, R186."""
    told: list[Event] = []
    scene = Scene(faults={"region": [gone()]})
    keys = scene.add(3)
    scene.finish(at=700)
    api = scene.api()
    api.session._teller._listeners = (told.append,)
    watcher = Watcher(api, scene.clock)
    await completed([Waiter(scene, watcher, key) for key in keys])
    assert scene.counts["region"] == 4  # twice, and again after five minutes
    assert [one for one in told if isinstance(one, ListingAvoided)] == [
        ListingAvoided("LON1", "not found", 300.0)
    ]


# A token that is refused, or a region that is unknown

REFUSED = AuthenticationError("no", status=401)
UNKNOWN_REGION = gone("database_region_not_found")


@pytest.mark.parametrize("error", [REFUSED, UNKNOWN_REGION], ids=["token", "region"])
async def test_a_proven_refusal_ends_every_wait_within_six_seconds(error: CivoError) -> None:
    """P97, R153, R155: after three requests, whatever the number of waits."""
    scene = Scene(faults={"region": [error], "get": [error]})
    keys = scene.add(30)
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    for waiter in waiters:
        ended = await waiter.end()
        assert isinstance(ended, PollFailedError)
        assert ended.error is error
    assert scene.times("region") == [0]
    assert scene.times("get") == [1, 5]


@pytest.mark.parametrize("refusals", [1, 2])
@pytest.mark.parametrize("kind", ["region", "get", "instance"])
@pytest.mark.parametrize("error", [REFUSED, UNKNOWN_REGION], ids=["token", "region"])
async def test_a_stray_refusal_ends_no_wait(error: CivoError, kind: str, refusals: int) -> None:
    """R153, R155."""
    scene = Scene(faults={kind: [error] * refusals + [None]})
    if kind != "region":
        scene.faults["region"] = [gone()]
    keys = scene.add(30, each=2 if kind == "instance" else 1)
    scene.finish(at=20)
    watcher = watcher_of(scene)
    assert len(await completed([Waiter(scene, watcher, key) for key in keys])) == len(keys)


async def test_a_listing_that_alone_is_refused_is_replaced_by_gets() -> None:
    """R153: it may take a right of its own."""
    scene = Scene(faults={"region": [REFUSED]})
    keys = scene.add(3)
    scene.finish(at=60)
    watcher = watcher_of(scene)
    assert len(await completed([Waiter(scene, watcher, key) for key in keys])) == 3
    assert scene.counts["region"] == 4


async def test_one_round_asks_no_further_after_a_refused_token() -> None:
    """R153: not once for each of a thousand waits."""
    scene = Scene(faults={"region": [gone()], "get": [REFUSED]})
    keys = scene.add(1000)
    watcher = watcher_of(scene)
    for waiter in [Waiter(scene, watcher, key) for key in keys]:
        assert isinstance(await waiter.end(), PollFailedError)
    assert scene.counts["get"] <= 8 + 2  # as many as were on their way, and the confirmation


@pytest.mark.parametrize("code", ["authentication_access_denied", ""])
async def test_a_snapshot_that_may_not_be_read_ends_its_own_wait_alone(code: str) -> None:
    """R154."""
    scene = Scene(faults={"region": [gone()]})
    keys = scene.add(20)
    scene.finish(at=30)
    scene.denied = {keys[3][1]: PermissionDeniedError("no", status=403, code=code)}
    watcher = watcher_of(scene)
    waiters = [Waiter(scene, watcher, key) for key in keys]
    ends = [await waiter.end() for waiter in waiters]
    assert [n for n, end in enumerate(ends) if not isinstance(end, Snapshot)] == [3]
    assert isinstance(ends[3], PollFailedError)
    assert waiters[3].ended_at is not None
    assert 5 <= waiters[3].ended_at <= 10


async def test_a_right_that_is_missing_in_the_whole_region_ends_all_waits() -> None:
    """R153: every GET of the round was refused, and so were two later ones."""
    denied = PermissionDeniedError("no", status=403)
    scene = Scene(faults={"region": [denied], "get": [denied]})
    keys = scene.add(20)
    watcher = watcher_of(scene)
    for waiter in [Waiter(scene, watcher, key) for key in keys]:
        assert isinstance(await waiter.end(), PollFailedError)
    assert scene.counts["get"] == 20 + 2
    assert scene.clock.monotonic() == 5


# An outage


async def test_an_outage_is_not_amplified() -> None:  # F108, P96
    scene = Scene(faults={"region": [gone()], "get": [ConnectionLostError("lost")]})
    keys = scene.add(1000)
    watcher = watcher_of(scene)
    minute = PollPolicy(jitter=0, tolerate=60)
    waiters = [Waiter(scene, watcher, key, policy=minute) for key in keys]
    for waiter in waiters:
        error = await waiter.end()
        assert isinstance(error, PollFailedError)
        assert isinstance(error.error, ConnectionLostError)
    # A round stops at its third fault; its eight workers may have begun one GET each by then.
    assert scene.counts["get"] <= watcher.ticks * (3 + 8)
    assert watcher.ticks <= 70


async def test_an_outage_that_ends_is_survived() -> None:
    lost = ConnectionLostError("lost")
    scene = Scene(faults={"region": [gone()], "get": [lost] * 40 + [None]})
    keys = scene.add(50)
    scene.finish(at=30)
    watcher = watcher_of(scene)
    assert len(await completed([Waiter(scene, watcher, key) for key in keys])) == 50


async def test_a_404_does_not_stop_a_round() -> None:
    scene = Scene(faults={"region": [gone()], "get": [gone()]})
    keys = scene.add(20)
    watcher = watcher_of(scene)
    for waiter in [Waiter(scene, watcher, key) for key in keys]:
        assert isinstance(await waiter.end(), SnapshotVanishedError | NotFoundError)
    assert scene.counts["get"] == 20 * watcher.ticks


async def test_a_round_over_several_instances_uses_their_listings() -> None:
    scene = Scene(faults={"region": [gone()]})
    keys = scene.add(3, each=2, shown="Complete")
    watcher = watcher_of(scene)
    assert len(await completed([Waiter(scene, watcher, key) for key in keys])) == 6
    assert scene.counts == {"region": 1, "instance": 3}
    assert scene.has_own_slot == [True] * 3


async def test_when_listings_of_instances_fail_no_round_of_gets_follows() -> None:  # P96
    scene = Scene()
    keys = [*scene.add(9, each=2), ("i-9", "s-9")]
    scene.shown[keys[-1]] = "Pending"
    scene.faults["region"] = [ServiceDisabledError("none here", status=403)]
    scene.faults["instance"] = [ServerError("no", status=503)]
    waiters = [Waiter(scene, watcher_of(scene), key, timeout=0) for key in keys[-1:]]
    watcher = watcher_of(scene)
    waiters += [Waiter(scene, watcher, key, timeout=0) for key in keys]
    for waiter in waiters:
        await waiter.end()
    assert scene.counts["get"] == 1  # of the single wait with a watcher of its own
    assert 3 <= scene.counts["instance"] <= 8
