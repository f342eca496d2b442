"""100,000 spoiled bodies through the decoder: only errors of the package, and no invented text."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import cast

import attrs

from benchmarks.hostile import _mutate
from benchmarks.hostile._figures import Figure, show
from benchmarks.hostile._mutate import Json, spoil
from civo_snapshots import (
    CivoError,
    Instance,
    Quota,
    Region,
    RegionSnapshot,
    Restore,
    Schedule,
    Snapshot,
)
from civo_snapshots._api.deletions import acknowledgement
from civo_snapshots._codec import one, page
from civo_snapshots._codec.records import unstructure
from civo_snapshots._http import Kind, Reader, Request, Response, failure_of

BODIES = 100_000
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_REQUEST = Request("GET", "/v2/instances/i-1/snapshots/s-1", Kind.SAFE, "LON1")
_STATUSES = (200, 201, 202, 204, 206, 301, 304, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
_HEADERS: tuple[dict[str, str], ...] = (
    *({}, {}, {}, {"retry-after": "nan"}, {"retry-after": "9" * 5000}, {"date": "\x00"}),
    *({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, {"x-request-id": "\x1b" * 9999}),
    *({"location": "http://[::1"}, {"location": "//u:p@\u2028"}, {"retry-after": "\u0661"}),
)


def _readers() -> list[tuple[Reader[object], Json]]:
    singles: list[tuple[type, Json]] = [
        (Snapshot, _mutate.SNAPSHOT),
        (Restore, _mutate.RESTORE),
        (Instance, _mutate.INSTANCE),
        (Schedule, _mutate.SCHEDULE),
        (RegionSnapshot, _mutate.REGION_SNAPSHOT),
        (Quota, _mutate.QUOTA),
    ]
    readers: list[tuple[Reader[object], Json]] = [(one(kind), body) for kind, body in singles]
    lists: list[tuple[Reader[object], Json]] = [
        (page(tuple[Snapshot, ...], 1), [_mutate.SNAPSHOT, _mutate.SNAPSHOT]),
        (page(tuple[Region, ...], 1), [_mutate.REGION]),
        (page(tuple[RegionSnapshot, ...], 1), [_mutate.REGION_SNAPSHOT]),
        (
            page(tuple[Instance, ...], 1),
            {"page": 1, "per_page": None, "pages": "3", "items": [_mutate.INSTANCE]},
        ),
    ]
    return [*readers, *lists, (acknowledgement, {"result": "success"})]


def _texts(value: object) -> Iterator[str]:
    """Every text in a record or in plain data, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in cast("dict[object, object]", value).items():
            yield from _texts(key)
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in cast("list[object]", value):
            yield from _texts(part)
    elif attrs.has(kind := type(value)):
        for field in attrs.fields(kind):
            yield from _texts(getattr(value, field.name))


def _invented(record: object, body: bytes) -> set[str]:
    """Texts of a record that its body does not have; above all "None"."""
    if not body.strip():
        return set(_texts(record)) - {"success"}
    known = set(_texts(json.loads(body.decode("utf-8-sig"))))
    # A quota's pairs bear the names of their fields, without what tells the two apart.
    known |= {text.removesuffix(end) for text in known for end in ("_limit", "_usage")}
    return set(_texts(record)) - known - {"", "success"}


def _read(read: Reader[object], response: Response) -> object:
    """What a call makes of a response; the errors of the package are the other good end."""
    failure = failure_of(_REQUEST, response, _NOW)
    if failure is not None:
        raise failure
    return read(response)


def _outcome(read: Reader[object], response: Response) -> tuple[str, str]:
    """How it ended, in a word; and what is wrong with that, or nothing."""
    try:
        record = _read(read, response)
    except CivoError as error:
        shown = str(error)
        fit = len(shown) < 10_000 and shown.isprintable()
        return "refused", "" if fit else f"unfit to be shown: {shown[:100]!r}"
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return "leaked", f"{type(error).__name__}: {error}"
    if invented := _invented(record, response.body):
        return "invented", f"texts from nowhere: {sorted(invented)[:3]}"
    json.dumps(unstructure(record))
    return "read", ""


def attack(bodies: int, seed: int = 0) -> tuple[dict[str, int], list[str]]:
    """How so many spoiled bodies ended, and what was wrong."""
    rng = random.Random(seed)
    readers = _readers()
    ends: dict[str, int] = {}
    problems: list[str] = []
    spoiled: Callable[[Json], bytes] = lambda value: spoil(value, rng)  # noqa: E731 - shorter
    for number in range(bodies):
        read, valid = rng.choice(readers)
        status = 200
        if rng.random() < 0.3:
            status, valid = rng.choice(_STATUSES), rng.choice((valid, _mutate.ERROR))
        response = Response(status, rng.choice(_HEADERS), spoiled(valid))
        end, problem = _outcome(read, response)
        ends[end] = ends.get(end, 0) + 1
        if problem:
            problems.append(f"{number}: {status} {response.body[:80]!r}: {problem}")
    return ends, problems


async def run() -> list[Figure]:
    """The figures of bar 3, first half."""
    ends, problems = attack(BODIES)
    show(problems)
    return [
        Figure("spoiled bodies", sum(ends.values()), at_least=BODIES),
        Figure("of them refused with an error of the package", ends.get("refused", 0), at_least=1),
        Figure("of them read, being valid still", ends.get("read", 0), at_least=1),
        Figure("errors of other kinds", ends.get("leaked", 0), 0),
        Figure("records with a text that was not sent", ends.get("invented", 0), 0),
        Figure("other problems", len(problems), 0),
    ]
