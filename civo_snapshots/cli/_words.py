"""What the command line says: errors in its own language, times and numbers as people do."""

import re
from datetime import datetime

from .. import errors
from ..errors import CivoError, printable
from ..outcomes import FleetRun
from ._exits import Exit

_EXITS: tuple[tuple[type[CivoError] | tuple[type[CivoError], ...], Exit], ...] = (
    (
        (errors.ConfigurationError, errors.InvalidArgumentError, errors.AmbiguousNameError),
        Exit.USAGE,
    ),
    ((errors.WaitTimeoutError, errors.DeadlineExceededError), Exit.TIMED_OUT),
    (
        (errors.OutcomeUnknownError, errors.PollFailedError, errors.SnapshotUnsettledError),
        Exit.UNKNOWN,
    ),
)

# The SDK's arguments and what they are called here; some of its advice is of no use here.
_PHRASES = (
    ("pass token=, set CIVO_TOKEN", "set CIVO_TOKEN"),
    ("a profile of the civo CLI's file", "a --profile of the civo CLI's file"),
    ("check the region's code", "see `civo-snapshots regions`"),
    (", or pass allow_insecure_http=True", ""),
    ("it goes on, wait again", "it goes on"),
)
_NAMES = {
    "api_url": "--api-url",
    "allow_empty": "--allow-empty",
    "cron_expression": "--cron",
    "description": "--description",
    "hostname": "--hostname",
    "include_volumes": "--volumes",
    "keep_daily": "--keep-daily",
    "keep_hourly": "--keep-hourly",
    "keep_last": "--keep-last",
    "keep_monthly": "--keep-monthly",
    "keep_weekly": "--keep-weekly",
    "keep_within": "--keep-within",
    "keep_yearly": "--keep-yearly",
    "max_age": "--max-age",
    "max_rate": "--max-rate",
    "max_snapshots": "--keep",
    "name": "--name",
    "overwrite_existing": "--overwrite-existing",
    "paused": "--paused",
    "period": "--period",
    "private_ip": "--private-ip",
    "profile": "--profile",
    "region": "--region",
    "resume": "--resume",
    "timeout": "--timeout",
}
_ARGUMENT = re.compile(rf"\b({'|'.join(_NAMES)})(?:=(?:True|False|None)?|(?= must be\b))")
_SETTING = re.compile(r"\b(api_url)\b|\bthe (api_url|region) argument\b")


def in_our_words(text: str) -> str:
    """A message of the SDK, with options where it names arguments."""
    for theirs, ours in _PHRASES:
        text = text.replace(theirs, ours)
    text = _ARGUMENT.sub(lambda match: _NAMES[match[1]], text)
    return _SETTING.sub(lambda match: _NAMES[match[1] or match[2]], text)


def exit_of(error: CivoError) -> Exit:
    """The exit code that an error is."""
    return next((code for kinds, code in _EXITS if isinstance(error, kinds)), Exit.FAILED)


def explained(error: CivoError) -> str:
    """What went wrong and what to do, and behind it what was asked."""
    text = printable(in_our_words(error.message))
    return f"{text} [{printable(error.call.told(error.message))}]" if error.call else text


def reason(error: CivoError | None) -> str:
    """Why one of many did not succeed, in a line behind its name."""
    if error is None:
        return ""
    match error:
        case errors.SnapshotFailedError(failed_volumes=(_, *_) as ids):
            # Which snapshot it is stands before it.
            said = error.snapshot.message
            told = [said] if said and all(one in said for one in ids) else [", ".join(ids), said]
            text = f"{many(len(ids), 'volume')} failed: {': '.join(filter(None, told))}"
        case errors.ApiError(code=str(code), reason=str(said)) if code and said:
            text = f"{said} ({code})"
        case _:
            text = in_our_words(error.message)
    return printable(text, 300)


def many(number: int, what: str, plural: str = "") -> str:
    """A number of things: "1 snapshot", "2 snapshots"."""
    return f"{number:,} {what if number == 1 else plural or f'{what}s'}"


def counted(run: FleetRun) -> str:
    """How many outcomes there are of each kind: "3 complete, 1 timed out"."""
    found = (f"{number} {kind_in_words(kind)}" for kind, number in run.counts.items() if number)
    return ", ".join(found)


def kind_in_words(kind: str) -> str:
    """A kind of outcome as people say it."""
    return kind.replace("_", " ")


def span(seconds: float) -> str:
    """A time span in its largest whole unit: "45 s", "3 min", "5 h", "12 d"."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 60 and seconds >= size):
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def age(made: datetime | None, now: datetime) -> str:
    """How old something is; empty where its time is not known."""
    if made is None:
        return ""
    return span((now - (made if made.tzinfo else made.replace(tzinfo=now.tzinfo))).total_seconds())
