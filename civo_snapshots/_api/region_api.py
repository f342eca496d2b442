"""The calls of one instance's snapshots (API page "Instance snapshots")."""

from datetime import timedelta
from typing import Unpack

from attrs import evolve

from .. import _naming, _validation
from .._codec.records import one
from .._create.creation import SENDS, Creation
from .._http.api_errors import Kind, Request
from .._session.deadline import CallOptions, Flight
from .._session.limiter import Gate
from ..models import Acknowledgement, Instance, Page, Restore, Snapshot, owned
from .context import Scope, instance_id_of, record_id, snapshot_key
from .listing import Listing
from .mutations import Fields, creating, delete, named_fields, restore_fields, update


class SnapshotCalls:
    """Creates, reads, changes, restores and deletes; one method per call of the API.

    Where a method takes a snapshot, pass a `Snapshot`, or an instance id and a snapshot id.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def create(
        self,
        instance: str | Instance,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """Start a snapshot of an instance with its attached volumes; it completes later.

        A unique name is generated if none is given: a name always goes out, because it is the only
        key by which a create whose answer was lost can be found. It then is looked for, adopted,
        and sent again only if nothing acted. Raises `OutcomeUnknownError` if that stays undecided.
        A caller that is cancelled in flight finds the outcome in `CivoClient.unresolved`.
        """
        instance_id = instance_id_of(instance)
        _validation.optional(_validation.label, name)
        _validation.optional(_validation.description, description)
        session = self._scope.session
        # Thousands may wait here: what a create needs is made when it has a place.
        place = await session.enter()
        try:
            creation = creation_of(
                self._scope,
                instance_id,
                _naming.generate_name(session.clock.now()) if name is None else name,
                description,
                options,
                unique=name is None,
                place=place,
            )
        except BaseException:
            place.release()
            raise
        return await self._scope.creations.run(creation)

    async def get(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """One snapshot as it is now; `NotFoundError` if there is none."""
        return await one_snapshot(
            self._scope, "GET", snapshot_key(snapshot, snapshot_id), None, options
        )

    def list(self, instance: str | Instance, **options: Unpack[CallOptions]) -> Listing[Snapshot]:
        """Every snapshot of an instance."""
        return snapshots_of(self._scope, instance_id_of(instance), options)

    async def update(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Snapshot:
        """Change the name or the description; what is not given stays as it is."""
        key, body = snapshot_key(snapshot, snapshot_id), named_fields(name, description)

        async def call(method: str, sent: Fields | None, within: CallOptions) -> Snapshot:
            return await one_snapshot(self._scope, method, key, sent, within)

        return await update(self._scope.session, call, body, options)

    async def delete(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
        /,
        *,
        missing_ok: bool = False,
        **options: Unpack[CallOptions],
    ) -> Acknowledgement:
        """Start a deletion; the quota is freed when it completes (see `wait_until_deleted()`).

        Raises `NotFoundError` unless `missing_ok`, `ConflictError` while the snapshot is in use.
        """
        instance_id, found = snapshot_key(snapshot, snapshot_id)
        request = self._scope.request("DELETE", "instances", instance_id, "snapshots", found)
        return await delete(self._scope.session, request, missing_ok=missing_ok, options=options)

    async def restore(
        self,
        snapshot: str | Snapshot,
        snapshot_id: str | None = None,
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
        is unknown: `OutcomeUnknownError` then.
        """
        instance_id, found = snapshot_key(snapshot, snapshot_id)
        body = restore_fields(
            description=description,
            hostname=hostname,
            private_ip=private_ip,
            overwrite=overwrite_existing,
        )
        body["private_ip"] = body["private_ipv4"]  # documented so, spelled the other way in answers
        request = self._scope.request(
            "POST", "instances", instance_id, "snapshots", found, "restore", body=body
        )
        session = self._scope.session
        restore = await creating(
            session.call(
                request,
                one(Restore),
                is_ours=lambda answer: answer.from_snapshot in ("", found),
                options=options,
            ),
            session.clock,
            what=f"restoring snapshot {found} of instance {instance_id}",
            instance_id=instance_id,
            name=hostname or "",
        )
        return evolve(restore, instance_id=instance_id)


def creation_of(
    scope: Scope,
    instance_id: str,
    name: str,
    description: str | None,
    options: CallOptions,
    *,
    unique: bool,
    place: Gate | None = None,
) -> Creation:
    """A create ready to run; `unique` tells that nothing else in the region can bear the name.

    It has a `place` among the requests in flight if the caller waited for one.
    """
    session = scope.session
    path = ("instances", instance_id, "snapshots")
    told = _validation.optional(_validation.description, description)
    request = scope.request("POST", *path, body={"name": name, "description": told})
    flight = session.flight(Kind.CREATING, options)
    flight.place = place
    return Creation(
        _Steps(scope, instance_id, request, flight, options),
        scope.creations.ledger,
        session.clock,
        instance_id,
        name,
        unique,
        session.timeouts.settle,
        sends=1 if options.get("retries") is False else SENDS,
    )


class _Steps:
    """The requests of one create, all of them within its time."""

    __slots__ = ("_flight", "_instance_id", "_options", "_request", "_scope")

    def __init__(
        self,
        scope: Scope,
        instance_id: str,
        request: Request,
        flight: Flight,
        options: CallOptions,
    ) -> None:
        self._scope = scope
        self._instance_id = instance_id
        self._request = request
        self._flight = flight
        self._options = options

    async def send(self) -> Snapshot:
        made = await self._scope.session.call(
            self._request, one(Snapshot), options=self._options, flight=self._flight
        )
        return owned(made, self._instance_id)

    async def look(self) -> list[Snapshot]:
        once: CallOptions = {"retries": False}
        # Within the create's time; a look after its end, for what came late, has one of its own.
        within = self._flight.options(once) if self._flight.left() > 0 else once
        return await snapshots_of(self._scope, self._instance_id, within).collect()

    async def get(self, snapshot_id: str) -> Snapshot:
        key = (self._instance_id, snapshot_id)
        return await one_snapshot(self._scope, "GET", key, None, self._flight.options({}))

    def skew(self) -> timedelta | None:
        return self._scope.session.skew

    def may_have_acted(self) -> bool:
        return self._flight.maybe_acted

    def left(self) -> float:
        return self._flight.left()

    def call_off(self) -> None:
        self._flight.called_off = True

    def give_back(self) -> None:
        self._flight.give_back()


async def one_snapshot(
    scope: Scope,
    method: str,
    key: tuple[str, str],
    body: Fields | None,
    options: CallOptions,
    *,
    poll: bool = False,
) -> Snapshot:
    """A call on one snapshot that answers with the snapshot."""
    instance_id, snapshot_id = key
    path = ("instances", instance_id, "snapshots", snapshot_id)
    snapshot = await scope.session.call(
        scope.request(method, *path, body=body),
        one(Snapshot),
        is_ours=lambda found: found.id == snapshot_id,
        poll=poll,
        options=options,
    )
    return owned(snapshot, instance_id)


def snapshots_of(
    scope: Scope, instance_id: str, options: CallOptions, *, poll: bool = False
) -> Listing[Snapshot]:
    """The listing of an instance, each snapshot with its instance's id."""

    def complete(page: Page[Snapshot]) -> Page[Snapshot]:
        for found in page.items:
            owned(found, instance_id)
        return page

    path = ("instances", instance_id, "snapshots")
    return scope.listing(
        tuple[Snapshot, ...], *path, key=record_id, poll=poll, options=options, complete=complete
    )
