"""`DaskLauncher` on real clusters, against a region in a process of its own, over real HTTP.

Reads of the region are stale by three seconds where something is killed.
"""

import asyncio
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from support.docs import EXAMPLES, PAGES, blocks_of, given_by, region_of_readers, run

from civo_snapshots import CivoClient, ConfigurationError, FleetRun, InvalidArgumentError
from civo_snapshots.integrations.dask import DaskLauncher

from .region import CREATE, Served, served, set_environment

STALE = ("--instances", "200", "--more-regions", "NYC1", "--read-lag", "3", "--latency", "0.2")
QUICK = ("--duration", "1", "5")
FLEET = 400


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=4, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster) as client:
        yield client


def given(region: Served, client: Client) -> None:
    """Let the driver and the workers find the region in their environments."""
    set_environment(region.environment)
    client.run(set_environment, region.environment)


async def when_created(region: Served, number: int) -> None:
    """Wait until the region has received so many creates."""
    while await asyncio.to_thread(region.creates) < number:  # noqa: ASYNC110 - elsewhere
        await asyncio.sleep(0.05)


async def while_it_runs(run: Awaitable[FleetRun], meanwhile: Awaitable[None]) -> FleetRun:
    ended, _ = await asyncio.gather(run, meanwhile)
    return ended


def assert_nothing_is_lost_or_twice(run: FleetRun, region: Served, fleet: int) -> None:
    assert run.counts["complete"] == len(run) == fleet, run
    assert run.duplicates == ()
    made = region.made()
    assert len(made) == fleet
    assert set(made.values()) == {1}
    assert {one.name for one in run} == set(made)


async def test_a_run_costs_little_more_than_a_request_for_each_snapshot(client: Client) -> None:
    """4,000 instances in two regions: at most 1.02 requests each."""
    with served("--instances", "2000", "--more-regions", "NYC1", "--latency", "0.05") as region:
        given(region, client)
        began = time.monotonic()
        run = await DaskLauncher(client).run(region.instances(), name="nightly")
        cost = region.requests() / 4_000
        print(f"\n{cost:.4f} requests a snapshot, {time.monotonic() - began:.0f} s")
        assert_nothing_is_lost_or_twice(run, region, 4_000)
        assert cost <= 1.02


@pytest.mark.parametrize("seed", range(5))
async def test_a_worker_killed_during_the_creates_costs_nothing(
    seed: int, client: Client, cluster: LocalCluster
) -> None:
    """R161: the batch is begun again elsewhere, and creates only what is really missing."""
    moment = random.Random(seed).randrange(1, FLEET)

    async def kill(region: Served) -> None:
        await when_created(region, moment)
        os.kill(cluster.workers[seed % 4].pid, signal.SIGKILL)

    with served(*STALE, *QUICK) as region:
        given(region, client)
        launcher = DaskLauncher(client, batch=50)
        run = await while_it_runs(launcher.run(region.instances(), name="nightly"), kill(region))
        print(f"\nkilled after {moment} creates, {region.creates()} creates in all")
        assert_nothing_is_lost_or_twice(run, region, FLEET)


@pytest.mark.parametrize("where", ["elsewhere", "in the driver"])
async def test_a_driver_killed_and_started_again_goes_on(where: str, cluster: LocalCluster) -> None:
    """R161: also where scheduler and workers die with it."""
    with served(*STALE, *QUICK) as region:
        address = "local" if where == "in the driver" else cluster.scheduler_address
        command = [sys.executable, "-m", "engines.dask_driver", address, "nightly", region.url]
        start = partial(
            subprocess.Popen[str],
            command,
            cwd=Path(__file__).parents[1],
            env={**os.environ, **region.environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        with Client(cluster) as client:
            given(region, client)
        with start() as first:
            await when_created(region, 120)
            first.kill()
        with start() as second:
            out, _ = await asyncio.to_thread(second.communicate)
        run = FleetRun.from_json(out)
        print(f"\n{len(run.adopted)} were there, {region.creates()} creates in all")
        assert_nothing_is_lost_or_twice(run, region, FLEET)


async def test_workers_share_one_rate() -> None:
    """100 requests in 10 s for eight workers: none is refused, at most 5 % of answers are 429."""
    with (
        LocalCluster(n_workers=8, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        served("--instances", "300", "--rate-limit", "100", *QUICK) as region,
    ):
        given(region, client)
        launcher = DaskLauncher(client, max_rate=10.0)
        run = await launcher.run(region.instances(), name="nightly", reconcile_window=0.01)
        statuses = region.stats()["statuses"]
        print(f"\n{statuses}")
        assert_nothing_is_lost_or_twice(run, region, 300)
        assert statuses.get("429", 0) <= 0.05 * sum(statuses.values())


async def test_workers_that_are_taken_away_cost_nothing(
    client: Client, cluster: LocalCluster
) -> None:
    async def scale_down(region: Served) -> None:
        await when_created(region, 100)
        await asyncio.to_thread(cluster.scale, 1)

    with served(*STALE, *QUICK) as region:
        given(region, client)
        run = await while_it_runs(
            DaskLauncher(client, batch=50).run(region.instances(), name="nightly"),
            scale_down(region),
        )
        assert_nothing_is_lost_or_twice(run, region, FLEET)


async def test_a_cluster_that_adapts_to_its_work_runs_it() -> None:
    """It has no worker before there is work, and lets go of them while the driver waits."""
    with (
        served(*STALE, *QUICK) as region,
        LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        set_environment(region.environment)
        cluster.adapt(minimum=0, maximum=4, interval="200ms", wait_count=2)
        run = await DaskLauncher(client, batch=50).run(region.instances(), name="nightly")
        assert_nothing_is_lost_or_twice(run, region, FLEET)


async def test_a_run_that_is_stopped_tells_what_exists_and_goes_on_later(client: Client) -> None:
    with served(*STALE, *QUICK) as region:
        given(region, client)
        launcher = DaskLauncher(client, batch=50)

        async def stop() -> None:
            await when_created(region, 100)
            await DaskLauncher(client).stop("nightly")

        run = await while_it_runs(launcher.run(region.instances(), name="nightly"), stop())
        assert run.partial
        told = {one.snapshot.id for one in run if one.snapshot}
        assert len(told) == region.creates() < FLEET
        assert run.counts["not_attempted"] == FLEET - len(told)
        again = await launcher.run(region.instances(), name="nightly")
        assert_nothing_is_lost_or_twice(again, region, FLEET)


async def test_a_cancelled_run_leaves_what_it_made(client: Client, cluster: LocalCluster) -> None:
    with served(*STALE, *QUICK) as region:
        given(region, client)
        own = await Client(cluster.scheduler_address, asynchronous=True)
        job = asyncio.create_task(DaskLauncher(own).run(region.instances(), name="nightly"))
        await when_created(region, 100)
        job.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await job
        run = FleetRun.of(caught.value)
        assert run is not None
        assert run.partial
        assert len({one.snapshot.id for one in run if one.snapshot}) == region.creates() < FLEET
        await own.close()


async def test_a_worker_without_a_token_ends_the_run_with_the_reason(client: Client) -> None:
    for name in ("CIVO_TOKEN", "CIVO_API_URL"):
        os.environ.pop(name, None)
    with pytest.raises(ConfigurationError) as caught:
        await DaskLauncher(client).run({"LON1": ["i-1"]}, name="nightly", resume=False)
    assert FleetRun.of(caught.value) is not None


@pytest.mark.parametrize("given", [{}, {"LON1": []}])
async def test_a_run_without_instances_is_refused(
    given: dict[str, list[str]], client: Client
) -> None:
    with pytest.raises(InvalidArgumentError, match="no instances"):
        await DaskLauncher(client).run(given, name="nightly")


async def test_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    [page] = [one for one in PAGES if one.name == "dask.md"]
    async with region_of_readers(monkeypatch) as region:
        names = given_by(region)
        for block in blocks_of(page):
            await run(block, names, page.name)
        assert region.counts[CREATE] == 5


def test_the_example_runs() -> None:
    [example] = [one for one in EXAMPLES if one.stem == "dask_fleet"]
    with served("--more-regions", "NYC1", *QUICK) as region:
        environment = {**os.environ, **region.environment}
        command = [sys.executable, str(example), "nightly"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "complete           6" in done.stdout
        assert set(region.made().values()) == {1}


async def test_a_token_does_not_travel(client: Client) -> None:
    for bound in (partial(CivoClient, "secret"), partial(CivoClient, token="secret")):
        with pytest.raises(InvalidArgumentError, match="through the scheduler"):
            DaskLauncher(client, make_client=bound)
    asked = partial(CivoClient, token=os.getcwd, api_url="https://api.example.com")
    assert b"secret" not in pickle.dumps(DaskLauncher(client, make_client=asked)._make_client)
