"""What a region holds and has received, for a look from another process."""

import html
from collections.abc import Mapping
from typing import cast

from civo_snapshots.testing._state import RegionState
from civo_snapshots.testing._wire import JsonObject

_PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Fake region</title>
<style>body {{ font-family: sans-serif; margin: 2em }} td, th {{ padding: 0 1em 0 0;
text-align: left }}</style></head><body>
<h1>Fake region</h1>
<p>{about}</p>
{tables}
<p>The same, and everything the regions hold, as JSON: <a href="/_fake/stats">/_fake/stats</a></p>
</body></html>
"""


def table_payload(state: RegionState, at: float) -> JsonObject:
    """What a region holds at this time."""
    return {
        "instances": [
            {"id": item.id, "hostname": item.hostname, "status": item.status(at)}
            for item in state.instances.values()
        ],
        "snapshots": [
            {
                "id": record.id,
                "instance_id": record.instance_id,
                "name": record.name,
                "created_at": record.created_at,
                "state": record.state(at),
                "deleted": record.deleted,
            }
            for record in state.snapshots.values()
        ],
        "restores": [
            {"id": item.id, "instance_id": item.instance_id, "snapshot_id": item.snapshot_id}
            for item in state.restores.values()
        ],
        "schedules": [
            {"id": item.id, "name": item.name, "paused": item.paused}
            for item in state.schedules.values()
        ],
    }


def page(about: str, stats: Mapping[str, object]) -> str:
    """The counters as a page for a browser, which asks for it again every two seconds."""
    tables = [
        _table("Requests by route", stats["counts"]),
        _table("Answers by status", stats["statuses"]),
        _table("Faults that fired", stats["faults"]),
        _table(
            "Held",
            {
                f"{code}, {kind}": len(cast("list[object]", items))
                for code, held in cast("dict[str, JsonObject]", stats["regions"]).items()
                for kind, items in held.items()
            },
        ),
        _table(
            "Fields that were refused",
            {
                f"{one['route']}: {one['field']}": one["reason"]
                for one in cast("list[JsonObject]", stats["refused_fields"])
            },
        ),
    ]
    return _PAGE.format(about=html.escape(about), tables="\n".join(tables))


def _table(title: str, figures: object) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(str(name))}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in cast("Mapping[str, object]", figures).items()
    )
    return f"<h2>{title}</h2><table>{rows or '<tr><td>none</td></tr>'}</table>"
