"""Runs over many instances."""

import click

from .._complete import RUN
from .._options import SECONDS, Command, argument, flag, option
from .choosing import choosing
from .snapshots import timeout

_HELP = """\
Snapshot many instances and wait for each. One that fails touches no other.

The same --name again continues a run: what exists is taken over, nothing is created twice. So the
name should carry the date. Each snapshot is called NAME-... with 12 hexadecimal
digits made from the id of its instance.
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
            option("--max-rate", type=float, metavar="N", help="Requests a second, at most."),
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
            flag("--no-wait", help="Create only; `status` and `wait` tell how they end."),
            flag("--check-quota", help="Begin only if the quota is large enough for all."),
            flag("--allow-empty", help="No instances are no error."),
        ],
        changes=True,
        example="civo-snapshots run --tag prod --name nightly-$(date +%Y%m%d) --yes\n"
        "civo-snapshots run --from hosts.txt --name before-upgrade --dry-run",
    ),
    "status": Command(
        "status",
        "found_runs:status",
        "Show how a run is now, by one look that changes nothing. Name its instances to be told "
        "which have no snapshot of it.",
        [
            argument("name", metavar="NAME", **RUN),
            *choosing(shards=False),
            option("--expected", type=int, metavar="N", help="How many there are to be."),
        ],
        example="civo-snapshots status nightly-20260131 --tag prod",
    ),
    "rollback": Command(
        "rollback",
        "found_runs:rollback",
        "Delete the snapshots of a run, of all instances or of those named: what it made and what "
        "it took over, with repeats and duplicates. Names alone tell what is of a run.",
        [
            argument("name", metavar="NAME", **RUN),
            *choosing(shards=False),
            flag("-w", "--wait", help="Wait until they are gone."),
            timeout(1_800, "How long to wait."),
        ],
        changes=True,
        example="civo-snapshots rollback before-upgrade --dry-run",
    ),
}
