"""`civo-snapshots` and `python -m civo_snapshots`: the command line, if its extra is installed."""

import sys
from collections.abc import Sequence

try:
    from .cli import main
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing not in ("click", "rich"):
        raise

    def main(argv: Sequence[str] | None = None) -> int:
        """Say what to install: whoever only imports the SDK does not need it."""
        print(
            f"civo-snapshots needs {missing}: python -m pip install 'civo-snapshots[cli]'",
            file=sys.stderr,
        )
        return 2

except KeyboardInterrupt:  # while all that was read: no place for a traceback
    print("Interrupted; nothing was changed.", file=sys.stderr)
    sys.exit(130)


if __name__ == "__main__":
    sys.exit(main())
