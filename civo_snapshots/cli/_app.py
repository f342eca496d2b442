"""The command `civo-snapshots`: which commands there are, where each is declared, and its end."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from .._version import __version__
from ._exits import Exit
from ._options import connection, remember

PROGRAM = "civo-snapshots"

HELP = """\
Snapshots of instances in a CivoStack Enterprise private region.

The token comes from CIVO_TOKEN or the civo CLI's file (~/.civo.json), the region from --region,
CIVO_REGION or that file; `civo-snapshots config` shows what is used. Instances and snapshots are
named by id, by name or hostname, or by a beginning that only one has; a snapshot also as
INSTANCE/SNAPSHOT. What changes something shows what it will do and asks; --yes does not ask.

\b
First steps:
  civo-snapshots demo                             a run on a simulated region
  civo-snapshots create web-1 --wait              one snapshot
  civo-snapshots run --tag prod --name nightly    a whole fleet
"""

EPILOG = """\
Exit codes: 0 done; 1 something failed, was refused or is not there; 2 wrong use or configuration,
or not confirmed, nothing was changed; 3 the time was over, what was begun goes on; 4 something may
have been made and could not be found out; 130 Ctrl-C; 143 SIGTERM.

Any option may be set in the environment: CIVO_SNAPSHOTS_OUTPUT=json for all commands that have it,
CIVO_SNAPSHOTS_RUN_TIMEOUT=3600 for one.
"""

Table = Mapping[str, tuple[str, str]]

# Each command with the module of commands/ that declares it, and its line in the help. They stand
# here too so that the help needs none of those modules; a test keeps them equal.
SECTIONS: Mapping[str, Table] = {
    "Snapshots": {
        "list": ("snapshots", "List the snapshots of the region, or of one instance (ls)."),
        "show": ("snapshots", "Show one snapshot with its volumes."),
        "create": ("snapshots", "Snapshot one instance."),
        "update": ("snapshots", "Rename or describe a snapshot."),
        "delete": ("snapshots", "Delete snapshots (rm)."),
        "restore": ("restores", "Restore to a new instance, or over the original."),
        "wait": ("snapshots", "Wait until snapshots are complete."),
        "watch": ("snapshots", "Follow one snapshot, a line per change."),
    },
    "Fleets": {
        "run": ("runs", "Snapshot many instances and wait for each; continues by name."),
        "status": ("runs", "Show how a run is, by its name; changes nothing."),
        "rollback": ("runs", "Delete the snapshots of a run."),
        "prune": ("retention", "Delete old snapshots by a policy, as restic forgets."),
    },
    "Schedules": {
        "schedule": ("", "Snapshots that the region makes regularly."),
    },
    "Account": {
        "instances": ("account", "List the instances of the region."),
        "regions": ("account", "List the regions that the token can see."),
        "quota": ("account", "Show what the account may use and uses."),
        "config": ("account", "Show which settings are used and where they come from."),
    },
    "Trying it": {
        "demo": ("trying", "A run on a simulated region; nothing leaves this machine."),
        "simulate": ("trying", "Serve a simulated region, to try commands and scripts on."),
        "completion": ("trying", "Print the completion script for a shell."),
    },
}

SCHEDULES: Mapping[str, Table] = {
    "Commands": {
        "list": ("schedules", "List the schedules of the region (ls)."),
        "show": ("schedules", "Show one schedule with its instances."),
        "create": ("schedules", "Snapshot instances by a cron expression."),
        "update": ("schedules", "Rename or describe a schedule."),
        "pause": ("schedules", "Let a schedule make no more snapshots for now."),
        "resume": ("schedules", "Let a paused schedule go on."),
        "next": ("schedules", "Forecast when a schedule, or a cron expression, is due."),
        "delete": ("schedules", "Delete schedules; their snapshots stay (rm)."),
    },
}

ALIASES = {"ls": "list", "rm": "delete"}


class LazyGroup(click.Group):
    """A group that imports the declaration of a command when that command is wanted."""

    def __init__(
        self,
        name: str | None,
        sections: Mapping[str, Table],
        *,
        help: str,
        epilog: str | None = None,
        params: list[click.Parameter] | None = None,
    ) -> None:
        super().__init__(
            name,
            help=help,
            epilog=epilog,
            params=params,
            context_settings=CONTEXT,
            callback=remember,
            no_args_is_help=True,
        )
        self.sections = sections
        self._homes = {key: home for part in sections.values() for key, (home, _) in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in self._homes:
            return None
        if not self._homes[name]:
            return schedule
        module = import_module(f".commands.{self._homes[name]}", __package__)
        found: click.Command = module.COMMANDS[name if self.name is None else f"{self.name} {name}"]
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self._homes))
        for title, part in self.sections.items():
            with formatter.section(title):
                rows = [(f"{name:<{width}}", line) for name, (_, line) in part.items()]
                formatter.write_dl(rows)


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _tell_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"{PROGRAM} {__version__}")
        ctx.exit()


app = LazyGroup(
    None,
    SECTIONS,
    help=HELP,
    epilog=EPILOG,
    params=[
        *connection(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_tell_version,
            help="Show the version and exit.",
        ),
    ],
)


schedule = LazyGroup(
    "schedule",
    SCHEDULES,
    help="Snapshots that the region makes regularly: by a cron expression, the newest kept.",
    params=[*connection()],
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code, whatever happens."""
    try:
        return _ended(
            app.main(
                args=None if argv is None else list(argv),
                prog_name=PROGRAM,
                standalone_mode=False,
                auto_envvar_prefix="CIVO_SNAPSHOTS",
            )
        )
    except click.ClickException as error:
        _explain(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell("Interrupted; nothing was changed.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return _ended(None)


def _ended(result: object) -> int:
    """The exit code of what a command returned, once nothing is left to be written."""
    code = result if isinstance(result, int) else Exit.OK
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed before the program began
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            # Whoever read it went away (`| head`), which is no failure of the command; without
            # this, the interpreter would complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return int(code)


def _explain(error: click.ClickException) -> None:
    """One message that says what is wrong, and where the help is."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _tell(error.format_message())
        return
    _tell(f"Error: {_told(error)}")
    if isinstance(ctx, click.Context) and isinstance(error, click.UsageError):
        _tell(f"Try '{ctx.command_path} -h'.")


def _told(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption) and "token" in error.option_name:
        # Not even with its value: command lines are seen by everybody on the machine.
        return f"there is no option {error.option_name}; the token is taken from CIVO_TOKEN."
    return text if text.endswith((".", "?", ")")) else f"{text}."


def _tell(text: str) -> None:
    try:
        click.echo(text, err=True)
    except OSError:
        return  # nobody listens any more
