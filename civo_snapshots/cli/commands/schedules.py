"""Schedules: snapshots that the region makes regularly."""

from .._complete import SCHEDULE
from .._options import Command, argument, option
from .choosing import choosing

_WHICH = "A SCHEDULE is an id, a name, or a beginning of one that only one has."

COMMANDS = {
    "schedule list": Command(
        "list", "schedules:list_", "List the schedules of the region with what they made last."
    ),
    "schedule show": Command(
        "show",
        "schedules:show",
        f"Show one schedule with its instances. {_WHICH}",
        [argument("schedule", **SCHEDULE)],
    ),
    "schedule create": Command(
        "create",
        "schedules:create",
        "Snapshot instances by a cron expression. The region makes the snapshots, and deletes the "
        "oldest beyond --keep. Runs must lie at least 10 minutes apart.",
        [
            argument("name"),
            *choosing(shards=False),
            option("--cron", required=True, metavar="CRON", help="When, as '0 2 * * *'."),
            option("--keep", type=int, required=True, metavar="N", help="Snapshots kept: 1 to 10."),
            option("--period", metavar="TIME", help="And how long, as 48h."),
            option("-d", "--description", metavar="TEXT", help="Free text."),
            option(
                "--include-volumes/--no-include-volumes",
                "volumes",
                default=True,
                help="Take the attached volumes too.",
            ),
        ],
        changes=True,
        example="civo-snapshots schedule create nightly --tag prod --cron '0 2 * * *' --keep 7",
    ),
    "schedule update": Command(
        "update",
        "schedules:update",
        f"Rename or describe a schedule; what is not given stays. {_WHICH}",
        [
            argument("schedule", **SCHEDULE),
            option("-n", "--name", metavar="NAME", help="The new name."),
            option("-d", "--description", metavar="TEXT", help="The new description."),
        ],
        changes=True,
    ),
    "schedule pause": Command(
        "pause",
        "schedules:pause",
        f"Let a schedule make no more snapshots until it is resumed. {_WHICH}",
        [argument("schedule", **SCHEDULE)],
        changes=True,
    ),
    "schedule resume": Command(
        "resume",
        "schedules:resume",
        f"Let a paused schedule go on. {_WHICH}",
        [argument("schedule", **SCHEDULE)],
        changes=True,
    ),
    "schedule next": Command(
        "next",
        "schedules:next_",
        "Forecast when a schedule is due; or a cron expression, which sends nothing. The region "
        "judges the syntax, and its zone is taken for UTC.",
        [
            argument("schedule", metavar="SCHEDULE|CRON", **SCHEDULE),
            option("-n", "--number", type=int, default=5, metavar="N", help="How many times."),
        ],
        example="civo-snapshots schedule next nightly\n"
        "civo-snapshots schedule next '0 2 * * MON-FRI' -n 3",
    ),
    "schedule delete": Command(
        "delete",
        "schedules:delete",
        f"Delete schedules; the snapshots they made stay. {_WHICH}",
        [argument("schedules", nargs=-1, required=True, **SCHEDULE)],
        changes=True,
    ),
}
