"""Which instances of a region a command is about."""

import hashlib
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from attrs import frozen

from ..models import Instance
from ._exits import Exit
from ._find import Directory
from ._session import EndedError


@frozen
class Choice:
    """How instances are chosen: by name, from a file, or by what they are.

    Attributes:
        shard: the number of a part and how many parts there are; each instance is in one of them,
            and stays in it as long as the number of parts does.
    """

    instances: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    everything: bool = False
    from_file: str | None = None
    shard: tuple[int, int] | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything says which instances are meant."""
        return bool(self.instances or self.tag or self.match or self.everything or self.from_file)

    def check(self) -> None:
        """End the command if nothing was chosen: a script whose list came out empty is no wish."""
        if not self.is_made:
            raise EndedError(
                Exit.USAGE,
                "Error: no instances are named; name some, or choose them by --tag, --match, "
                "--from or --all.",
            )

    def of(self, directory: Directory, *, allow_empty: bool | None = None) -> list[Instance]:
        """The instances, each once and in the order named; the command ends if there are none.

        `allow_empty` is None where the command has no such option.
        """
        named = [*self.instances, *(_lines_of(self.from_file) if self.from_file else ())]
        chosen = [directory.one(text) for text in named]
        if self.tag or self.match or self.everything:
            chosen += [one for one in directory.instances if fits(one, self.tag, self.match)]
        unique = list({one.id: one for one in chosen}.values())
        if self.shard is not None:
            part, parts = self.shard
            unique = [one for one in unique if shard_of(one.id, parts) == part]
        if not unique and not allow_empty:
            raise EndedError(
                Exit.USAGE,
                f"Error: no instance in {directory.region} is chosen; `civo-snapshots instances` "
                "lists them with their tags"
                + ("." if allow_empty is None else "; with --allow-empty that is no error."),
            )
        return unique


def fits(instance: Instance, tags: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether an instance has one of the tags, and a hostname of one of the patterns."""
    has_tag = not tags or any(tag in instance.tags for tag in tags)
    return has_tag and (not patterns or any(fnmatchcase(instance.hostname, p) for p in patterns))


def shard_of(instance_id: str, parts: int) -> int:
    """The part that an instance belongs to, from 1."""
    digest = hashlib.sha256(instance_id.encode()).digest()
    return int.from_bytes(digest[:8]) % parts + 1


def _lines_of(path: str) -> list[str]:
    """One instance a line; blank lines and what follows a # do not count."""
    try:
        if path == "-":
            text = sys.stdin.read() if sys.stdin is not None else ""
        else:
            text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise EndedError(Exit.USAGE, f"Error: --from {path} cannot be read: {why}.") from None
    found = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in found if line]
    if not lines:
        raise EndedError(Exit.USAGE, f"Error: --from {path} names no instance.")
    return lines
