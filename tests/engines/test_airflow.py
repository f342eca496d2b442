"""Operator, trigger, sensor and connection in real Airflow, against a region over real HTTP."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskDeferred
from support.docs import EXAMPLES, PAGES, given_by, paste, region_of_readers

from civo_snapshots import FleetRun, InvalidArgumentError, RetentionPolicy
from civo_snapshots.integrations.airflow import (
    CivoHook,
    CivoSnapshotFleetOperator,
    CivoSnapshotFleetTrigger,
    CivoSnapshotSensor,
)

from .airflow_deployment import deployed, within
from .region import CREATE, Served, served

FLEET = 30


def connection(region: Served, **extra: str) -> str:
    told = {"region": "LON1", "api_url": region.url, **extra}
    return json.dumps({"conn_type": "civo", "password": region.token, "extra": told})


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    options = ("--instances", str(FLEET), "--duration", "1", "2", "--latency", "0.05")
    with served(*options, "--tag", "db-1", "prod", "--read-lag", "2") as region:
        monkeypatch.setenv("AIRFLOW_CONN_CIVO_DEFAULT", connection(region))
        yield region


def attempt(number: int) -> Context:
    return cast("Context", {"ti": SimpleNamespace(try_number=number)})


def operator(**options: Any) -> CivoSnapshotFleetOperator:
    chosen: dict[str, Any] = {"task_id": "snapshot", "name": "nightly 2026", "where": bool}
    return CivoSnapshotFleetOperator(**chosen | options)


def deferred(task: CivoSnapshotFleetOperator, number: int = 1) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        task.execute(attempt(number))
    return caught.value


async def fire(trigger: CivoSnapshotFleetTrigger) -> Any:
    """What the trigger tells, when it has been to the database and back."""
    name, arguments = trigger.serialize()
    assert name == "civo_snapshots.integrations.airflow.CivoSnapshotFleetTrigger"
    again = CivoSnapshotFleetTrigger(**json.loads(json.dumps(arguments)))
    return [event.payload async for event in again.run()]


def test_airflow_knows_the_connection_type_and_its_form() -> None:
    manager = ProvidersManager()
    behaviour = manager.field_behaviours["civo"]
    assert behaviour["relabeling"] == {"password": "API token"}
    assert {"host", "login"} <= set(behaviour["hidden_fields"])
    fields = [name for name in manager.connection_form_widgets if "civo" in name]
    assert len(fields) == 2


def test_the_form_can_test_a_connection(region: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    works, told = CivoHook().test_connection()
    assert (works, told) == (True, f"{FLEET + 1} instances in LON1")
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", connection(region).replace(region.token, "wrong"))
    works, told = CivoHook("wrong").test_connection()
    assert not works
    assert "401" in told


def test_a_task_defers_while_its_snapshots_are_made_and_returns_the_run(region: Served) -> None:
    task = operator()
    waiting = deferred(task)
    trigger = cast("CivoSnapshotFleetTrigger", waiting.trigger)
    assert len(json.dumps(trigger.serialize())) < 500  # the row holds no ids
    [event] = asyncio.run(fire(trigger))
    assert event["counts"]["complete"] == FLEET + 1
    told = getattr(task, waiting.method_name)(attempt(1), event=event, **(waiting.kwargs or {}))
    run = FleetRun.from_dict(json.loads(json.dumps(told)))
    assert run.counts["complete"] == len(run) == FLEET + 1
    assert region.creates() == FLEET + 1


def test_two_triggers_at_once_create_nothing(region: Served) -> None:
    trigger = cast("CivoSnapshotFleetTrigger", deferred(operator()).trigger)
    before = region.creates()

    async def both() -> tuple[Any, Any]:
        return await asyncio.gather(fire(trigger), fire(trigger))

    first, second = asyncio.run(both())
    assert first == second
    assert region.creates() == before


def test_a_task_tried_again_goes_on_with_its_run(region: Served) -> None:
    """R161: the first attempt dies with creates under way; reads are stale by two seconds."""
    task = operator(concurrency=2)

    async def die() -> None:
        job = asyncio.ensure_future(task._start(resume=False))
        while await asyncio.to_thread(region.creates) < 10:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.02)
        job.cancel()
        await asyncio.wait({job})

    asyncio.run(die())
    assert 10 <= region.creates() < FLEET + 1
    deferred(operator(), number=2)
    assert region.creates() == FLEET + 1
    assert set(region.made().values()) == {1}


def test_a_task_that_is_killed_by_a_person_creates_no_more(region: Served) -> None:
    task = operator(concurrency=2)

    def kill() -> None:
        while region.creates() < 10:
            time.sleep(0.02)
        task.on_kill()

    with ThreadPoolExecutor() as pool:
        killing = pool.submit(kill)
        with pytest.raises(asyncio.CancelledError) as caught:
            task.execute(attempt(1))
        killing.result()
    run = FleetRun.of(caught.value)
    assert run is not None
    assert 10 <= region.creates() < FLEET + 1
    assert sum(one.snapshot is not None for one in run) == region.creates()


def test_what_cannot_be_started_fails_the_task_when_the_others_have_ended(region: Served) -> None:
    ids = [*region.instances()["LON1"][:3], "00000000-0000-0000-0000-000000000000"]
    task = operator(where=None, instances=ids)
    waiting = deferred(task)
    [event] = asyncio.run(fire(cast("CivoSnapshotFleetTrigger", waiting.trigger)))
    assert event["counts"]["complete"] == 3
    with pytest.raises(ExceptionGroup, match="1 of 4"):
        task.execute_complete(attempt(1), event=event, **(waiting.kwargs or {}))


def test_what_has_failed_fails_the_task_and_is_made_once_more_if_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served("--instances", "3", "--duration", "1", "2", "--failure-rate", "1") as region:
        monkeypatch.setenv("AIRFLOW_CONN_CIVO_DEFAULT", connection(region))
        for number, how, creates in ((1, "report", 3), (2, "report", 3), (3, "retry", 6)):
            task = operator(deferrable=False, on_failed=how)
            with pytest.raises(ExceptionGroup, match="3 of 3"):
                task.execute(attempt(number))
            assert region.creates() == creates
        waiting = deferred(operator(on_failed="retry"), number=4)
        assert region.creates() == 9
        [event] = asyncio.run(fire(cast("CivoSnapshotFleetTrigger", waiting.trigger)))
        assert event["counts"]["failed"] == event["expected"] == 3
        with pytest.raises(ExceptionGroup, match="3 of 3"):
            operator().execute_complete(attempt(4), event=event, **(waiting.kwargs or {}))


def test_a_task_may_wait_itself_and_prune_afterwards(region: Served) -> None:
    keep = RetentionPolicy(keep_last=1)
    for number in (1, 2):
        task = operator(
            name=f"nightly {number}",
            where=None,
            tags=["prod"],
            deferrable=False,
            retention=keep if number == 2 else None,
            retention_prefix="nightly" if number == 2 else None,
        )
        told = task.execute(attempt(1))
        assert cast("dict[str, int]", told["counts"])["complete"] == 1
    held = region.stats()["regions"]["LON1"]["snapshots"]
    assert sorted(one["deleted"] for one in held) == [False, True]


def test_a_task_may_leave_the_waiting_to_a_sensor(region: Served) -> None:
    told = operator(wait_for_completion=False).execute(attempt(1))
    assert cast("dict[str, int]", told["counts"])["pending"] == FLEET + 1
    sensor = CivoSnapshotSensor(task_id="wait", name="nightly 2026", expected=str(FLEET + 1))
    assert not sensor.poke(attempt(1)).is_done
    more = CivoSnapshotSensor(task_id="more", name="nightly 2026", expected=FLEET + 2)
    name, ends_at = str(told["name"]), time.time() + 60
    [event] = asyncio.run(fire(CivoSnapshotFleetTrigger(name, expected=FLEET + 1, ends_at=ends_at)))
    assert event["counts"]["complete"] == FLEET + 1
    assert sensor.poke(attempt(1)).is_done
    assert not more.poke(attempt(1)).is_done


@pytest.mark.parametrize("options", [{"tags": ["prod"]}, {"retention": RetentionPolicy()}])
def test_contradictions_are_refused_when_the_dag_is_read(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        operator(**options)


async def test_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    [page] = [one for one in PAGES if one.name == "airflow.md"]
    async with region_of_readers(monkeypatch) as readers:
        await paste(page, given_by(readers))


def test_the_example_runs_by_dags_test(tmp_path: Path) -> None:
    [example] = [one for one in EXAMPLES if one.stem == "airflow_dag"]
    with served("--more-regions", "NYC1", "--duration", "1", "2", "--tag", "db", "prod") as region:
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__DAGS_FOLDER": str(example.parent),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_CIVO_DEFAULT": connection(region),
        }
        command = str(Path(sys.executable).with_name("airflow"))
        for words in (["db", "migrate"], ["dags", "test", "nightly_snapshots", "2026-11-25"]):
            done = subprocess.run(
                [command, *words], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert "Marking run" in done.stdout
        assert region.stats()["counts"][CREATE] == 1


_DAG = """
from datetime import timedelta
from airflow.sdk import DAG
from civo_snapshots.integrations.airflow import CivoSnapshotFleetOperator

with DAG("fleet", schedule=None, default_args={"retries": 2, "retry_delay": timedelta(seconds=3)}):
    CivoSnapshotFleetOperator(task_id="snapshot", where=bool, concurrency=4)
"""


def test_a_worker_and_a_triggerer_that_are_killed_cost_nothing(tmp_path: Path) -> None:
    """R161: 200 instances, reads stale by three seconds; the task is tried again, and succeeds.

    After the triggerer was killed, two of them run the same trigger at once: the heart of the first
    is stopped, so that Airflow gives its trigger to the second, but what the first began goes on.
    """
    fleet = 200
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "fleet.py").write_text(_DAG)
    options = ("--instances", str(fleet), "--latency", "0.3", "--read-lag", "3")

    with (
        served(*options, "--duration", "150", "160") as region,
        deployed(
            tmp_path, tmp_path / "dags", AIRFLOW_CONN_CIVO_DEFAULT=connection(region)
        ) as airflow,
    ):

        def begun() -> None:
            assert region.creates() >= 40

        def triggers(count: int) -> None:
            """The trigger was begun so many times; each triggerer writes a log of its own."""
            assert len([*(tmp_path / "logs").rglob("attempt=2.log.trigger.*")]) == count

        run = airflow.trigger("fleet")
        within(300, begun)
        airflow.kill_task()
        assert airflow.when(run, "deferred")["try_number"] == 2
        within(120, lambda: triggers(1))
        airflow.kill("triggerer")
        airflow.start("triggerer")
        within(120, lambda: triggers(2))
        creates = region.creates()
        airflow.freeze("triggerer")
        airflow.start("triggerer", "second")
        within(120, lambda: triggers(3))
        assert airflow.when(run, "deferred")
        assert airflow.when(run, "success", "failed")["state"] == "success"
        told = airflow.ask(f"{run}/taskInstances/snapshot/xcomEntries/return_value")["value"]
        whole = FleetRun.from_dict(told if isinstance(told, dict) else json.loads(told))
        assert whole.counts["complete"] == len(whole) == creates == fleet
        assert region.creates() == creates
        assert set(region.made().values()) == {1}
        [log] = (tmp_path / "logs").rglob("attempt=2.log")
        logs = "".join(path.read_text() for path in log.parent.glob("attempt=2.log*"))
        assert f"{fleet} of {fleet} started, 0 with an error." in logs
        assert f"{fleet} of {fleet} ended, 0 with an error." in logs
        triggered = [path.read_text() for path in log.parent.glob("attempt=2.log.trigger.*")]
        assert f"{fleet} of {fleet} ended, 0 with an error." in "".join(triggered)
        assert logs.count("waiting until snapshot") == logs.count(": pending") == 0
        assert region.token not in logs
