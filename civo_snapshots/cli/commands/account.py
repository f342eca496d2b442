"""What the account has: instances, regions, quota, and the settings in use."""

from .._complete import TAG
from .._options import Command, flag, option

COMMANDS = {
    "instances": Command(
        "instances",
        "account:instances",
        "List the instances of the region, by which runs and schedules choose.",
        [
            option(
                "--tag",
                multiple=True,
                metavar="TAG",
                help="Those with this tag (repeatable).",
                **TAG,
            ),
            option("--match", multiple=True, metavar="GLOB", help="Those of such a hostname."),
        ],
        example="civo-snapshots instances --tag prod -o name",
    ),
    "regions": Command("regions", "account:regions", "List the regions that the token can see."),
    "quota": Command(
        "quota",
        "account:quota",
        "Show what the account may use and uses.",
        [flag("--all", "everything", help="Everything, not only what snapshots need.")],
    ),
    "config": Command(
        "config",
        "account:config",
        "Show which settings are used and where each comes from. The token is never shown.",
    ),
}
