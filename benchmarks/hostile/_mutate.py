"""Valid answers of the API and the ways in which they are spoiled."""

import json
import random
from collections.abc import Callable, Mapping
from typing import cast

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

SNAPSHOT: dict[str, Json] = {
    "id": "7f1f-snap",
    "name": "before-upgrade",
    "description": "nightly",
    "included_volumes": ["volume-1", "volume-2"],
    "status": {
        "state": "Pending",
        "volumes": [{"id": "volume-1", "state": "Completed"}, {"id": "volume-2", "state": ""}],
    },
    "created_at": "2025-04-01T09:11:14.123456789Z",
}
RESTORE: dict[str, Json] = {
    "id": "restore-123",
    "hostname": "copy",
    "from_snapshot": "7f1f-snap",
    "private_ipv4": "10.0.0.1",
    "overwrite_existing": False,
    "status": {"state": "in_progress"},
    "created_at": "0001-01-01T00:00:00Z",
    "completed_at": None,
}
INSTANCE: dict[str, Json] = {
    "id": "i-1",
    "hostname": "db1",
    "status": "ACTIVE",
    "region": "LON1",
    "tags": ["prod", "db"],
    "attached_volumes": [{"id": "volume-1"}],
    "created_at": "2025-04-01T09:11:14+02:00",
    "initial_password": "never-read",
}
SCHEDULE: dict[str, Json] = {
    "id": "schedule-1",
    "name": "nightly",
    "cron_expression": "0 2 * * *",
    "paused": False,
    "retention": {"max_snapshots": 7, "period": "48h"},
    "instances": [{"id": "i-1", "size": "g4s", "included_volumes": ["volume-1"]}],
    "status": {"state": "active", "last_snapshot": {"id": "", "name": "", "state": ""}},
    "created_at": "2025-04-01T09:11:14Z",
}
REGION: dict[str, Json] = {
    "code": "LON1",
    "out_of_capacity": False,
    "features": {"iaas": True, "kubernetes": False},
    "default": True,
}
REGION_SNAPSHOT: dict[str, Json] = {
    "id": "outer-1",
    "name": "before-upgrade",
    "resource_type": "instance",
    "created_at": "2025-04-01T09:11:14Z",
    "instance": {**SNAPSHOT, "id": "i-1"},
}
QUOTA: dict[str, Json] = {"disk_snapshot_count_limit": 10, "disk_snapshot_count_usage": "3"}
ERROR: dict[str, Json] = {
    "code": "database_snapshot_not_found",
    "reason": "there is none",
    "details": "look elsewhere",
}
ODD: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**18), "", " ", "None", "null", "\x00\x1b[31m\n"),
    *("\ud800", "\u202e\u2028", "\U0001f4a3" * 50, "x" * 3000, "../../x", "%2e%2e", "i-1\r\nX: y"),
    *("9999-99-99T99:99:99Z", "+999999-01-01T00:00:00Z", "2025-04-01T24:00:00Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2025-02-30"),
    *cast("list[Json]", [[], {}, [None], [[]], {"items": None}, {"id": None}]),
    *cast("list[Json]", [["a", 1, None, {}], {"": {"": ""}}]),
)
_NUMBERS = (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"9" * 5000, b"1" + b"0" * 400)
_RAW = (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8", b"\x00", b"\xef\xbb\xbf", b"\\u", b'"')


def dumped(value: Json) -> bytes:
    """The value as the API would write it."""
    return json.dumps(value, separators=(",", ":")).encode()


def _places(value: Json, found: list[tuple[Json, str | int]]) -> None:
    """Every place of a tree, as its container and its key."""
    if isinstance(value, dict):
        for key, part in value.items():
            found.append((value, key))
            _places(part, found)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            found.append((value, number))
            _places(part, found)


def _put(container: Json, key: str | int, value: Json) -> None:
    if isinstance(container, dict):
        container[cast("str", key)] = value
    elif isinstance(container, list):
        container[cast("int", key)] = value


def spoil_tree(value: Json, rng: random.Random) -> Json:
    """The value with a few places swapped for another type, null, or something odd."""
    copied = cast("Json", json.loads(json.dumps(value)))
    places: list[tuple[Json, str | int]] = []
    _places(copied, places)
    if not places or rng.random() < 0.03:
        return rng.choice(ODD)
    for container, key in rng.sample(places, min(len(places), rng.choice((1, 1, 1, 2, 4)))):
        _put(container, key, rng.choice(ODD))
    if rng.random() < 0.05:  # null everywhere
        for container, key in places:
            if rng.random() < 0.5:
                _put(container, key, None)
    return copied


def _flip(body: bytes, rng: random.Random) -> bytes:
    spoiled = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 8))):
        spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
    return bytes(spoiled)


def _insert(pieces: tuple[bytes, ...]) -> Callable[[bytes, random.Random], bytes]:
    def insert(body: bytes, rng: random.Random) -> bytes:
        at = rng.randrange(len(body) + 1)
        return body[:at] + rng.choice(pieces) + body[at + rng.choice((0, 0, 1, 5)) :]

    return insert


def _instead_of_a_value(body: bytes, rng: random.Random) -> bytes:
    """A number that is none, or one without end, where a value stood."""
    parts = body.split(b":")
    at = rng.randrange(1, len(parts)) if len(parts) > 1 else 0
    head, comma, tail = parts[at].partition(b",")
    number = rng.choice(_NUMBERS)
    parts[at] = number + comma + tail if comma else number + head[-1:]
    return b":".join(parts)


def _nest(body: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((10, 100, 900, 950, 970, 980, 985, 990, 995, 1000, 5000, 100_000))
    depth += rng.randrange(10)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"reason":', b"}"), (b'{"items":[', b"]}")))
    core = body if rng.random() < 0.3 else b"1"
    nested = opening * depth + core + closing * (depth if rng.random() < 0.8 else 0)
    return nested if rng.random() < 0.5 else b'{"id":"x","code":"c","reason":' + nested + b"}"


_BYTEWISE: Mapping[Callable[[bytes, random.Random], bytes], int] = {
    _flip: 30,
    lambda body, rng: body[: rng.randrange(len(body))]: 15,  # cut
    _insert(_RAW): 15,
    _insert((b"null", b"[]", b"{}", b",", b"}", b"]")): 10,
    _instead_of_a_value: 10,
    lambda body, rng: body + rng.choice((body, b"garbage", b"\x00", b" ")): 4,  # two documents
    lambda body, rng: rng.choice((b"", b" \n", b"null", b"\xef\xbb\xbf" + body, b"<html>")): 4,
    lambda body, rng: body.decode().encode(rng.choice(("utf-16", "utf-32", "utf-7"))): 2,
    _nest: 1,
}


def spoil(value: Json, rng: random.Random) -> bytes:
    """One spoiled body made of a valid answer; mostly JSON still, with something wrong in it."""
    if rng.random() < 0.5:
        return dumped(spoil_tree(value, rng))
    [way] = rng.choices(list(_BYTEWISE), list(_BYTEWISE.values()))
    return way(dumped(value), rng)
