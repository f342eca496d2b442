"""Builds `go/`: the `calls` job with the official Go client, over one transport with a pool.

As shipped, the client makes a transport within each request, so that it reuses no connection and
closes none. No option changes that: the pool is put into a copy of its source, for the run only.
"""

import re
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "go"
CLIENT = Path("vendor/github.com/civo/civogo")
LONGEST = 600
"""Seconds that one step may take: the first ever fetches the client."""

_TRANSPORT = re.compile(r"(c\.httpClient\.Transport = )&http\.Transport\{.*?\n\t\}", re.DOTALL)
_POOL = """package civogo

import "net/http"

var pool = &http.Transport{MaxIdleConnsPerHost: 1024}
"""


class NotBuiltError(Exception):
    """Why there is no program, in one line."""


def build(folder: Path) -> Path:
    """The program, in this folder; raises `NotBuiltError`."""
    go = shutil.which("go")
    if go is None:
        raise NotBuiltError("go: not installed")
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    _run(folder, go, "mod", "tidy")
    _run(folder, go, "mod", "vendor")
    client = folder / CLIENT / "client.go"
    client.write_text(pooled(client.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / CLIENT / "pool.go").write_text(_POOL, encoding="utf-8")
    _run(folder, go, "build", "-mod=vendor", "-o", "calls")
    return folder / "calls"


def pooled(client: str) -> str:
    """The source of the client, with one transport for all requests."""
    changed, places = _TRANSPORT.subn(r"\1pool", client)
    if places != 1:
        raise NotBuiltError("civogo: makes its transport elsewhere than expected")
    return changed


def _run(folder: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotBuiltError(f"go {command[1]}: not done after {LONGEST} s") from error
    if done.returncode:
        *_, reason = done.stderr.strip().splitlines() or ["failed"]
        raise NotBuiltError(f"go {command[1]}: {reason.strip()}")
