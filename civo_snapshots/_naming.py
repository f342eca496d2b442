"""What names and ids may look like, and how names are made; pure, raises nothing.

Names are RFC 1123 labels as Kubernetes-style platforms use them (lower case). Ids come from an
allow-list, because URL libraries resolve ``..`` and would turn a bad id into another endpoint.
"""

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime
from functools import lru_cache

MAX_NAME = 63
DIGEST_DIGITS = 12
MAX_REPEATS = 9
"""Snapshots of one run and instance that can be named: the first, and repeats after failures."""
MAX_RUN_NAME = MAX_NAME - DIGEST_DIGITS - len("-") - len("-r9")

# ASCII classes only and fullmatch only: `\d`, `isalnum` and `$` let other scripts or a newline in.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_GENERATED = re.compile(r"snap-[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_OF_A_RUN = re.compile(rf"(.+-[0-9a-f]{{{DIGEST_DIGITS}}})(?:-r([2-9]))?")


def is_label(text: str) -> bool:
    """Whether the text is an RFC 1123 label."""
    return _LABEL.fullmatch(text) is not None


# The ids of a call are looked at twice, and those of a wait or a run again and again.
@lru_cache(1024)
def is_id(text: str) -> bool:
    """Whether the text may stand in a URL path as one segment."""
    return _ID.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Whether the text looks like a region code."""
    return _REGION.fullmatch(text) is not None


def suggest_label(text: str, max_length: int = MAX_NAME) -> str:
    """The nearest valid label, or an empty text if nothing of it can be kept."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:max_length].rstrip("-")


def generate_name(now: datetime, what: str = "snap") -> str:
    """A fresh name: the only key by which a create whose answer was lost can be found again."""
    return f"{what}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def run_name(text: str) -> str:
    """A valid name of a run for any text, such as a scheduler's own id of a run.

    The same text always gives the same name. A text that is a valid name stays as it is; any other
    becomes the nearest label and 8 digits of its digest, so that two texts never share a name.

    Args:
        text: anything.

    Example::

        assert run_name("nightly-20261123") == "nightly-20261123"
        print(run_name("nightly 2026-11-23T02:00"))
    """
    if is_label(text) and len(text) <= MAX_RUN_NAME:
        return text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{suggest_label(text, MAX_RUN_NAME - len(digest) - 1) or 'run'}-{digest}"


def name_for(run: str, instance_id: str, number: int = 1) -> str:
    """The wire name of one instance's snapshot in a run: unique in the region, same every time.

    From the second on, `number` marks a repeat after a failure. The mark comes behind the digest,
    where no other run's name can have it.
    """
    first = f"{run}-{digest_of(instance_id)}"
    return first if number == 1 else f"{first}-r{number}"


@lru_cache(maxsize=256)  # a run asks for the same one three times in a row
def digest_of(instance_id: str) -> str:
    """What the wire names of an instance's snapshots in runs tell of it."""
    return hashlib.sha256(instance_id.encode()).hexdigest()[:DIGEST_DIGITS]


def without_repeat(name: str) -> tuple[str, int]:
    """A wire name of a run without the mark of a repeat, and the number that the mark tells."""
    match = _OF_A_RUN.fullmatch(name)
    return (match[1], int(match[2] or 1)) if match else (name, 1)


def run_and_digest(name: str) -> tuple[str, str]:
    """The run that a wire name tells and the digest of its instance; empty texts if it is none.

    Only the digest of an instance known by its id proves that the name was made for it.
    """
    match = _OF_A_RUN.fullmatch(name)
    return (match[1][: -DIGEST_DIGITS - 1], match[1][-DIGEST_DIGITS:]) if match else ("", "")


def run_of(name: str, instance_id: str) -> str:
    """The run that made an instance's snapshot, if its wire name proves one; else empty."""
    run, digest = run_and_digest(name)
    return run if digest == digest_of(instance_id) else ""


def is_of_run(name: str, run: str) -> bool:
    """Whether a run of this name would give some instance's snapshot that name."""
    return run_and_digest(name)[0] == run != ""


def has_prefix(name: str, prefix: str) -> bool:
    """Whether a name is the prefix, or begins with it and a hyphen: "prod" is none of "product"."""
    stem = prefix.removesuffix("-")
    return name == stem or name.startswith(f"{stem}-")


def is_unique(name: str, instance_id: str) -> bool:
    """Whether a name was made here, so that no other instance's snapshot can bear it."""
    if _GENERATED.fullmatch(name):
        return True
    return run_of(name, instance_id) != ""


_SHORT = 128
"""An id of a server's may have as many characters."""


def printable(text: str, limit: int = 2_000) -> str:
    """The text, cut, with control characters escaped so that it cannot forge log lines."""
    cut = text if len(text) <= limit else f"{text[:limit]}..."
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def short(text: str) -> str:
    """An id, a name or a state of a server's, as messages and logs show it."""
    return printable(text, _SHORT)
