"""The README as the package index shows it: there, links and pictures need whole addresses."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

HOME = "https://github.com/civo-snapshots/civo-snapshots"
_RELATIVE = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)([^)]+)\)")


def absolute(text: str) -> str:
    """The text with each link into the repository made a link to its home."""

    def whole(match: re.Match[str]) -> str:
        picture, words, path = match.groups()
        return f"{picture}{words}({HOME}/{'raw' if picture else 'blob'}/main/{path})"

    return _RELATIVE.sub(whole, text)


class ReadmeHook(MetadataHookInterface):
    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text)}
