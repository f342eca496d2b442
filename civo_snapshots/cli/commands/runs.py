"""Runs over many instances."""

import click

from .._options import SECONDS, Command, flag, option
from .choosing import choosing
from .snapshots import timeout

_HELP = """\
Snapshot many instances and wait for each. One that fails touches no other.

The same --name again continues a run: what exists is taken over, nothing is created twice. So the
name should carry the date. Each snapshot is called NAME and 12 digits of its instance.
"""

COMMANDS = {
    "run": Command(
        "run",
        "runs:run",
        _HELP,
        [
            *choosing(),
            option("-n", "--name", metavar="NAME", help="Of the run; made if none is given."),
            option("-d", "--description", metavar="TEXT", help="Of every snapshot."),
            timeout(7_200, "For the whole run."),
            option("--concurrency", type=int, metavar="N", help="Creates at once, at most."),
            option("--max-in-flight", type=int, metavar="N", help="Unfinished snapshots at once."),
            option(
                "--on-existing",
                type=click.Choice(["adopt", "error", "create"]),
                default="adopt",
                help="If a snapshot of the name exists: take it, fail, or make one more.",
            ),
            option(
                "--max-age",
                type=SECONDS,
                metavar="TIME",
                help="Take nothing older; 12h, or 'any' with --any-age.",
            ),
            flag("--any-age", help="Take what exists, however old."),
            option(
                "--on-failed",
                type=click.Choice(["report", "retry"]),
                default="report",
                help="If what exists has failed: report it, or make one more.",
            ),
            flag("--resume", help="An attempt at this run died a moment ago: look twice."),
            flag("--check-quota", help="Begin only if the quota is large enough for all."),
            flag("--allow-empty", help="No instances are no error."),
        ],
        changes=True,
        example="civo-snapshots run --tag prod --name nightly-$(date +%Y%m%d) --yes\n"
        "civo-snapshots run --from hosts.txt --name before-upgrade --dry-run",
    ),
}
