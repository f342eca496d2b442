"""API server, scheduler, DAG processor and triggerer of one Airflow, each to be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from attrs import frozen

T = TypeVar("T")

_PARTS = {
    "api-server": ("--port", "8085"),
    "scheduler": (),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
_URL = "http://127.0.0.1:8085"
_SETTINGS = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__PARALLELISM": "2",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "CORE__EXECUTION_API_SERVER_URL": f"{_URL}/execution/",
    "API__WORKERS": "1",
    "API_AUTH__JWT_SECRET": "of tests, which need the same in each part; long enough" * 2,
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "12",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
}


@frozen
class Deployment:
    """Where it lives, and its parts by name."""

    home: Path
    environment: Mapping[str, str]
    parts: dict[str, subprocess.Popen[bytes]]

    def start(self, part: str, name: str = "") -> None:
        """Start a part; a second one of its kind has a name of its own."""
        name = name or part
        log = (self.home / f"{name}.log").open("ab")
        command = [_airflow(), part, *_PARTS[part]]
        how: dict[str, Any] = {"stdout": log, "stderr": log, "env": self.environment}
        self.parts[name] = subprocess.Popen(command, **how, start_new_session=True)

    def freeze(self, part: str) -> None:
        """SIGSTOP for it alone: what it started goes on, but it shows no sign of life."""
        os.kill(self.parts[part].pid, signal.SIGSTOP)

    def kill(self, part: str) -> None:
        """SIGKILL for it and for what it started."""
        process = self.parts.pop(part)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_task(self) -> None:
        """SIGKILL for the worker that runs a task and for the task."""
        words = ["ps", "-o", "pid=,args=", "-s", str(self.parts["scheduler"].pid)]
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = [line.split(None, 1) for line in listed.splitlines()]
        tasks = [int(pid) for pid, args in found if "worker -- " in args and "<idle>" not in args]
        assert tasks, listed
        for pid in tasks:
            os.kill(pid, signal.SIGKILL)

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        token = _json(Request(f"{_URL}/auth/token"))["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return _json(Request(f"{_URL}{path}", data, headers, method=method))

    def trigger(self, dag: str) -> str:
        """Begin a run of a DAG, as soon as Airflow knows it; the path of the run."""
        within(300, lambda: self.ask(f"/api/v2/dags/{dag}", {"is_paused": False}, "PATCH"))
        begun = self.ask(f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None})
        return f"/api/v2/dags/{dag}/dagRuns/{begun['dag_run_id']}"

    def when(self, run: str, *states: str) -> Mapping[str, Any]:
        """The run's one task, as soon as it is in one of these states."""

        def look() -> Mapping[str, Any]:
            [task] = self.ask(f"{run}/taskInstances")["task_instances"]
            assert task["state"] in states, task["state"]
            found: Mapping[str, Any] = task
            return found

        return within(600, look)


@contextmanager
def deployed(home: Path, dags: Path, **variables: str) -> Iterator[Deployment]:
    """An Airflow with these DAGs on a database of its own."""
    settings = {f"AIRFLOW__{name}": value for name, value in _SETTINGS.items()}
    places = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    environment = {**os.environ, **settings, **places, **variables}
    subprocess.run([_airflow(), "db", "migrate"], env=environment, check=True, capture_output=True)
    deployment = Deployment(home, environment, {})
    try:
        for part in _PARTS:
            deployment.start(part)
        yield deployment
    finally:
        for part in [*deployment.parts]:
            deployment.kill(part)


def within(seconds: float, look: Callable[[], T]) -> T:
    """What `look` returns, as soon as it raises nothing any more."""
    ends_at = time.monotonic() + seconds
    while True:
        try:
            return look()
        except (OSError, AssertionError, ValueError):
            if time.monotonic() > ends_at:
                raise
        time.sleep(0.5)


def _airflow() -> str:
    return str(Path(sys.executable).with_name("airflow"))


def _json(request: Request) -> Any:
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)
