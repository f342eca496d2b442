"""Runs one client function in this fresh process and prints its figures as JSON."""

import asyncio
import importlib
import json
import sys


def main() -> None:
    module, function, spec = sys.argv[1:]
    run = getattr(importlib.import_module(f".{module}", __package__), function)
    print(json.dumps(asyncio.run(run(**json.loads(spec)))))


if __name__ == "__main__":
    main()
