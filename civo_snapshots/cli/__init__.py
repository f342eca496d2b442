"""The command line `civo-snapshots`: light until a command is run, so that help comes at once.

`commands/` says what may be typed and needs click alone; `actions/` does it, with the SDK, and is
imported when its command runs.
"""

from ._app import main

__all__ = ["main"]
