"""What to keep."""

import click

from .._complete import RUN
from .._options import SECONDS, Command, argument, flag, option
from .choosing import choosing

_HELP = """\
Delete old snapshots of the runs called PREFIX, or PREFIX- and more, each instance by itself.

A snapshot is kept if any --keep rule keeps it. The newest complete one of an instance is never
deleted, nor what is not finished. Just before each is deleted, it is looked at once more.
"""


_NUMBER = click.IntRange(min=1)

_PERIODS = {
    "hourly": "hours",
    "daily": "days",
    "weekly": "weeks",
    "monthly": "months",
    "yearly": "years",
}

COMMANDS = {
    "prune": Command(
        "prune",
        "retention:prune",
        _HELP,
        [
            argument("prefix", metavar="PREFIX", **RUN),
            *choosing(shards=False),
            option("--keep-last", type=_NUMBER, metavar="N", help="The newest N."),
            *(
                option(
                    f"--keep-{period}",
                    type=_NUMBER,
                    metavar="N",
                    help=f"The newest of each of the last N {units} that have one.",
                )
                for period, units in _PERIODS.items()
            ),
            option("--keep-within", type=SECONDS, metavar="TIME", help="All younger than this."),
            option("--min-age", type=SECONDS, metavar="TIME", help="Delete nothing younger."),
            option("--tz", metavar="ZONE", help="Where a day begins, as Europe/Berlin; else UTC."),
            flag("--failed", help="Delete failed ones too."),
            flag("--duplicates", help="Delete further complete ones of the same run too."),
            flag("--any-name", help="Also names that do not prove that a run made them."),
        ],
        changes=True,
        example="civo-snapshots prune nightly --keep-daily 7 --keep-weekly 4 --dry-run\n"
        "civo-snapshots prune nightly --tag prod --keep-last 7 --yes",
    ),
}
