"""The command line as options of a region: every switch is one, and faults are scheduled by it."""

import argparse
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from attrs import fields

from civo_snapshots.testing._fault import Fault
from civo_snapshots.testing._options import RegionOptions
from civo_snapshots.testing._region import FakeRegion
from civo_snapshots.testing._switches import CHOICES, STATE_KEYS, Switches

FAULTS = tuple(name for name, _ in inspect.getmembers(Fault, inspect.ismethod))
"""The faults by name."""

_WHEN = {"times", "after", "probability"}
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n        .*)*)", re.MULTILINE)

_EPILOG = f"""
faults, with their arguments as NAME=VALUE:
  {", ".join(FAULTS)}
  and for each: times=3 (or times=null, for ever), after=2, probability=0.1

example:
  %(prog)s --hostname db-1 --tag db-1 prod --snapshot-limit 50 \\
    --fault 'POST /v2/instances/{{id}}/snapshots' code code=database_quota_lock_failed times=2 \\
    --fault '*' gateway_html status=503 probability=0.05 times=null
"""


def region_of(
    arguments: Sequence[str] | None = None, program: str = "python -m civo_snapshots.testing"
) -> FakeRegion:
    """The region that the command line asks for, or the end of the program with what is wrong.

    It is not started: till then it holds nothing open.
    """
    parser = _parser(program)
    said = vars(parser.parse_args(arguments))
    seed, draws = said.pop("seed"), said.pop("any")
    hostnames, tags, faults = said.pop("hostname"), said.pop("tag"), said.pop("fault")
    for name in ("duration", "restore_duration"):
        if name in said:
            said[name] = tuple(said[name])
    # Nobody in this process reads the requests, and it may run for days.
    options = cast("RegionOptions", {"keep_requests": False, "expose_stats": True, **said})
    try:
        region = FakeRegion.any(seed, **options) if draws else FakeRegion(seed=seed, **options)
        _add_instances(region, hostnames, {hostname: words for hostname, *words in tags})
        for words in faults:
            _add_fault(region, words)
    except (TypeError, ValueError) as error:
        parser.error(str(error))
    return region


def _add_instances(
    region: FakeRegion, hostnames: Sequence[str], tags: Mapping[str, Sequence[str]]
) -> None:
    # Whatever is tagged exists, whether or not it was named as well.
    for hostname in dict.fromkeys([*hostnames, *tags]):
        region.add_instance(hostname, tags=tags.get(hostname, ()))


def _add_fault(region: FakeRegion, words: Sequence[str]) -> None:
    route, name, *arguments = [*words, ""] if len(words) == 1 else words
    if name not in FAULTS:
        raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    said = _arguments(arguments)
    when = {key: said.pop(key) for key in _WHEN & said.keys()}
    region.fault(route, getattr(Fault, name)(**said), **when)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        usage="%(prog)s [OPTION ...]",
        description="Serve a fake CivoStack region on loopback. The first line of output tells "
        "where it is. A page of its counters is at /_fake, and everything as "
        "JSON at /_fake/stats.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    add = parser.add_argument
    add("--port", type=int, help="0 (the default) takes a free one")
    add("--region", help="code of the region (LON1)")
    add("--more-regions", nargs="+", metavar="CODE", help="of further regions at the same URL")
    add("--token", help="the only one that is let in (fake-token)")
    add("--instances", type=int, help="how many each region holds (3)")
    add("--volumes", type=int, help="of each of them (2)")
    add("--strangers", type=int, help="snapshots of other people in each region (0)")
    add("--latency", type=float, help="seconds added to each answer (0)")
    add("--seed", type=int, default=0, help="of ids, durations and draws (0)")
    add("--any", action="store_true", default=False, help="draw every switch that is not said")
    add("--hostname", action="append", default=[], help="one more instance in the first region")
    add(
        "--tag",
        action="append",
        nargs="+",
        default=[],
        metavar=("HOSTNAME", "TAG"),
        help="tags of an instance, which is made if it is not named by --hostname",
    )
    add(
        "--fault",
        action="append",
        nargs="+",
        default=[],
        metavar=("ROUTE", "FAULT"),
        help="let requests of a route ('*': of all) go wrong, as below",
    )
    _add_switches(parser)
    return parser


def _add_switches(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("switches", "What the API's documents leave open.")
    entries = dict(_ENTRY.findall(inspect.getdoc(Switches) or ""))
    for field in fields(Switches):
        # argparse takes a percent sign for a format.
        help_text = " ".join(entries[field.name].split()).replace("%", "%%")
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            help=f"{help_text} ({field.default})",
            **_form(field.name, field.default),
        )


def _form(name: str, default: object) -> dict[str, Any]:
    """How argparse reads a switch, which its default tells."""
    if name == "states":
        metavar = "documented|drawn|KEY=WORD,..."
        return {"type": _states, "metavar": metavar}
    if name in CHOICES:
        return {"choices": CHOICES[name], "type": type(default)}
    if isinstance(default, bool):
        return {"action": argparse.BooleanOptionalAction}
    if isinstance(default, tuple):
        return {"type": float, "nargs": 2, "metavar": ("SHORTEST", "LONGEST")}
    kind = int if default is None else type(default)
    return {"type": kind, "metavar": kind.__name__.upper()}


def _states(text: str) -> str | dict[str, str]:
    if "=" not in text:
        return text
    spelled = dict(pair.split("=", 1) for pair in text.split(","))
    if not spelled.keys() <= set(STATE_KEYS):
        raise argparse.ArgumentTypeError(f"the keys are {', '.join(STATE_KEYS)}")
    return spelled


def _arguments(pairs: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE pairs, each value as JSON if it is that, else as text."""
    said: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair!r} is not NAME=VALUE")
        try:
            said[name] = json.loads(value)
        except ValueError:
            said[name] = value
    return said
