"""The client: what it refuses to be made of, its views, and what it shares."""

import asyncio
import gc
import pickle
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.canary import TOKEN, assert_clean
from support.scene import turn

from civo_snapshots import (
    CivoClient,
    ClientClosedError,
    ConfigurationError,
    Event,
    InvalidArgumentError,
    PollPolicy,
    RegionView,
    RetryPolicy,
    RetryScheduled,
    State,
    Timeouts,
    UnexpectedResponseError,
)
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
async def region() -> AsyncIterator[FakeRegion]:
    async with FakeRegion(token=TOKEN, clock=FakeClock()) as region:
        yield region


def client(region: FakeRegion, **more: Any) -> CivoClient:
    options: dict[str, Any] = {"region": "LON1", "api_url": region.url, "clock": region.clock}
    return CivoClient(TOKEN, **{**options, **more})


BAD: dict[str, dict[str, Any]] = {
    "token with a space": {"token": f"{TOKEN} x"},  # C127
    "token with a newline": {"token": f"{TOKEN}\n"},  # C128
    "token with quotes": {"token": f'"{TOKEN}"'},
    "token not ASCII": {"token": f"{TOKEN}é"},
    "no text": {"token": TOKEN.encode()},
    "region": {"region": "LON1&token=x"},
    "http": {"api_url": "http://api.civo.com"},  # C129
    "user": {"api_url": "https://u:p@api.civo.com"},  # C130
    "path": {"api_url": "https://api.civo.com/v2"},
    "profile too": {"profile": "work"},
    "concurrency": {"concurrency": 0},  # C136
    "concurrency no number": {"concurrency": True},
    "connections": {"concurrency": 10_001},
    "max_body": {"max_body": 0},
    "retries": {"retries": 3},
    "trust_env": {"trust_env": 1},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_a_client_of_nonsense_is_refused_without_showing_the_token(options: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, InvalidArgumentError)) as caught:
        make(**options)
    # What is below this test is ours: no frame of it may hold the token.
    caught.value.__traceback__ = _below(caught.value, "make")
    assert_clean(caught.value)
    assert isinstance(caught.value, ValueError)


def make(**options: Any) -> CivoClient:
    arguments = {"token": TOKEN, "region": "LON1", **options}
    return CivoClient(arguments.pop("token"), **arguments)


def _below(error: BaseException, function: str) -> Any:
    """The part of the traceback that lies in what this function called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_name != function:
        trace = trace.tb_next
    assert trace is not None
    return trace.tb_next


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), "5", True, None])
def test_limits_are_positive_and_finite(bad: Any) -> None:  # C136
    for name in ("connect", "read", "attempt", "call", "create"):
        with pytest.raises(InvalidArgumentError, match=name):
            Timeouts(**{name: bad})
    for name in ("base", "rate_limited_base", "cap", "retry_after_cap"):
        with pytest.raises(InvalidArgumentError, match=name):
            RetryPolicy(**{name: bad})
    for name in ("floor", "ceiling"):
        with pytest.raises(InvalidArgumentError, match=name):
            PollPolicy(**{name: bad})
    if bad is not True and bad is not None:
        with pytest.raises(InvalidArgumentError):
            RetryPolicy(attempts=bad)


def test_without_a_token_the_sources_tried_are_listed() -> None:
    with pytest.raises(ConfigurationError, match=r"CIVO_TOKEN.*CIVO_CREDENTIAL_FILE"):
        CivoClient()


async def test_settings_come_from_the_environment(
    region: FakeRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIVO_TOKEN", TOKEN)
    monkeypatch.setenv("CIVO_REGION", "lon1")
    monkeypatch.setenv("CIVO_API_URL", region.url)
    async with CivoClient() as civo:
        assert len(await civo.instances.list().collect()) == 3
        assert civo.region == "lon1"


async def test_settings_come_from_the_file_of_the_cli(
    region: FakeRegion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "civo.json"
    file.write_text(
        f'{{"apikeys": {{"work": "{TOKEN}"}}, "meta": {{"default_region": "LON1", '
        f'"current_apikey": "none", "url": "{region.url}"}}}}'
    )
    monkeypatch.setenv("CIVO_CONFIG", str(file))
    async with CivoClient(profile="work") as civo:
        assert (await civo.quota.get()).free_snapshots == 10_000
    with pytest.raises(ConfigurationError, match="no API key named 'none'") as caught:
        CivoClient()
    assert_clean(caught.value)


async def test_a_client_shows_its_region_and_nothing_else(region: FakeRegion) -> None:  # X141
    async with client(region) as civo:
        assert repr(civo) == "<CivoClient region='LON1'>"
        assert isinstance(civo, RegionView)
        with pytest.raises((TypeError, AttributeError)):
            pickle.dumps(civo)


async def test_a_view_shares_everything_but_its_region(region: FakeRegion) -> None:
    async with client(region) as civo:
        view = civo.in_region("NYC1")
        assert view._state is civo._state
        assert not hasattr(view, "close")
        assert civo.region == "LON1"
        again = view.in_region("LON1")
        await again.instances.list().collect()
        assert civo.requests_sent == again.requests_sent == region.total
    with pytest.raises(ClientClosedError):
        await view.quota.get()


async def test_retries_are_a_setting_of_the_client_and_of_the_call(region: FakeRegion) -> None:
    region.fault("*", Fault.gateway_html(503), times=None)
    events: list[Event] = []
    for retries, sent in ((False, 1), (True, 8), (RetryPolicy(attempts=2), 2)):
        before = region.total
        async with client(region, retries=retries, on_event=events.append) as civo:
            with pytest.raises(Exception, match="503"):
                await civo.quota.get()
            assert region.total - before == sent
            with pytest.raises(Exception, match="503"):
                await civo.quota.get(retries=RetryPolicy(attempts=3))
            assert region.total - before == sent + 3
    retried = [event for event in events if isinstance(event, RetryScheduled)]
    assert len(retried) == 0 + 7 + 1 + 3 * 2


async def test_the_cap_of_a_body_is_a_setting(region: FakeRegion) -> None:  # B57
    async with client(region, max_body=500, retries=False) as civo:
        with pytest.raises(UnexpectedResponseError, match="max_body"):
            await civo.instances.list().collect()


async def test_at_most_so_many_requests_are_at_the_server(region: FakeRegion) -> None:  # T23
    async with client(region, concurrency=3, clock=None) as civo:
        await asyncio.gather(*(civo.quota.get() for _ in range(30)))
    assert region.connections_opened <= 3
    assert region.total == 30


async def test_closing_twice_is_fine_and_leaves_no_connection(region: FakeRegion) -> None:
    civo = client(region)
    await civo.quota.get()
    await civo.close()
    await civo.close()
    await turn()
    assert region.open_connections == 0


async def test_a_client_that_is_never_used_opens_nothing(region: FakeRegion) -> None:
    client(region)
    async with client(region):
        pass
    assert region.connections_opened == 0


async def test_states_are_checked_in_any_spelling(region: FakeRegion) -> None:
    async with client(region, states={" DONE ": State.COMPLETE}) as civo:
        route = "GET /v2/instances/{id}/snapshots/{sid}"
        region.fault(route, Fault.json({"id": "s-1", "status": {"state": "Done"}}))
        done = await civo.snapshots.wait_until_complete(region.instance_ids[0], "s-1")
        assert done.state == "Done"


async def test_a_client_left_unclosed_is_warned_of(  # L116
    region: FakeRegion, caplog: pytest.LogCaptureFixture
) -> None:
    civo = client(region)
    await civo.quota.get()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del civo
        for _ in range(3):
            gc.collect()
            caplog.clear()  # it holds the session
            await turn()
    assert {one.category for one in told} == {ResourceWarning}
    assert "a CivoClient was not closed" in str(told[0].message)
    assert TOKEN not in str([str(one.message) for one in told])


def test_loopback_may_be_plain_http() -> None:
    for url in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:8000"):
        assert CivoClient(TOKEN, api_url=url).region is None
