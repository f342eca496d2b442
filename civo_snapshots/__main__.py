"""`civo-snapshots` and `python -m civo_snapshots`: the command line, if its extra is installed."""

import sys

_NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line; whoever only imports the SDK does not need what it needs."""
    if _MISSING:
        print(
            f"civo-snapshots needs {_MISSING}: python -m pip install 'civo-snapshots[cli]'",
            file=sys.stderr,
        )
        return 2
    return command_line()


_MISSING = ""
try:
    from .cli import main as command_line
except ModuleNotFoundError as error:
    _MISSING = (error.name or "").partition(".")[0]
    if _MISSING not in _NEEDED:
        raise

if __name__ == "__main__":
    sys.exit(main())
