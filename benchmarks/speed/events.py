"""Job `events`: what telling of a request costs, with a listener and without."""

import time
from collections.abc import Callable

from civo_snapshots import CivoClient, Event
from civo_snapshots._http import Kind, Request, Response
from civo_snapshots._session.call import Session, _Asked

from ._bench import Bench, Report, client, values
from ._meter import Figures

LISTENERS: dict[str, list[Callable[[Event], None]]] = {
    "without a listener": [],
    "with a listener": [lambda event: None],
}


def run(bench: Bench) -> Report:
    report = Report("events")
    spec = {"count": bench.size(200_000, 20_000)}
    found = [client("events", "cost", spec) for _ in range(bench.rounds(3))]
    for name, limit in zip(LISTENERS, (0.5, 2.0), strict=True):
        report.bar(14, report.note(f"an event {name}", "us", values(found, name)), limit)
    return report


async def cost(count: int) -> Figures:
    """CPU of telling of one request, the log being off; the loop's own is taken off."""
    figures: Figures = {}
    for name, listeners in LISTENERS.items():
        async with CivoClient("a-token", region="LON1", on_event=listeners) as civo:
            figures[name] = _microseconds(civo._state.session, count)
    return figures


def _microseconds(session: Session, count: int) -> float:
    request = Request("GET", "/v2/instances/i-1/snapshots/s-1", Kind.SAFE, "LON1")
    asked = _Asked(request, lambda answer: answer.body, None, None, None, False)
    response = Response(200, {"x-request-id": "1234"}, b"")
    began = time.process_time()
    for _ in range(count):
        session._tell_done(asked, 1, 0.0, response, b"")
    told = time.process_time()
    for _ in range(count):
        pass
    return (told - began - (time.process_time() - told)) / count * 1e6
