"""The snapshots of instances: calls, waits and runs (API page "Instance snapshots")."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Unpack

from .. import _validation
from .._api import Listing, RegionApi
from .._create import CreateSupervisor, OnExisting
from .._fleet import DEFAULT_MAX_AGE, FleetStream, Instances, WaitSettings
from .._session import CallOptions, OnQuiesceError, Quiesce, call_options
from .._validation import Id
from .._watch import PollPolicy, Watcher, policy_or
from ..events import OnChange, Transition
from ..models import Acknowledgement, Instance, Restore, Snapshot
from ..outcomes import FleetRun
from ..retention import PrunePlan, PruneReport, RetentionPolicy
from ..states import StateTable
from ._drill import DrillRun, Hook, RestoreDrill
from ._names import refuse_name, the_one
from ._prune import prune
from ._prune_plan import PruneOptions, plan_prune
from ._resource import Resource
from ._runs import (
    DEFAULT_LOOK_TIMEOUT,
    DEFAULT_QUIESCE_TIMEOUT,
    DEFAULT_RUN_TIMEOUT,
    RunDefaults,
    RunOptions,
    believed_from,
    delete_all,
    find_run,
    made_by,
    quiescing,
    run_stream,
    wait_for_run,
    whole,
)
from ._waits import Waits


class Snapshots(Resource):
    """The snapshots of a region's instances.

    Where a method takes a snapshot, pass a `Snapshot`, or an instance id and a snapshot id.
    """

    def __init__(
        self,
        api: RegionApi,
        creates: CreateSupervisor,
        watcher: Callable[[], Watcher],
        *,
        policy: PollPolicy,
        states: StateTable,
        concurrency: int,
    ) -> None:
        self._api = api
        self._creates = creates
        self._watcher = watcher
        self._policy = policy
        self._states = states
        self._concurrency = concurrency
        self._defaults = RunDefaults(policy, states, concurrency)
        self._waits = Waits(api, creates, watcher, policy, states)

    # One call of the API each

    async def create(
        self,
        instance: Id | Instance,
        *,
        name: str | None = None,
        description: str | None = None,
        on_existing: OnExisting = "create",
        quiesce: Quiesce | None = None,
        quiesce_timeout: float = DEFAULT_QUIESCE_TIMEOUT,
        on_quiesce_error: OnQuiesceError = "fail",
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """Start a snapshot of an instance with its attached volumes; it completes later.

        A unique name is generated if none is given: a name always goes out, because it is the only
        key by which a create whose answer was lost can be found. It then is searched for, adopted,
        and sent again only if nothing acted. Raises `OutcomeUnknownError` if that stays undecided.
        A caller that is cancelled in flight finds the outcome in `CivoClient.unresolved.creates`.

        `on_existing` is what becomes of a snapshot that bears the name: "create" makes one more.
        "adopt" lists first and returns the oldest that has not failed, or makes one beside those
         that have; "error" raises `SnapshotExistsError` whatever became of it. With both of them no
         doubt is left after a lost answer.

         `quiesce` makes from the instance's id an async context manager, such as one that freezes
         and thaws its file systems. It is entered anew for each request that is sent, when nothing
         holds that back any more, and left when the request has its answer, is refused or lost,
         or `quiesce_timeout` seconds after the entering began. If entering fails or takes that
         long, nothing is sent, and `QuiesceError` is raised; `on_quiesce_error="continue"` sends
         it all the same. It holds a slot among the requests, so that it must not call this client.
         That the answer marks the moment of the snapshot is documented nowhere.
        """
        _validation.one_of(on_existing, "on_existing", ("adopt", "error", "create"))
        instance_id = _validation.instance_id(instance)
        _validation.optional(_validation.label, name)
        _validation.optional(_validation.description, description)
        self._api.named_region()
        return await self._creates.create(
            self._api,
            instance_id,
            name,
            description,
            call_options(options),
            on_existing=on_existing,
            states=self._states,
            quiescing=quiescing(quiesce, quiesce_timeout, on_quiesce_error),
        )

    async def get(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """One snapshot as it is now; `NotFoundError` if there is none."""
        key = _validation.snapshot_key(snapshot, snapshot_id)
        return await self._api.get_snapshot(*key, call_options(options))

    def list(
        self,
        instance: Id | Instance,
        *,
        on_misfit: _validation.OnMisfit = "raise",
        **options: Unpack[CallOptions],
    ) -> Listing[Snapshot]:
        """Every snapshot of an instance; `on_misfit` as in `RegionSnapshots.list()`."""
        found = self._api.list_snapshots(_validation.instance_id(instance), call_options(options))
        return found.skipping(_validation.skips(on_misfit))

    async def get_by_name(
        self, instance: Id | Instance, name: str, **options: Unpack[CallOptions]
    ) -> Snapshot:
        """The instance's snapshot of this very name, by one listing.

        Raises `NotFoundError`, or `AmbiguousNameError` with the candidates.
        """
        listing = self._api.list_snapshots(_validation.instance_id(instance), call_options(options))
        return await the_one(listing, "name", name, "snapshot")

    async def update(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """Change the name or the description; what is not given stays as it is.

        Where the answer is lost, it is sent again only if the `Snapshot` that was passed in shows
        unchanged; `ConflictError` if it shows somebody else's change.
        """
        chosen = call_options(options)  # first: "nothing to update" may be a name misspelt
        key = _validation.snapshot_key(snapshot, snapshot_id)
        fields = _validation.update_fields(name, description)
        before = snapshot if isinstance(snapshot, Snapshot) else None
        return await self._api.update_snapshot(*key, fields, chosen, before)

    async def delete(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Start a deletion; the quota is freed when it completes (see `wait_until_deleted()`).

        Raises `NotFoundError` unless `missing_ok`, `ConflictError` while the snapshot is in use.
        """
        key = _validation.snapshot_key(snapshot, snapshot_id)
        return await self._api.delete_snapshot(
            *key,
            call_options(options),
            missing_ok=missing_ok,
            believed_from=believed_from(self._api, self._creates, key[1]),
        )

    async def restore(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        hostname: str | None = None,
        description: str | None = None,
        private_ip: str | None = None,
        overwrite_existing: bool = False,
        **options: Unpack[CallOptions],
    ) -> Restore:
        """Start a restore to a new instance, or over the original with `overwrite_existing`.

        The snapshot must be complete; the instance stays in the same Civo network. A restore has
        no status of its own: see `wait_until_restored()`. It is never sent again when its outcome
        is unknown: `OutcomeUnknownError` then. Before a new instance the existing ones are listed,
        so that the wait can tell it from others of its hostname; to overwrite one, pass the
        snapshot's id rather than its name.
        """
        key, chosen = _validation.snapshot_key(snapshot, snapshot_id), call_options(options)
        fields = _validation.restore_fields(hostname, description, private_ip, overwrite_existing)
        if overwrite_existing:
            why = "another snapshot of that name would overwrite the instance as well"
            await refuse_name(self._api, snapshot, key, why, chosen)
        return await self._api.restore_snapshot(*key, fields, chosen)

    # Waits

    async def wait_until_complete(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
        on_change: OnChange | None = None,
    ) -> Snapshot:
        """Wait until the snapshot and each of its volumes is complete, and return it.

        `timeout` is in seconds, 30 minutes if None; 0 takes one poll. `on_change`, sync or async,
        is told of each transition; an exception of it ends this wait.
        Raises `SnapshotFailedError` (with the failed volumes), `SnapshotUnsettledError` (it says
        complete, volumes of it do not), `WaitTimeoutError`, `SnapshotVanishedError` or
        `PollFailedError`; each has the last `.snapshot` seen, and the wait can be started again.
        `NotFoundError` if the instance itself is gone.
        """
        return await self._waits.completion(snapshot, snapshot_id, timeout, poll).end(on_change)

    async def watch(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
    ) -> AsyncGenerator[Transition]:
        """Each transition of the snapshot and of its volumes, until it is complete.

        Ends like `wait_until_complete()`: normally, or with the same errors.
        """
        wait = self._waits.completion(snapshot, snapshot_id, timeout, poll)
        async with aclosing(wait.transitions()) as transitions:
            async for transition in transitions:
                yield transition
        await wait.end()

    async def wait_until_deleted(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        """Wait until the snapshot is gone: its own GET says so, never a listing alone.

        Pass its id, not its name. Where it may have been created a moment ago, a 404 may be mere
        delay: it counts after `Timeouts.reconcile_window` (8 s), at once if the clocks show that
        the snapshot is older. `timeout` and `on_change` as in `wait_until_complete()`; raises
        `WaitTimeoutError` or `PollFailedError`, `NotFoundError` if the instance is gone and its
        snapshots cannot be asked for without it.
        """
        await self._waits.deletion(snapshot, snapshot_id, timeout, poll, on_change)

    async def wait_until_restored(
        self, restore: Restore, *, timeout: float | None = None, poll: PollPolicy | None = None
    ) -> Instance:
        """Wait until the restored instance is there, ACTIVE or stopped, and return it.

        A new instance is found by the restore's hostname; one from before the restore is not
        taken for it, nor what an overwritten one still looks like. Of two restores to one hostname
        at the same time each is told its own by its address; where a restore's answer gives none,
        two of one client stay undecided until the time is over. `timeout` as in
        `wait_until_complete()`; raises `RestoreFailedError`, `WaitTimeoutError` or
        `PollFailedError`.
        """
        return await self._waits.restore(restore, timeout, poll)

    async def restore_drill(
        self,
        snapshot: Id | Snapshot,
        snapshot_id: Id | None = None,
        /,
        *,
        check: Hook,
        cleanup: Hook,
        timeout: float | None = None,
        poll: PollPolicy | None = None,
    ) -> RestoreDrill:
        """Restore a snapshot to a new instance, let `check` judge that, and `cleanup` remove it.

        The instance gets a generated hostname, and is taken for the restore's only if it was not
        listed before and does not name another snapshot. Nothing is overwritten, and the SDK
        deletes nothing: that is for `cleanup`, which is awaited with the instance whatever the
        check did, also if the restore failed or was late and has left one, and if the drill is
        cancelled. `timeout`, in seconds, is for the wait, as in `wait_until_complete()`.

        The record returned tells what `check` and `cleanup` raised, which fails the drill just as
        returning False does: see `RestoreDrill.raise_for_failures()`. Raises what `restore()` and
        `wait_until_restored()` raise, before anything is sent if the instances cannot be listed;
        `RestoreDrill.of(error)` is the record so far, also of a cancellation.
        """
        key = _validation.snapshot_key(snapshot, snapshot_id)
        wait = self._waits.of_restores(timeout, poll)
        return await DrillRun.of(self._api, key, check, cleanup).run(wait)

    # Retention

    async def plan_prune(
        self, prefix: str, policy: RetentionPolicy, **options: Unpack[PruneOptions]
    ) -> PrunePlan:
        """Say which snapshots of the runs of a prefix a prune would delete; deletes nothing.

        The policy is applied to each instance by itself. "nightly" takes in the runs nightly and
        nightly-20261123, but not nightlyjobs. Only names count whose digest proves that a run made
        them for that instance. The options are those of `PruneOptions`.

        Never deleted are an instance's newest complete one, and what is not finished, could not be
        read, or has no known time. Reads the region's snapshots once and, unless they are given,
        its instances; where there is no region-wide listing, each instance's own.
        """
        return await plan_prune(
            self._api, prefix, policy, options, states=self._states, workers=self._concurrency
        )

    async def prune(self, plan: PrunePlan) -> PruneReport:
        """Delete what a plan says, and return one outcome for each of its victims.

        Just before each DELETE the snapshot and the one that is to be kept for it are read by their
        own GET. A snapshot that looks otherwise than the plan says is skipped; if the one to be
        kept is not complete any more, so is the rest of its instance. One that cannot be deleted
        stops no other: see `PruneReport.raise_for_failures()`. Raises `InvalidArgumentError` for
        another region's plan. The same plan may be carried out again.
        """
        known_from = partial(believed_from, self._api, self._creates)
        return await prune(self._api, plan, self._states, known_from, workers=self._concurrency)

    # Runs over many instances

    async def create_many(
        self, instances: Instances, *, name: str | None = None, **options: Unpack[RunOptions]
    ) -> FleetRun:
        """Snapshot many instances, wait for all, and return one outcome per input.

        Each snapshot is named ``<name>-<12 hex digits of a digest of the instance id>``, so `name`
        has at most 47 characters (`run_name()` makes one of any text); one is generated if none is
        given. The same `name` again continues the run. The options are those of `RunOptions`.
        One instance's failure touches no other; see `FleetRun.raise_for_failures()`. A
        cancellation, or an error of the input, leaves the partial run on the exception and in
        `CivoClient.unresolved.runs`: see `FleetRun.of()`. Raises `QuotaExceededError` before
        anything is sent if the quota is to be checked and too small.
        """
        return await whole(self.create_each(instances, name=name, **options))

    def create_each(
        self, instances: Instances, *, name: str | None = None, **options: Unpack[RunOptions]
    ) -> FleetStream:
        """The same as `create_many()`, yielding each outcome as soon as it is known.

        Use it as ``async with civo.snapshots.create_each(...) as stream`` and iterate within, so
        that the run ends where the block does: see `FleetStream`.
        """
        return self._stream(instances, name, options)

    async def start_many(
        self, instances: Instances, *, name: str, **options: Unpack[RunOptions]
    ) -> FleetRun:
        """The first half of `create_many()`: create or adopt, and wait for nothing.

        What exists then is `pending`, or complete if it was adopted so. The run travels as JSON to
        whoever waits, by `wait_many()`; or they find it by its name, by `find_run()`.
        """
        return await whole(self._stream(instances, name, options, waits=False))

    async def find_run(
        self,
        name: str,
        *,
        instances: Iterable[Id | Instance] | None = None,
        expected: int | None = None,
        max_age: float | None = DEFAULT_MAX_AGE,
        timeout: float = DEFAULT_LOOK_TIMEOUT,
    ) -> FleetRun:
        """The run of this name as it is now: one look, which sends nothing but reads.

        Pass its `instances`, or how many are `expected`: what is missing is `not_attempted`. What
        is found counts as adopted; if it is older than `max_age` seconds (None for any age), it is
        `refused`, as `create_many()` would. Seconds of the whole look are `timeout`.
        """
        options: RunOptions = {"max_age": max_age, "timeout": timeout}
        return await find_run(
            self._api,
            self._defaults,
            name,
            instances=instances,
            expected=expected,
            options=options,
        )

    async def wait_many(
        self,
        run: FleetRun | Iterable[Snapshot],
        *,
        timeout: float = DEFAULT_RUN_TIMEOUT,
        poll: PollPolicy | None = None,
        on_change: Callable[[Transition], None] | None = None,
    ) -> FleetRun:
        """The second half of `create_many()`: wait for the snapshots of a run, wherever it began.

        It sends nothing but reads, so that any number of processes may wait for the same run, and
        all of them are told the same. An outcome without a snapshot stays as it is. Seconds of the
        whole wait are `timeout`; `on_change` is a plain function, and an exception of it is logged.
        A cancellation leaves the run so far on the exception: see `FleetRun.of()`.
        """
        settings = WaitSettings(
            _validation.seconds(timeout, "timeout"),
            policy_or(poll, self._policy),
            self._states,
            self._concurrency,
            on_change,
        )
        return await wait_for_run(self._api, self._watcher, settings, run)

    def _stream(
        self,
        instances: Instances,
        name: str | None,
        options: RunOptions,
        *,
        waits: bool = True,
    ) -> FleetStream:
        return run_stream(
            self._api,
            self._creates,
            self._watcher,
            defaults=self._defaults,
            instances=instances,
            name=name,
            options=options,
            waits=waits,
        )

    async def roll_back(self, run: FleetRun) -> None:
        """Delete the snapshots that this very run created.

        Nothing is found by name: what existed before, and what is not known, stays. Raises an
        `ExceptionGroup` of what could not be deleted; then call it again, what is gone is no error.
        """
        await delete_all(self._api, self._creates, made_by(run), workers=self._concurrency)
