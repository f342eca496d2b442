"""The command line: parse, run the job on a real or the embedded region, say how it ended."""

import asyncio
import io
import sys
from collections.abc import Sequence

from .._client import CivoClient
from .._clock import Clock, SystemClock
from ..errors import CivoError, ConfigurationError, InvalidArgumentError
from ._arguments import Options, parse
from ._demo import Pace, demo
from ._job import Job, plan
from ._report import Exit
from ._screen import Screen

__all__ = ["main", "work"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; wrong use exits right away."""
    options = parse(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the API says may not fit the terminal's encoding; that is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    screen = Screen(as_json=options.json)
    try:
        return asyncio.run(work(options, screen))
    except KeyboardInterrupt:
        screen.fail("Interrupted.")
        return Exit.INTERRUPTED
    except (ConfigurationError, InvalidArgumentError) as error:
        screen.fail(f"Error: {error}")
        return Exit.WRONG_USE
    except CivoError as error:
        screen.fail(f"Error: {error}")
        return Exit.INCOMPLETE


async def work(
    options: Options, screen: Screen, clock: Clock | None = None, pace: Pace | None = None
) -> int:
    """What the options ask for; raises what keeps it from being done."""
    time = clock or SystemClock()
    if not options.instances:
        return await demo(options, screen, time, pace or Pace())
    civo = CivoClient(region=options.region, profile=options.profile, clock=time)
    if options.yes:
        return await _run(civo, options, screen, time)
    async with civo:
        found = await plan(civo, options, time)
    screen.plan(found)
    return found.exit_code


async def _run(civo: CivoClient, options: Options, screen: Screen, clock: Clock) -> int:
    job = Job(civo, screen, clock)
    try:
        async with civo:
            await job.fan_out(options.instances, name=options.name, timeout=options.timeout)
            if options.restore:
                await job.restore(options.restore)
    finally:
        # Also when interrupted, and only now: closing finds out what became of the last creates.
        report = job.report()
        screen.report(report)
    return report.exit_code if report else Exit.INCOMPLETE
