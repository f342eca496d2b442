"""The token appears nowhere: every class of error, as the client really raises it (X141)."""

import asyncio
import logging
import pickle
import socket
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from inspect import isclass

import pytest
from attrs import evolve, frozen
from support.canary import TOKEN, assert_clean
from support.wire import Wire, silence

from civo_snapshots import (
    CivoClient,
    FleetRun,
    OutcomeKind,
    PollPolicy,
    Restore,
    Snapshot,
    errors,
)
from civo_snapshots._config import resolve
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

GET = "GET /v2/instances/{id}/snapshots/{sid}"
LOST = Fault.drop_after_acting()


@frozen
class Env:
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


Scene = Callable[[Env], Awaitable[object]]


def answered(status: int, code: str = "") -> Scene:
    """The API answers so."""

    async def scene(env: Env) -> object:
        env.region.fault("*", Fault.status(status, {"code": code, "reason": "no"}))
        return await env.civo.snapshots.get("i-1", "s-1", retries=False)

    return scene


def waiting(*faults: Fault, timeout: float = 300) -> Scene:
    """A wait that meets these faults for ever."""

    async def scene(env: Env) -> object:
        snapshot = await env.snapshot()
        for fault in faults:
            env.region.fault(GET, fault, times=None)
        return await env.civo.snapshots.wait_until_complete(snapshot, timeout=timeout)

    return scene


async def lost(env: Env) -> object:
    env.region.fault("*", LOST)
    return await env.civo.instances.get("i-1", retries=False)


async def malformed(env: Env) -> object:
    env.region.fault("*", Fault.malformed_json())
    return await env.civo.quota.get(retries=False)


async def refused_argument(env: Env) -> object:
    return await env.civo.snapshots.delete("..", "s-1")


async def unknown(env: Env) -> object:
    snapshot = await env.done()
    env.region.fault("*", LOST, times=None)
    return await env.civo.snapshots.restore(snapshot, hostname="copy")


async def exists(env: Env) -> object:
    many = env.civo.snapshots.create_many
    await many([env.instance_id], name="nightly")
    [found] = await many([env.instance_id], name="nightly", on_existing="error")
    assert found.error is not None
    raise found.error


async def failed(env: Env) -> object:
    env.region.fail_volume(env.instance_id)
    return await env.done()


async def unsettled(env: Env) -> object:
    record = env.region.state.snapshots[(await env.snapshot()).id]
    record.volumes = (*record.volumes[:-1], evolve(record.volumes[-1], listed_at=float("inf")))
    return await env.civo.snapshots.wait_until_complete(record.instance_id, record.id)


async def restore_failed(env: Env) -> object:
    restore: Restore = await env.civo.snapshots.restore(await env.done(), hostname="copy")
    for instance in env.region.state.instances.values():
        instance.settled_status = "ERROR"
    return await env.civo.snapshots.wait_until_restored(restore)


async def unquiesced(env: Env) -> object:
    def broken(instance_id: str) -> AbstractAsyncContextManager[None]:
        raise OSError(f"no agent on {instance_id}")

    return await env.civo.snapshots.create(env.instance_id, quiesce=broken)


async def closed(env: Env) -> object:
    await env.civo.close()
    return await env.civo.quota.get()


async def configuration(env: Env) -> object:
    return CivoClient(f"{TOKEN}\n", region="LON1", api_url=env.region.url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def ambiguous(env: Env) -> object:
    for _ in range(2):
        env.region.add_instance("db1")
    return await env.civo.instances.get_by_name("db1")


async def nobody_there(env: Env) -> object:
    url = f"http://127.0.0.1:{free_port()}"
    async with CivoClient(TOKEN, region="LON1", api_url=url, retries=False) as civo:
        return await civo.quota.get()


async def no_tls(env: Env) -> object:
    url = env.region.url.replace("http:", "https:")
    async with CivoClient(TOKEN, region="LON1", api_url=url, retries=False) as civo:
        return await civo.quota.get()


async def no_proxy(env: Env) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        patch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        async with CivoClient(
            TOKEN, region="LON1", api_url=env.region.url, retries=False, trust_env=True
        ) as civo:
            return await civo.quota.get()


async def too_late(env: Env) -> object:
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
    errors.TryLaterError: answered(409, "database_quota_lock_failed"),
    errors.RateLimitError: answered(429),
    errors.QuotaExceededError: answered(403, "quota_limit_reached"),
    errors.ServiceDisabledError: answered(403, "disabled_service"),
    errors.ServerError: answered(500),
    errors.UnexpectedResponseError: malformed,
    errors.OutcomeUnknownError: unknown,
    errors.SnapshotExistsError: exists,
    errors.AmbiguousNameError: ambiguous,
    errors.SnapshotFailedError: failed,
    errors.SnapshotUnsettledError: unsettled,
    errors.SnapshotVanishedError: waiting(
        Fault.status(404, {"code": "database_snapshot_not_found"})
    ),
    errors.PollFailedError: waiting(Fault.unauthorized()),
    errors.WaitTimeoutError: waiting(timeout=1),
    errors.RestoreFailedError: restore_failed,
    errors.ClientClosedError: closed,
    errors.QuiesceError: unquiesced,
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
                await SCENES[kind](Env(civo, region))
            assert type(caught.value) is kind
            assert_clean(caught.value)
    logged = "".join(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)
    assert TOKEN not in logged
    assert not [str(warning.message) for warning in warned]


async def test_a_cancelled_run_leaves_no_trace_of_the_token(nothing_left: None) -> None:
    """X141: the run on a foreign exception, and the group of its failures."""
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
            assert (outcome.error is None) is (outcome.kind is OutcomeKind.PENDING)
            if outcome.error is not None:
                assert_clean(outcome.error)


async def test_nothing_that_holds_the_token_shows_it() -> None:
    """X141: reprs of the client and of all it is made of; what holds it is not pickled."""
    settings = resolve(TOKEN, "LON1", api_url="https://127.0.0.1")
    async with CivoClient(TOKEN, region="LON1", api_url="https://127.0.0.1") as civo:
        state = civo._state
        parts = [civo, state, state.session, state.session._transport, civo.snapshots, settings]
        parts += [vars(part) for part in parts if hasattr(part, "__dict__")]
        parts += [settings.token, civo.in_region("NYC1"), state.session._transport._options]
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
