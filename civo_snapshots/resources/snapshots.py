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
from .._version import made_by_a_client
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
    """The snapshots of a region's instances: calls, waits, and runs over many instances.

    Where a method takes a snapshot, pass a `Snapshot`, or an instance id and a snapshot id.

    The API's page is "Instance snapshots".
    """

    @made_by_a_client
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

        A name always goes out, because it is the only key by which a create whose answer was lost
        can be found. It then is searched for, adopted, and sent again only if nothing acted. A
        caller that is cancelled in flight finds the outcome in `CivoClient.unresolved`.

        Args:
            instance: its id, or the `Instance`.
            name: the snapshot's name; a unique one is generated if none is given.
            description: any text.
            on_existing: what becomes of a snapshot that bears the name. "create" makes one more.
                "adopt" lists first and returns the oldest that has not failed, or makes one beside
                those that have; "error" raises `SnapshotExistsError` whatever became of it. With
                both of them no doubt is left after a lost answer.
            quiesce: makes from the instance's id an async context manager, such as one that freezes
                and thaws its file systems. It is entered anew for each request that is sent, when
                nothing holds that back any more, and left when the request has its answer, is
                refused or lost. It holds a slot among the requests, so that it must not call this
                client. That the answer marks the moment of the snapshot is documented nowhere.
            quiesce_timeout: seconds for entering and holding together.
            on_quiesce_error: what happens if entering fails or takes that long: "fail" sends
                nothing and raises `QuiesceError`, "continue" sends it all the same.
            options: as in `CallOptions`.

        Raises:
            OutcomeUnknownError: it may have acted, and could not be found.
            NotFoundError: there is no such instance.
            SnapshotExistsError: with ``on_existing="error"``.
            QuiesceError: the instance could not be held still.
            QuotaExceededError: the account has its number of snapshots.

        Example::

            snapshot = await civo.snapshots.create(instance_id, name="before-upgrade")
            snapshot = await civo.snapshots.wait_until_complete(snapshot)
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
        """One snapshot as it is now.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none.
        """
        instance_id, key = _validation.snapshot_key(snapshot, snapshot_id)
        return await self._api.get_snapshot(instance_id, key, call_options(options))

    def list(
        self,
        instance: Id | Instance,
        *,
        on_misfit: _validation.OnMisfit = "raise",
        **options: Unpack[CallOptions],
    ) -> Listing[Snapshot]:
        """Every snapshot of an instance.

        Args:
            instance: its id, or the `Instance`.
            on_misfit: what becomes of an item that is not as documented. "raise" ends the listing
                with `UnexpectedResponseError`, "skip" leaves the item out and counts it in
                `Listing.misfits`.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is no such instance; raised when the listing is read.
        """
        found = self._api.list_snapshots(_validation.instance_id(instance), call_options(options))
        return found.skipping(_validation.skips(on_misfit))

    async def get_by_name(
        self, instance: Id | Instance, name: str, **options: Unpack[CallOptions]
    ) -> Snapshot:
        """The instance's snapshot of this very name, by one listing.

        Args:
            instance: its id, or the `Instance`.
            name: the whole name, in the same case.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: none bears it.
            AmbiguousNameError: several do; its `candidates` are those.
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
        unchanged.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            name: the new name.
            description: the new description.
            options: as in `CallOptions`.

        Raises:
            ConflictError: somebody else changed it meanwhile.
            NotFoundError: there is none.
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
        """Start a deletion; the quota is freed when it completes.

        See `wait_until_deleted()` for that.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            missing_ok: whether one that is not there counts as deleted.
            options: as in `CallOptions`.

        Raises:
            NotFoundError: there is none, unless `missing_ok`.
            ConflictError: the snapshot is in use, by a restore for one.
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

        The snapshot must be complete; the instance stays in the same Civo network. A restore has no
        status of its own: see `wait_until_restored()`. It is never sent again when its outcome is
        unknown. Before a new instance the existing ones are listed, so that the wait can tell it
        from others of its hostname.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            hostname: of the new instance.
            description: any text.
            private_ip: an IPv4 address for the new instance, in its network.
            overwrite_existing: restore over the snapshot's own instance, whose present disks are
                lost. Pass the snapshot's id rather than its name then.
            options: as in `CallOptions`.

        Raises:
            OutcomeUnknownError: it was sent, no answer came, and it may have acted.
            NotFoundError: there is no such snapshot.
            ConflictError: the snapshot is not complete, or the instance is in use.

        Example::

            restore = await civo.snapshots.restore(snapshot, hostname="copy-of-db1")
            instance = await civo.snapshots.wait_until_restored(restore, timeout=1800)
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

        Failed polls, outages and rate limits end no wait. Every error that a wait ends with has the
        last `snapshot` seen, and the wait can be started again.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            timeout: seconds, 30 minutes if None; 0 takes one poll.
            poll: how to poll; the client's policy if None.
            on_change: told of each transition; a plain function or an async one. What it raises
                ends this wait.

        Raises:
            SnapshotFailedError: it failed, or a volume of it did; `failed_volumes` names those.
            SnapshotUnsettledError: it says complete, and volumes of it do not, for a minute.
            SnapshotVanishedError: it is gone.
            WaitTimeoutError: the time is over; the snapshot goes on.
            PollFailedError: polls failed for longer than `PollPolicy.tolerate`, or access was
                refused.
            NotFoundError: the instance itself is gone.

        Example::

            snapshot = await civo.snapshots.create(instance_id)
            done = await civo.snapshots.wait_until_complete(snapshot, timeout=3600, on_change=print)
            print(done.id, [volume.state for volume in done.volumes])
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

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            timeout: seconds, 30 minutes if None; 0 takes one poll.
            poll: how to poll; the client's policy if None.

        Example::

            async for change in civo.snapshots.watch(snapshot):
                print(change.volume_id or "snapshot", change.before, "->", change.after)
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

        Where it may have been created a moment ago, a 404 may be mere delay: it counts after
        `Timeouts.reconcile_window` (8 s), at once if the clocks show that the snapshot is older.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, not its name, if the first one is its instance's.
            timeout: seconds, 30 minutes if None; 0 takes one poll.
            poll: how to poll; the client's policy if None.
            on_change: told of each transition; a plain function or an async one. What it raises
                ends this wait.

        Raises:
            WaitTimeoutError: the time is over.
            PollFailedError: polls failed for longer than `PollPolicy.tolerate`, or access was
                refused.
            NotFoundError: the instance is gone, and its snapshots cannot be asked for without it.
        """
        await self._waits.deletion(snapshot, snapshot_id, timeout, poll, on_change)

    async def wait_until_restored(
        self, restore: Restore, *, timeout: float | None = None, poll: PollPolicy | None = None
    ) -> Instance:
        """Wait until the restored instance is there, ACTIVE or stopped, and return it.

        A new instance is found by the restore's hostname; one from before the restore is not taken
        for it, nor what an overwritten one still looks like. Of two restores to one hostname at the
        same time each is told its own by its address; where a restore's answer gives none, two of
        one client stay undecided until the time is over.

        Args:
            restore: what `restore()` returned.
            timeout: seconds, 30 minutes if None; 0 takes one poll.
            poll: how to poll; the client's policy if None.

        Raises:
            RestoreFailedError: the instance came up broken.
            WaitTimeoutError: the time is over.
            PollFailedError: polls failed for longer than `PollPolicy.tolerate`, or access was
                refused.
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
        deletes nothing. The record returned tells what `check` and `cleanup` raised: see
        `RestoreDrill.raise_for_failures()`. Raises what `restore()` and `wait_until_restored()`
        raise, before anything is sent if the instances cannot be listed; `RestoreDrill.of()` finds
        the record so far on the exception, also on a cancellation.

        Args:
            snapshot: a `Snapshot`, or the id of its instance.
            snapshot_id: the snapshot's id, if the first one is its instance's.
            check: awaited with the new `Instance`. The drill fails if it raises, or returns False.
            cleanup: awaited with the instance whatever the check did, also if the restore failed or
                was late and has left one, and if the drill is cancelled.
            timeout: seconds for the wait, 30 minutes if None.
            poll: how to poll; the client's policy if None.

        Example::

            async def check(instance: Instance) -> None:
                assert instance.attached_volumes, "the data are missing"

            async def cleanup(instance: Instance) -> None:
                print("remove", instance.id)

            drill = await civo.snapshots.restore_drill(snapshot, check=check, cleanup=cleanup)
            drill.raise_for_failures()
        """
        key = _validation.snapshot_key(snapshot, snapshot_id)
        wait = self._waits.of_restores(timeout, poll)
        return await DrillRun.of(self._api, key, check, cleanup).run(wait)

    # Retention

    async def plan_prune(
        self, prefix: str, policy: RetentionPolicy, **options: Unpack[PruneOptions]
    ) -> PrunePlan:
        """Say which snapshots of the runs of a prefix a prune would delete; deletes nothing.

        The policy is applied to each instance by itself. Only names count whose digest proves that
        a run made them for that instance. Never deleted are an instance's newest complete one, and
        what is not finished, could not be read, or has no known time. Reads the region's snapshots
        once and, unless they are given, its instances; where there is no region-wide listing, each
        instance's own.

        Args:
            prefix: of the runs: "nightly" takes in nightly and nightly-20261123, but not
                nightlyjobs.
            policy: what is kept.
            options: as in `PruneOptions`.

        Raises:
            InvalidArgumentError: a prefix or policy that cannot be; nothing was sent.

        Example::

            policy = RetentionPolicy(keep_daily=7, keep_weekly=4)
            plan = await civo.snapshots.plan_prune("nightly", policy)
            print(plan)
            report = await civo.snapshots.prune(plan)
            report.raise_for_failures()
        """
        return await plan_prune(
            self._api, prefix, policy, options, states=self._states, workers=self._concurrency
        )

    async def prune(self, plan: PrunePlan) -> PruneReport:
        """Delete what a plan says, and return one outcome for each of its victims.

        Just before each DELETE the snapshot and the one that is to be kept for it are read by their
        own GET. A snapshot that looks otherwise than the plan says is skipped; if the one to be
        kept is not complete any more, so is the rest of its instance. One that cannot be deleted
        stops no other: see `PruneReport.raise_for_failures()`. The same plan may be carried out
        again.

        Args:
            plan: what `plan_prune()` returned, here or elsewhere.

        Raises:
            InvalidArgumentError: it is another region's plan.

        Example::

            plan = await civo.snapshots.plan_prune("nightly", RetentionPolicy(keep_last=7))
            for outcome in await civo.snapshots.prune(plan):
                print(outcome.kind, outcome.decision.name, outcome.reason)
        """
        known_from = partial(believed_from, self._api, self._creates)
        return await prune(self._api, plan, self._states, known_from, workers=self._concurrency)

    # Runs over many instances

    async def create_many(
        self, instances: Instances, *, name: str | None = None, **options: Unpack[RunOptions]
    ) -> FleetRun:
        """Snapshot many instances, wait for all, and return one outcome per input.

        Each snapshot is named ``<name>-<12 hex digits of a digest of the instance id>``. What
        exists under these names is proven and adopted, so that nothing is created twice. One
        instance's failure touches no other; see `FleetRun.raise_for_failures()`. A cancellation, or
        an error of the input, leaves the partial run on the exception and in
        `CivoClient.unresolved`: see `FleetRun.of()`.

        Args:
            instances: ids or `Instance` records, in a list, a generator or an async iterator such
                as `Instances.list()`.
            name: the run's name, of at most 47 characters (`run_name()` makes one of any text). The
                same name again continues the run; one is generated if none is given.
            options: as in `RunOptions`.

        Raises:
            QuotaExceededError: the quota was to be checked, and is too small; nothing was sent.
            InvalidArgumentError: no instances, or a name that cannot be.

        Example::

            run = await civo.snapshots.create_many(instance_ids, name="nightly", timeout=7200)
            print(run.counts)
            run.raise_for_failures()
        """
        return await whole(self.create_each(instances, name=name, **options))

    def create_each(
        self, instances: Instances, *, name: str | None = None, **options: Unpack[RunOptions]
    ) -> FleetStream:
        """The same as `create_many()`, yielding each outcome as soon as it is known.

        Use it in ``async with`` and iterate within, so that the run ends where the block does: see
        `FleetStream`.

        Args:
            instances: ids or `Instance` records, in a list, a generator or an async iterator such
                as `Instances.list()`.
            name: as in `create_many()`.
            options: as in `RunOptions`.

        Example::

            async with civo.snapshots.create_each(instance_ids, name="upgrade") as outcomes:
                async for outcome in outcomes:
                    print(outcome.instance_id, outcome.kind, outcome.error or "")
        """
        return self._stream(instances, name, options)

    async def start_many(
        self, instances: Instances, *, name: str, **options: Unpack[RunOptions]
    ) -> FleetRun:
        """The first half of `create_many()`: create or adopt, and wait for nothing.

        What exists then is `pending`, or complete if it was adopted so. The run travels as JSON to
        whoever waits, by `wait_many()`; or they find it by its name, by `find_run()`.

        Args:
            instances: ids or `Instance` records, in a list, a generator or an async iterator such
                as `Instances.list()`.
            name: the run's name, of at most 47 characters (`run_name()` makes one of any text). The
                same name again continues the run.
            options: as in `RunOptions`.

        Example::

            run = await civo.snapshots.start_many(instance_ids, name="nightly")
            message = run.to_json()
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

        What is found counts as adopted.

        Args:
            name: the run's name.
            instances: those that the run has; what is missing is `not_attempted`.
            expected: how many it has, instead of them.
            max_age: seconds; what is older is `refused`, as `create_many()` would. None is any age.
            timeout: seconds of the whole look.

        Raises:
            InvalidArgumentError: neither `instances` nor `expected` is given, or both.

        Example::

            run = await civo.snapshots.find_run("nightly", instances=instance_ids)
            print(run.counts, len(run.unfinished))
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
        all of them are told the same. An outcome without a snapshot stays as it is. A cancellation
        leaves the run so far on the exception: see `FleetRun.of()`.

        Args:
            run: the run, or the snapshots themselves.
            timeout: seconds of the whole wait.
            poll: how to poll; the client's policy if None.
            on_change: a plain function, told of each transition; an exception of it is logged.

        Example::

            started = await civo.snapshots.start_many(instance_ids, name="nightly")
            run = await civo.snapshots.wait_many(started, timeout=3600)
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

        Nothing is found by name: what existed before, and what is not known, stays.

        Args:
            run: what one of the methods above returned, or what `FleetRun.of()` found.

        Raises:
            ExceptionGroup: of what could not be deleted; call it again, what is gone is no error.
        """
        await delete_all(self._api, self._creates, made_by(run), workers=self._concurrency)
