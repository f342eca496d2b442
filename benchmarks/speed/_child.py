"""Runs one client function in this fresh process and prints its figures as JSON."""

import asyncio
import importlib
import json
import sys


def main() -> None:
    module, function, spec = sys.argv[1:]
    run = getattr(importlib.import_module(f".{module}", __package__), function)
    arguments = json.loads(spec)
    factory = None
    if arguments.pop("loop", "") == "uvloop":
        factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(run(**arguments))))


if __name__ == "__main__":
    main()
