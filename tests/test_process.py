"""The process around the client: unclosed clients, forks, signals, interpreter options."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import tomllib
import warnings
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path

import pytest
from support.env import client_of

from civo_snapshots import CivoClient, OutcomeUnknownError
from civo_snapshots.testing import FakeClock, FakeRegion, Fault

ROOT = Path(__file__).parents[1]
CREATE = "POST /v2/instances/{id}/snapshots"


async def test_a_client_that_was_not_closed_warns_once_and_says_how(nothing_left: None) -> None:
    """L116."""
    complaints: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    async with FakeRegion() as region:
        civo = client_of(region)
        await civo.instances.get(region.instance_ids[0])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del civo
            gc.collect()
        async with asyncio.timeout(5):
            while region.open_connections:  # noqa: ASYNC110 - the server has no event for this
                await asyncio.sleep(0.01)
    told = [str(warning.message) for warning in caught]
    assert len(told) == 1
    assert "async with CivoClient" in told[0]
    assert caught[0].category is ResourceWarning
    assert complaints == []


def run(code: str, *options: str) -> str:
    """What a fresh interpreter prints that runs the code."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


JOB = """
    import asyncio, sys
    from civo_snapshots import CivoClient
    from civo_snapshots.testing import FakeClock, FakeRegion

    async def main():
        clock = FakeClock()
        async with FakeRegion(instances=20, clock=clock) as region:
            region.fail_volume(region.instance_ids[3])
            async with CivoClient(
                region.token, region=region.region, api_url=region.url, clock=clock
            ) as civo:
                run = await civo.snapshots.create_many(region.instance_ids, name="nightly")
        print(run.counts["complete"], run.counts["failed"], region.total == civo.requests_sent)

    RUNNER
"""


@pytest.mark.parametrize(
    "options", [("-O",), ("-OO",), ("-X", "dev", "-W", "error"), ("-W", "error")], ids=" ".join
)
def test_it_behaves_the_same_under_every_option_of_the_interpreter(options: tuple[str]) -> None:
    """L126."""
    assert run(JOB.replace("RUNNER", "asyncio.run(main())"), *options) == "19 1 True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such loop for it")
def test_it_behaves_the_same_on_another_event_loop() -> None:
    """L126."""
    code = JOB.replace("RUNNER", "import uvloop; uvloop.run(main())")
    assert run(code, "-W", "error") == "19 1 True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked there")
def test_a_forked_child_is_refused_instead_of_sharing_sockets() -> None:
    """L119."""
    code = """
        import asyncio, os, sys
        from civo_snapshots import CivoClient, ClientClosedError
        from civo_snapshots.testing import FakeRegion

        async def main():
            async with FakeRegion() as region:
                async with CivoClient(
                    region.token, region=region.region, api_url=region.url
                ) as civo:
                    await civo.instances.get(region.instance_ids[0])
                    child = os.fork()
                    try:
                        await civo.instances.get(region.instance_ids[0], retries=False)
                        answer = "answered"
                    except ClientClosedError as error:
                        answer = error.message
                    if not child:
                        os.write(1, answer.encode())
                        os._exit(0)
                    os.waitpid(child, 0)
                    print(f" / {answer} / {region.total}")

        asyncio.run(main())
    """
    assert run(code) == (
        "a client belongs to the event loop and the process of its first use; "
        "make another one here / answered / 2\n"
    )


async def by_hand(call: Coroutine[asyncio.Future[object], None, object]) -> None:
    """Run a coroutine without a task, which would hand an interrupt to the loop."""
    while True:
        awaited = call.send(None)
        while awaited is not None and not awaited.done():  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
async def test_interrupts_pass_through(signal: type[BaseException], nothing_left: None) -> None:
    """L123."""

    def interrupt(_: object) -> None:
        raise signal

    clock = FakeClock()
    async with FakeRegion(clock=clock) as region:
        civo = CivoClient(
            region.token,
            region=region.region,
            api_url=region.url,
            clock=clock,
            on_event=interrupt,
        )
        region.fault("*", Fault.gateway_html(503))
        call = civo.instances.get(region.instance_ids[0])
        with pytest.raises(signal):
            await by_hand(call)
        await civo.close()


async def test_a_cancel_while_a_create_is_searched_for_leaves_it_in_unresolved(
    nothing_left: None,
) -> None:
    """L124."""
    clock = FakeClock(auto=False)
    async with FakeRegion(clock=clock) as region:
        region.fault(CREATE, Fault.drop_before_acting())
        civo = client_of(region, clock)
        job = asyncio.create_task(civo.snapshots.create(region.instance_ids[0], name="n"))
        while not clock.sleepers:  # noqa: ASYNC110 - the clock does not signal
            await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        closing = asyncio.create_task(civo.close())
        while not closing.done():
            clock.advance(0.01)
            await asyncio.sleep(0)
        [known] = civo.unresolved.creates
        assert known.name == "n"
        assert isinstance(known.error, OutcomeUnknownError)
        assert known.error.ended_at is not None
        assert known.error.started_at is not None
        assert known.error.ended_at - known.error.started_at >= timedelta(seconds=7)


async def test_arguments_changed_while_a_retry_sleeps_change_nothing(nothing_left: None) -> None:
    """C140."""
    clock = FakeClock()
    route = "POST /v2/resourcesnapshotschedules"
    async with FakeRegion(clock=clock) as region, client_of(region, clock) as civo:
        region.fault(route, Fault.rate_limited("1"))
        first_id = region.instance_ids[0]
        volumes = {first_id: False}
        job = asyncio.create_task(
            civo.schedules.create(
                "nightly",
                cron_expression="0 2 * * *",
                max_snapshots=1,
                instances=[first_id],
                include_volumes=volumes,
            )
        )
        while not region.counts[route]:  # noqa: ASYNC110 - the region does not signal
            await asyncio.sleep(0)
        volumes[first_id] = True
        await job
        first, second = (sent.body for sent in region.requests if sent.route == route)
        assert first == second
        assert b'"include_volumes":false' in first


def test_the_http_library_has_a_floor_and_no_cap() -> None:
    """X148."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [pinned] = [one for one in project["dependencies"] if one.startswith("aiohttp")]
    assert pinned == "aiohttp>=3.14.3"
