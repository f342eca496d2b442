"""R198: a token that is rotated while a client works."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.canary import TOKEN, failure
from support.wire import Wire, answer

from civo_snapshots import (
    AuthenticationError,
    CivoClient,
    ClientClosedError,
    ConfigurationError,
    DeadlineExceededError,
    Event,
    InvalidRequestError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RetryScheduled,
    TryLaterError,
)
from civo_snapshots._http import Secret, TokenSource
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")

OLD, NEW = f"{TOKEN}-old", f"{TOKEN}-new"


class Rotation:
    """A token that is another one each time; the last one stays."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]

    async def later(self) -> str:
        await asyncio.sleep(0.01)
        return self()


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    async with FakeRegion(token=NEW, clock=FakeClock(), instances=3) as region:
        yield region


def client(region: FakeRegion, token: Any, **more: Any) -> CivoClient:
    options: dict[str, Any] = {"region": region.region, "clock": region.clock}
    return CivoClient(token, api_url=region.url, **{**options, **more})


async def test_a_callable_is_asked_when_the_first_request_is_due_and_not_again(
    region: FakeRegion,
) -> None:
    """R198."""
    rotation = Rotation(NEW)
    async with client(region, rotation) as civo:
        assert rotation.asked == 0
        for _ in range(3):
            await civo.quota.get()
    assert (rotation.asked, region.total) == (1, 3)


@pytest.mark.parametrize("ask", [Rotation.__call__, Rotation.later], ids=["sync", "async"])
@pytest.mark.parametrize("retries", [True, False])
async def test_after_a_401_a_call_of_any_method_is_repeated_with_the_new_token(
    region: FakeRegion, ask: Callable[[Rotation], str | Awaitable[str]], *, retries: bool
) -> None:
    """R198: also without retries, since it is another token."""
    rotation = Rotation("another", NEW)
    async with client(region, lambda: ask(rotation), retries=retries) as civo:
        snapshot = await civo.snapshots.create(region.instance_ids[0])
        region.token = "rotated"
        rotation.tokens = ["rotated"]
        await civo.snapshots.update(snapshot, description="kept")
        region.token = NEW
        rotation.tokens = [NEW]
        await civo.snapshots.delete(snapshot)
        assert civo.requests_sent == region.total
        assert not civo.unresolved.creates
        assert not civo.unresolved.extra_snapshots
    assert rotation.asked == 4
    assert [region.statuses[status] for status in (401, 500)] == [3, 0]


async def test_who_meets_401_at_once_asks_once(region: FakeRegion) -> None:
    """R198: also those whose 401 comes when the new token is there already."""
    rotation = Rotation("another", NEW)
    async with client(region, rotation) as civo:
        await asyncio.gather(*(civo.quota.get() for _ in range(100)))
        assert rotation.asked == 2
        assert civo.requests_sent == region.total <= 200


async def test_a_second_401_is_an_error_that_says_where_the_token_came_from(
    region: FakeRegion,
) -> None:
    """R198."""
    rotation = Rotation("another", "third", "fourth")
    events: list[Event] = []
    async with client(region, rotation, on_event=events.append) as civo:
        error = await failure(civo.quota.get(), AuthenticationError)
        assert "check the token, which came from the token callable" in error.message
        assert error.call is not None
        assert error.call.attempts == civo.requests_sent == region.total == 2
        assert error.call.history == ("401 requires_authentication",)
    [told] = (event for event in events if isinstance(event, RetryScheduled))
    assert (rotation.asked, told.delay) == (2, 0)


async def test_a_call_goes_through_as_many_rotations_as_it_lives_to_see() -> None:
    """R198: a create that is told to try later for an hour outlives its token more than once."""
    refused, later = answer(b"", 401), answer({"code": "database_quota_lock_failed"}, 409)
    rotation = Rotation(OLD, NEW)
    script = [refused, later, refused, later, refused, answer({"id": "s-1"})]
    async with (
        Wire(*script) as wire,
        CivoClient(rotation, region="LON1", api_url=wire.url, clock=FakeClock()) as civo,
    ):
        assert (await civo.snapshots.get("i-1", "s-1")).id == "s-1"
        assert (rotation.asked, len(wire.requests)) == (4, 6)


async def test_the_repetition_is_none_of_the_policys_attempts(region: FakeRegion) -> None:
    """R198: what comes after it is repeated, or not, as if the 401 had not been."""
    async with client(region, Rotation("another", NEW), retries=False) as civo:
        region.fault("GET /v2/quota", Fault.status(401), times=1)
        region.fault("GET /v2/quota", Fault.status(409, {"code": "region_unavailable"}), times=1)
        error = await failure(civo.quota.get(), TryLaterError)
        assert error.call is not None
        assert error.call.attempts == region.total == 2


@pytest.mark.parametrize(
    ("status", "body", "sent"),
    [
        (200, {"result": "requires_authentication"}, 2),
        (401, {"code": "database_account_access_denied"}, 1),
        (403, {"code": "authentication_access_denied"}, 1),
    ],
)
async def test_the_code_says_whether_it_is_about_the_token(
    status: int, body: dict[str, str], sent: int
) -> None:
    """R198."""
    async with (
        Wire(answer(body, status)) as wire,
        CivoClient(lambda: TOKEN, region="LON1", api_url=wire.url, clock=FakeClock()) as civo,
    ):
        with pytest.raises((AuthenticationError, PermissionDeniedError)):
            await civo.snapshots.get("i-1", "s-1")
        assert len(wire.requests) == sent


def _raise() -> str:
    raise LookupError(f"no vault has {TOKEN}")


async def _raise_later() -> str:
    _raise()
    return ""


async def _cancel() -> str:
    raise asyncio.CancelledError


BAD: dict[str, tuple[Any, str]] = {
    "raises": (_raise, "the token callable raised LookupError"),
    "raises later": (_raise_later, "the token callable raised LookupError"),
    "cancels itself": (_cancel, "the token callable was cancelled"),
    "a line end": (lambda: f"{TOKEN}\n", "is empty or has spaces, quotes, line ends"),
    "bytes": (TOKEN.encode, "is empty or has"),
    "nothing": (lambda: "", "is empty or has"),
}


@pytest.mark.parametrize(("token", "problem"), BAD.values(), ids=BAD)
async def test_a_callable_without_a_usable_token_is_an_error_without_it(
    region: FakeRegion, token: Any, problem: str
) -> None:
    """R198: nothing is sent, and neither message nor traceback has what it returned or said."""
    async with client(region, token) as civo:
        error = await failure(civo.quota.get(), ConfigurationError)
        assert problem in error.message
        assert not error.may_have_acted
        assert civo.requests_sent == region.total == 0
        run = await civo.snapshots.create_many(region.instance_ids)
        assert {type(outcome.error) for outcome in run} == {ConfigurationError}


async def test_a_callable_that_fails_after_a_401_leaves_a_create_that_did_nothing(
    region: FakeRegion,
) -> None:
    """R198."""
    answers = iter(["another"])
    async with client(region, lambda: next(answers)) as civo:
        error = await failure(civo.snapshots.create(region.instance_ids[0]), ConfigurationError)
        assert not isinstance(error, OutcomeUnknownError)
        assert not error.may_have_acted
        assert region.total == 1


async def test_a_slow_callable_is_bounded_by_the_calls_time() -> None:
    """R198: and is given up when nobody waits for it any more, so that the next call asks anew."""
    source = TokenSource("the token callable", _hang_once())
    short, long = await asyncio.gather(source.renew(0.01), source.renew(0.05))
    for error in (short, long):
        assert isinstance(error, DeadlineExceededError)
        assert "time ran out before the token callable returned" in error.message
    assert isinstance(await source.renew(1.0), Secret)


def _hang_once() -> Callable[[], Awaitable[str]]:
    asked: list[bool] = []

    async def ask() -> str:
        asked.append(True)
        if len(asked) == 1:
            await asyncio.Event().wait()
        return TOKEN

    return ask


async def test_a_caller_that_is_cancelled_takes_the_token_from_no_other(region: FakeRegion) -> None:
    """R198."""
    rotation = Rotation(NEW)
    async with client(region, rotation.later) as civo:
        first = asyncio.create_task(civo.quota.get())
        second = asyncio.create_task(civo.quota.get())
        while civo._state.session._transport.tokens._waiting < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        first.cancel()
        await second
        assert rotation.asked == 1


async def test_closing_ends_the_wait_for_a_token(region: FakeRegion) -> None:
    """R198."""
    civo = client(region, _hang_once())
    task = asyncio.create_task(civo.quota.get())
    while not civo._state.session._transport.tokens._waiting:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await civo.close()
    await failure(task, ClientClosedError)
    await failure(civo.quota.get(), ClientClosedError)
    assert region.total == 0


async def test_every_token_of_late_is_masked(region: FakeRegion) -> None:
    """R198, X141: a server may still echo one that is no longer sent."""
    rotation = Rotation(OLD, NEW)
    async with client(region, rotation) as civo:
        await civo.quota.get()
        echo = {"code": "x", "reason": f"you sent {OLD}, not {NEW}"}
        region.fault("*", Fault.status(422, echo, {"X-Request-Id": OLD}))
        error = await failure(civo.quota.get(), InvalidRequestError)
        assert "you sent ***, not ***" in error.message


@pytest.mark.parametrize("origin", ["argument", "variable", "file"])
async def test_a_refused_token_is_blamed_on_the_place_it_came_from(
    origin: str, region: FakeRegion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R198: and asked for once, since no other can be had."""
    token, place = None, "CIVO_TOKEN"
    if origin == "argument":
        token, place = "another", "the token argument"
    elif origin == "variable":
        monkeypatch.setenv("CIVO_TOKEN", "another")
    else:
        monkeypatch.delenv("CIVO_TOKEN", raising=False)
        file = tmp_path / "civo.json"
        file.write_text('{"apikeys": {"a": "another"}, "meta": {"current_apikey": "a"}}')
        monkeypatch.setenv("CIVO_CREDENTIAL_FILE", str(file))
        place = str(file)
    async with client(region, token) as civo:
        error = await failure(civo.quota.get(), AuthenticationError)
        assert f"check the token, which came from {place}" in error.message
        assert region.total == 1
