"""The token is nowhere to be found: every class of error, as the client really raises it (X141)."""

import asyncio
import logging
import pickle
import socket
import warnings
from collections.abc import Awaitable, Callable
from inspect import isclass

import pytest
from attrs import frozen
from support.canary import TOKEN, assert_clean
from support.wire import Wire, silence

from civo_snapshots import CivoClient, FleetRun, PollPolicy, Restore, Snapshot, errors
from civo_snapshots._config import resolve
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

GET = "GET /v2/instances/{id}/snapshots/{sid}"
LOST = Fault.drop_after_acting()


@frozen
class Place:
    """A client with the canary for its token, and the region it talks to."""

    civo: CivoClient
    region: FakeRegion

    @property
    def instance_id(self) -> str:
        return self.region.instance_ids[0]

    async def snapshot(self) -> Snapshot:
        return await self.civo.snapshots.create(self.instance_id)

    async def done(self) -> Snapshot:
        return await self.civo.snapshots.wait_until_complete(await self.snapshot())


Scene = Callable[[Place], Awaitable[object]]


def answered(status: int, code: str = "") -> Scene:
    """The API answers so."""

    async def scene(place: Place) -> object:
        place.region.fault("*", Fault.status(status, {"code": code, "reason": "no"}))
        return await place.civo.snapshots.get("i-1", "s-1", retries=False)

    return scene


def waiting(*faults: Fault, timeout: float = 300) -> Scene:
    """A wait that meets these faults for ever."""

    async def scene(place: Place) -> object:
        snapshot = await place.snapshot()
        for fault in faults:
            place.region.fault(GET, fault, times=None)
        return await place.civo.snapshots.wait_until_complete(snapshot, timeout=timeout)

    return scene


async def lost(place: Place) -> object:
    place.region.fault("*", LOST)
    return await place.civo.instances.get("i-1", retries=False)


async def malformed(place: Place) -> object:
    place.region.fault("*", Fault.malformed_json())
    return await place.civo.quota.get(retries=False)


async def refused_argument(place: Place) -> object:
    return await place.civo.snapshots.delete("..", "s-1")


async def unknown(place: Place) -> object:
    snapshot = await place.done()
    place.region.fault("*", LOST)
    return await place.civo.snapshots.restore(snapshot, hostname="copy")


async def exists(place: Place) -> object:
    many = place.civo.snapshots.create_many
    await many([place.instance_id], name="nightly")
    [found] = await many([place.instance_id], name="nightly", on_existing="error")
    assert found.error is not None
    raise found.error


async def failed(place: Place) -> object:
    place.region.fail_volume(place.instance_id)
    return await place.done()


async def restore_failed(place: Place) -> object:
    restore: Restore = await place.civo.snapshots.restore(await place.done(), hostname="copy")
    for instance in place.region.state.instances.values():
        instance.settled_status = "ERROR"
    return await place.civo.snapshots.wait_until_restored(restore)


async def closed(place: Place) -> object:
    await place.civo.close()
    return await place.civo.quota.get()


async def configuration(place: Place) -> object:
    return CivoClient(f"{TOKEN}\n", region="LON1", api_url=place.region.url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def nobody_there(place: Place) -> object:
    url = f"http://127.0.0.1:{free_port()}"
    async with CivoClient(TOKEN, region="LON1", api_url=url, retries=False) as civo:
        return await civo.quota.get()


async def no_tls(place: Place) -> object:
    url = place.region.url.replace("http:", "https:")
    async with CivoClient(TOKEN, region="LON1", api_url=url, retries=False) as civo:
        return await civo.quota.get()


async def no_proxy(place: Place) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        patch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        async with CivoClient(
            TOKEN, region="LON1", api_url=place.region.url, retries=False, trust_env=True
        ) as civo:
            return await civo.quota.get()


async def too_late(place: Place) -> object:
    async with (
        Wire(silence) as wire,
        CivoClient(TOKEN, region="LON1", api_url=wire.url) as civo,
    ):
        return await civo.quota.get(timeout=0.05)


SCENES: dict[type[errors.CivoError], Scene] = {
    errors.ConfigurationError: configuration,
    errors.InvalidArgumentError: refused_argument,
    errors.ConnectFailedError: nobody_there,
    errors.ConnectionLostError: lost,
    errors.TLSError: no_tls,
    errors.ProxyError: no_proxy,
    errors.DeadlineExceededError: too_late,
    errors.ApiError: answered(418),
    errors.InvalidRequestError: answered(400),
    errors.AuthenticationError: answered(401),
    errors.PermissionDeniedError: answered(403),
    errors.NotFoundError: answered(404),
    errors.ConflictError: answered(409),
    errors.RateLimitError: answered(429),
    errors.QuotaExceededError: answered(403, "quota_limit_reached"),
    errors.ServiceDisabledError: answered(403, "disabled_service"),
    errors.ServerError: answered(500),
    errors.UnexpectedResponseError: malformed,
    errors.OutcomeUnknownError: unknown,
    errors.SnapshotExistsError: exists,
    errors.SnapshotFailedError: failed,
    errors.SnapshotVanishedError: waiting(
        Fault.status(404, {"code": "database_snapshot_not_found"})
    ),
    errors.PollFailedError: waiting(Fault.unauthorized()),
    errors.WaitTimeoutError: waiting(timeout=1),
    errors.RestoreFailedError: restore_failed,
    errors.ClientClosedError: closed,
}
BASES = {errors.CivoError, errors.TransportError, errors.WaitError}


def test_every_class_of_error_has_a_scene() -> None:
    every = {one for one in vars(errors).values() if isclass(one) and issubclass(one, Exception)}
    assert every == SCENES.keys() | BASES


@pytest.mark.parametrize("kind", SCENES, ids=lambda kind: kind.__name__)
async def test_no_error_log_or_warning_shows_the_token(
    kind: type[errors.CivoError], caplog: pytest.LogCaptureFixture, nothing_left: None
) -> None:
    """X141, X146, L125: str, repr, pickle, traceback with locals, logs at DEBUG, warnings."""
    caplog.set_level(logging.DEBUG)
    clock = FakeClock()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        async with (
            FakeRegion(token=TOKEN, instances=1, clock=clock) as region,
            CivoClient(
                TOKEN, region=region.region, api_url=region.url, clock=clock, poll=PollPolicy()
            ) as civo,
        ):
            with pytest.raises(kind) as caught:
                await SCENES[kind](Place(civo, region))
            assert type(caught.value) is kind
            assert_clean(caught.value)
    logged = "".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)
    assert TOKEN not in logged
    assert not [str(warning.message) for warning in warned]


async def test_a_cancelled_run_leaves_no_trace_of_the_token(nothing_left: None) -> None:
    """X141: the account on a foreign exception, and the group of a run's failures."""
    async with (
        FakeRegion(token=TOKEN, duration=(30, 60)) as region,
        CivoClient(TOKEN, region=region.region, api_url=region.url) as civo,
    ):
        region.refuse_create(region.instance_ids[0])
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.2):
                await civo.snapshots.create_many(region.instance_ids, name="nightly")
        run = FleetRun.of(caught.value)
        assert run is not None
        assert TOKEN not in f"{run!r} {run.to_json()}"
        assert TOKEN.encode() not in pickle.dumps(run)
        for outcome in run:
            assert outcome.error is not None
            assert_clean(outcome.error)


async def test_nothing_that_holds_the_token_shows_it() -> None:
    """X141: reprs of the client and of all it is made of; what holds it is not pickled."""
    settings = resolve(TOKEN, "LON1", api_url="https://127.0.0.1")
    async with CivoClient(TOKEN, region="LON1", api_url="https://127.0.0.1") as civo:
        core = civo._state
        parts = [civo, core, core.session, core.session._transport, civo.snapshots, settings]
        parts += [vars(part) for part in parts if hasattr(part, "__dict__")]
        parts += [settings.token, civo.in_region("NYC1"), core.session._transport._options]
        for part in parts:
            assert TOKEN not in f"{part!r} {part!s}"
        with pytest.raises(TypeError):
            pickle.dumps(settings)


async def test_a_token_that_the_server_echoes_is_masked(nothing_left: None) -> None:
    async with FakeRegion(token=TOKEN) as region:
        echo = {"code": f"x-{TOKEN}", "reason": f"you sent bearer {TOKEN}"}
        headers = {"X-Request-Id": TOKEN}
        region.fault("*", Fault.status(400, echo, headers))
        async with CivoClient(TOKEN, region=region.region, api_url=region.url) as civo:
            with pytest.raises(errors.InvalidRequestError) as caught:
                await civo.instances.get(region.instance_ids[0])
            assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
            assert caught.value.reason == "you sent bearer ***"
            assert caught.value.request_id == "***"
