"""Single snapshots: list, show, create, update, delete, wait, watch."""

import click

from .._complete import INSTANCE, SNAPSHOT
from .._options import SECONDS, Command, argument, flag, option

WHICH = "A SNAPSHOT is an id, a name, INSTANCE/NAME, or a beginning of one that only one has."

STATES = ["complete", "failed", "pending", "settling"]

ON_EXISTING = click.Choice(["create", "adopt", "error"])


def of_instance() -> click.Option:
    """Where the names of snapshots are looked for."""
    return option("--instance", metavar="INSTANCE", help="The snapshots' instance.", **INSTANCE)


def timeout(seconds: float, what: str) -> click.Option:
    """How long it may take."""
    return option(
        "--timeout",
        type=SECONDS,
        default=seconds,
        metavar="TIME",
        help=f"{what} Seconds, or 30m, 2h, 1d.",
        show_default="30m" if seconds == 1_800 else "2h",
    )


COMMANDS = {
    "list": Command(
        "list",
        "snapshots:list_",
        "List the snapshots of the region, or of INSTANCE, newest first.",
        [
            argument("instance", required=False, **INSTANCE),
            option("--match", multiple=True, metavar="GLOB", help="Those of such a name."),
            option(
                "--state",
                multiple=True,
                type=click.Choice(STATES, case_sensitive=False),
                help="Those in this state (repeatable).",
            ),
        ],
        example="civo-snapshots list\ncivo-snapshots ls web-1 -o json",
    ),
    "show": Command(
        "show",
        "snapshots:show",
        f"Show one snapshot with its volumes. {WHICH}",
        [argument("snapshot", **SNAPSHOT), of_instance()],
        example="civo-snapshots show web-1/before-upgrade",
    ),
    "create": Command(
        "create",
        "snapshots:create",
        "Snapshot INSTANCE with its attached volumes. A name is made if none is given. A create "
        "whose answer is lost is looked for, and sent again only if it did nothing.",
        [
            argument("instance", **INSTANCE),
            option("-n", "--name", metavar="NAME", help="Lower-case letters, digits and '-'."),
            option("-d", "--description", metavar="TEXT", help="Free text."),
            option(
                "--on-existing",
                type=ON_EXISTING,
                default="create",
                help="If one of the name exists: make one more, take it, or fail.",
            ),
            flag("-w", "--wait", help="Wait until it is complete."),
            timeout(1_800, "How long to wait."),
        ],
        changes=True,
        example="civo-snapshots create web-1 --name before-upgrade --wait",
    ),
    "update": Command(
        "update",
        "snapshots:update",
        f"Rename or describe a snapshot; what is not given stays. {WHICH}",
        [
            argument("snapshot", **SNAPSHOT),
            option("-n", "--name", metavar="NAME", help="The new name."),
            option("-d", "--description", metavar="TEXT", help="The new description."),
            of_instance(),
        ],
        changes=True,
        example="civo-snapshots update web-1/before-upgrade --description 'kept for the audit'",
    ),
    "delete": Command(
        "delete",
        "snapshots:delete",
        f"Delete snapshots. The quota is freed when a deletion completes. {WHICH}",
        [
            argument("snapshots", nargs=-1, required=True, **SNAPSHOT),
            of_instance(),
            flag("-w", "--wait", help="Wait until they are gone."),
            timeout(1_800, "How long to wait."),
        ],
        changes=True,
        example="civo-snapshots delete web-1/before-upgrade\n"
        "civo-snapshots list --match 'test-*' -o id | xargs -r civo-snapshots rm --yes",
    ),
    "wait": Command(
        "wait",
        "waits:wait",
        f"Wait until snapshots are complete, whoever made them. {WHICH}",
        [
            argument("snapshots", nargs=-1, required=True, **SNAPSHOT),
            of_instance(),
            timeout(1_800, "How long to wait."),
        ],
        example="civo-snapshots wait web-1/nightly db-1/nightly --timeout 1h",
    ),
    "watch": Command(
        "watch",
        "waits:watch",
        "Follow a snapshot until its end: a line for each change of it or of one of its volumes. "
        + WHICH,
        [argument("snapshot", **SNAPSHOT), of_instance(), timeout(1_800, "How long to watch.")],
        example="civo-snapshots watch web-1/nightly -o jsonl",
    ),
}
