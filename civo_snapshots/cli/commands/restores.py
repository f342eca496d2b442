"""Restores."""

from .._complete import SNAPSHOT
from .._options import Command, argument, flag, option
from .snapshots import WHICH, of_instance, timeout

_HELP = f"""\
Restore a snapshot to a new instance (--hostname), or over the original (--overwrite-existing).

The snapshot must be complete; the instance stays in its network. A restore whose answer is lost is
never sent again. {WHICH}
"""

COMMANDS = {
    "restore": Command(
        "restore",
        "restores:restore",
        _HELP,
        [
            argument("snapshot", **SNAPSHOT),
            option("--hostname", metavar="HOST", help="Of the new instance."),
            option(
                "--private-ip", "--private-ipv4", "private_ip", metavar="IP", help="Its address."
            ),
            option("-d", "--description", metavar="TEXT", help="Of the restore."),
            flag(
                "--overwrite-existing",
                "--overwrite",
                "overwrite",
                help="Overwrite the snapshot's own instance: its present disks are lost.",
            ),
            option(
                "--include-volumes/--no-include-volumes",
                "volumes",
                default=None,
                help="Take the attached volumes too, or leave them out.",
            ),
            of_instance(),
            flag("-w", "--wait", help="Wait until the instance is active."),
            timeout(1_800, "How long to wait."),
        ],
        changes=True,
        example="civo-snapshots restore web-1/before-upgrade --hostname web-1-copy --wait\n"
        "civo-snapshots restore web-1/before-upgrade --overwrite-existing",
    ),
}
