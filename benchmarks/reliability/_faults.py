"""What goes wrong on purpose: one seeded plan for a whole run."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Faults:
    """Shares are of all requests, from 0 to 1; times are in seconds.

    Attributes:
        seed: of every draw of the server.
        seeded: snapshots that exist from the beginning: ``i-<n>`` has ``s-<n>``.
        before: the connection is dropped after the request was read, before anything is done.
        after: it is dropped when all is done.
        late: it is dropped, and the request acts between `late_from` and `late_to` afterwards.
        dead: every request is read and its connection closed.
        stray: an answer is followed, `stray_after` later, by one about another snapshot.
        idle_close: a connection idle for so long is closed; 0 for never.
        crossing: for so long before that the server reads no more, as one that has decided to
            close: a request written then crosses with the close.
    """

    seed: int = 20_261_123
    seeded: int = 0
    before: float = 0.0
    after: float = 0.0
    late: float = 0.0
    late_from: float = 0.0
    late_to: float = 0.3
    dead: bool = False
    stray: float = 0.0
    stray_after: float = 0.003
    idle_close: float = 0.0
    crossing: float = 0.0

    def to_json(self) -> str:
        """For the server's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The same plan again; an unknown fault is a `TypeError`."""
        return cls(**json.loads(text))
