"""What the methods of runs share: their options, checked, and what taking a run back means."""

from collections.abc import Callable, Collection
from typing import Literal, TypedDict

from attrs import frozen

from .. import _naming, _validation
from .._api import RegionApi
from .._concurrency import for_each
from .._create import CreateSupervisor, OnExisting
from .._fleet import (
    DEFAULT_MAX_AGE,
    FleetStream,
    Instances,
    OnFailed,
    RunSettings,
)
from .._watch import PollPolicy, Watcher, policy_or
from ..errors import CivoError, InvalidArgumentError
from ..events import Transition
from ..models import Snapshot
from ..outcomes import FleetRun
from ..states import StateTable

QuotaCheck = Literal["check", "ignore"]

DEFAULT_RUN_TIMEOUT = 7_200.0
DEFAULT_IN_FLIGHT = 1_000


class RunOptions(TypedDict, total=False):
    """What a run over many instances accepts.

    description: of every snapshot.
    timeout: seconds for all creates and waits of the run; two hours by default.
    concurrency: creates at once; the client's by default.
    max_in_flight: snapshots that are not finished yet, at once; 1,000 by default.
    on_existing: what exists under the name is adopted ("adopt"), reported as refused ("error"), or
        made once more ("create").
    max_age: seconds; what exists and is older, or of unknown age, is not adopted but reported as
        refused, with a `SnapshotExistsError` that has the record. 12 hours by default; None is
        any age.
    on_failed: what is to be adopted and has failed is reported ("report"), or one more is made
        under the next of the names that end in ``-r2`` to ``-r9`` ("retry").
    resume: an earlier attempt at this run may have died a moment ago. What seems missing is then
        created only after `Timeouts.reconcile_window`, when everything that attempt made shows.
        Without it this is done where the region shows a snapshot of the run that is as young.
    quota: "check" refuses the whole run before anything is sent if the quota is too small.
    poll: how the run polls; the client's policy by default.
    on_change: told of each transition; an exception of it is logged.
    allow_empty: an input without instances is a run without outcomes, instead of an error.
    """

    description: str | None
    timeout: float
    concurrency: int | None
    max_in_flight: int
    on_existing: OnExisting
    max_age: float | None
    on_failed: OnFailed
    resume: bool
    quota: QuotaCheck
    poll: PollPolicy | None
    on_change: Callable[[Transition], None] | None
    allow_empty: bool


@frozen
class RunDefaults:
    """What a run takes from its client."""

    policy: PollPolicy
    states: StateTable
    concurrency: int


def run_settings(
    name: str, defaults: RunDefaults, options: RunOptions, *, is_new: bool
) -> tuple[RunSettings, bool]:
    """The checked settings of a run, and whether its quota is to be checked."""
    _validation.keywords(options, RunOptions.__annotations__)
    on_existing = options.get("on_existing", "adopt")
    _validation.one_of(on_existing, "on_existing", ("adopt", "error", "create"))
    quota = _validation.one_of(options.get("quota", "ignore"), "quota", ("check", "ignore"))
    concurrency, on_change = options.get("concurrency"), options.get("on_change")
    if on_change is not None:
        _validation.callback(on_change, "on_change of a run")
    max_age = options.get("max_age", DEFAULT_MAX_AGE)
    on_failed = options.get("on_failed", "report")
    _validation.one_of(on_failed, "on_failed", ("report", "retry"))
    resume = _validation.boolean(options.get("resume", False), "resume")
    if resume and is_new:
        raise InvalidArgumentError("resume=True needs the name of the run that is to go on")
    settings = RunSettings(
        name=_validation.run_name(name),
        timeout=_validation.seconds(options.get("timeout", DEFAULT_RUN_TIMEOUT), "timeout"),
        concurrency=_validation.count(
            defaults.concurrency if concurrency is None else concurrency, "concurrency"
        ),
        max_in_flight=_validation.count(
            options.get("max_in_flight", DEFAULT_IN_FLIGHT), "max_in_flight"
        ),
        policy=policy_or(options.get("poll"), defaults.policy),
        states=defaults.states,
        on_existing=on_existing,
        is_new=is_new,
        description=_validation.optional(_validation.description, options.get("description")),
        on_change=on_change,
        allow_empty=_validation.boolean(options.get("allow_empty", False), "allow_empty"),
        max_age=None if max_age is None else _validation.seconds(max_age, "max_age"),
        on_failed=on_failed,
        resume=resume,
    )
    return settings, quota == "check"


def run_stream(
    api: RegionApi,
    creates: CreateSupervisor,
    watcher: Callable[[], Watcher],
    *,
    defaults: RunDefaults,
    instances: Instances,
    name: str | None,
    options: RunOptions,
) -> FleetStream:
    """A run, checked, that begins when it is iterated; a name is generated if there is none."""
    api.named_region()
    _validation.instances(instances, is_async=True)
    settings, check_quota = run_settings(
        _naming.generate_name(api.session.clock.now()) if name is None else name,
        defaults,
        options,
        is_new=name is None,
    )
    return FleetStream.open(api, creates, watcher(), settings, instances, check_quota=check_quota)


def made_by(run: FleetRun) -> Collection[Snapshot]:
    """The snapshots that this very run created."""
    made = {out.snapshot.id: out.snapshot for out in run if out.snapshot and not out.adopted}
    return made.values()


def believed_from(api: RegionApi, creates: CreateSupervisor, snapshot_id: str) -> float:
    """The moment from which a 404 for a snapshot counts: right after our create reads may lag."""
    return creates.claims.claimed_at(snapshot_id) + api.session.timeouts.reconcile_window


async def delete_all(
    api: RegionApi, creates: CreateSupervisor, snapshots: Collection[Snapshot], *, workers: int
) -> None:
    """Delete them; an `ExceptionGroup` of what could not be deleted, what is gone is no error."""
    errors: list[CivoError] = []

    async def remove(snapshot: Snapshot) -> None:
        try:
            key = _validation.snapshot_key(snapshot, None)
            known_from = believed_from(api, creates, snapshot.id)
            await api.delete_snapshot(*key, {}, missing_ok=True, believed_from=known_from)
        except CivoError as error:
            errors.append(error)

    await for_each(snapshots, remove, workers=workers)
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(snapshots)} snapshots not deleted", errors)
