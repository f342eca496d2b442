"""What the methods of runs share: their options, checked, and what taking a run back means."""

from collections.abc import AsyncIterable, Callable, Collection, Iterable, Mapping
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Literal, TypedDict, cast

from msgspec import Struct

from .. import _naming, _validation
from .._api import RegionApi
from .._concurrency import for_each
from .._create import CreateSupervisor, OnExisting
from .._fleet import (
    DEFAULT_MAX_AGE,
    FleetStream,
    Instances,
    OnFailed,
    RunSearch,
    RunSettings,
    RunWait,
    WaitSettings,
    is_whole,
)
from .._session import OnQuiesceError, Quiesce, Quiescing
from .._validation import Id
from .._watch import PollPolicy, Watcher, policy_or
from ..errors import CivoError, InvalidArgumentError, short
from ..events import Transition
from ..models import Instance, Snapshot
from ..outcomes import FleetRun, Outcome, OutcomeKind
from ..states import StateTable

QuotaCheck = Literal["check", "ignore"]

DEFAULT_RUN_TIMEOUT = 7_200.0
DEFAULT_IN_FLIGHT = 10_000
DEFAULT_LOOK_TIMEOUT = 90.0
DEFAULT_QUIESCE_TIMEOUT = 10.0


class RunOptions(TypedDict, total=False):
    """What a run over many instances accepts.

    Attributes:
        description: of every snapshot.
        timeout: seconds for all creates and waits of the run; two hours by default.
        concurrency: creates at once; the client's by default.
        max_in_flight: snapshots that are not finished yet, at once; 10,000 by default.
        on_existing: what exists under the name is adopted ("adopt"), reported as refused ("error"),
            or made once more ("create").
        max_age: seconds; what exists and is older, or of unknown age, is not adopted but reported
            as refused, with a `SnapshotExistsError` that has the record. 12 hours by default; None
            is any age.
        on_failed: what is to be adopted and has failed is reported ("report"), or one more is made
            under the next of the names that end in ``-r2`` to ``-r9`` ("retry").
        resume: an earlier attempt at this run may have died a moment ago. What seems missing is
            then created only after `Timeouts.reconcile_window`, when everything that attempt made
            shows. Without it this is done where the region shows a snapshot of the run that is as
            young.
        quota: "check" refuses the whole run before anything is sent if the quota is too small.
        poll: how the run polls; the client's policy by default.
        on_change: told of each transition; an exception of it is logged.
        allow_empty: an input without instances is a run without outcomes, instead of an error.
        quiesce: as in `Snapshots.create()`.
        quiesce_timeout: seconds, as in `Snapshots.create()`.
        on_quiesce_error: as in `Snapshots.create()`.
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
    quiesce: Quiesce | None
    quiesce_timeout: float
    on_quiesce_error: OnQuiesceError


class RunDefaults(Struct, frozen=True, eq=False):
    """What a run takes from its client."""

    policy: PollPolicy
    states: StateTable
    concurrency: int


def run_settings(
    name: str,
    defaults: RunDefaults,
    options: RunOptions,
    *,
    is_new: bool = False,
    waits: bool = True,
    hostnames: Mapping[str, str] | None = None,
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
        waits=waits,
        quiescing=quiescing(
            options.get("quiesce"),
            options.get("quiesce_timeout", DEFAULT_QUIESCE_TIMEOUT),
            options.get("on_quiesce_error", "fail"),
        ),
        hostnames={} if hostnames is None else hostnames,
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
    waits: bool = True,
) -> FleetStream:
    """A run, checked, that begins when it is iterated; a name is generated if there is none."""
    api.named_region()
    _validation.instances(instances, is_async=True)
    hostnames: dict[str, str] = {}
    settings, check_quota = run_settings(
        _naming.generate_name(api.session.clock.now()) if name is None else name,
        defaults,
        options,
        is_new=name is None,
        waits=waits,
        hostnames=hostnames,
    )
    source = noting_hostnames(instances, hostnames)
    return FleetStream.open(api, creates, watcher(), settings, source, check_quota=check_quota)


async def whole(stream: FleetStream) -> FleetRun:
    """The run, when it is over."""
    async for _ in stream:
        pass
    return stream.run


def noting_hostnames(instances: Instances, hostnames: dict[str, str]) -> Instances:
    """The same instances; the hostnames of those that are records are noted when they come."""

    def note(one: Id | Instance) -> Id | Instance:
        if isinstance(one, Instance) and one.hostname:
            hostnames[one.id] = one.hostname
        return one

    if isinstance(instances, AsyncIterable):
        return (note(one) async for one in instances)
    return [note(one) for one in instances] if is_whole(instances) else map(note, instances)


def quiescing(quiesce: object, timeout: object, on_error: object) -> Quiescing | None:
    """How creates are quiesced, checked; None if they are not."""
    seconds = _validation.seconds(timeout, "quiesce_timeout")
    chosen = _validation.one_of(on_error, "on_quiesce_error", ("fail", "continue"))
    if quiesce is None:
        return None
    if not callable(quiesce) or iscoroutinefunction(quiesce) or isasyncgenfunction(quiesce):
        raise InvalidArgumentError(
            "quiesce must be a function from an instance id to an async context manager, such as "
            "one that @contextlib.asynccontextmanager makes"
        )
    return Quiescing(cast("Quiesce", quiesce), seconds, cast("OnQuiesceError", chosen))


async def find_run(
    api: RegionApi,
    defaults: RunDefaults,
    name: str,
    *,
    instances: Iterable[Id | Instance] | None,
    expected: int | None,
    options: RunOptions,
) -> FleetRun:
    """The run of that name as it is now; how many are to be there must be said."""
    if (instances is None) == (expected is None):
        raise InvalidArgumentError(
            "pass the run's instances or how many are expected: a run of which some are missing "
            "must not look whole"
        )
    _validation.instances(() if instances is None else instances)
    given = list(instances or ())
    hostnames = {one.id: one.hostname for one in given if isinstance(one, Instance)}
    settings, _ = run_settings(name, defaults, options, hostnames=hostnames)
    search = RunSearch(api, settings)
    if expected is not None:
        return await search.of_number(_validation.count(expected, "expected"))
    if not given:
        raise InvalidArgumentError("there are no instances to find snapshots of")
    return await search.of_instances([_validation.instance_id(one) for one in given])


async def wait_for_run(
    api: RegionApi,
    watcher: Callable[[], Watcher],
    settings: WaitSettings,
    given: FleetRun | Iterable[Snapshot],
) -> FleetRun:
    """Wait for the snapshots of a run, or for these."""
    region = api.named_region()
    if isinstance(given, FleetRun):
        run = given
    else:
        _validation.instances(given, "run")
        run = FleetRun("", tuple(_pending(one, region) for one in given))
    if not len(run) and (run.partial or run is not given):  # else it was allowed to be empty
        raise InvalidArgumentError("there are no snapshots to wait for")
    for outcome in run:
        if outcome.region.upper() not in ("", region.upper()):
            raise InvalidArgumentError(
                f"the run has snapshots of region {short(outcome.region)}, and this is {region}: "
                "wait for each region's run by client.in_region(), and merge() them afterwards"
            )
    if settings.on_change is not None:
        _validation.callback(settings.on_change, "on_change of a run")
    return await RunWait(api, watcher(), settings, run).end()


def _pending(snapshot: Snapshot, region: str) -> Outcome:
    _validation.of_type(snapshot, Snapshot, "each of the snapshots")
    instance_id, _ = _validation.snapshot_key(snapshot, None)
    return Outcome(
        instance_id,
        snapshot.name,
        OutcomeKind.PENDING,
        snapshot,
        adopted=True,
        region=region,
    )


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
