"""Trying it out: the demo, the simulated region, and completion in the shell."""

import click

from .._options import SECONDS, Command, argument, flag, option


class Passing(Command):
    """A command whose words are another parser's."""

    def __init__(self, name: str, action: str, help: str) -> None:
        super().__init__(name, action, help)
        self.params = [argument("words", nargs=-1, type=click.UNPROCESSED)]
        self.context_settings = {
            "ignore_unknown_options": True,
            "allow_extra_args": True,
            "help_option_names": [],
        }


COMMANDS = {
    "demo": Command(
        "demo",
        "trying:demo",
        "A run over 50 instances of a simulated region that this process serves over real HTTP, "
        "with two failures staged, and a restore. No settings are used; nothing leaves this "
        "machine.",
        [
            flag("--keep", help="Leave the region running, to try commands on."),
            option("-n", "--name", default="demo", metavar="NAME", help="Of the run."),
            option(
                "--timeout",
                type=SECONDS,
                default=7_200,
                metavar="TIME",
                help="Of the run.",
                show_default="2h",
            ),
        ],
        example="civo-snapshots demo --keep",
    ),
    "simulate": Passing(
        "simulate", "trying:simulate", "Serve a simulated region, to try commands and scripts on."
    ),
    "completion": Command(
        "completion",
        "trying:completion",
        "Print the completion script for a shell. It completes commands, options, and the names of "
        "instances, snapshots and schedules.",
        [
            argument(
                "shell",
                required=False,
                type=click.Choice(["bash", "zsh", "fish", "powershell"]),
            )
        ],
        example="""\
eval "$(civo-snapshots completion bash)"                  # in ~/.bashrc
eval "$(civo-snapshots completion zsh)"                   # in ~/.zshrc
civo-snapshots completion fish | source                   # in config.fish
civo-snapshots completion powershell | Out-String | iex   # in $PROFILE""",
    ),
}
