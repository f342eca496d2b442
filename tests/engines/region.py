"""A fake region in a process of its own, which outlives whatever is killed.

As a program it is the fake's own command, whose rate limit counts in windows of ten seconds.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from attrs import frozen

from civo_snapshots.testing import __main__, _rate_limit

CREATE = "POST /v2/instances/{id}/snapshots"


@frozen
class Served:
    """Where it is, and what it has received."""

    url: str
    token: str

    def stats(self) -> Mapping[str, Any]:
        with urlopen(f"{self.url}/_fake/stats") as answer:
            found: Mapping[str, Any] = json.load(answer)
        return found

    @property
    def environment(self) -> dict[str, str]:
        return {"CIVO_TOKEN": self.token, "CIVO_API_URL": self.url}

    def instances(self) -> dict[str, list[str]]:
        """The ids by region."""
        regions = self.stats()["regions"]
        return {code: [one["id"] for one in held["instances"]] for code, held in regions.items()}

    def made(self) -> Counter[str]:
        """How many snapshots there are, by name."""
        regions = self.stats()["regions"].values()
        return Counter(one["name"] for held in regions for one in held["snapshots"])

    def creates(self) -> int:
        return int(self.stats()["counts"].get(CREATE, 0))

    def requests(self) -> int:
        return sum(self.stats()["counts"].values())


def set_environment(variables: Mapping[str, str]) -> None:
    """Set these where this runs: a method of `os.environ` would travel with a copy of it."""
    os.environ.update(variables)


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """A region with these options of the command line."""
    command = [sys.executable, str(Path(__file__)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            about = json.loads(process.stdout.readline())
            yield Served(about["url"], about["token"])
        finally:
            process.terminate()


if __name__ == "__main__":
    _rate_limit._MINUTE = 10
    sys.exit(__main__.main())
