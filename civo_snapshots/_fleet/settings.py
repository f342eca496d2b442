"""What a run was asked for."""

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

from .. import _naming
from .._create import OnExisting
from .._session import Quiescing
from .._watch import PollPolicy
from ..events import Transition
from ..states import StateTable

OnFailed = Literal["report", "retry"]

DEFAULT_MAX_AGE = 43_200.0
"""Seconds: what is as old as half a day was made by the last night's run, not by this one."""


class RunSettings(Struct, frozen=True, eq=False):
    """What one run was asked for.

    Attributes:
        is_new: nothing can exist under its name yet.
        allow_empty: whether an input without instances is a run without outcomes.
        max_age: seconds; what exists and is older is not adopted. None is any age.
        resume: whether an earlier attempt may have died a moment ago.
        waits: whether it waits for the snapshots; else it ends when each is made or adopted.
        quiescing: how instances are held while their creates are on their way.
        hostnames: of the instances that came as records; filled in as the input is read.
    """

    name: str
    timeout: float
    concurrency: int
    max_in_flight: int
    policy: PollPolicy
    states: StateTable
    on_existing: OnExisting = "adopt"
    is_new: bool = False
    description: str | None = None
    on_change: Callable[[Transition], None] | None = None
    allow_empty: bool = False
    max_age: float | None = DEFAULT_MAX_AGE
    on_failed: OnFailed = "report"
    resume: bool = False
    waits: bool = True
    quiescing: Quiescing | None = None
    hostnames: Mapping[str, str] = field(default_factory=dict[str, str])

    def name_for(self, instance_id: str, number: int = 1) -> str:
        """The name of an instance's snapshot on the wire; from 2 on, of a repeat."""
        return _naming.name_for(self.name, instance_id, number)
