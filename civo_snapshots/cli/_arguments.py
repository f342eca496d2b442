"""The command line: what may be given, checked before anything is sent.

There is no option for the token: command lines are seen by everybody on the machine.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import frozen

from .. import _config, _validation
from .._version import __version__
from ..errors import ConfigurationError, InvalidArgumentError
from ..resources import DEFAULT_RUN_TIMEOUT

T = TypeVar("T")

_DESCRIPTION = """\
Snapshot instances of a CivoStack Enterprise private region, and wait for each volume.

Without INSTANCE: a demo on a region embedded in this process. Nothing leaves the machine.
With INSTANCE: a real region, which is only read unless --yes is given. The token comes from
CIVO_TOKEN or the civo CLI's file, the region from --region, CIVO_REGION or that file.
"""

_EPILOG = """\
exit codes:
  0    all complete, and restored if asked for; or a dry run that found nothing in the way;
       or the demo went as staged
  1    not all of that, or the API could not be reached
  2    wrong use or configuration; nothing was sent
  130  interrupted; what was created until then is told

The same --name again continues a run: what exists is adopted, nothing is created twice.
"""


@frozen
class Options:
    """A checked command line."""

    instances: tuple[str, ...] = ()
    name: str | None = None
    timeout: float = DEFAULT_RUN_TIMEOUT
    region: str | None = None
    profile: str | None = None
    yes: bool = False
    json: bool = False
    restore: str | None = None


def _checked(check: Callable[[object], T]) -> Callable[[str], T]:
    """The SDK's own check as an argparse type: it would drop the message of a ValueError."""

    def convert(text: str) -> T:
        try:
            return check(text)
        except (InvalidArgumentError, ConfigurationError) as error:
            raise argparse.ArgumentTypeError(error.message) from None

    return convert


def _seconds(text: object) -> float:
    try:
        number = float(str(text))
    except ValueError:
        raise InvalidArgumentError(f"a number of seconds, not {text!r}") from None
    return _validation.seconds(number, "the timeout")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m civo_snapshots",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("instances", nargs="*", metavar="INSTANCE", help="the id of an instance")
    add(
        "--name",
        type=_checked(_validation.run_name),
        help="of the run; each snapshot is called NAME-<digest of the instance id>",
    )
    add(
        "--timeout",
        type=_checked(_seconds),
        default=DEFAULT_RUN_TIMEOUT,
        metavar="SECONDS",
        help="for the whole run (default: %(default)g)",
    )
    add("--region", type=_checked(_config.check_region), metavar="CODE", help="such as LON1")
    add("--profile", help="the name of a key in the civo CLI's file")
    add("--yes", action="store_true", help="do it; without, a real region is only read")
    add("--json", action="store_true", help="the result as JSON on stdout, progress on stderr")
    add(
        "--restore",
        type=_checked(_validation.hostname),
        metavar="HOSTNAME",
        help="then restore the first complete snapshot to a new instance; each run makes another",
    )
    add("--version", action="version", version=__version__)
    return parser


def _is_option(text: str) -> bool:
    return text.startswith("-")


def _option_name(text: str) -> str:
    return text.partition("=")[0] if text.startswith("--") else text[:2]


def parse(argv: Sequence[str] | None = None) -> Options:
    """The options; prints to stderr and exits with 2 if they make no sense."""
    parser = _parser()
    found, unknown = parser.parse_known_intermixed_args(argv)
    if unknown:
        # Without their values, as one of them may be a token. For the same reason the instances
        # are looked at only afterwards: `--token abc` may make an instance of "abc".
        names = ", ".join(map(_option_name, filter(_is_option, unknown)))
        parser.error(f"unknown options: {names} (the token is taken from CIVO_TOKEN)")
    found.instances = tuple(found.instances)
    options = Options(**vars(found))
    for instance_id in options.instances:
        try:
            _validation.identifier(instance_id, "INSTANCE")
        except InvalidArgumentError as error:
            parser.error(error.message)
    real_only = ("region", "profile", "yes", "restore")
    given = [f"--{option}" for option in real_only if getattr(options, option)]
    if given and not options.instances:
        # Perhaps a script whose list came out empty: no demo may pass for its backup.
        parser.error(f"{', '.join(given)}: name the instances too; without any, this is the demo")
    return options
