"""What the shell completes, asked of the region at each tab: instances, snapshots, runs ..."""

from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


def _asked(kind: str) -> dict[str, Any]:
    def complete(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        found = import_module("._completing", __package__)
        return [
            CompletionItem(value, help=told)
            for value, told in found.values(kind, ctx.params)
            if value.startswith(begun)
        ]

    return {"shell_complete": complete}


INSTANCE = _asked("instances")
SNAPSHOT = _asked("snapshots")
SCHEDULE = _asked("schedules")
RUN = _asked("runs")
TAG = _asked("tags")
REGION = _asked("regions")
