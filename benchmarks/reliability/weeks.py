"""A million calls on one client, answered in memory: what a client keeps in its weeks of service.

There is no HTTP, so that what grows is the client's own, and time is a fake clock's. `soak` has the
sockets.
"""

import asyncio
import gc
import json
import re
from collections import Counter, deque
from collections.abc import Collection, Mapping
from contextlib import suppress

from benchmarks.reliability._faults import Faults
from benchmarks.reliability._job import Bar, Figures, Job, work
from benchmarks.reliability.soak import resident
from civo_snapshots import CivoClient, CivoError
from civo_snapshots._http import Request, Response, Sink
from civo_snapshots.errors import ConnectionLostError
from civo_snapshots.testing import FakeClock

CALLS_PER_ROUND = 100
_SHARE = 10
_INSTANCES = 50
_PATH = re.compile(r"/v2/(?:instances/([^/]+)/snapshots(?:/([^/]+))?|resourcesnapshots)$")


class Memory:
    """A region in memory that keeps each instance's latest snapshot.

    Attributes:
        loses: whether the next create's answer is lost.
        sent: set when that has been sent.
    """

    def __init__(self) -> None:
        self.loses = False
        self.sent = asyncio.Event()
        self._made = 0
        self._latest: dict[str, dict[str, object]] = {}

    async def send(
        self, request: Request, timeout: float, sink: Sink | None = None
    ) -> Response | CivoError:
        """What takes the place of the transport's."""
        await asyncio.sleep(0)
        found = _PATH.match(request.path)
        assert found is not None, request.path
        instance, key = found.groups()
        if request.method == "POST":
            return await self._create(instance, json.loads(request.body or b"{}")["name"])
        if request.method == "DELETE":
            return Response(200, {}, b'{"result": "success"}')
        latest = self._latest.get(instance)
        if key is not None and (latest is None or latest["id"] != key):
            return Response(404, {}, b'{"code": "database_snapshot_not_found"}')
        shown = latest if key is not None else [latest] if latest else []
        if not instance:
            shown = list(self._latest.values())
        return Response(200, {}, json.dumps(shown).encode())

    async def _create(self, instance: str, name: str) -> Response | CivoError:
        self._made += 1
        state = f"Odd {self._made}" if self._made % 7 == 0 else "Complete"
        made: dict[str, object] = {
            "id": f"s-{self._made}",
            "name": name,
            "status": {"state": state},
        }
        self._latest[instance] = made
        if self.loses:
            self.loses = False
            self.sent.set()
            await asyncio.sleep(0)
            return ConnectionLostError("lost")
        return Response(201, {}, json.dumps(made).encode())


async def round_of(civo: CivoClient, memory: Memory, number: int, *, reads: int = 47) -> None:
    """A hundred calls: a lost create, one whose caller goes, a wait, a run that is left, reads."""
    instance = f"i-{number % _INSTANCES}"
    snapshot = await civo.snapshots.create(instance)
    for _ in range(reads):
        await civo.snapshots.get(snapshot)
        await civo.snapshots.list(instance).collect()
    await civo.snapshots.delete(snapshot)
    memory.loses = True
    made = await civo.snapshots.create(instance)
    with suppress(CivoError):  # an odd state ends no wait
        await civo.snapshots.wait_until_complete(made, timeout=5)
    memory.loses = True
    memory.sent.clear()
    job = asyncio.create_task(civo.snapshots.create(instance))
    await memory.sent.wait()
    job.cancel()
    await asyncio.wait({job})
    both = [instance, f"j-{number % _INSTANCES}"]  # the region keeps one snapshot of each
    async with civo.snapshots.create_each(both, name=f"r-{number}") as stream:
        async for _ in stream:
            break
    if number % 100 == 0:
        await civo.in_region("NYC1").snapshots.list(instance).collect()


def client_of(memory: Memory, clock: FakeClock) -> CivoClient:
    """A client whose requests that region answers."""
    civo = CivoClient(
        "token",
        region="LON1",
        api_url="http://127.0.0.1:1",
        clock=clock,
    )
    civo._state.session._transport.send = memory.send  # type: ignore[method-assign]
    return civo


def kept_by(root: object) -> Counter[str]:
    """How many entries each container has that lives as long as an object, by where it is."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    left: list[tuple[str, object]] = [(type(root).__name__, root)]
    while left:
        where, one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, (Mapping, set, frozenset, list, deque)):
            found[where] += len(one)
            held: Collection[object] = one.values() if isinstance(one, Mapping) else one
            left += [(f"{where}[]", item) for item in list(held)]
        elif type(one).__module__.startswith("civo_snapshots."):
            slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            names = {*getattr(one, "__dict__", ()), *slots} - {"__weakref__"}
            left += [(f"{where}.{name}", getattr(one, name, None)) for name in sorted(names)]
    return found


async def _sdk(_: str, size: int) -> Figures:
    clock, memory = FakeClock(), Memory()
    rounds = size // CALLS_PER_ROUND // _SHARE
    rss: list[int] = []
    raised = 0
    async with client_of(memory, clock) as civo:
        for share in range(_SHARE):
            raised += await work(
                rounds,
                1,  # each round counts on its own creates being the lost ones
                lambda number: round_of(civo, memory, number),
                first=share * rounds,
            )
            await clock.sleep(200)  # the late searches have ended
            gc.collect()
            rss.append(resident())
        entries = sum(kept_by(civo._state).values())
    return {
        "RSS drift MB": (rss[-1] - rss[0]) / 1e6,
        "RSS MB": rss[-1] / 1e6,
        "entries kept": entries,
        "rounds raised": raised,
    }


JOBS = (
    Job(
        "weeks",
        "calls answered in memory, with lost and abandoned creates and runs; what the client keeps",
        1_000_000,
        Faults(),
        {"sdk": _sdk},
        (Bar("RSS drift MB", most=2), Bar("rounds raised", most=0)),
        limit=1_800.0,
    ),
)
