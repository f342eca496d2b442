"""`python -m civo_snapshots`: the main job, on an embedded region unless instances are named."""

import sys

try:
    from .cli import main
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "rich":
        raise
    # Whoever only imports the SDK does not need rich, so it is in an extra.
    print(
        "the command line needs rich: python -m pip install 'civo-snapshots[cli]'", file=sys.stderr
    )
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
