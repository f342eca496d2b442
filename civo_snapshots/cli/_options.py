"""What may be typed: commands as data, and the options that many of them share; needs click only.

There is no option for the token: command lines are seen by everybody on the machine.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from ._complete import REGION

FORMATS = ("table", "json", "jsonl", "name", "id")

Options = list[click.Parameter]


def argument(name: str, **how: Any) -> click.Argument:
    """A positional argument."""
    return click.Argument([name], **how)


def option(*names: str, **how: Any) -> click.Option:
    """An option; its default is shown unless it is nothing."""
    how.setdefault("show_default", how.get("default") not in (None, False, ()))
    return click.Option(list(names), **how)


def flag(*names: str, **how: Any) -> click.Option:
    """An option that is there or not."""
    return option(*names, is_flag=True, **how)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Seconds(click.ParamType[float]):
    """A time span: seconds, or a number with one of the units s, m, h and d."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        number, unit = (value[:-1], value[-1:]) if value[-1:].isalpha() else (value, "")
        try:
            seconds = float(number) * _UNITS[unit]
        except (KeyError, ValueError):
            seconds = -1
        if 0 < seconds <= 366 * 86_400:  # NaN fails every comparison
            return seconds
        raise click.BadParameter(f"{value!r} is no time span such as 90, 30m, 2h or 1d", ctx, param)


SECONDS = Seconds()


def connection() -> Options:
    """Where to: taken before the command's name as well as behind it."""
    return [
        option(
            "--region",
            metavar="CODE",
            help="The region, such as LON1 [env: CIVO_REGION].",
            **REGION,
        ),
        option(
            "--profile", metavar="NAME", help="A key of the civo CLI's file.", **_env("PROFILE")
        ),
        option("--api-url", metavar="URL", help="The API's address [env: CIVO_API_URL]."),
        flag("--debug", help="Tell on stderr what is sent and what happens.", **_env("DEBUG")),
    ]


def output() -> Options:
    """How data is written."""
    return [
        option(
            "-o",
            "--output",
            type=click.Choice(FORMATS),
            default="table",
            help="How data is written to stdout; name and id are one a line.",
            **_env("OUTPUT"),
        ),
        flag("--no-header", help="No headings above tables.", **_env("NO_HEADER")),
        flag(
            "-q", "--quiet", help="No progress and no words, only data and errors.", **_env("QUIET")
        ),
    ]


def change() -> Options:
    """Whether to do it."""
    return [
        flag("-y", "--yes", help="Do not ask; needed where there is no terminal.", **_env("YES")),
        flag("--dry-run", help="Show what would be done, and change nothing."),
    ]


def _env(name: str) -> dict[str, Any]:
    """One variable for all commands; one for a single command works beside it."""
    return {"envvar": f"CIVO_SNAPSHOTS_{name}"}


class Command(click.Command):
    """A command whose work is a function of `actions/`, imported when it is run.

    Args:
        action: ``module:function`` of that room.
        changes: whether it changes something, and so asks before.
        example: what one would type, for its help.
    """

    def __init__(
        self,
        name: str,
        action: str,
        help: str,
        params: Sequence[click.Parameter] = (),
        *,
        changes: bool = False,
        example: str = "",
    ) -> None:
        shared = [*(change() if changes else ()), *output(), *connection()]
        super().__init__(
            name,
            params=[*params, *shared],
            help=help,
            epilog=_examples(example) if example else None,
            callback=partial(_run, action),
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )


def _examples(text: str) -> str:
    lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
    return f"\b\nExamples:\n{lines}"


def remember(**given: object) -> None:
    """Keep what was given before the command's name for the command."""
    ctx = click.get_current_context()
    ctx.meta.setdefault(_GIVEN, {}).update({k: v for k, v in given.items() if v})


_GIVEN = "civo_snapshots.given"


def _run(action: str, **values: object) -> int:
    for name, before in click.get_current_context().meta.get(_GIVEN, {}).items():
        values[name] = values.get(name) or before
    module, _, function = action.partition(":")
    runner = import_module("._runner", __package__)
    work: Callable[..., Any] = getattr(import_module(f".actions.{module}", __package__), function)
    code: int = runner.run(work, values)
    return code
