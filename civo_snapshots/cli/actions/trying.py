"""The demo, the simulated region, and the completion script."""

import asyncio
import os
from pathlib import PurePath

from click.shell_completion import get_completion_class

from ... import _validation
from ..._client import CivoClient
from ...testing import FakeRegion
from ...testing._command import region_of
from .._app import PROGRAM, app
from .._choice import Choice
from .._demo import INSTANCES, RESTORED, Pace, Stage, populate
from .._exits import Exit
from .._find import Directory
from .._job import Job
from .._report import report
from .._session import EndedError, Session

_TRY = (
    "civo-snapshots list",
    "civo-snapshots run --tag prod --name demo --dry-run",
    "civo-snapshots create web-000 --wait",
    "civo-snapshots schedule create nightly --tag prod --cron '0 2 * * *' --keep 7",
)


async def demo(
    session: Session, *, keep: bool, name: str, timeout: float, pace: Pace | None = None
) -> Exit:
    """Run it, and say whether all went as staged: that is its exit code."""
    _validation.run_name(name)
    pace = pace or Pace()
    async with FakeRegion(
        instances=0,
        duration=pace.volume,
        restore_duration=pace.restore,
        latency=pace.latency,
        clock=session.clock,
        messages=True,
        expose_stats=True,
    ) as region:
        stage = populate(region)
        session.out.say(
            f"Simulated region {region.region} at {region.url}: {INSTANCES} instances, real HTTP.\n"
            "Staged: one volume will fail, and one create will be refused."
        )
        session.use(
            CivoClient(region.token, region=region.region, api_url=region.url, clock=session.clock)
        )
        job = Job(session)
        try:
            directory = await Directory.read(session.civo)
            chosen = Choice(tag=("prod",)).of(directory)
            session.out.say(f"{len(chosen)} of {INSTANCES} instances are tagged prod.")
            await job.fan_out(chosen, name, timeout=timeout)
            await job.restore(RESTORED)
        finally:
            await session.close()
            report(session, job)
        code = _judged(session, job, stage, received=region.total)
        if keep:
            await _serve(session, region)
        else:
            session.out.say(
                "\nNext: `civo-snapshots demo --keep` leaves such a region running, to try "
                "commands on; `civo-snapshots -h` is about a real one."
            )
    return code


def _judged(session: Session, job: Job, stage: Stage, *, received: int) -> Exit:
    out, sent = session.out, session.civo.requests_sent
    if job.restoration is not None:
        out.say(f"  {job.restoration}", "good" if job.restoration.instance else "bad")
    out.say(f"  Requests: {sent} sent, {received} received by the region.")
    restored = job.restoration is not None and job.restoration.instance is not None
    if job.run is not None and stage.was_played(job.run) and restored and sent == received:
        out.say(
            "All as staged: one failed, one was refused, and neither touched the others.", "good"
        )
        return Exit.OK
    out.fail("NOT as staged: this is a defect, or the timeout was too short.")
    return Exit.FAILED


async def _serve(session: Session, region: FakeRegion) -> None:
    """Say how to use the region, and wait until it is interrupted, which is its end."""
    session.out.line(settings_of(region))
    session.out.say(
        f"\nThe simulated region runs until Ctrl-C; a page of its counters: {region.url}/_fake\n"
        "In another terminal, paste the line above, and try:"
    )
    for line in _TRY:
        session.out.say(f"  {line}")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        session.out.say("\nThe simulated region has ended.")


def settings_of(region: FakeRegion) -> str:
    """The line for a shell that makes it use this region."""
    return f"export CIVO_API_URL={region.url} CIVO_TOKEN={region.token} CIVO_REGION={region.region}"


async def simulate(session: Session, *, words: tuple[str, ...]) -> Exit:
    """Serve a region as the words say, until it is interrupted."""
    async with region_of(words, program=f"{PROGRAM} simulate") as region:
        await _serve(session, region)
    return Exit.OK


async def completion(session: Session, *, shell: str | None) -> None:
    """Print the script."""
    shell = shell or PurePath(os.environ.get("SHELL", "")).name
    kind = get_completion_class(shell)
    if kind is None:
        raise EndedError(
            Exit.USAGE,
            f"Error: there is no completion for {shell or 'an unknown shell'}; name bash, zsh, "
            "fish or powershell.",
        )
    variable = f"_{PROGRAM}_COMPLETE".replace("-", "_").upper()
    session.out.line(kind(app, {}, PROGRAM, variable).source())
