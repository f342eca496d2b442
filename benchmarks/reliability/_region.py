"""A region's snapshots in memory: what a request does, and the answer it gets."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from itertools import count
from typing import Any

Answer = tuple[int, bytes]


class Region:
    """Snapshots by instance and id; like the real API, it does not mind a name used twice."""

    def __init__(self, seeded: int) -> None:
        self._instances: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._numbers = count(seeded)
        self.seeded = seeded
        for number in range(seeded):
            self._put(f"i-{number}", f"s-{number}", {"name": f"seeded-{number}"})

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Do what a request asks for; the path has no query."""
        match method, path.strip("/").split("/"):
            case "POST", ["v2", "instances", instance, "snapshots"]:
                made = self._put(instance, f"s-{next(self._numbers)}", json.loads(body))
                return 201, _dump(made)
            case "GET", ["v2", "resourcesnapshots"]:
                every = (one for made in self._instances.values() for one in made.values())
                return 200, _dump([{"id": one["id"], "instance": one} for one in every])
            case "GET", ["v2", "instances", instance, "snapshots"]:
                return 200, _dump(list(self._instances[instance].values()))
            case _, ["v2", "instances", instance, "snapshots", snapshot]:
                return self._one(method, instance, snapshot, body)
            case _:
                return _missing("endpoint_not_found")

    def stray(self, other_than: str) -> bytes:
        """The body of an answer about another snapshot than the one of this path."""
        asked = other_than.rpartition("/")[2]
        number = int(asked.removeprefix("s-")) + 1 if asked.startswith("s-") else 0
        other = number % self.seeded
        return _dump(self._instances[f"i-{other}"][f"s-{other}"])

    def ids_by_name(self) -> dict[str, list[str]]:
        """Every snapshot there is."""
        found: dict[str, list[str]] = defaultdict(list)
        for snapshots in self._instances.values():
            for snapshot in snapshots.values():
                found[snapshot["name"]].append(snapshot["id"])
        return found

    def _put(self, instance: str, key: str, fields: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {
            "id": key,
            "name": fields["name"],
            "description": fields.get("description") or "",
            "included_volumes": [],
            "status": {"state": "Complete", "volumes": [{"id": "boot", "state": "Complete"}]},
            "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        self._instances[instance][key] = made
        return made

    def _one(self, method: str, instance: str, key: str, body: bytes) -> Answer:
        snapshots = self._instances[instance]
        if key not in snapshots:
            return _missing("database_snapshot_not_found")
        if method == "DELETE":
            del snapshots[key]
            return 200, _dump({"result": "success"})
        if method == "PUT":
            snapshots[key].update(json.loads(body))
        return 200, _dump(snapshots[key])


def _missing(code: str) -> Answer:
    return 404, _dump({"code": code, "reason": "there is no such thing"})


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
