"""The snapshots of instances: calls, waits and runs (API page "Instance snapshots")."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Unpack

from .. import _validation
from .._api import Listing, RegionApi
from .._create import CreateSupervisor, OnExisting
from .._fleet import FleetStream, Instances
from .._session import CallOptions, call_options
from .._validation import Id
from .._watch import PollPolicy, Watcher
from ..events import OnChange, Transition
from ..models import Acknowledgement, Instance, Restore, Snapshot
from ..outcomes import FleetRun
from ..states import StateTable
from ._names import refuse_name, the_one
from ._runs import RunDefaults, RunOptions, believed_from, delete_all, made_by, run_stream
from ._waits import Waits


class Snapshots:
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
        self._waits = Waits(api, creates, watcher, policy, states)

    # One call of the API each

    async def create(
        self,
        instance: Id | Instance,
        *,
        name: str | None = None,
        description: str | None = None,
        on_existing: OnExisting = "create",
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """Start a snapshot of an instance with its attached volumes; it completes later.

        A unique name is generated if none is given: a name always goes out, because it is the only
        key by which a create whose answer was lost can be found. It then is searched for, adopted,
        and sent again only if nothing acted. Raises `OutcomeUnknownError` if that stays undecided.
        A caller that is cancelled in flight finds the outcome in `CivoClient.unresolved.creates`.

        `on_existing` is what becomes of a snapshot that bears the name: "create" makes one more.
        "adopt" lists first and returns the oldest that has not failed, "error" raises
        `SnapshotExistsError`; with both of them, no doubt is left after a lost answer.
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

        Pass its id, not its name. `timeout` and `on_change` as in `wait_until_complete()`; raises
        `WaitTimeoutError` or `PollFailedError`, `NotFoundError` if the instance is gone and its
        snapshots cannot be asked for without it.
        """
        await self._waits.deletion(snapshot, snapshot_id, timeout, poll, on_change)

    async def wait_until_restored(
        self, restore: Restore, *, timeout: float | None = None, poll: PollPolicy | None = None
    ) -> Instance:
        """Wait until the restored instance is there, ACTIVE or stopped, and return it.

        A new instance is found by the restore's hostname; one from before the restore is not
        taken for it, nor what an overwritten one still looks like. `timeout` as in
        `wait_until_complete()`; raises `RestoreFailedError`, `WaitTimeoutError` or
        `PollFailedError`.
        """
        return await self._waits.restore(restore, timeout, poll)

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
        stream = self.create_each(instances, name=name, **options)
        async for _ in stream:
            pass
        return stream.run

    def create_each(
        self, instances: Instances, *, name: str | None = None, **options: Unpack[RunOptions]
    ) -> FleetStream:
        """The same as `create_many()`, yielding each outcome as soon as it is known.

        Use it as ``async with civo.snapshots.create_each(...) as stream`` and iterate within, so
        that the run ends where the block does: see `FleetStream`.
        """
        defaults = RunDefaults(self._policy, self._states, self._concurrency)
        return run_stream(
            self._api,
            self._creates,
            self._watcher,
            defaults=defaults,
            instances=instances,
            name=name,
            options=options,
        )

    async def roll_back(self, run: FleetRun) -> None:
        """Delete the snapshots that this very run created.

        Nothing is found by name: what existed before, and what is not known, stays. Raises an
        `ExceptionGroup` of what could not be deleted; then call it again, what is gone is no error.
        """
        await delete_all(self._api, self._creates, made_by(run), workers=self._concurrency)
