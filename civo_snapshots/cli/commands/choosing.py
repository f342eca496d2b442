"""How instances are chosen on a command line."""

from typing import Any

import click

from .._complete import INSTANCE, TAG
from .._options import Options, argument, flag, option


class Shard(click.ParamType[tuple[int, int]]):
    """One part of several, such as 2/5."""

    name = "part"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        part, _, parts = str(value).partition("/")
        if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts) <= 1_000):
            raise click.BadParameter(
                f"{value!r} is no part such as 1/4, the first of four", ctx, param
            )
        return int(part), int(parts)


def choosing(*, shards: bool = True) -> Options:
    """Instances by name, or by what they are."""
    part = option(
        "--shard", type=Shard(), metavar="I/N", help="Only part I of N; each has its own instances."
    )
    return [
        argument("instances", nargs=-1, **INSTANCE),
        option(
            "--tag", multiple=True, metavar="TAG", help="All with this tag (repeatable).", **TAG
        ),
        option("--match", multiple=True, metavar="GLOB", help="All of such a hostname: 'web-*'."),
        flag("--all", "everything", help="All of the region."),
        option("--from", "from_file", metavar="FILE", help="One a line; - is stdin."),
        *([part] if shards else ()),
    ]
