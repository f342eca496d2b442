"""What names and ids may look like, and how names are made; pure, raises nothing.

Names are RFC 1123 labels as Kubernetes-style platforms use them (lower case). Ids come from an
allow-list, because URL libraries resolve ``..`` and would turn a bad id into another endpoint.
"""

import hashlib
import re
import secrets
import unicodedata
from datetime import datetime

MAX_NAME = 63
DIGEST_DIGITS = 12
MAX_RUN_NAME = MAX_NAME - DIGEST_DIGITS - 1

# ASCII classes only and fullmatch only: `\d`, `isalnum` and `$` let other scripts or a newline in.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
_GENERATED = re.compile(r"snap-[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")


def is_label(text: str) -> bool:
    """Whether the text is an RFC 1123 label."""
    return _LABEL.fullmatch(text) is not None


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


def generate_name(now: datetime) -> str:
    """A fresh name: the only key by which a create whose answer was lost can be found again."""
    return f"snap-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def name_for(run: str, instance_id: str) -> str:
    """The wire name of one instance's snapshot in a run: unique in the region, same every time."""
    digest = hashlib.sha256(instance_id.encode()).hexdigest()
    return f"{run}-{digest[:DIGEST_DIGITS]}"


def is_unique(name: str, instance_id: str) -> bool:
    """Whether a name was made here, so that no other instance's snapshot can bear it."""
    if _GENERATED.fullmatch(name):
        return True
    run, _, _ = name.rpartition("-")
    return bool(run) and name == name_for(run, instance_id)
