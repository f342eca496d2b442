"""One contestant of one job, in this process, against a server in another; prints its figures."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from benchmarks.reliability import attempts, creates, garbage, idle, outage, soak, strays, weeks
from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Job
from benchmarks.reliability._server import HOST

JOBS: dict[str, Job] = {
    job.name: job
    for module in (creates, attempts, outage, strays, idle, soak, weeks, garbage)
    for job in module.JOBS
}


@contextmanager
def _server(faults: Faults) -> Generator[str]:
    command = [sys.executable, "-m", "benchmarks.reliability._server", "--faults", faults.to_json()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = json.loads(process.stdout.readline())["port"]
        yield f"http://{HOST}:{port}"
        process.stdin.close()  # ends it


async def _bounded(job: Job, contestant: str, url: str) -> dict[str, float]:
    async with asyncio.timeout(job.limit):
        return await job.contestants[contestant](url, job.size)


def main() -> None:
    """Run the contestant that the command line names."""
    name, contestant = sys.argv[1:]
    job = JOBS[name]
    with _server(job.faults) as url:
        figures = asyncio.run(_bounded(job, contestant, url))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
